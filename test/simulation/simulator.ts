/**
 * One run: a cluster of real nodes on a virtual clock, clients, misfortunes, and then peace. All of it follows from the
 * seed. When the faults are over every key must be readable and writable again at every node; then all nodes are stopped,
 * and the checkers look at what is left.
 */
import { SeededRandom } from '../../src/base/seeded-random.js';
import type { DecodedRecord } from '../../src/version/record.js';
import { NO_VERSION } from '../../src/version/version.js';
import { OWNERS } from '../../src/wire/message-type.js';
import { Cluster } from '../support/cluster.js';
import type { FrameClient } from '../support/frame-client.js';
import type { Operation } from '../support/linearizability.js';
import { findReplicaDifferences } from './checkers/replicas.js';
import { ALL_CHECKERS } from './checkers.js';
import { Nemesis, type Stage } from './faults.js';
import type { Checker, FinishedRun, Leftovers, Settled } from './finished-run.js';
import { GaugeWatch, limitsOf } from './gauge-watch.js';
import { History } from './history.js';
import { drawOptions, type GivenOptions, type SimulationOptions } from './options.js';
import { type LineSink, MessageWatch, Transcript } from './transcript.js';
import { Client, type Keys, keysOf, Values, type WorkloadContext } from './workload.js';

export interface SimulationHooks {
  /** All of them unless told. */
  readonly checkers?: readonly Checker[];
  /** Takes the lines of the transcript. */
  readonly onLine?: LineSink;
  /** Messages between nodes and clients as lines, too. */
  readonly messages?: boolean;
}

export interface SimulationResult {
  readonly options: SimulationOptions;
  readonly ok: boolean;
  /** What is wrong, each with the checker's name before it. */
  readonly failures: readonly string[];
  /** The history of every key that a failure names. */
  readonly offending: ReadonlyMap<string, readonly Operation[]>;
  readonly operations: number;
  /** How often each kind of operation ended in each way. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** How often each fault struck. */
  readonly faults: ReadonlyMap<string, number>;
  readonly virtualMs: number;
  /** Pieces of bytes that arrived somewhere. */
  readonly pieces: number;
  /** How long after the last fault all disks agreed; undefined when they never did. */
  readonly convergedMs: number | undefined;
  readonly transcriptHash: string;
}

/**
 * After the faults, every key must be readable and writable at every node within this, in virtual milliseconds. What is
 * found damaged by the last reads of all, some fifteen seconds after the faults, needs eleven more until it may be fetched.
 */
export const RECOVERY_MS = 40_000;
/** After the faults, all replicas must hold the same within this, read or not, in virtual milliseconds. */
export const CONVERGENCE_MS = 60_000;
/** How long what was asked last may be under way. */
const QUIET_MS = 11_000;
/** Enough for what travels between healthy nodes to arrive. */
const CALM_MS = 500;
const RETRY_MS = 200;
const CLIENT_PATIENCE_MS = 120_000;

/** Runs one seed. Never rejects: what goes wrong is a failure. */
export async function simulate(
  seed: number,
  given: GivenOptions = {},
  hooks: SimulationHooks = {},
): Promise<SimulationResult> {
  const simulation = new Simulation(drawOptions(seed, given), hooks);
  return simulation.run();
}

class Simulation {
  readonly #options: SimulationOptions;
  readonly #hooks: SimulationHooks;
  readonly #cluster: Cluster;
  readonly #transcript: Transcript;
  readonly #history = new History();
  readonly #keys: Keys;
  readonly #owners = new Map<string, readonly string[]>();
  readonly #lost = new Set<string>();
  readonly #unrecovered: string[] = [];
  readonly #divergent: string[] = [];
  readonly #values = new Values();
  readonly #endMs: number;
  #nemesis: Nemesis | undefined;
  #healedAt = 0;
  #convergedMs: number | undefined;

  constructor(options: SimulationOptions, hooks: SimulationHooks) {
    this.#options = options;
    this.#hooks = hooks;
    this.#keys = keysOf(options);
    const { seed, replicas, fsync, cacheBytes, tombstoneGraceMs, delayMs } = options;
    this.#cluster = new Cluster({
      seed,
      nodes: Array.from({ length: options.nodes }, (_, i) => String.fromCharCode(97 + i)),
      options: { replicas, fsync, cacheBytes, tombstoneGraceMs },
      delayMs,
      onLog: (node, level, message, fields) =>
        this.#transcript.tell(node, `${level}: ${message} ${JSON.stringify(fields)}`),
    });
    this.#transcript = new Transcript(this.#cluster.clock, hooks.onLine);
    const { network } = this.#cluster;
    network.onPiece = (from, to, bytes) => this.#transcript.onPiece(from, to, bytes);
    if (hooks.messages === true) {
      const watch = new MessageWatch(this.#transcript);
      network.onWrite = (socket, bytes) => watch.onWrite(socket, bytes);
    }
    this.#endMs = options.virtualSeconds * 1000;
  }

  async run(): Promise<SimulationResult> {
    let failures: string[];
    try {
      failures = await this.#play();
    } catch (error) {
      failures = [`the run broke off: ${error instanceof Error ? error.stack : String(error)}`];
    }
    const history = this.#history;
    for (const failure of failures) this.#transcript.tell('checker', failure);
    return {
      options: this.#options,
      ok: failures.length === 0,
      failures,
      offending: new Map([...history.byKey].filter(([key]) => failures.some((text) => names(text, key)))),
      operations: history.operations,
      outcomes: history.outcomes,
      faults: this.#nemesis?.struck ?? new Map(),
      virtualMs: this.#cluster.clock.monotonicMs(),
      pieces: this.#transcript.pieces,
      convergedMs: this.#convergedMs,
      transcriptHash: this.#transcript.digest(),
    };
  }

  async #play(): Promise<string[]> {
    const cluster = this.#cluster;
    this.#transcript.tell('run', JSON.stringify(this.#options));
    for (const name of cluster.names) await cluster.until(cluster.start(name));
    await cluster.linked();
    const start = cluster.clock.monotonicMs();
    const context: WorkloadContext = {
      options: this.#options,
      cluster,
      keys: this.#keys,
      history: this.#history,
      transcript: this.#transcript,
      endMs: start + this.#endMs,
    };
    await this.#prepare(context);
    await cluster.run(CALM_MS);
    const watch = new GaugeWatch(cluster);
    watch.start();
    await this.#trouble(context);
    const all = this.#keys.all;
    const read = all.filter((_, i) => i % 3 === 0);
    await this.#everywhere(read, async (name, client, key) => {
      await this.#readAgain(name, client, key);
    });
    await this.#converge();
    const settled = [await this.#settle('after the faults')];
    await this.#everywhere(all, (name, client, key) => this.#writeAgain(name, client, key));
    await cluster.run(QUIET_MS);
    settled.push(await this.#settle('in the end'));
    await cluster.run(CALM_MS);
    const growth = watch.finish(limitsOf(this.#options, this.#keys, this.#history));
    const leftovers = await this.#stop();
    return this.#check({
      histories: this.#history.byKey,
      sightings: this.#history.sightings,
      scans: this.#history.scans,
      settled,
      growth,
      leftovers,
      unrecovered: this.#unrecovered,
      divergent: this.#divergent,
    });
  }

  /** Learns who keeps each key, and writes those that stay as they are. */
  async #prepare(context: WorkloadContext): Promise<void> {
    const cluster = this.#cluster;
    const asker = cluster.client(cluster.names[0]!);
    for (const key of this.#keys.all) {
      const answer = await cluster.until(asker.call(OWNERS, {}, key));
      const owners = answer.kind === 'result' ? (answer.body.owners as { name: string }[]) : [];
      this.#owners.set(
        key,
        owners.map(({ name }) => name),
      );
    }
    asker.close();
    const writer = new Client(0, context, this.#values);
    await cluster.until(writer.open(false));
    for (const key of this.#keys.still) {
      if (!(await cluster.until(writer.setUntilDone(key)))) throw new Error(`${key} could not be prepared`);
    }
    await writer.close();
  }

  async #trouble(context: WorkloadContext): Promise<void> {
    const cluster = this.#cluster;
    const options = this.#options;
    const stage: Stage = {
      cluster,
      random: new SeededRandom(options.seed + 7),
      keys: this.#keys.all,
      isSynced: options.fsync === 'always',
      owners: (key) => this.#owners.get(key)!,
      lost: this.#lost,
      off: new Set(),
      tell: (text) => this.#transcript.tell('fault', text),
    };
    const clients = Array.from(
      { length: options.clients },
      (_, i) => new Client(i + 1, context, this.#values),
    );
    for (const [i, client] of clients.entries()) await cluster.until(client.open(i % 3 === 2));
    const nemesis = new Nemesis(stage, options.faults, options.faultEveryMs, options.faultForMs);
    this.#nemesis = nemesis;
    nemesis.start();
    cluster.clock.setTimer(context.endMs - cluster.clock.monotonicMs(), () => {
      nemesis.finish();
      this.#healedAt = cluster.clock.monotonicMs();
    });
    const patienceMs = context.endMs + CLIENT_PATIENCE_MS;
    await cluster.until(Promise.all(clients.map((client) => client.run())), patienceMs);
  }

  /** Something with these keys at every node, all at once: it must succeed in time. */
  async #everywhere(
    keys: readonly string[],
    operate: (name: string, client: FrameClient, key: string) => Promise<void>,
  ): Promise<void> {
    const cluster = this.#cluster;
    const clients = cluster.names.map((name) => [name, cluster.client(name)] as const);
    const all = clients.flatMap(([name, client]) => keys.map((key) => operate(name, client, key)));
    await cluster.until(Promise.all(all), RECOVERY_MS * 4);
    for (const [, client] of clients) client.close();
  }

  /** @returns whether it could. */
  async #readAgain(name: string, client: FrameClient, key: string, quorum = 0): Promise<boolean> {
    const by = `last@${name}`;
    for (;;) {
      const calledAt = this.#now;
      const answer = await client.get(key, { quorum });
      if (answer.kind !== 'error') {
        const [value, version] = answer.kind === 'value' ? [answer.value, answer.version] : ['', NO_VERSION];
        this.#history.add(key, { kind: 'read', value, calledAt, returnedAt: this.#now, by }, version);
        return true;
      }
      if (this.#isTooLate(`${name} cannot read ${key}: ${answer.code} ${answer.message}`)) return false;
      await this.#pause();
    }
  }

  async #writeAgain(name: string, client: FrameClient, key: string): Promise<void> {
    if (this.#keys.still.includes(key)) return;
    const by = `last@${name}`;
    for (;;) {
      const value = this.#values.next();
      const calledAt = this.#now;
      const answer = await client.set(key, value);
      if (answer.kind === 'done' || (answer.kind === 'error' && !answer.definite)) {
        const returnedAt = answer.kind === 'done' ? this.#now : Infinity;
        const version = answer.kind === 'done' ? answer.version : NO_VERSION;
        this.#history.add(key, { kind: 'write', value, calledAt, returnedAt, by }, version);
        if (answer.kind === 'done') return;
      }
      const problem = answer.kind === 'error' ? `${answer.code} ${answer.message}` : answer.kind;
      if (this.#isTooLate(`${name} cannot write ${key}: ${problem}`)) return;
      await this.#pause();
    }
  }

  #isTooLate(problem: string): boolean {
    if (this.#now < this.#healedAt + RECOVERY_MS) return false;
    this.#unrecovered.push(`${problem}, ${RECOVERY_MS} ms after the last fault`);
    return true;
  }

  /** Lets time pass until all disks agree, though two keys of three are not read by anybody. */
  async #converge(): Promise<void> {
    let differences: string[];
    do {
      await this.#cluster.run(CALM_MS);
      const { stored, owners } = this.#look('', this.#keys.all);
      differences = findReplicaDifferences(stored, owners);
      if (differences.length === 0) {
        this.#convergedMs = this.#now - this.#healedAt;
        this.#transcript.tell(
          'run',
          `all replicas are equal ${Math.round(this.#convergedMs)} ms after the last fault`,
        );
        return;
      }
    } while (this.#now < this.#healedAt + CONVERGENCE_MS);
    this.#divergent.push(...differences.map((text) => `${text}, ${CONVERGENCE_MS} ms after the last fault`));
  }

  /** Reads every key from all of its replicas, and looks at what is on the disks then. */
  async #settle(when: string): Promise<Settled> {
    const cluster = this.#cluster;
    await cluster.run(CALM_MS);
    const name = cluster.names.at(-1)!;
    const client = cluster.client(name);
    const keys: string[] = [];
    const reads = this.#keys.all.map(async (key) => {
      if (await this.#readAgain(name, client, key, this.#owners.get(key)!.length)) keys.push(key);
    });
    await cluster.until(Promise.all(reads), RECOVERY_MS * 4);
    client.close();
    return this.#look(when, keys);
  }

  /** What is on the disks of these keys. */
  #look(when: string, keys: readonly string[]): Settled {
    const cluster = this.#cluster;
    // A record that was damaged on the disk, and that memory stood in for, is no difference.
    const soundOwners = (key: string): string[] =>
      this.#owners.get(key)!.filter((owner) => cluster.isSound(owner, key));
    const stored = new Map(cluster.names.map((node) => [node, this.#storedAt(node)]));
    return { when, stored, owners: new Map(keys.map((key) => [key, soundOwners(key)])) };
  }

  #storedAt(node: string): Map<string, DecodedRecord> {
    const records = new Map<string, DecodedRecord>();
    for (const key of this.#keys.all) {
      const record = this.#cluster.isSound(node, key) ? this.#cluster.stored(node, key) : undefined;
      if (record !== undefined) records.set(key, record);
    }
    return records;
  }

  async #stop(): Promise<Leftovers[]> {
    const cluster = this.#cluster;
    const sockets = new Map<string, number>();
    for (const name of cluster.names) sockets.set(name, await cluster.stop(name, CALM_MS));
    return cluster.names.map((node) => ({
      node,
      timers: cluster.machine(node).clock.pendingTimers,
      sockets: sockets.get(node)!,
    }));
  }

  #check(run: FinishedRun): string[] {
    const checkers = this.#hooks.checkers ?? ALL_CHECKERS;
    return checkers.flatMap((checker) => checker.check(run).map((text) => `${checker.name}: ${text}`));
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => this.#cluster.clock.setTimer(RETRY_MS, resolve));
  }

  get #now(): number {
    return this.#cluster.clock.monotonicMs();
  }
}

/** Whether a failure speaks of a key: as a word of its own. */
function names(text: string, key: string): boolean {
  return text.split(/[^\w]+/).includes(key);
}
