/**
 * One node of three runs out of space: it says so and acknowledges nothing, the others go on without it, and when there is
 * space again it comes back by itself, without a restart, and gets what it has missed.
 */
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import type { KvClient } from '../../src/client/index.js';
import { RealCluster } from '../support/real-cluster.js';
import { until } from './program.js';
import { stopAndCompare, untilInSync } from './replica-data.js';
import { smallDisk } from './small-disk.js';
import { Writers } from './writers.js';

/** What cannot be compressed. */
const VALUE = randomText(4000);
const BATCH = 200;
/** Far more than the space there is. */
const BATCHES_MAX = 100;
const BATCHES_AFTER = 5;
const CLIENT = { timeoutMs: 10_000 };
/** Longer than the first attempts to open the storage again. */
const STAYS_MS = 3000;
const RECOVERY_MS_MAX = 60_000;

t.test('the disk of one node is full, and then no longer', { timeout: 240_000 }, async (t) => {
  const disk = await smallDisk(t);
  if (disk === undefined) {
    t.pass('not tried: it takes the right to mount a file system, or prlimit');
    return;
  }
  t.comment(`by ${disk.kind}`);
  const cluster = await RealCluster.start(t, 2);
  const { data, env } = disk;
  const small = await cluster.add({ name: 'n3', data, env, join: cluster.addresses });
  await small.up();
  await cluster.agree();
  const { pid } = small.program;
  const client = await cluster.client(CLIENT);
  const writers = new Writers({ client, writers: 4, keysEach: 10, prefix: 'load', pauseMs: 10 });

  await disk.tighten(small);
  let batches = 0;
  while (!(await isFull(cluster))) {
    if (batches === BATCHES_MAX) throw new Error(`${batches * BATCH} large values fit`);
    await write(client, batches++);
  }
  t.comment(`full after ${batches * BATCH} values of ${VALUE.length} bytes`);
  t.pass('the node says that its storage has failed');
  // Opened again, LevelDB throws away what it does not need, and goes on for a while.
  let failedSinceMs = performance.now();
  await until('it stays so', async () => {
    await disk.fill(small);
    if (!(await isFull(cluster))) failedSinceMs = performance.now();
    return performance.now() - failedSinceMs > STAYS_MS;
  });

  for (let i = 0; i < BATCHES_AFTER; i++) await write(client, batches++);
  t.pass('the others go on acknowledging');
  await until('the others keep hints for it', async () => {
    const statuses = [await cluster.status('n1'), await cluster.status('n2')];
    return statuses.some(({ hints }) => (hints as { hints: number }).hints > 0);
  });
  await t.rejects(client.set('all', 'three', { w: 3 }), { name: 'KvError' }, 'what needs it is refused');
  await writers.progress(20);
  t.same(await missing(client, batches), [], 'nothing acknowledged is missing');

  const relaxedMs = performance.now();
  await disk.relax(small);
  await until(
    'it serves again',
    async () => (await cluster.status('n3')).state === 'serving',
    RECOVERY_MS_MAX,
  );
  t.comment(`serves ${(performance.now() - relaxedMs).toFixed()} ms after there was space`);
  t.equal(small.isRunning && small.program.pid, pid, 'without a restart');
  await writers.progress(20);
  await writers.stop();
  t.same([writers.wrong, writers.failedReads], [[], []], 'no read has failed or brought the wrong value');
  t.comment(`${writers.failures.length} writes of the load failed: ${writers.failures[0]?.error}`);
  const definite = writers.failures.filter(({ error }) => error.definite);
  t.same(definite, [], 'none of them definitely: those can be sent again');

  t.comment(`in sync ${(await untilInSync(cluster)).toFixed()} ms after the last write`);
  t.same(await missing(client, batches), [], 'nothing acknowledged is missing');
  const { problems, hints, keys } = await stopAndCompare(cluster, await client.ring());
  t.same([problems, hints], [[], 0], `every replica holds the same, of ${keys} keys`);
});

function randomText(length: number): string {
  const random = new SeededRandom(1);
  return String.fromCharCode(...Array.from({ length }, () => 0x21 + random.below(94)));
}

async function isFull(cluster: RealCluster): Promise<boolean> {
  return (await cluster.status('n3')).state === 'storage-failed';
}

function keysOf(batch: number): string[] {
  return Array.from({ length: BATCH }, (_, i) => `large:${batch}:${i}`);
}

/** Rejects when one of them is not acknowledged. */
async function write(client: KvClient, batch: number): Promise<void> {
  await client.setMany(keysOf(batch).map((key): [string, string] => [key, key + VALUE]));
}

/** The first keys that are not read as they were written. */
async function missing(client: KvClient, batches: number): Promise<string[]> {
  const wrong: string[] = [];
  for (let batch = 0; batch < batches; batch++) {
    const keys = keysOf(batch);
    const values = await client.getMany(keys);
    wrong.push(...keys.filter((key, i) => values[i] !== key + VALUE));
  }
  return wrong.slice(0, 5);
}
