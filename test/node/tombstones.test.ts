/** Collecting tombstones: space comes back, deleted and expired keys do not. */
import t from 'tap';
import { brief, Cluster } from '../support/cluster.js';

const KEYS = Array.from({ length: 40 }, (_, i) => `key-${i}`);
const GRACE_MS = 3000;
/** Enough for every slot to have had its turn. */
const A_WHILE_MS = 60_000;

function formed(nodes: readonly string[] = ['a', 'b', 'c']): Promise<Cluster> {
  return Cluster.formed({ nodes, options: { tombstoneGraceMs: GRACE_MS } });
}

/** Sets or deletes all keys at all replicas. */
async function write(cluster: Cluster, at: string, value: string | undefined, quorum = 3): Promise<void> {
  const client = cluster.client(at);
  const answers = KEYS.map((key) =>
    value === undefined ? client.delete(key, { quorum }) : client.set(key, value, { quorum }),
  );
  for (const answer of await cluster.until(Promise.all(answers))) t.equal(brief(answer), 'done');
}

/** How many records of the keys each node has stored, tombstones included. */
function storedCounts(cluster: Cluster): Record<string, number> {
  return Object.fromEntries(
    cluster.names.map((name) => [name, KEYS.filter((key) => cluster.stored(name, key) !== undefined).length]),
  );
}

async function readAll(cluster: Cluster, at: string): Promise<string[]> {
  const client = cluster.client(at);
  const answers = await cluster.until(Promise.all(KEYS.map((key) => client.get(key))));
  return [...new Set(answers.map(brief))];
}

t.test('deleted keys leave no trace on any replica, and can be set again', async (t) => {
  const cluster = await formed();
  await write(cluster, 'a', 'v');
  await write(cluster, 'b', undefined);
  t.same(storedCounts(cluster), { a: 40, b: 40, c: 40 }, 'tombstones');
  await cluster.run(A_WHILE_MS);
  t.same(storedCounts(cluster), { a: 0, b: 0, c: 0 });
  t.same(await readAll(cluster, 'c'), ['absent']);
  await write(cluster, 'c', 'w');
  t.same(await readAll(cluster, 'a'), ['w']);
});

t.test('nothing is collected while a replica is away, however long', async (t) => {
  const cluster = await formed();
  await write(cluster, 'a', 'v');
  cluster.crash('c');
  await cluster.run(1000);
  await write(cluster, 'a', undefined, 2);
  await cluster.run(A_WHILE_MS * 3);
  t.same(storedCounts(cluster), { a: 40, b: 40, c: 40 });
  // It comes back with values that are long deleted, and is asked first.
  await cluster.until(cluster.start('c'));
  await cluster.linked();
  t.same(await readAll(cluster, 'c'), ['absent']);
  await cluster.run(A_WHILE_MS);
  t.same(storedCounts(cluster), { a: 0, b: 0, c: 0 });
  t.same(await readAll(cluster, 'c'), ['absent']);
});

t.test('a tombstone that is younger than the grace stays', async (t) => {
  const cluster = await Cluster.formed({ options: { tombstoneGraceMs: A_WHILE_MS } });
  await write(cluster, 'a', 'v');
  await write(cluster, 'a', undefined);
  await cluster.run(A_WHILE_MS - 5000);
  t.same(storedCounts(cluster), { a: 40, b: 40, c: 40 });
});

t.test('expired keys go without being read', async (t) => {
  const cluster = await formed();
  const client = cluster.client('a');
  const sets = KEYS.map((key) => client.set(key, 'v', { quorum: 3, ttlMs: 2000 }));
  await cluster.until(Promise.all(sets));
  t.same(storedCounts(cluster), { a: 40, b: 40, c: 40 });
  await cluster.run(A_WHILE_MS);
  t.same(storedCounts(cluster), { a: 0, b: 0, c: 0 });
});

t.test(
  'a replica that stops in the middle of a round: the rest goes later, and nothing comes back',
  async (t) => {
    for (let step = 0; step < 8; step++) {
      const cluster = await formed();
      await write(cluster, 'a', 'v');
      await write(cluster, 'a', undefined);
      await cluster.run(4000 + step * 250);
      cluster.crash('b');
      await cluster.run(3000);
      await cluster.until(cluster.start('b'));
      await cluster.run(A_WHILE_MS * 2);
      t.same(storedCounts(cluster), { a: 0, b: 0, c: 0 }, `step ${step}`);
      t.same(await readAll(cluster, 'b'), ['absent'], `step ${step}`);
    }
  },
);

t.test('five nodes: every slot has a leader of its own', async (t) => {
  const cluster = await formed(['a', 'b', 'c', 'd', 'e']);
  await write(cluster, 'a', 'v');
  await write(cluster, 'd', undefined);
  await cluster.run(A_WHILE_MS * 2);
  t.same(storedCounts(cluster), { a: 0, b: 0, c: 0, d: 0, e: 0 });
});
