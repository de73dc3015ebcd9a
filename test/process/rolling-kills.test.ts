/**
 * Five nodes under load, of which one after the other is killed with kill −9 and started again as a supervisor would, for
 * minutes. Nothing that was acknowledged is lost, nothing fails that the library can repeat, and at the end all replicas
 * hold the same. `QUORAL_KILL_SECONDS` says for how long; SEED repeats the times between the kills.
 */
import { setTimeout as delay } from 'node:timers/promises';
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { RealCluster } from '../support/real-cluster.js';
import { stopAndCompare, untilInSync } from './replica-data.js';
import { Writers } from './writers.js';

const KILL_SECONDS = Number(process.env.QUORAL_KILL_SECONDS ?? 120);
const NODES = 5;
/** What is deleted is collected while nodes come and go. */
const OPTIONS = ['--tombstone-grace', '15'];
const LOAD = { writers: 16, keysEach: 60, deleteEvery: 7, pauseMs: 5 };
/** How long a node stays away at most, beyond what the writers take for their next rounds. */
const AWAY_MS_MAX = 3000;
const CLIENT = { timeoutMs: 10_000 };

const seed = Number(process.env.SEED ?? Date.now());
t.comment(`SEED=${seed}`);

t.test('every node is killed in turn, again and again', { timeout: 480_000 }, async (t) => {
  const random = new SeededRandom(seed);
  const cluster = await RealCluster.start(t, NODES, OPTIONS);
  const client = await cluster.client(CLIENT);
  const writers = new Writers({ ...LOAD, client, prefix: 'rolling' });
  await writers.progress(20);
  t.comment(`before: ${writers.takeTimes()}`);

  const names = cluster.nodes.map(({ name }) => name);
  const endMs = performance.now() + KILL_SECONDS * 1000;
  const unexplained: string[] = [];
  const servesMs: number[] = [];
  const aliveMs: number[] = [];
  let kills = 0;
  while (kills < NODES || performance.now() < endMs) {
    const victim = cluster.node(names[kills++ % NODES]!);
    const before = writers.failures.length;
    await cluster.kill(victim.name);
    await writers.progress(10);
    await delay(random.below(AWAY_MS_MAX));
    const startMs = performance.now();
    await victim.up('none');
    servesMs.push(performance.now() - startMs);
    await cluster.agree();
    aliveMs.push(performance.now() - startMs);
    await writers.progress(10);
    unexplained.push(...writers.unexplained(before, victim.address));
  }
  t.comment(`${kills} kills: ${writers.takeTimes()}`);
  t.comment(
    `ms from a start until the node serves ${spread(servesMs)}, until it is alive for all ${spread(aliveMs)}`,
  );
  await writers.stop();
  t.same(writers.wrong, [], `${writers.rounds} rounds of write and read, each read the value it should`);
  t.same(writers.failedReads, [], 'no read failed');
  t.same(
    unexplained.slice(0, 5),
    [],
    `${writers.failures.length} writes failed: none but those on a connection to the node that was killed`,
  );

  t.comment(`in sync ${(await untilInSync(cluster)).toFixed()} ms after the last write`);
  const statuses = await Promise.all(names.map((name) => cluster.status(name)));
  const collected = statuses.map(({ tombstones }) => (tombstones as { collected: number }).collected);
  t.comment(`tombstones collected since the last starts: ${collected.join(' ')}`);
  const data = await stopAndCompare(cluster, await client.ring());
  t.comment(`${data.keys} keys, ${data.tombstones} of them tombstones, ${data.halfCollected} half collected`);
  t.same(data.problems, [], 'every owner of a key holds the same record');
  t.equal(data.hints, 0, 'and no hint is left');
  t.ok(data.keys > (LOAD.writers * LOAD.keysEach) / 2, 'there was something to compare');
});

function spread(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b).map((time) => time.toFixed());
  return `${sorted[0]} to ${sorted.at(-1)}, mostly ${sorted[sorted.length >> 1]}`;
}
