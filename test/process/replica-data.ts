/**
 * Whether all replicas of a cluster hold the same: first asked of the nodes themselves, then, when they have stopped, read
 * from their directories.
 */
import { viewOf } from '../../src/base/bytes.js';
import type { RingView } from '../../src/client/index.js';
import type { StorageEngine } from '../../src/ports/storage-engine.js';
import { loadKeyHasher } from '../../src/ring/hash.js';
import { buildRing, type Ring } from '../../src/ring/ring.js';
import { hintRange, keyOfEngineKey, slotOfEngineKey, slotRange } from '../../src/storage/keyspace.js';
import { LevelEngine } from '../../src/storage/level-engine.js';
import { checkRecord, FLAG_TOMBSTONE, RECORD_FLAGS_OFFSET } from '../../src/version/record.js';
import type { RealCluster } from '../support/real-cluster.js';
import { until } from './program.js';

const CHUNK = 1000;
const DIFFERENCES_SHOWN = 10;
/** Each pair of nodes is compared every 20 s or so with five of them; what differs is compared once more. */
const IN_SYNC_MS_MAX = 120_000;

/** What the directories of all nodes hold together. */
export interface DataComparison {
  /** Different keys. */
  readonly keys: number;
  /** Of these, the deleted ones. */
  readonly tombstones: number;
  /** Tombstones that some replicas have collected and others not yet. */
  readonly halfCollected: number;
  /** Hints that were never sent, over all nodes. */
  readonly hints: number;
  /** What is not as it should be, in words; the first few. */
  readonly problems: readonly string[];
}

interface Round {
  readonly at: number;
  readonly peer: string;
  readonly slotsDiffering: number;
  readonly problem: string | null;
}

/**
 * Waits until every node serves, none has a hint for another, and each pair of nodes that share slots has compared them
 * since this was called, and found no difference. Nothing may be writing.
 * @returns how long that took, in ms.
 */
export async function untilInSync(cluster: RealCluster): Promise<number> {
  const startMs = performance.now();
  const sinceMs = Date.now();
  const names = cluster.nodes.map(({ name }) => name).sort();
  const differing = new Set(names.flatMap((a) => names.filter((b) => a < b).map((b) => pairOf(a, b))));
  const isInSync = async (): Promise<true> => {
    for (const name of names) {
      const status = await cluster.status(name);
      const { lastRound, slots } = status.antiEntropy as {
        lastRound: Round | null;
        slots: { divergent: number; unbuilt: number };
      };
      const { loaded, hints } = status.hints as { loaded: boolean; hints: number };
      if (lastRound !== null && lastRound.at > sinceMs && lastRound.problem === null) {
        const pair = pairOf(name, lastRound.peer);
        if (lastRound.slotsDiffering === 0) differing.delete(pair);
        else differing.add(pair);
      }
      if (status.state !== 'serving') throw new Error(`${name} is ${status.state}`);
      if (!loaded || hints > 0) throw new Error(`${name} has ${hints} hints`);
      if (slots.divergent + slots.unbuilt > 0) throw new Error(`${name}: ${JSON.stringify(slots)}`);
    }
    if (differing.size > 0) throw new Error(`not compared, or different: ${[...differing].join(', ')}`);
    return true;
  };
  await until('all nodes are in sync', isInSync, IN_SYNC_MS_MAX);
  return performance.now() - startMs;
}

/** Reads the directories of nodes, all of which have stopped, and compares every record at all of its owners. */
export async function compareData(cluster: RealCluster, config: RingView): Promise<DataComparison> {
  const hasher = await loadKeyHasher();
  const ring = buildRing(config.members, config.replicas, hasher);
  const records = new Map<string, Map<number, Buffer>>();
  const problems: string[] = [];
  let hints = 0;
  for (const [index, { name }] of config.members.entries()) {
    const engine = new LevelEngine({ path: cluster.node(name).data });
    await engine.open();
    hints += (await entriesOf(engine, hintRange())).length;
    for (const { key, value } of await entriesOf(engine, slotRange())) {
      const id = key.toString('latin1');
      const holders = records.get(id) ?? new Map<number, Buffer>();
      records.set(id, holders.set(index, value));
      hasher.hash(keyOfEngineKey(key));
      if (!checkRecord(value, hasher.lo)) problems.push(`${name} holds a damaged ${show(id)}`);
    }
    await engine.close();
  }
  let tombstones = 0;
  let halfCollected = 0;
  for (const [id, holders] of records) {
    const [first] = holders.values();
    const isDeleted = (viewOf(first!).getUint8(RECORD_FLAGS_OFFSET) & FLAG_TOMBSTONE) !== 0;
    if (isDeleted) tombstones++;
    const problem = problemOf(id, holders, ring);
    if (problem === 'missing' && isDeleted) halfCollected++;
    else if (problem !== undefined) problems.push(`${show(id)} ${describe(problem, holders, config)}`);
  }
  return {
    keys: records.size,
    tombstones,
    halfCollected,
    hints,
    problems: problems.slice(0, DIFFERENCES_SHOWN),
  };
}

/** Stops all nodes in good order, and compares what is in their directories. */
export async function stopAndCompare(cluster: RealCluster, config: RingView): Promise<DataComparison> {
  await Promise.all(cluster.nodes.map((node) => node.end('SIGTERM')));
  return compareData(cluster, config);
}

function problemOf(id: string, holders: ReadonlyMap<number, Buffer>, ring: Ring): string | undefined {
  const owners = ring.owners(slotOfEngineKey(Buffer.from(id, 'latin1')));
  if ([...holders.keys()].some((index) => !owners.includes(index))) return 'is where it does not belong';
  const [first, ...others] = holders.values();
  if (others.some((record) => !record.equals(first!))) return 'is not the same everywhere';
  return holders.size < owners.length ? 'missing' : undefined;
}

function describe(problem: string, holders: ReadonlyMap<number, Buffer>, { members }: RingView): string {
  const each = [...holders].map(
    ([index, record]) => `${members[index]!.name}: ${record.toString('hex', 4, 17)}`,
  );
  return `${problem}: ${each.join(', ')}`;
}

async function entriesOf(
  engine: StorageEngine,
  range: Parameters<StorageEngine['iterate']>[0],
): Promise<{ key: Buffer; value: Buffer }[]> {
  const iterator = engine.iterate(range);
  const all: { key: Buffer; value: Buffer }[] = [];
  for (;;) {
    const some = await iterator.next(CHUNK);
    if (some.length === 0) break;
    for (const [key, value] of some) all.push({ key: Buffer.from(key), value: Buffer.from(value) });
  }
  await iterator.close();
  return all;
}

function show(id: string): string {
  const bytes = Buffer.from(id, 'latin1');
  return `"${Buffer.from(keyOfEngineKey(bytes))}" in slot ${slotOfEngineKey(bytes)}`;
}

function pairOf(a: string, b: string): string {
  return a < b ? `${a}–${b}` : `${b}–${a}`;
}
