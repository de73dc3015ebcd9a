/**
 * What a run is made of. Everything is drawn from the seed, so that many seeds try many shapes of clusters, loads and
 * misfortunes; whatever is given explicitly stays as given, and changes nothing else that is drawn.
 */
import { SeededRandom } from '../../src/base/seeded-random.js';
import type { FsyncPolicy } from '../../src/storage/group-committer.js';
import { FAULT_NAMES } from './faults.js';

export interface SimulationOptions {
  readonly seed: number;
  /** Machines in the cluster, 3 to 7. */
  readonly nodes: number;
  /** N; R and W are majorities of it. */
  readonly replicas: number;
  readonly fsync: FsyncPolicy;
  /** Memory of each node for hot records; 0: every read meets the disk. */
  readonly cacheBytes: number;
  /** Short, so that tombstones are collected while things go wrong. */
  readonly tombstoneGraceMs: number;
  /** Bounds of the usual delay of a message, in milliseconds. */
  readonly delayMs: readonly [number, number];
  /** Keys that everybody uses. */
  readonly hotKeys: number;
  /** Keys that are used now and then. */
  readonly coldKeys: number;
  /** Keys that get expiries and nothing else. */
  readonly expiringKeys: number;
  /** Keys that are written once, and must be in every scan. */
  readonly stillKeys: number;
  readonly clients: number;
  /** Longest pause of a client between two operations, in milliseconds. */
  readonly thinkMs: number;
  /** How long clients work and faults strike. */
  readonly virtualSeconds: number;
  readonly faults: readonly string[];
  /** Mean time between two faults, and how long one lasts on average, in milliseconds. */
  readonly faultEveryMs: number;
  readonly faultForMs: number;
}

export type GivenOptions = Partial<Omit<SimulationOptions, 'seed'>>;

/** Short enough for many seeds, long enough for several faults to overlap. */
export const VIRTUAL_SECONDS_DEFAULT = 60;

const THINK_MS = [50, 150, 400, 1000] as const;
const CACHE_BYTES = [0, 4096, 1024 * 1024] as const;
/** One key, busy clients and long delays: many writes overtake each other. */
const CONTENDED = {
  hotKeys: 1,
  coldKeys: 3,
  thinkMs: 4,
  clients: 9,
  delayMs: [0.1, 60],
  faultEveryMs: 5000,
} as const;
const DELAYS_MS = [
  [0.1, 1],
  [0.1, 10],
  [1, 60],
] as const;

/** The options of a seed. Draws come in a fixed order, given or not. */
export function drawOptions(seed: number, given: GivenOptions = {}): SimulationOptions {
  const random = new SeededRandom(seed ^ 0x51d);
  const pick = <T>(items: readonly T[]): T => items[random.below(items.length)]!;
  const nodes = 3 + random.below(5);
  const isWide = random.below(4) === 0;
  const isContended = random.below(4) === 0;
  const drawn = {
    nodes,
    fsync: pick<FsyncPolicy>(['everysec', 'always', 'never']),
    cacheBytes: pick(CACHE_BYTES),
    delayMs: pick(DELAYS_MS),
    hotKeys: 1 + random.below(4),
    coldKeys: 5 + random.below(40),
    expiringKeys: random.below(4),
    stillKeys: 5 + random.below(30),
    clients: 3 + random.below(8),
    thinkMs: pick(THINK_MS),
    virtualSeconds: VIRTUAL_SECONDS_DEFAULT,
    faults: FAULT_NAMES.filter(() => random.below(4) > 0),
    faultEveryMs: 300 + random.below(3000),
    faultForMs: 200 + random.below(4000),
    tombstoneGraceMs: pick([2000, 6000, 20_000]),
  };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const options = {
    seed,
    replicas: 3,
    ...drawn,
    ...(isContended ? CONTENDED : {}),
    ...(known as GivenOptions),
  };
  return { ...options, replicas: given.replicas ?? (isWide && options.nodes >= 5 ? 5 : 3) };
}
