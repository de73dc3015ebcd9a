import t from 'tap';
import type { KvError } from '../../src/base/errors.js';
import { GET, SET } from '../../src/wire/message-type.js';
import { ScriptedCluster } from './scripted-cluster.js';

const hold = (): boolean => true;

async function holding(options = {}) {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect(options);
  cluster.nodes[0]!.script = hold;
  return { cluster, kv, node: cluster.nodes[0]! };
}

t.test('a request ends at its deadline, and says whether it may have happened', async (t) => {
  const { cluster, kv } = await holding({ timeoutMs: 800 });
  const table: [Promise<unknown>, number, boolean, RegExp][] = [
    [kv.set('k', 'v'), 800, false, /SET "k" took more than 800 ms, waiting for n1 .*it may have been done/],
    [kv.delete('k', { timeoutMs: 300 }), 300, false, /DELETE "k" took more than 300 ms/],
    [kv.get('k', { timeoutMs: 650 }), 650, true, /GET "k" took more than 650 ms, waiting for n1/],
    [kv.status(undefined, { timeoutMs: 40 }), 40, true, /^STATUS took/],
  ];
  const startMs = cluster.clock.monotonicMs();
  const ends = table.map(async ([promise, timeoutMs, definite, message]) => {
    const error = await cluster.failure<KvError>(promise);
    const tookMs = cluster.clock.monotonicMs() - startMs;
    t.match(error, { code: 'TIMEOUT', definite });
    t.match(error.message, message);
    t.ok(tookMs >= timeoutMs && tookMs <= timeoutMs + 2, `after ${tookMs} of ${timeoutMs} ms`);
  });
  await Promise.all(ends);
});

t.test('a reply after the deadline is ignored, and the connection goes on', async (t) => {
  const { cluster, kv, node } = await holding();
  await cluster.failure(kv.get('a', { timeoutMs: 50 }));
  const late = node.received[0]!;
  node.script = undefined;
  const next = kv.get('b');
  late.value('of a');
  t.equal(await cluster.run(next), null);
  t.equal(node.openLinks.length, 1);
});

t.test('a deadline between two attempts reports the last failure', async (t) => {
  const { cluster, kv, node } = await holding();
  node.script = (request) => {
    request.error('BUSY', true, 'too much to do');
    return true;
  };
  const error = await cluster.failure<KvError>(kv.set('k', 'v', { timeoutMs: 100 }));
  t.match(error, { code: 'BUSY', definite: true });
  t.match(error.message, /too much to do/);
});

t.test('a deadline while no node is connected is definite', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect();
  cluster.nodes[0]!.listens = 'silent';
  cluster.nodes[0]!.drop();
  await cluster.pass(5);
  const error = await cluster.failure<KvError>(kv.set('k', 'v', { timeoutMs: 500 }));
  t.match(error, { code: 'TIMEOUT', definite: true });
  t.match(error.message, /waiting for a connection/);
});

t.test('the budget of a second attempt is what is left of the time', async (t) => {
  const { cluster, kv, node } = await holding({ timeoutMs: 1000 });
  let isFirst = true;
  node.script = (request) => {
    if (!isFirst) return false;
    isFirst = false;
    cluster.clock.setTimer(300, () => request.error('BUSY', true));
    return true;
  };
  await cluster.run(kv.set('k', 'v'));
  const [first, second] = node.received;
  t.equal(first!.budgetMs, 1000);
  t.ok(second!.budgetMs > 600 && second!.budgetMs < 695, `${second!.budgetMs} ms`);
});

t.test('a signal ends what waits for it', async (t) => {
  const { cluster, kv, node } = await holding({ inFlightMax: 2 });
  const controller = new AbortController();
  const { signal } = controller;
  const ends = [
    cluster.failure<KvError>(kv.set('sent', 'v', { signal })),
    cluster.failure<KvError>(kv.get('read', { signal })),
    cluster.failure<KvError>(kv.set('waits', 'v', { signal })),
  ];
  await cluster.pass(5);
  controller.abort(new Error('enough'));
  const errors = await Promise.all(ends);
  t.same(
    errors.map((error) => [error.code, error.definite, (error.cause as Error).message]),
    [
      ['ABORTED', false, 'enough'],
      ['ABORTED', true, 'enough'],
      ['ABORTED', true, 'enough'],
    ],
  );
  t.same([node.keys(SET), node.keys(GET)], [['sent'], ['read']]);
  const tooLate = await cluster.failure<KvError>(kv.set('late', 'v', { signal }));
  t.match(tooLate, { code: 'ABORTED', definite: true });
  t.match(tooLate.message, /before it was sent/);
  node.script = undefined;
  await cluster.run(kv.set('next', 'v'));
  t.same(node.keys(SET), ['sent', 'next'], 'the places are free again');
});

t.test('one signal serves many requests with one listener, which is taken off at the end', async (t) => {
  const { cluster, kv, node } = await holding();
  node.script = undefined;
  const controller = new AbortController();
  let listeners = 0;
  let added = 0;
  const { signal } = controller;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    added++;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners--;
    remove(...args);
  };
  await cluster.run(Promise.all(Array.from({ length: 100 }, (_, i) => kv.get(`${i}`, { signal }))));
  t.equal(added, 1);
  t.equal(listeners, 0);
  node.script = hold;
  const second = cluster.failure<KvError>(kv.get('k', { signal }));
  controller.abort();
  t.match(await second, { code: 'ABORTED' }, 'the signal serves again');
});

t.test('aborting between two attempts is definite', async (t) => {
  const { cluster, kv, node } = await holding();
  node.script = (request) => {
    request.error('BUSY', true);
    return true;
  };
  const controller = new AbortController();
  const end = cluster.failure<KvError>(kv.set('k', 'v', { signal: controller.signal }));
  while (node.received.length < 4) await cluster.pass(1);
  await cluster.pass(3);
  controller.abort();
  const error = await end;
  t.match(error, { code: 'ABORTED', definite: true });
  t.match(error.message, /between two attempts; before that: says the script/);
});
