/** Three real nodes, of which one or two are killed with kill −9: what can be read and written then, and afterwards. */
import t, { type Test } from 'tap';
import { type KvClient, KvError } from '../../src/client/index.js';
import { RealCluster } from '../support/real-cluster.js';
import { Writers } from './writers.js';

const KEYS = Array.from({ length: 3000 }, (_, i) => `key:${i}`);
const NAMES = ['n1', 'n2', 'n3'];
/** The shared machine may be slow; no answer here waits for a time to pass. */
const CLIENT = { timeoutMs: 10_000 };

t.test('one of three is killed, then two, and all come back', async (t) => {
  const cluster = await RealCluster.start(t, NAMES.length);
  const client = await cluster.client(CLIENT);
  await client.setMany(entries('first'));

  await cluster.kill('n2');
  await reads(t, client, 'first', { r: 2 }, 'with one node dead');
  t.equal(await client.setMany(entries('second'), { w: 2 }), KEYS.length, 'every key is written');
  await reads(t, client, 'second', { r: 2 }, 'with one node dead');

  await cluster.kill('n3');
  await cluster.see(['n1'], ['n1']);
  const refused = await client.set(KEYS[0]!, 'third', { w: 2 }).then(
    () => undefined,
    (error: unknown) => error,
  );
  t.type(refused, KvError);
  t.match(refused, { code: 'QUORUM_UNAVAILABLE', definite: true }, 'a write at W=2 is refused at once');
  await t.rejects(client.get(KEYS[0]!), { code: 'QUORUM_UNAVAILABLE' }, 'and so is a read at R=2');
  await reads(t, client, 'second', { r: 1 }, 'by the last node at R=1');

  await cluster.restart('n2', 'n3');
  await cluster.agree();
  await reads(t, client, 'second', {}, 'with all back, those too that were written while a replica was down');
  await client.setMany(entries('third'));
  await reads(t, client, 'third', {}, 'and written anew');
});

t.test('a node that comes back alone has what it acknowledged', async (t) => {
  const cluster = await RealCluster.start(t, NAMES.length);
  const writer = await cluster.client(CLIENT);
  // Each replica has acknowledged these; each is killed with no time to do anything about it.
  await writer.setMany(entries('all three'), { w: 3 });
  await cluster.kill(...NAMES);
  for (const name of NAMES) {
    await cluster.restart(name);
    await reads(t, await cluster.client(CLIENT), 'all three', { r: 1 }, `${name} alone`);
    await cluster.kill(name);
  }
});

t.test('load goes on while nodes are killed: no wrong answer, and few in doubt', async (t) => {
  const cluster = await RealCluster.start(t, NAMES.length);
  const load = { writers: 24, keysEach: 4 };
  const writers = new Writers({ ...load, client: await cluster.client(CLIENT), prefix: 'load' });
  // The same without retries: what fails there is what the others' library has sent again.
  const client = await cluster.client({ ...CLIENT, retries: 0 });
  const once = new Writers({ ...load, client, prefix: 'once' });
  await writers.progress(50);
  t.comment(`before: ${writers.takeTimes()}`);
  for (const victim of ['n1', 'n3']) {
    const before = writers.failures.length;
    const startMs = performance.now();
    await cluster.kill(victim);
    const others = NAMES.filter((name) => name !== victim);
    await cluster.see(others, others);
    const seenMs = performance.now() - startMs;
    await writers.progress(50);
    t.comment(`${victim} killed, which the others saw within ${seenMs.toFixed()} ms: ${writers.takeTimes()}`);
    await cluster.restart(victim);
    await cluster.agree();
    await writers.progress(50);
    const unexplained = writers.unexplained(before, cluster.node(victim).address);
    const failed = writers.failures.length - before;
    t.same(
      unexplained,
      [],
      `${failed} writes that were at ${victim} failed, and may have happened; no others`,
    );
  }
  await Promise.all([writers.stop(), once.stop()]);
  t.same(writers.wrong, [], `${writers.rounds} rounds of write and read, each read the value it should`);
  t.same(writers.failedReads, [], 'no read failed');
  t.same(once.wrong, [], 'nor is any wrong without retries');
  const definite = once.failures.filter(({ error }) => error.definite).length;
  t.comment(
    `without retries: ${once.failedReads.length} reads and ${definite} writes failed that are safe to repeat, ` +
      `and ${once.failures.length - definite} writes that are not`,
  );
});

function entries(generation: string): [string, string][] {
  return KEYS.map((key) => [key, `${generation} ${key}`]);
}

/** Reads every key and compares. */
async function reads(
  t: Test,
  client: KvClient,
  generation: string,
  options: { r?: number },
  circumstances: string,
): Promise<void> {
  const values = await client.getMany(KEYS, options);
  const wrong = KEYS.filter((key, i) => values[i] !== `${generation} ${key}`);
  t.same(wrong.slice(0, 5), [], `${KEYS.length} keys are read ${circumstances}`);
}
