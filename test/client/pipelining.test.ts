import t from 'tap';
import type { KvError } from '../../src/base/errors.js';
import { GET, SET } from '../../src/wire/message-type.js';
import { type Received, ScriptedCluster } from './scripted-cluster.js';

/** A cluster of one node that answers only when told. */
async function holding(options = {}, seed = 1) {
  const cluster = new ScriptedCluster({ nodes: 1, seed });
  const kv = await cluster.connect(options);
  cluster.forget();
  const node = cluster.nodes[0]!;
  const held: Received[] = [];
  node.script = (request) => {
    held.push(request);
    return true;
  };
  return { cluster, kv, node, held };
}

t.test('requests of one turn leave in one write, and replies come in any order', async (t) => {
  for (let seed = 1; seed <= 20; seed++) {
    const { cluster, kv, node, held } = await holding({}, seed);
    const asked = Array.from({ length: 50 }, (_, i) => kv.get(`key ${i}`));
    await cluster.pass(2);
    t.same(node.writes, [50], `seed ${seed}: one write`);
    for (; held.length > 0; ) {
      const [request] = held.splice(cluster.random.below(held.length), 1);
      request!.value(`value of ${request!.key}`);
    }
    const values = await cluster.run(Promise.all(asked));
    t.same(
      values,
      asked.map((_, i) => `value of key ${i}`),
      `seed ${seed}: every reply reached its request`,
    );
  }
});

t.test('no more than inFlightMax are in flight; the others wait in order', async (t) => {
  const { cluster, kv, node, held } = await holding({ inFlightMax: 3 });
  const done: number[] = [];
  for (let i = 0; i < 8; i++) kv.set(`${i}`, 'v').then(() => done.push(i));
  await cluster.pass(5);
  t.same(node.keys(SET), ['0', '1', '2']);
  held[1]!.done();
  await cluster.pass(5);
  t.same(node.keys(SET), ['0', '1', '2', '3']);
  for (let i = 0; i < 8; i++) {
    if (i !== 1) held[i]?.done();
    await cluster.pass(5);
  }
  t.same(node.keys(SET), ['0', '1', '2', '3', '4', '5', '6', '7']);
  t.same(done, [1, 0, 2, 3, 4, 5, 6, 7]);
});

t.test('no more than inFlightBytesMax are in flight, but one large operation goes alone', async (t) => {
  const { cluster, kv, node, held } = await holding({ inFlightBytesMax: 1000 });
  const value = (bytes: number) => new Uint8Array(bytes);
  const all = [
    kv.set('a', value(400)),
    kv.set('b', value(400)),
    kv.set('c', value(5000)),
    kv.set('d', value(1)),
  ];
  await cluster.pass(5);
  t.same(node.keys(SET), ['a', 'b'], 'c does not fit, and d does not overtake it');
  held[0]!.done();
  await cluster.pass(5);
  t.same(node.keys(SET), ['a', 'b']);
  held[1]!.done();
  await cluster.pass(5);
  t.same(node.keys(SET), ['a', 'b', 'c']);
  held[2]!.done();
  await cluster.pass(5);
  t.same(node.keys(SET), ['a', 'b', 'c', 'd']);
  held[3]!.done();
  await cluster.run(Promise.all(all));
  for (const key of ['e', 'f']) kv.set(key, value(400)).catch(() => {});
  await cluster.pass(5);
  t.same(node.keys(SET).slice(4), ['e', 'f'], 'what has ended counts no more');
});

t.test('what waits times out, definitely, and leaves the queue', async (t) => {
  const { cluster, kv, node, held } = await holding({ inFlightMax: 1 });
  const first = kv.set('a', 'v', { timeoutMs: 5000 });
  const second = cluster.failure<KvError>(kv.set('b', 'v', { timeoutMs: 300 }));
  const third = kv.set('c', 'v', { timeoutMs: 5000 });
  const startMs = cluster.clock.monotonicMs();
  const error = await second;
  t.match(error, { code: 'TIMEOUT', definite: true });
  t.match(error.message, /SET "b" took more than 300 ms, waiting for a place among those in flight/);
  t.ok(cluster.clock.monotonicMs() - startMs <= 310);
  held[0]!.done();
  await cluster.run(first);
  await cluster.pass(5);
  t.same(node.keys(SET), ['a', 'c']);
  held[1]!.done();
  await cluster.run(third);
});

t.test('a failure that frees a place lets the next one in', async (t) => {
  const { cluster, kv, node } = await holding({ inFlightMax: 1 });
  const first = cluster.failure<KvError>(kv.set('a', 'v', { timeoutMs: 100 }));
  kv.set('b', 'v', { timeoutMs: 5000 }).catch(() => {});
  t.match(await first, { code: 'TIMEOUT', definite: false });
  await cluster.pass(5);
  t.same(node.keys(SET), ['a', 'b']);
  t.equal(
    node.received[1]!.budgetMs > 4800 && node.received[1]!.budgetMs < 5000,
    true,
    'its budget is what is left',
  );
});

t.test('several connections to one node share the load', async (t) => {
  const { cluster, kv, node } = await holding({ connectionsPerNode: 3 });
  t.equal(node.openLinks.length, 3);
  for (let i = 0; i < 9; i++) kv.get(`${i}`).catch(() => {});
  await cluster.pass(5);
  t.same(node.writes, [3, 3, 3]);
  t.equal(node.keys(GET).length, 9);
});

t.test('a client that is idle sets no timers', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  await cluster.warm(kv);
  await cluster.pass(1000);
  t.equal(cluster.clock.pendingTimers, 0);
  cluster.forget();
  await cluster.pass(100_000);
  t.equal(cluster.received.length, 0);
  t.equal(
    cluster.nodes.reduce((sum, node) => sum + node.ringRequests, 0),
    0,
  );
});
