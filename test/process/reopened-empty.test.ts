/**
 * A directory that is removed under a running node: when the node's storage fails for it and is opened again, what it finds
 * is not the node's data. Whatever the node does then, it must not vote.
 */
import { rm } from 'node:fs/promises';
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { type KvClient, KvError } from '../../src/client/index.js';
import { RealCluster } from '../support/real-cluster.js';
import { until } from './program.js';

const KEYS = Array.from({ length: 500 }, (_, i) => `key:${i}`);
const FILLER = Buffer.from(Array.from({ length: 20_000 }, byteOf(new SeededRandom(1))));
const REOPENED_MS = 3000;

t.test(
  'a storage that comes back empty does not make acknowledged writes absent',
  { timeout: 120_000 },
  async (t) => {
    const cluster = await RealCluster.start(t, 3);
    await cluster.kill('n1');
    await cluster.see(['n2', 'n3'], ['n2', 'n3']);
    const client = await cluster.client({ timeoutMs: 10_000 });
    await client.setMany(KEYS.map((key): [string, string] => [key, 'value']));
    const victim = cluster.node('n2');
    await rm(victim.data, { recursive: true, force: true });
    // Its log is full after some megabytes, and it cannot make another one.
    let round = 0;
    await until('the storage of n2 fails', async () => {
      for (let i = 0; i < 50; i++) await client.set(`filler:${round++}`, FILLER).catch(() => {});
      return /storage failed/.test(victim.logs());
    });
    await until(
      'it is opened again, or stays failed',
      () => /storage reopened/.test(victim.logs()),
      REOPENED_MS,
    ).catch(() => {});
    await cluster.kill('n3');
    await cluster.restart('n1');
    const outcomes = await Promise.all(KEYS.map((key) => outcomeOf(client, key)));
    const absent = outcomes.filter((outcome) => outcome === 'absent').length;
    t.equal(absent, 0, `of ${KEYS.length} acknowledged keys read at R=2, ${absent} are absent`);
  },
);

async function outcomeOf(client: KvClient, key: string): Promise<'found' | 'absent' | 'refused'> {
  try {
    return (await client.get(key, { timeoutMs: 5000 })) === null ? 'absent' : 'found';
  } catch (error) {
    if (error instanceof KvError) return 'refused';
    throw error;
  }
}

function byteOf(random: SeededRandom): () => number {
  return () => random.below(256);
}
