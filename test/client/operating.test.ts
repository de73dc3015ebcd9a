/** The calls that act on one node: they go to that node only, and a repair is never sent twice. */
import t from 'tap';
import type { KvError } from '../../src/base/errors.js';
import { decodeBody } from '../../src/wire/body.js';
import { LOG_LEVEL, REPAIR, STATUS } from '../../src/wire/message-type.js';
import { ScriptedCluster } from './scripted-cluster.js';

const RESULT = {
  slots: 1,
  peers: ['n2', 7],
  missing: ['n3'],
  slotsDiffering: 1,
  slotsFailed: 0,
  keysFetched: 2,
  keysSent: 3,
  bytesMoved: 99,
  tookMs: 5,
  problems: [],
};

t.test('a repair and a log level are asked of the node that was named', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  const node = cluster.nodes[1]!;
  node.script = (request) => {
    if (request.type === REPAIR) request.result(RESULT);
    if (request.type === LOG_LEVEL)
      request.result({ level: decodeBody(request.frame.body)?.level ?? 'info' });
    return true;
  };
  t.same(await cluster.run(kv.repair('n2', { slot: 7 })), { ...RESULT, peers: ['n2'] });
  t.same(decodeBody(node.received[0]!.frame.body), { slot: 7 });
  await cluster.run(kv.repair(node.address));
  t.same(decodeBody(node.received[1]!.frame.body), {});
  t.equal(await cluster.run(kv.logLevel('n2')), 'info');
  t.equal(await cluster.run(kv.logLevel('n2', { level: 'warn' })), 'warn');
  t.equal(cluster.received.length, 4);
  for (const ask of [() => kv.repair('nobody'), () => kv.logLevel('nobody')])
    t.match(await cluster.failure<KvError>(ask()), { code: 'BAD_REQUEST', definite: true });
});

t.test('a repair may take longer than any other request, and its answer still counts', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  let answer = (): void => {};
  cluster.nodes[0]!.script = (request) => {
    answer = () => request.result(RESULT);
    return true;
  };
  const running = kv.repair('n1');
  await cluster.pass(60_000);
  t.equal(cluster.received.length, 1);
  answer();
  t.match(await cluster.run(running), { keysFetched: 2 });
});

t.test('a repair that is refused, lost or aborted is not sent again', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  const node = cluster.nodes[0]!;
  node.script = (request) => {
    request.error('BUSY', true);
    return true;
  };
  t.match(await cluster.failure<KvError>(kv.repair('n1')), { code: 'BUSY' });
  t.equal(cluster.received.length, 1);
  node.script = () => {
    node.drop();
    return true;
  };
  t.match(await cluster.failure<KvError>(kv.repair('n1')), { code: 'CONNECTION_LOST' });
  t.equal(cluster.received.length, 2);
  node.script = () => true;
  const abort = new AbortController();
  const aborted = cluster.failure<KvError>(kv.repair('n1', { signal: abort.signal }));
  await cluster.pass(1000);
  abort.abort();
  t.match(await aborted, { code: 'ABORTED' });
  t.equal(cluster.received.length, 3);
});

t.test('a node that is still joining can be connected to when that is asked for', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const node = cluster.nodes[0]!;
  node.ringScript = (request) => {
    request.error('NOT_A_MEMBER', true);
    return true;
  };
  node.script = (request) => {
    if (request.type === STATUS) request.result({ state: 'joining' });
    return true;
  };
  t.match(await cluster.failure<KvError>(cluster.connect()), { code: 'NOT_A_MEMBER' });
  const kv = await cluster.connect({ allowJoining: true });
  t.same(await cluster.run(kv.status(node.address)), { state: 'joining' });
  t.match(await cluster.failure<KvError>(kv.ring()), { code: 'NOT_A_MEMBER' });
  node.crash();
  t.match(await cluster.failure<KvError>(cluster.connect({ allowJoining: true })), {
    code: 'CONNECT_FAILED',
  });
});
