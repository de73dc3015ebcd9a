import t from 'tap';
import type { KvError } from '../../src/base/errors.js';
import { type Received, ScriptedCluster } from './scripted-cluster.js';

async function holding(options = {}) {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect(options);
  await cluster.warm(kv);
  const held: Received[] = [];
  for (const node of cluster.nodes) {
    node.script = (request) => {
      held.push(request);
      return true;
    };
  }
  return { cluster, kv, held };
}

const open = (cluster: ScriptedCluster) =>
  cluster.nodes.reduce((sum, node) => sum + node.openLinks.length, 0);

t.test('closing waits for what is under way, also for what waits for its turn', async (t) => {
  const { cluster, kv, held } = await holding({ inFlightMax: 1 });
  const done: string[] = [];
  kv.set('a', 'v').then(() => done.push('a'));
  kv.set('b', 'v').then(() => done.push('b'));
  kv.close().then(() => done.push('closed'));
  await cluster.pass(10);
  t.same(done, []);
  t.equal(open(cluster), 3);
  held[0]!.done();
  await cluster.pass(10);
  t.same(done, ['a']);
  held[1]!.done();
  await cluster.pass(10);
  t.same(done, ['a', 'b', 'closed']);
  t.equal(open(cluster), 0);
  t.equal(cluster.clock.pendingTimers, 0);
});

t.test('everything after close is refused, definitely', async (t) => {
  const { cluster, kv } = await holding();
  const closing = kv.close();
  t.equal(kv.close(), closing, 'closing twice is closing once');
  const calls = [
    () => kv.get('k'),
    () => kv.set('k', 'v'),
    () => kv.delete('k'),
    () => kv.ttl('k'),
    () => kv.getMany(['k']),
    () => kv.setMany([['k', 'v']]),
    () => kv.scan().next(),
    () => kv.ring(),
    () => kv.status(),
    () => kv.owners('k'),
  ];
  for (const call of calls)
    t.match(await cluster.failure<KvError>(call()), { code: 'CLOSED', definite: true });
  await cluster.run(closing);
  for (const call of calls)
    t.match(await cluster.failure<KvError>(call()), { code: 'CLOSED', definite: true });
  t.equal(cluster.received.length, 0);
});

t.test('closing takes no longer than the deadlines of what is under way', async (t) => {
  const { cluster, kv } = await holding({ timeoutMs: 700 });
  const write = cluster.failure<KvError>(kv.set('a', 'v'));
  const startMs = cluster.clock.monotonicMs();
  await cluster.run(kv.close());
  t.ok(cluster.clock.monotonicMs() - startMs <= 702);
  t.match(await write, { code: 'TIMEOUT' });
});

t.test('closing an idle client takes no time, nor does one that cannot be reached', async (t) => {
  const { cluster, kv } = await holding();
  for (const node of cluster.nodes) node.crash();
  await cluster.pass(5);
  const startMs = cluster.clock.monotonicMs();
  await cluster.run(kv.close());
  t.equal(cluster.clock.monotonicMs(), startMs);
});

t.test('a batch that is closed under way finishes what it has started', async (t) => {
  const { cluster, kv, held } = await holding({ inFlightMax: 10 });
  const entries = Array.from({ length: 100 }, (_, i): [string, string] => [`${i}`, 'v']);
  const end = cluster.failure(kv.setMany(entries));
  await cluster.pass(5);
  const closing = kv.close();
  for (const request of held) request.done();
  const error = await end;
  t.match(error, { code: 'CLOSED', definite: true, succeeded: 10 });
  await cluster.run(closing);
});

t.test('a connection that comes up after closing is dropped', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  const [key] = await cluster.keysOf(cluster.nodes[1]!, 1);
  cluster.nodes[0]!.script = (request) => {
    request.absent();
    kv.close();
    return true;
  };
  kv.get(key!);
  await cluster.pass(20);
  t.equal(open(cluster), 0);
});
