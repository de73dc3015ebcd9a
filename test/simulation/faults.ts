/**
 * Misfortunes. Each strikes once with parameters of its own, and says how it ends; which, whom, when and for how long is
 * drawn from the seed by {@link Nemesis}.
 *
 * They stay within what the store promises to survive: at most a minority of a key's stored records is damaged at a
 * time, and unless `fsync` is `always` one machine at a time loses its power or its disk. Whole majorities may be cut off, stopped
 * or without disk: then operations fail, but what is answered is right.
 */
import type { SeededRandom } from '../../src/base/seeded-random.js';
import type { Cluster } from '../support/cluster.js';
import { pickWeighted } from './weighted.js';

/** What a fault works on. */
export interface Stage {
  readonly cluster: Cluster;
  readonly random: SeededRandom;
  /** Keys that records may be damaged of. */
  readonly keys: readonly string[];
  /** Whether what was acknowledged survives a loss of power: `fsync=always`. */
  readonly isSynced: boolean;
  readonly owners: (key: string) => readonly string[];
  /** Nodes that have lost what they had stored, or the end of it, and may not have got it back yet. */
  readonly lost: Set<string>;
  /** Nodes whose disk was taken off. */
  readonly off: Set<string>;
  readonly tell: (text: string) => void;
}

export interface Fault {
  readonly name: string;
  /** What happens, for people. */
  readonly story: string;
  /** How often it is chosen, against the others. */
  readonly weight: number;
  /** @returns what it did, and how it ends; undefined when there was nothing to strike. */
  strike(stage: Stage): Struck | undefined;
}

export interface Struck {
  readonly what: string;
  /** Undefined: it is over at once. */
  readonly end: (() => void) | undefined;
}

const HOUR_MS = 3_600_000;
const NO_SPACE = 'no space left on device';
const FAILED = 'input/output error';
const WRITE_MS = [0.05, 0.5] as const;

function fault(name: string, weight: number, story: string, strike: Fault['strike']): Fault {
  return { name, story, weight, strike };
}

/** Cuts links, and mends exactly those. */
function cutting(stage: Stage, what: string, links: readonly (readonly [string, string])[]): Struck {
  const { network } = stage.cluster;
  const own = links.filter(([from, to]) => !network.isCut(from, to));
  for (const [from, to] of own) network.cutOneWay(from, to);
  const end = (): void => {
    for (const [from, to] of own) network.healOneWay(from, to);
  };
  return { what, end };
}

function bothWays(pairs: readonly (readonly [string, string])[]): [string, string][] {
  return pairs.flatMap(([a, b]): [string, string][] => [
    [a, b],
    [b, a],
  ]);
}

function between(side: readonly string[], other: readonly string[]): [string, string][] {
  return bothWays(side.flatMap((a) => other.map((b): [string, string] => [a, b])));
}

function shuffled<T>(items: readonly T[], random: SeededRandom): T[] {
  const all = [...items];
  for (let i = all.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

function pick<T>(items: readonly T[], random: SeededRandom): T {
  return items[random.below(items.length)]!;
}

function someNode({ cluster, random }: Stage): string {
  return pick(cluster.names, random);
}

function twoNodes({ cluster, random }: Stage): [string, string] {
  const [a, b] = shuffled(cluster.names, random);
  return [a!, b!];
}

function halves(stage: Stage): Struck {
  const names = shuffled(stage.cluster.names, stage.random);
  const size = 1 + stage.random.below(names.length - 1);
  const [side, other] = [names.slice(0, size), names.slice(size)];
  return cutting(stage, `halves ${side.join('')}|${other.join('')}`, between(side, other));
}

/** Each hears only its two neighbours. */
function ring(stage: Stage): Struck | undefined {
  const names = shuffled(stage.cluster.names, stage.random);
  const far = names.flatMap((a, i) =>
    names.slice(i + 2, i === 0 ? -1 : undefined).map((b): [string, string] => [a, b]),
  );
  return far.length === 0 ? undefined : cutting(stage, `ring ${names.join('')}`, bothWays(far));
}

/** Two halves that only one node can talk to. */
function bridge(stage: Stage): Struck {
  const [middle, ...others] = shuffled(stage.cluster.names, stage.random);
  const size = Math.ceil(others.length / 2);
  const [side, other] = [others.slice(0, size), others.slice(size)];
  return cutting(stage, `bridge ${side.join('')}-${middle}-${other.join('')}`, between(side, other));
}

function isolated(stage: Stage): Struck {
  const name = someNode(stage);
  const others = stage.cluster.names.filter((other) => other !== name);
  return cutting(stage, `isolate ${name}`, between([name], others));
}

/** Links of some nodes stop one by one, and come back in another order (FoundationDB's swizzle-clogging). */
function swizzle(stage: Stage): Struck {
  const { cluster, random } = stage;
  const names = shuffled(cluster.names, random).slice(0, 1 + random.below(cluster.names.length));
  const order = shuffled(names, random);
  const stepMs = 20 + random.below(400);
  const clogged = new Map<string, Struck>();
  let isOver = false;
  const clog = (name: string): void => {
    if (isOver) return;
    stage.tell(`clog ${name}`);
    const others = cluster.names.filter((other) => other !== name);
    clogged.set(name, cutting(stage, '', between([name], others)));
  };
  const unclog = (name: string): void => {
    stage.tell(`unclog ${name}`);
    clogged.get(name)?.end?.();
  };
  for (const [i, name] of names.entries()) cluster.clock.setTimer(i * stepMs, () => clog(name));
  const end = (): void => {
    isOver = true;
    for (const [i, name] of order.entries()) cluster.clock.setTimer(i * stepMs, () => unclog(name));
  };
  return { what: `swizzle ${names.join('')}, healing ${order.join('')}`, end };
}

function slowLink(stage: Stage): Struck {
  const [a, b] = twoNodes(stage);
  stage.cluster.network.setDelay(a, b, [20, 400]);
  return { what: `slow link ${a}-${b}`, end: () => stage.cluster.network.setDelay(a, b, undefined) };
}

/** Every timer late, every message slow, as on a machine that swaps. */
function slowNode(stage: Stage): Struck {
  const { cluster, random } = stage;
  const name = someNode(stage);
  const others = cluster.names.filter((other) => other !== name);
  const lagMs = 5 + random.below(300);
  cluster.machine(name).clock.lagMs = lagMs;
  for (const other of others) cluster.network.setDelay(name, other, [lagMs / 2, lagMs]);
  const end = (): void => {
    cluster.machine(name).clock.lagMs = 0;
    for (const other of others) cluster.network.setDelay(name, other, undefined);
  };
  return { what: `slow node ${name} by ${lagMs} ms`, end };
}

function reset(stage: Stage): Struck {
  const [a, b] = twoNodes(stage);
  stage.cluster.network.reset(a, b);
  return { what: `reset ${a}-${b}`, end: undefined };
}

function torn(stage: Stage): Struck {
  const [a, b] = twoNodes(stage);
  stage.cluster.network.tear(a, b);
  return { what: `break ${a}>${b} within a frame`, end: undefined };
}

/** Down until its time is over, with its power or without. */
function crash(stage: Stage, isPowerLost: boolean): Struck | undefined {
  const { cluster, lost } = stage;
  const name = someNode(stage);
  if (!cluster.isRunning(name)) return undefined;
  if (isPowerLost && !stage.isSynced) {
    if (!mayForget(stage, name)) return undefined;
    lost.add(name);
  }
  if (isPowerLost) cluster.losePower(name);
  else cluster.crash(name);
  return { what: `${isPowerLost ? 'lose power' : 'crash'} ${name}`, end: () => startAgain(stage, name) };
}

/**
 * One node at a time, and not the one that would found a cluster anew. It starts with an empty disk, and must have no vote before
 * it has everything back.
 */
function lostDisk(stage: Stage): Struck | undefined {
  const { cluster, lost } = stage;
  const name = someNode(stage);
  if (name === cluster.names[0] || !cluster.isRunning(name) || !mayForget(stage, name)) return undefined;
  lost.add(name);
  cluster.crash(name);
  cluster.disk(name).lose();
  return { what: `lose the disk of ${name}`, end: () => startAgain(stage, name) };
}

/**
 * A file system is not mounted for a while, and an empty directory is in its place. A node that was started on it must not vote from
 * that one; one that starts anew meanwhile has lost its disk.
 */
function diskOff(stage: Stage): Struck | undefined {
  const { cluster, lost, off } = stage;
  const name = someNode(stage);
  if (name === cluster.names[0] || !cluster.isRunning(name) || !mayForget(stage, name)) return undefined;
  const disk = cluster.disk(name);
  const { node } = cluster.machine(name);
  off.add(name);
  disk.takeOff(FAILED);
  cluster.clock.setTimer(stage.random.below(2000), () => (disk.failure = undefined));
  const end = (): void => {
    off.delete(name);
    const present = cluster.machine(name).node;
    if (present === node || present === undefined) return disk.putBack();
    disk.leaveOff();
    lost.add(name);
  };
  return { what: `take off the disk of ${name}`, end };
}

/** Whether everybody else has everything that this node may be about to forget. */
function mayForget(stage: Stage, name: string): boolean {
  const { cluster, lost, off } = stage;
  for (const each of [...lost]) if (cluster.gauges(each)?.slotsWithoutVote === 0) lost.delete(each);
  if (lost.size + off.size > 0) return false;
  return !stage.keys.some((key) => {
    const owners = stage.owners(key);
    return owners.includes(name) && owners.some((owner) => isDamaged(stage, owner, key));
  });
}

/** Starts a node, and again if its disk does not let it. */
export function startAgain(stage: Stage, name: string): void {
  const { cluster } = stage;
  if (cluster.isRunning(name)) return;
  stage.tell(`start ${name}`);
  cluster.start(name).catch((error: unknown) => {
    stage.tell(`${name} cannot start: ${String(error)}`);
    cluster.crash(name);
    cluster.clock.setTimer(500, () => startAgain(stage, name));
  });
}

function pause(stage: Stage): Struck | undefined {
  const name = someNode(stage);
  if (!stage.cluster.isRunning(name) || stage.cluster.machine(name).clock.isPaused) return undefined;
  stage.cluster.pause(name);
  return { what: `pause ${name}`, end: () => stage.cluster.resume(name) };
}

function slowDisk(stage: Stage): Struck {
  const name = someNode(stage);
  const disk = stage.cluster.disk(name);
  disk.writeMs = [5, 20 + stage.random.below(400)];
  disk.syncMs = stage.random.below(500);
  const end = (): void => {
    disk.writeMs = WRITE_MS;
    disk.syncMs = 0;
  };
  return { what: `slow disk ${name}`, end };
}

function fullDisk(stage: Stage): Struck {
  const name = someNode(stage);
  const disk = stage.cluster.disk(name);
  disk.failure = NO_SPACE;
  return { what: `full disk ${name}`, end: () => (disk.failure = undefined) };
}

/** One write fails, and the ones that follow on its heels. */
function failedWrite(stage: Stage): Struck {
  const name = someNode(stage);
  const disk = stage.cluster.disk(name);
  disk.failure = FAILED;
  stage.cluster.clock.setTimer(stage.random.below(20), () => (disk.failure = undefined));
  return { what: `failed writes ${name}`, end: undefined };
}

function isDamaged({ cluster, lost, off }: Stage, owner: string, key: string): boolean {
  return lost.has(owner) || off.has(owner) || !cluster.isSound(owner, key);
}

/** One bit of one stored record, unless another replica's record of that key is damaged already. */
function bitFlip(stage: Stage): Struck | undefined {
  const { cluster, random } = stage;
  const key = pick(stage.keys, random);
  const owners = stage.owners(key);
  const name = owners[random.below(owners.length)];
  if (name === undefined || owners.some((owner) => isDamaged(stage, owner, key))) return undefined;
  const bytes = cluster.storedBytes(name, key);
  if (bytes === undefined) return undefined;
  const at = random.below(bytes.length);
  cluster.disk(name).corrupt(cluster.engineKey(key), at);
  return { what: `flip a bit of byte ${at} of ${key} at ${name}`, end: undefined };
}

function skew(stage: Stage): Struck {
  const name = someNode(stage);
  const skewMs = Math.round((stage.random.next() - 0.5) * 12 * HOUR_MS);
  stage.cluster.skew(name, skewMs);
  return { what: `clock of ${name} ${skewMs} ms off`, end: undefined };
}

function drift(stage: Stage): Struck {
  const name = someNode(stage);
  const rate = Math.round((stage.random.next() * 1.5 - 0.5) * 100) / 100;
  stage.cluster.drift(name, rate);
  return { what: `clock of ${name} ${1 + rate} times as fast`, end: () => stage.cluster.drift(name, 0) };
}

/** There and back. */
function jump(stage: Stage): Struck {
  const { cluster, random } = stage;
  const name = someNode(stage);
  const byMs = Math.round((random.next() - 0.5) * 2 * HOUR_MS);
  const { skewMs } = cluster.machine(name);
  cluster.skew(name, skewMs + byMs);
  return { what: `clock of ${name} jumps by ${byMs} ms`, end: () => cluster.skew(name, skewMs) };
}

function oneWay(stage: Stage): Struck {
  const [a, b] = twoNodes(stage);
  return cutting(stage, `cut ${a}>${b}`, [[a, b]]);
}

function cut(stage: Stage): Struck {
  const [a, b] = twoNodes(stage);
  return cutting(stage, `cut ${a}-${b}`, bothWays([[a, b]]));
}

export const FAULTS: readonly Fault[] = [
  fault('slow-link', 2, 'messages between two nodes take up to 0.4 s', slowLink),
  fault('reset', 2, 'all connections between two nodes break', reset),
  fault('torn', 2, 'a connection breaks within a frame', torn),
  fault('one-way', 2, 'nothing that one node sends arrives at another', oneWay),
  fault('cut', 2, 'nothing arrives between two nodes', cut),
  fault('halves', 1, 'two groups of nodes cannot talk to each other', halves),
  fault('ring', 1, 'each node can talk to two neighbours only', ring),
  fault('bridge', 1, 'two groups that only one node can talk to', bridge),
  fault('isolate', 2, 'a node is cut off from all others, not from clients', isolated),
  fault('swizzle', 1, 'nodes are cut off one by one, and come back in another order', swizzle),
  fault('crash', 4, 'a node is killed, and started again later', (stage) => crash(stage, false)),
  fault('power', 3, 'a machine loses its power, and with it what was not synced', (stage) =>
    crash(stage, true),
  ),
  fault(
    'disk-off',
    1,
    'a file system goes away under a running node, and an empty one is in its place',
    diskOff,
  ),
  fault('lost-disk', 1, 'a node comes back with an empty disk', lostDisk),
  fault('pause', 3, 'a node stands still with its connections open', pause),
  fault('slow-node', 2, 'timers and messages of a node are late', slowNode),
  fault('slow-disk', 2, 'writes to a disk take up to 0.9 s', slowDisk),
  fault('full-disk', 1, 'a disk takes nothing more', fullDisk),
  fault('failed-write', 2, 'writes to a disk fail for a moment', failedWrite),
  fault('bit-flip', 2, 'one bit of one stored record changes', bitFlip),
  fault('skew', 2, "a node's wall clock is hours off from now on", skew),
  fault('drift', 1, "a node's wall clock runs fast or slow", drift),
  fault('jump', 1, "a node's wall clock jumps by up to an hour, and back", jump),
];

export const FAULT_NAMES: readonly string[] = FAULTS.map(({ name }) => name);

/** Strikes at random moments until it is told to stop, and then takes everything back. */
export class Nemesis {
  readonly #stage: Stage;
  readonly #faults: readonly Fault[];
  readonly #everyMs: number;
  readonly #forMs: number;
  readonly #active = new Map<number, Struck>();
  /** How often each fault has struck. */
  readonly struck = new Map<string, number>();
  #number = 0;
  #isOver = false;

  constructor(stage: Stage, faults: readonly string[], everyMs: number, forMs: number) {
    this.#stage = stage;
    this.#faults = FAULTS.filter(({ name }) => faults.includes(name));
    this.#everyMs = everyMs;
    this.#forMs = forMs;
  }

  start(): void {
    if (this.#faults.length > 0) this.#plan();
  }

  /** Everything is taken back; nodes that are down start. What swizzling heals step by step is healed at once. */
  finish(): void {
    this.#isOver = true;
    for (const number of [...this.#active.keys()]) this.#end(number);
    const { cluster } = this.#stage;
    cluster.heal();
    for (const name of cluster.names) {
      cluster.disk(name).failure = undefined;
      cluster.resume(name);
      startAgain(this.#stage, name);
    }
    this.#stage.tell('all faults are over');
  }

  #plan(): void {
    const { cluster, random } = this.#stage;
    cluster.clock.setTimer(random.next() * 2 * this.#everyMs, () => {
      if (this.#isOver) return;
      this.#strike(this.#pick());
      this.#plan();
    });
  }

  #strike(fault: Fault): void {
    const { cluster, random } = this.#stage;
    const struck = fault.strike(this.#stage);
    const durationMs = random.next() * 2 * this.#forMs;
    if (struck === undefined) return;
    this.struck.set(fault.name, (this.struck.get(fault.name) ?? 0) + 1);
    const number = this.#number++;
    const lasts = struck.end === undefined ? '' : `, for ${Math.round(durationMs)} ms`;
    this.#stage.tell(`#${number} ${struck.what}${lasts}`);
    if (struck.end === undefined) return;
    this.#active.set(number, struck);
    cluster.clock.setTimer(durationMs, () => this.#end(number));
  }

  #end(number: number): void {
    const struck = this.#active.get(number);
    if (!this.#active.delete(number)) return;
    this.#stage.tell(`#${number} is over: ${struck!.what}`);
    struck!.end!();
  }

  #pick(): Fault {
    return pickWeighted(this.#faults, this.#stage.random);
  }
}
