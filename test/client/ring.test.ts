import t from 'tap';
import type { KvError } from '../../src/base/errors.js';
import { encodeBody } from '../../src/wire/body.js';
import { GET, WELCOME } from '../../src/wire/message-type.js';
import { rawFrame } from '../support/wire.js';
import { ScriptedCluster } from './scripted-cluster.js';

const asked = (cluster: ScriptedCluster) => cluster.nodes.reduce((sum, node) => sum + node.ringRequests, 0);

t.test('every key goes to its primary, once that is connected', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 5 });
  const kv = await cluster.connect();
  t.same(
    cluster.nodes.map((node) => node.openLinks.length),
    [1, 0, 0, 0, 0],
    'only the given node is connected to at first',
  );
  await cluster.warm(kv);
  for (let i = 0; i < 60; i++) {
    cluster.forget();
    await cluster.run<unknown>(i % 2 === 0 ? kv.get(`key ${i}`) : kv.set(`key ${i}`, 'v'));
    const [primary] = await cluster.ownersOf(`key ${i}`);
    t.same(
      cluster.received.map((request) => request.node.name),
      [primary!.name],
    );
  }
});

t.test('the first request for a node does not wait for its connection', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  const [seed, , far] = cluster.nodes;
  const [key] = await cluster.keysOf(far!, 1);
  await cluster.run(kv.get(key!));
  t.same(seed!.keys(GET), [key]);
  await cluster.pass(3);
  await cluster.run(kv.get(key!));
  t.same(far!.keys(GET), [key]);
});

t.test('connect takes any of the addresses', async (t) => {
  const cluster = new ScriptedCluster();
  const [first, second, third] = cluster.nodes;
  first!.listens = 'refusing';
  second!.listens = 'silent';
  const startMs = cluster.clock.monotonicMs();
  await cluster.connect({}, ['10.9.9.9:1', first!.address, second!.address, third!.address]);
  t.ok(cluster.clock.monotonicMs() - startMs < 20);
});

t.test('connect fails in time when nobody answers', async (t) => {
  const cluster = new ScriptedCluster();
  const [first, second] = cluster.nodes;
  first!.listens = 'refusing';
  second!.listens = 'silent';
  let startMs = cluster.clock.monotonicMs();
  const refused = await cluster.failure<KvError>(cluster.open());
  t.match(refused, { code: 'CONNECT_FAILED', definite: true });
  t.match(refused.message, /cannot connect to 10\.0\.0\.1:7400: connect ECONNREFUSED/);
  t.ok(cluster.clock.monotonicMs() - startMs < 500);
  startMs = cluster.clock.monotonicMs();
  const silent = await cluster.failure<KvError>(cluster.open({ connectTimeoutMs: 900 }, [second!.address]));
  t.match(silent.code, /TIMEOUT|CONNECT_FAILED/);
  const tookMs = cluster.clock.monotonicMs() - startMs;
  t.ok(tookMs >= 900 && tookMs < 1000, `${tookMs} ms`);
});

t.test('connect asks another node when the first is not in a cluster yet', async (t) => {
  const cluster = new ScriptedCluster();
  const [first, second] = cluster.nodes;
  first!.ringScript = (request) => {
    request.error('NOT_A_MEMBER', true);
    return true;
  };
  const kv = await cluster.connect({}, [first!.address, second!.address]);
  t.equal((await cluster.run(kv.ring())).epoch, 1);
});

t.test('the ring is asked for again while in use, and not while idle', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  await cluster.warm(kv);
  for (let i = 0; i < 60; i++) {
    await cluster.run(kv.get('k'));
    await cluster.pass(999);
  }
  const count = asked(cluster);
  t.ok(count >= 4 && count <= 8, `${count} times a minute`);
});

t.test('a new configuration is learned from a WELCOME of a higher epoch, and keys move', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  await cluster.warm(kv);
  await cluster.pass(500);
  const added = cluster.addNode('n4');
  cluster.reconfigure(cluster.nodes);
  cluster.nodes[0]!.drop();
  await cluster.pass(5);
  const [key] = await cluster.keysOf(added, 1);
  for (let i = 0; i < 20; i++) {
    await cluster.run(kv.get(key!));
    await cluster.pass(20);
  }
  t.ok(added.keys(GET).length > 10, `${added.keys(GET).length} of 20`);
});

t.test('errors that hint at a change make the client ask', async (t) => {
  for (const code of ['EPOCH_MISMATCH', 'NOT_A_MEMBER']) {
    const cluster = new ScriptedCluster();
    const kv = await cluster.connect();
    await cluster.warm(kv);
    await cluster.pass(500);
    let isFirst = true;
    for (const node of cluster.nodes) {
      node.script = (request) => {
        if (isFirst) request.error(code, true);
        else cluster.serve(request);
        isFirst = false;
        return true;
      };
    }
    await cluster.run(kv.set('k', 'v'));
    await cluster.pass(5);
    t.equal(asked(cluster), 1, code);
  }
});

t.test('a swarm of hints is one question', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  await cluster.warm(kv);
  await cluster.pass(500);
  const [victim] = await cluster.ownersOf('k');
  victim!.script = () => true;
  const all = Array.from({ length: 100 }, (_, i) => kv.get(`k${i}`));
  await cluster.pass(3);
  victim!.crash();
  await cluster.run(Promise.all(all));
  await cluster.pass(5);
  t.ok(asked(cluster) >= 1 && asked(cluster) <= 2, `${asked(cluster)}`);
});

t.test('hints that go on for a second are a few questions', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  await cluster.warm(kv);
  await cluster.pass(500);
  for (const node of cluster.nodes) {
    node.script = (request) => {
      request.error('EPOCH_MISMATCH', true);
      return true;
    };
  }
  const all = Array.from({ length: 50 }, (_, i) => kv.set(`k${i}`, 'v', { timeoutMs: 1000 }));
  await cluster.run(Promise.allSettled(all));
  t.ok(asked(cluster) >= 2 && asked(cluster) <= 5, `${asked(cluster)}`);
});

t.test('a node that has left is let go once its answers have come', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 4 });
  const kv = await cluster.connect();
  await cluster.warm(kv);
  const leaving = cluster.nodes[3]!;
  const [key] = await cluster.keysOf(leaving, 1);
  leaving.script = () => true;
  const slow = kv.set(key!, 'v');
  await cluster.pass(3);
  cluster.reconfigure(cluster.nodes.slice(0, 3));
  await cluster.run(kv.ring());
  t.equal(leaving.openLinks.length, 1, 'a request is in flight');
  leaving.received[0]!.done();
  await cluster.run(slow);
  await cluster.pass(3);
  t.equal(leaving.openLinks.length, 0);
  await cluster.run(kv.get(key!));
  t.equal(leaving.received.length, 1);
});

t.test('an older configuration is not taken over', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  await cluster.warm(kv);
  const old = cluster.config;
  cluster.reconfigure(cluster.nodes.slice(0, 1));
  await cluster.run(kv.ring());
  cluster.config = old;
  t.equal((await cluster.run(kv.ring())).epoch, 1, 'what the node says is reported');
  cluster.forget();
  for (let i = 0; i < 20; i++) await cluster.run(kv.get(`${i}`));
  t.equal(cluster.nodes[0]!.received.length, 20, 'but requests follow the newer one');
});

t.test('a member that was reached under another address is not connected to twice', async (t) => {
  const cluster = new ScriptedCluster();
  const alias = cluster.addNode('n1', 'localhost:7400');
  const kv = await cluster.connect({}, [alias.address]);
  for (let i = 0; i < 50; i++) {
    await cluster.run(kv.get(`${i}`));
    await cluster.pass(1);
  }
  t.equal(cluster.nodes[0]!.attempts, 0);
  t.ok(alias.received.length > 5);
  t.ok(cluster.nodes[1]!.received.length > 5);
});

t.test('an address that is no member’s serves to learn the ring, and as a last resort', async (t) => {
  const cluster = new ScriptedCluster();
  const door = cluster.addNode('door', 'door:1');
  const kv = await cluster.connect({ retries: 10 }, [door.address]);
  for (let i = 0; i < 50; i++) {
    await cluster.run(kv.get(`${i}`));
    await cluster.pass(1);
  }
  t.equal(door.openLinks.length, 0, 'it is let go');
  for (const node of cluster.nodes.slice(0, 3)) node.crash();
  await cluster.pass(5);
  cluster.forget();
  await cluster.run(kv.get('k'));
  t.equal(door.received.length, 1);
});

t.test('a node of another cluster is refused', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  const [, stranger] = cluster.nodes;
  const welcome = {
    protocol: 1,
    software: 'x',
    node: 'n2',
    clusterId: 'other',
    epoch: 9,
    features: [],
    limits: {},
  };
  const none = new Uint8Array(0);
  stranger!.greeting = rawFrame({ type: WELCOME, flags: 0, id: 0, key: none, body: encodeBody(welcome) });
  const error = await cluster.failure<KvError>(kv.status('n2'));
  t.match(error.message, /n2 \(10\.0\.0\.2:7400\) belongs to another cluster/);
  await cluster.pass(3);
  t.equal(stranger!.openLinks.length, 0);
  t.equal(stranger!.received.length, 0);
});

t.test('nodes that the cluster takes for dead are not connected to', async (t) => {
  const cluster = new ScriptedCluster();
  const dead = cluster.nodes[2]!;
  cluster.live = ['n1', 'n2'];
  const kv = await cluster.connect();
  const keys = await cluster.keysOf(dead, 10);
  for (const key of keys) await cluster.run(kv.get(key));
  t.equal(dead.attempts, 0);
  cluster.live = ['n1', 'n2', 'n3'];
  await cluster.run(kv.ring());
  for (const key of keys) await cluster.run(kv.get(key));
  t.ok(dead.keys(GET).length > 5);
});
