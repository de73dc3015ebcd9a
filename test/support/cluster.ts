/**
 * A cluster in one process and on one virtual clock: real nodes over a virtual network and virtual disks. Nodes can be
 * crashed and come back with their disks, cut off, and given wall clocks of their own; what each of them has stored can
 * be looked at. Everything follows from the seed.
 */
import { assert, KvError } from '../../src/base/errors.js';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { QuoralNode } from '../../src/node/node.js';
import type { NodeOptions } from '../../src/node/options.js';
import type { Log, LogFields } from '../../src/ports/log.js';
import { type KeyHasher, loadKeyHasher } from '../../src/ring/hash.js';
import { slotOf } from '../../src/ring/slot.js';
import { engineKey } from '../../src/storage/keyspace.js';
import { checkRecord, type DecodedRecord, decodeRecord } from '../../src/version/record.js';
import type { Body } from '../../src/wire/body.js';
import { STATUS } from '../../src/wire/message-type.js';
import { type Answer, FrameClient } from './frame-client.js';
import { NodeClock } from './node-clock.js';
import { VirtualClock } from './virtual-clock.js';
import { VirtualDisk } from './virtual-disk.js';
import { VirtualNetwork } from './virtual-network.js';

export interface ClusterOptions {
  readonly seed?: number;
  /** Names; the first one founds the cluster. */
  readonly nodes?: readonly string[];
  /** What all nodes are told, where it differs from the usual. */
  readonly options?: Partial<NodeOptions>;
  readonly delayMs?: readonly [number, number];
  /** Sees every line of the log as it is written. */
  readonly onLog?: (node: string, level: string, message: string, fields: LogFields) => void;
}

interface Machine {
  readonly disk: VirtualDisk;
  readonly options: NodeOptions;
  skewMs: number;
  /** How often the machine has started. */
  boots: number;
  /** How much faster than the true time the wall clock runs (0.01: by a hundredth), and since when. */
  driftRate: number;
  driftSinceMs: number;
  clock: NodeClock;
  node: QuoralNode | undefined;
}

/** How long `until` waits before it gives up, in virtual milliseconds. */
const PATIENCE_MS = 60_000;
// Compiled once and before everything: it is the only thing here that takes real time. Nodes can share it, as each of
// them reads a hash before any other can run.
const keyHasher = remembering(await loadKeyHasher());
const CLIENT_HOST = 'client';
const PORT = 7400;

export class Cluster {
  readonly seed: number;
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly network: VirtualNetwork;
  /** Lines of all nodes: `name level message {fields}`. */
  readonly log: string[] = [];
  readonly #machines = new Map<string, Machine>();
  readonly #overrides: Partial<NodeOptions>;
  readonly #onLog: ClusterOptions['onLog'];
  #clients = 0;

  constructor(options: ClusterOptions = {}) {
    this.seed = options.seed ?? 1;
    this.random = new SeededRandom(this.seed);
    const delayMs = options.delayMs ?? [0.1, 1];
    this.network = new VirtualNetwork({
      clock: this.clock,
      random: new SeededRandom(this.seed + 1),
      delayMs,
    });
    this.#overrides = options.options ?? {};
    this.#onLog = options.onLog;
    for (const name of options.nodes ?? ['a', 'b', 'c']) this.add(name);
  }

  /** A cluster whose nodes all serve and are linked to each other. */
  static async formed(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = new Cluster(options);
    for (const name of cluster.names) await cluster.until(cluster.start(name));
    await cluster.linked();
    return cluster;
  }

  get names(): string[] {
    return [...this.#machines.keys()];
  }

  /** Another machine, with an empty disk. It joins through the first one unless told otherwise. */
  add(name: string, overrides: Partial<NodeOptions> = {}): void {
    const first = this.names[0];
    const options: NodeOptions = {
      name,
      listen: addressOf(name),
      join: first === undefined ? [] : [addressOf(first)],
      weight: 1,
      zone: '',
      replicas: 3,
      readQuorum: 0,
      writeQuorum: 0,
      fsync: 'everysec',
      tombstoneGraceMs: 60_000,
      cacheBytes: 1024 * 1024,
      storage: 'virtual',
      software: 'quoral/test',
      ...this.#overrides,
      ...overrides,
    };
    const disk = new VirtualDisk(new SeededRandom(this.random.u32()));
    this.#machines.set(name, {
      disk,
      options,
      skewMs: 0,
      boots: 1,
      driftRate: 0,
      driftSinceMs: 0,
      clock: this.#newClock(name),
      node: undefined,
    });
  }

  /** Starts a node that does not run. Resolves when it serves; needs time to pass, see {@link until}. */
  async start(name: string): Promise<void> {
    const machine = this.machine(name);
    assert(machine.node === undefined, `${name} runs already`);
    machine.clock = this.#newClock(name);
    const { clock, disk } = machine;
    const node = new QuoralNode(machine.options, {
      clock,
      random: new SeededRandom(this.random.u32()),
      network: this.network.host(name),
      engine: disk.engine(clock),
      log: this.#logOf(name),
      hasher: keyHasher,
      usage: () => ({ userUs: 0, systemUs: 0, rssBytes: 0 }),
      bootId: `boot-${machine.boots}`,
    });
    machine.node = node;
    await node.start();
  }

  /** Ends a node as `kill -9` does. */
  crash(name: string): void {
    const machine = this.machine(name);
    machine.clock.kill();
    machine.node = undefined;
    machine.disk.crash();
    this.network.crashHost(name);
  }

  /** Ends a node and its machine: what was not synced may be lost. */
  losePower(name: string): void {
    this.crash(name);
    this.disk(name).losePower();
    this.machine(name).boots++;
  }

  /** A node stands still, as by SIGSTOP: its connections stay open. */
  pause(name: string): void {
    this.machine(name).clock.pause();
    this.network.pauseHost(name);
  }

  /** It goes on: what came due meanwhile happens late, all at once. */
  resume(name: string): void {
    const { clock } = this.machine(name);
    if (!clock.isPaused) return;
    clock.resume();
    this.network.resumeHost(name);
  }

  /**
   * Stops a node in good order; timers that it leaves behind stay to be counted until it is started again.
   * @param lingerMs how long its program goes on after that.
   * @returns connections that it had left open then.
   */
  async stop(name: string, lingerMs = 0): Promise<number> {
    const machine = this.machine(name);
    const stopped = machine.node?.stop();
    await this.until(stopped ?? Promise.resolve());
    if (lingerMs > 0) await this.run(lingerMs);
    const sockets = this.network.socketCount(name);
    machine.node = undefined;
    machine.clock.kill();
    this.network.crashHost(name);
    return sockets;
  }

  /** How full the tables of a running node are, with its timers and its connections; undefined while it does not run. */
  gauges(name: string): Readonly<Record<string, number>> | undefined {
    const { node, clock } = this.machine(name);
    const gauges = node?.gauges();
    if (gauges === undefined) return undefined;
    return { ...gauges, timers: clock.pendingTimers, sockets: this.network.socketCount(name) };
  }

  async restart(name: string): Promise<void> {
    if (this.isRunning(name)) this.crash(name);
    await this.until(this.start(name));
  }

  isRunning(name: string): boolean {
    return this.machine(name).node !== undefined;
  }

  cut(a: string, b: string): void {
    this.network.cut(a, b);
  }

  /** Cuts one node off from all the others, not from clients. */
  isolate(name: string): void {
    for (const other of this.names) if (other !== name) this.network.cut(name, other);
  }

  heal(): void {
    this.network.heal();
  }

  /** Sets how far a node's wall clock is ahead of the true time. */
  skew(name: string, skewMs: number): void {
    const machine = this.machine(name);
    machine.skewMs = skewMs;
    machine.driftSinceMs = this.clock.monotonicMs();
  }

  /** From now on a node's wall clock runs faster than the true time by this rate, or slower. */
  drift(name: string, rate: number): void {
    const machine = this.machine(name);
    machine.skewMs = this.#aheadMs(name);
    machine.driftSinceMs = this.clock.monotonicMs();
    machine.driftRate = rate;
  }

  #aheadMs(name: string): number {
    const machine = this.#machines.get(name);
    if (machine === undefined) return 0;
    return machine.skewMs + machine.driftRate * (this.clock.monotonicMs() - machine.driftSinceMs);
  }

  machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new Error(`no machine named ${name}`);
    return machine;
  }

  disk(name: string): VirtualDisk {
    return this.machine(name).disk;
  }

  /** A connection of its own to a node. */
  client(name: string): FrameClient {
    const host = `${CLIENT_HOST}${this.#clients++}`;
    return new FrameClient(this.clock, this.network.host(host), addressOf(name));
  }

  /** What a node says of itself. */
  async status(name: string): Promise<Body> {
    const client = this.client(name);
    const answer = await this.until(client.call(STATUS, {}));
    client.close();
    if (answer.kind !== 'result') throw new Error(`no status of ${name}: ${JSON.stringify(answer)}`);
    return answer.body;
  }

  /** The counters of a node's coordinator, `inFlight` among them. */
  async requests(name: string): Promise<Record<string, number>> {
    return (await this.status(name)).requests as Record<string, number>;
  }

  /** Lets virtual time pass. */
  run(ms: number): Promise<void> {
    return this.clock.advanceAsync(ms);
  }

  /** Lets time pass until the promise settles. */
  async until<T>(promise: Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
    let isSettled = false;
    const settled = (): void => {
      isSettled = true;
    };
    promise.then(settled, settled);
    const giveUpMs = this.clock.monotonicMs() + patienceMs;
    await this.clock.runUntil(giveUpMs, () => isSettled);
    if (!isSettled) throw new Error(`nothing settled in ${patienceMs} ms (seed ${this.seed})`);
    return promise;
  }

  /** Lets time pass until every running node sees every other running one as alive. */
  async linked(): Promise<void> {
    const running = this.names.filter((name) => this.isRunning(name));
    await this.eventually(async () => {
      for (const name of running) {
        const members = ((await this.status(name)).members ?? []) as { name: string; state: string }[];
        const alive = members.filter(({ state }) => state === 'alive').map((member) => member.name);
        if (!running.every((other) => other === name || alive.includes(other))) return false;
      }
      return true;
    });
  }

  /** Lets time pass until `condition` holds. */
  async eventually(condition: () => boolean | Promise<boolean>, patienceMs = PATIENCE_MS): Promise<void> {
    const giveUpMs = this.clock.monotonicMs() + patienceMs;
    while (!(await condition())) {
      if (this.clock.monotonicMs() > giveUpMs) throw new Error(`it never came about (seed ${this.seed})`);
      await this.run(50);
    }
  }

  /** The bytes that a node has stored for a key. */
  storedBytes(name: string, key: string): Uint8Array | undefined {
    return this.disk(name).content.get(Buffer.from(this.engineKey(key)).toString('latin1'));
  }

  /** Whether what a node has stored for a key, if anything, passes its checksum. */
  isSound(name: string, key: string): boolean {
    const bytes = this.storedBytes(name, key);
    keyHasher.hash(new TextEncoder().encode(key));
    return bytes === undefined || checkRecord(bytes, keyHasher.lo);
  }

  /** The record that a node has stored for a key; undefined: none. */
  stored(name: string, key: string): DecodedRecord | undefined {
    const bytes = this.storedBytes(name, key);
    return bytes === undefined ? undefined : decodeRecord(bytes);
  }

  /** The values that the nodes have stored for a key, `-` for a tombstone, `` for nothing. */
  storedValues(key: string, names: readonly string[] = this.names): string[] {
    return names.map((name) => {
      const record = this.stored(name, key);
      if (record === undefined) return '';
      return record.tombstone ? '-' : new TextDecoder().decode(record.value);
    });
  }

  engineKey(key: string): Uint8Array {
    const bytes = new TextEncoder().encode(key);
    keyHasher.hash(bytes);
    return engineKey(slotOf(keyHasher.hi), bytes);
  }

  #newClock(name: string): NodeClock {
    return new NodeClock(this.clock, () => this.#aheadMs(name));
  }

  #logOf(name: string): Log {
    const write =
      (level: string) =>
      (message: string, fields: LogFields = {}) => {
        this.log.push(`${name} ${level} ${message} ${JSON.stringify(fields)}`);
        this.#onLog?.(name, level, message, fields);
      };
    return {
      level: 'debug',
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    };
  }
}

/** Rings are built over and over from the hashes of the same names: they are computed once. */
function remembering(hasher: KeyHasher): KeyHasher {
  const known = new Map<string, readonly [hi: number, lo: number]>();
  const compute = hasher.hash32.bind(hasher);
  hasher.hash32 = (text) => {
    const hash = known.get(text);
    if (hash === undefined) {
      compute(text);
      known.set(text, [hasher.hi, hasher.lo]);
    } else [hasher.hi, hasher.lo] = hash;
    return hasher.lo;
  };
  return hasher;
}

export function addressOf(name: string): string {
  return `${name}:${PORT}`;
}

/** The code of an error that a promise is rejected with; undefined when it resolves. */
export function codeOf(promise: Promise<unknown>): Promise<string | undefined> {
  return promise.then(
    () => undefined,
    (error: unknown) => (error instanceof KvError ? error.code : String(error)),
  );
}

/** An answer in few words: the value, `absent`, `done`, or the error's code with `!` when it is definite. */
export function brief(answer: Answer): string {
  switch (answer.kind) {
    case 'value':
      return answer.value;
    case 'error':
      return `${answer.code}${answer.definite ? '!' : '?'}`;
    default:
      return answer.kind;
  }
}
