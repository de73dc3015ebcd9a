/**
 * A node that comes back without its data takes its own place again: it has no vote until it has got everything back, says
 * how far it is, and then holds what the others hold.
 */
import { mkdir, readdir, rm } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { type KvClient, KvError } from '../../src/client/index.js';
import { RealCluster, type RealNode } from '../support/real-cluster.js';
import { until } from './program.js';
import { stopAndCompare, untilInSync } from './replica-data.js';
import { Writers } from './writers.js';

/** So many that a sync, which holds back, can be watched. */
const KEYS = Array.from({ length: 6000 }, (_, i) => `key:${i}`);
const CLIENT = { timeoutMs: 10_000 };
const CONFIG_CHANGED = 'the configurations differ';
const TEST = { buffered: true, timeout: 240_000 };
const SYNC_MS_MAX = 120_000;
const CALLED_HOME_MS_MAX = 60_000;

/** The part of a status that is about getting lost data back. */
interface Progress {
  readonly state: string;
  readonly sync?: { readonly slotsLeft: number; readonly slots: number; readonly etaMs: number | null };
}

// They wait more than they work.
t.jobs = 3;

t.test(
  'a directory is removed under a running node, which dies and starts again with --join',
  TEST,
  async (t) => {
    const cluster = await RealCluster.start(t, 3);
    const client = await cluster.client(CLIENT);
    await client.setMany(entries('value'));
    const writers = new Writers({ client, writers: 8, keysEach: 10, prefix: 'load', pauseMs: 10 });
    const victim = cluster.node('n2');
    await rm(victim.data, { recursive: true, force: true, maxRetries: 5 });
    await cluster.kill('n2');
    t.same(await namesIn(victim.data), [], 'nothing of it is left');
    await writers.progress(5);

    await victim.up([cluster.node('n3').address]);
    const seen = await watchSync(cluster, 'n2');
    t.comment(
      `synced within ${seen.tookMs.toFixed()} ms; said ${seen.etas.length} times how long the rest takes`,
    );
    t.ok(seen.left.length > 1, `it says how many slots are left: ${seen.left.join(' ')}`);
    t.ok(isFalling(seen.left), 'which become fewer');
    t.ok(seen.states.has('syncing'), 'its state is syncing until then');
    t.ok(seen.etas.length > 0, 'and how long the rest takes');
    await cluster.agree();
    await writers.progress(10);
    await writers.stop();
    // A write that is under way when the configuration changes may end in doubt.
    const inDoubt = writers.unexplained(0, victim.address).filter((text) => !text.includes(CONFIG_CHANGED));
    t.same(inDoubt, [], 'only writes that were at it, or under way in the change, have failed');
    t.same([writers.wrong, writers.failedReads], [[], []], 'the load has seen nothing wrong');

    // Its word counts now: with one of the others gone, every answer needs it.
    await cluster.kill('n1');
    await reads(t, client, 'value');
    await cluster.restart('n1');
    await cluster.agree();
    t.comment(`in sync after ${(await untilInSync(cluster)).toFixed()} ms`);
    const data = await stopAndCompare(cluster, await client.ring());
    t.same([data.problems, data.hints], [[], 0], `every replica holds the same, of ${data.keys} keys`);
  },
);

t.test('while it syncs, it has no vote', TEST, async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const client = await cluster.client(CLIENT);
  await client.setMany(entries('value'));
  const victim = cluster.node('n3');
  await cluster.kill('n3');
  await emptied(victim);
  await victim.up();
  const { state } = (await cluster.status('n3')) as unknown as Progress;
  t.equal(state, 'syncing');
  // What it does not have yet must not be missing in any answer, with a replica gone from which it would get it.
  await cluster.kill('n1');
  const outcomes = await Promise.all(KEYS.slice(0, 500).map((key) => outcomeOf(client, key)));
  t.notOk(outcomes.includes('absent'), `of 500 reads ${count(outcomes, 'found')} find their key`);
  t.comment(`${count(outcomes, 'refused')} are refused`);
  await cluster.restart('n1');
  await watchSync(cluster, 'n3');
  await reads(t, client, 'value');
});

t.test('the founder, on an empty directory and without --join, is called home', TEST, async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const client = await cluster.client(CLIENT);
  await client.setMany(entries('value'));
  const { clusterId } = await cluster.status('n2');
  const founder = cluster.node('n1');
  await cluster.kill('n1');
  await emptied(founder);
  const startMs = performance.now();
  await founder.up('none');
  await until(
    'it is a member of its old cluster',
    async () => (await cluster.status('n1')).clusterId === clusterId,
    CALLED_HOME_MS_MAX,
  );
  t.comment(`called home after ${(performance.now() - startMs).toFixed()} ms`);
  const seen = await watchSync(cluster, 'n1');
  t.comment(`synced within ${seen.tookMs.toFixed()} ms`);
  await cluster.agree();
  await cluster.kill('n2');
  await reads(t, client, 'value');
  t.equal(await client.setMany(entries('newer')), KEYS.length, 'and written with it');
  await cluster.restart('n2');
  await cluster.agree();
  await untilInSync(cluster);
  const data = await stopAndCompare(cluster, await client.ring());
  t.same([data.problems, data.hints], [[], 0], `every replica holds the same, of ${data.keys} keys`);
});

async function emptied({ data }: RealNode): Promise<void> {
  await rm(data, { recursive: true, force: true });
  await mkdir(data);
}

/** Asks a node how far it is until it serves. */
async function watchSync(cluster: RealCluster, name: string) {
  const states = new Set<string>();
  const left: number[] = [];
  const etas: number[] = [];
  const startMs = performance.now();
  await until(
    `${name} has synced`,
    async () => {
      const { state, sync } = (await cluster.status(name)) as unknown as Progress;
      states.add(state);
      if (sync !== undefined && sync.slotsLeft !== left.at(-1)) left.push(sync.slotsLeft);
      if (typeof sync?.etaMs === 'number') etas.push(sync.etaMs);
      return state === 'serving';
    },
    SYNC_MS_MAX,
  );
  return { states, left, etas, tookMs: performance.now() - startMs };
}

async function reads(t: Test, client: KvClient, generation: string): Promise<void> {
  const values = await client.getMany(KEYS);
  const wrong = KEYS.filter((key, i) => values[i] !== `${generation} ${key}`);
  t.same(wrong.slice(0, 5), [], `${KEYS.length} keys are read`);
}

async function outcomeOf(client: KvClient, key: string): Promise<'found' | 'absent' | 'refused'> {
  try {
    return (await client.get(key, { timeoutMs: 2000 })) === null ? 'absent' : 'found';
  } catch (error) {
    if (error instanceof KvError) return 'refused';
    throw error;
  }
}

function entries(generation: string): [string, string][] {
  return KEYS.map((key) => [key, `${generation} ${key}`]);
}

async function namesIn(directory: string): Promise<string[]> {
  return readdir(directory).catch(() => []);
}

function isFalling(numbers: readonly number[]): boolean {
  return numbers.every((number, i) => i === 0 || number < numbers[i - 1]!);
}

function count(list: readonly string[], item: string): number {
  return list.filter((each) => each === item).length;
}
