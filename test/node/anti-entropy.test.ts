/** Replicas become equal without being read: whole nodes on a virtual clock. */
import t from 'tap';
import { SLOT_COUNT } from '../../src/ring/slot.js';
import type { Body } from '../../src/wire/body.js';
import { brief, Cluster } from '../support/cluster.js';

/** Within this every replica's local data is equal after the last fault, where a few thousand keys differ at most. */
const HEALED_MS = 20_000;

const keysOf = (howMany: number, prefix = 'key') =>
  Array.from({ length: howMany }, (_, i) => `${prefix}-${i}`);

interface State {
  readonly totals: Record<string, number>;
  readonly slots: Record<string, number>;
  readonly trees: Record<string, unknown>;
  readonly lastRound: Body | null;
}

async function stateOf(cluster: Cluster, name: string): Promise<State> {
  return (await cluster.status(name)).antiEntropy as unknown as State;
}

/** One of the totals, summed over the nodes. */
async function total(cluster: Cluster, name: string): Promise<number> {
  let sum = 0;
  for (const node of cluster.names) sum += (await stateOf(cluster, node)).totals[name]!;
  return sum;
}

async function writeAll(cluster: Cluster, keys: readonly string[], value: string, at = 'a'): Promise<void> {
  const client = cluster.client(at);
  const answers = await cluster.until(Promise.all(keys.map((key) => client.set(key, value))));
  for (const answer of answers) if (brief(answer) !== 'done') throw new Error(brief(answer));
  client.close();
}

/** Keys that not all nodes have stored in the same version. */
function differing(cluster: Cluster, keys: readonly string[]): string[] {
  return keys.filter((key) => {
    const held = cluster.names.map((name) =>
      Buffer.from(cluster.storedBytes(name, key) ?? []).toString('hex'),
    );
    return new Set(held).size > 1;
  });
}

async function isBuiltEverywhere(cluster: Cluster): Promise<boolean> {
  for (const name of cluster.names) if ((await stateOf(cluster, name)).slots.unbuilt !== 0) return false;
  return true;
}

/** Takes a record off a node's disk behind its back, as if it had never arrived there. The node must not run. */
function lose(cluster: Cluster, name: string, key: string): void {
  cluster.disk(name).content.delete(Buffer.from(cluster.engineKey(key)).toString('latin1'));
}

t.test(
  'a node that was cut off while 500 keys were written has them soon after, without a read',
  async (t) => {
    const cluster = await Cluster.formed();
    const keys = keysOf(500);
    cluster.crash('c');
    await writeAll(cluster, keys, 'v');
    await cluster.run(100);
    t.equal(differing(cluster, keys).length, 500);
    await cluster.restart('c');
    const startMs = cluster.clock.monotonicMs();
    await cluster.eventually(() => differing(cluster, keys).length === 0);
    const tookMs = cluster.clock.monotonicMs() - startMs;
    t.ok(tookMs < HEALED_MS, `${tookMs} ms`);
    t.same(cluster.storedValues('key-7'), ['v', 'v', 'v']);
  },
);

t.test('a second round moves nothing, and costs one small question', async (t) => {
  const cluster = await Cluster.formed();
  const keys = keysOf(300);
  await writeAll(cluster, keys, 'v');
  await cluster.run(100);
  cluster.crash('c');
  for (const key of keys.slice(0, 100)) lose(cluster, 'c', key);
  await cluster.restart('c');
  await cluster.eventually(() => differing(cluster, keys).length === 0);
  await cluster.run(HEALED_MS);
  t.equal((await total(cluster, 'keysFetched')) + (await total(cluster, 'keysSent')), 100);
  const before = { bytes: await total(cluster, 'bytes'), rounds: await total(cluster, 'rounds') };
  await cluster.run(60_000);
  t.equal((await total(cluster, 'keysFetched')) + (await total(cluster, 'keysSent')), 100, 'equal keys stay');
  const rounds = (await total(cluster, 'rounds')) - before.rounds;
  const bytes = (await total(cluster, 'bytes')) - before.bytes;
  t.ok(rounds >= 30, `${rounds} rounds`);
  t.ok(bytes / rounds < 100, `${bytes / rounds} bytes per round`);
  const { slots, lastRound } = await stateOf(cluster, 'a');
  t.same(slots, { replicated: SLOT_COUNT, inSync: SLOT_COUNT, divergent: 0, unbuilt: 0 });
  t.match(lastRound, { slots: SLOT_COUNT, slotsDiffering: 0, problem: null });
});

t.test('tombstones and expired forms travel like any record, and the higher version wins', async (t) => {
  const cluster = await Cluster.formed();
  const expiryMs = Math.round(cluster.clock.wallMs()) + 5000;
  await writeAll(cluster, ['gone', 'kept'], 'old');
  const client = cluster.client('a');
  await cluster.until(client.set('brief', 'v', { expiryMs }));
  await cluster.run(50);
  cluster.crash('c');
  await cluster.until(client.delete('gone'));
  await cluster.run(6000);
  t.equal(brief(await cluster.until(client.get('brief'))), 'absent', 'a reader settles that it has expired');
  await cluster.run(50);
  t.same(cluster.storedValues('brief'), ['-', '-', 'v']);
  t.same(cluster.storedValues('gone'), ['-', '-', 'old']);
  await cluster.restart('c');
  await cluster.run(HEALED_MS);
  t.same(cluster.storedValues('brief'), ['-', '-', '-']);
  t.same(cluster.storedValues('gone'), ['-', '-', '-']);
  t.same(cluster.storedValues('kept'), ['old', 'old', 'old']);
  t.same(differing(cluster, ['gone', 'kept', 'brief']), []);
});

t.test('expired records that nobody has read are equal, and stay so', async (t) => {
  const cluster = await Cluster.formed();
  const client = cluster.client('b');
  const expiryMs = Math.round(cluster.clock.wallMs()) + 1000;
  for (const key of keysOf(20)) await cluster.until(client.set(key, 'v', { expiryMs }));
  await cluster.run(40_000);
  t.same(differing(cluster, keysOf(20)), []);
  t.equal(await total(cluster, 'slotsDiffering'), 0);
});

t.test('a stop and a start need no rebuild; a crash does', async (t) => {
  const cluster = await Cluster.formed();
  await writeAll(cluster, keysOf(100), 'v');
  await cluster.stop('c');
  await cluster.restart('c');
  const { trees, slots } = await stateOf(cluster, 'c');
  t.match(trees, { slotsBuilt: 0, recordsRead: 0 });
  t.equal(slots.unbuilt, 0);
  cluster.crash('b');
  await cluster.restart('b');
  await cluster.eventually(() => isBuiltEverywhere(cluster), 5000);
  t.match((await stateOf(cluster, 'b')).trees, { slotsBuilt: SLOT_COUNT, recordsRead: 100 });
  await cluster.run(HEALED_MS);
  t.equal(await total(cluster, 'slotsDiffering'), 0);
});

t.test('a crash in the middle of a rebuild', async (t) => {
  const cluster = await Cluster.formed();
  const keys = keysOf(400);
  await writeAll(cluster, keys, 'v');
  for (const key of keys.slice(0, 50)) lose(cluster, 'c', key);
  for (const ms of [1, 5, 20]) {
    cluster.crash('c');
    await cluster.restart('c');
    await cluster.run(ms);
  }
  await cluster.linked();
  await cluster.run(HEALED_MS);
  t.same(differing(cluster, keys), []);
  t.ok(await isBuiltEverywhere(cluster));
});

t.test('a record that is corrupt at one replica is mended, and its slot takes part again', async (t) => {
  const cluster = await Cluster.formed();
  const keys = keysOf(60);
  await writeAll(cluster, keys, 'v');
  await cluster.run(50);
  cluster.crash('b');
  for (const key of keys.slice(0, 5)) cluster.disk('b').corrupt(cluster.engineKey(key), 17);
  await cluster.restart('b');
  await cluster.run(HEALED_MS);
  t.same(differing(cluster, keys), []);
  t.ok(await isBuiltEverywhere(cluster));
  t.equal(
    (await total(cluster, 'keysFetched')) + (await total(cluster, 'keysSent')),
    0,
    'by the quorum, not by one peer',
  );
});

t.test('the storage of a node fails and comes back: what it has lost it gets again', async (t) => {
  const cluster = await Cluster.formed();
  const keys = keysOf(200);
  cluster.disk('c').failure = 'no space left on device';
  await writeAll(cluster, keys, 'v');
  await cluster.run(500);
  cluster.disk('c').failure = undefined;
  await cluster.run(HEALED_MS);
  t.same(differing(cluster, keys), []);
  t.ok(await isBuiltEverywhere(cluster));
});

t.test(
  'five nodes: only the slots that two replicate are compared, and nobody gets what is not theirs',
  async (t) => {
    const cluster = await Cluster.formed({ nodes: ['a', 'b', 'c', 'd', 'e'] });
    const keys = keysOf(200);
    await writeAll(cluster, keys, 'v');
    await cluster.run(100);
    cluster.crash('d');
    const lost = keys.filter((key) => cluster.stored('d', key) !== undefined).slice(0, 30);
    for (const key of lost) lose(cluster, 'd', key);
    await cluster.restart('d');
    await cluster.run(2 * HEALED_MS);
    for (const key of keys) {
      const values = cluster.storedValues(key).filter((value) => value !== '');
      t.same(values, ['v', 'v', 'v'], key);
    }
    t.equal((await total(cluster, 'keysFetched')) + (await total(cluster, 'keysSent')), lost.length);
  },
);

t.test('writes go on during the exchanges, and in the end all is equal', async (t) => {
  const cluster = await Cluster.formed({ seed: 7 });
  const keys = keysOf(300);
  await writeAll(cluster, keys, 'v0');
  cluster.crash('c');
  await writeAll(cluster, keys.slice(0, 150), 'v1');
  await cluster.restart('c');
  for (let round = 2; round < 40; round++) {
    await writeAll(cluster, keys.slice(round * 5, round * 5 + 40), `v${round}`, round % 2 === 0 ? 'a' : 'c');
    await cluster.run(250);
  }
  await cluster.run(HEALED_MS);
  t.same(differing(cluster, keys), []);
  t.equal((await stateOf(cluster, 'c')).slots.divergent, 0);
});
