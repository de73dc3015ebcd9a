/**
 * Clients that read, write and delete a few keys of a virtual cluster while things go wrong with it, and the history of
 * each key, as the clients saw it.
 */
import { SeededRandom } from '../../src/base/seeded-random.js';
import { Cluster, type ClusterOptions } from './cluster.js';
import type { Answer, FrameClient } from './frame-client.js';
import { isLinearizable, type Operation } from './linearizability.js';

export interface WorkloadOptions extends ClusterOptions {
  readonly seed: number;
  readonly clients?: number;
  readonly keys?: number;
  readonly durationMs?: number;
  /** Longest pause of a client between two operations. */
  readonly thinkMs?: number;
  /** Which misfortunes there are; all unless told. */
  readonly faults?: readonly Fault[];
  /** Longest time between two of them. */
  readonly faultEveryMs?: number;
  /** Bounds of the time that a batch takes to be written. */
  readonly diskMs?: readonly [number, number];
  /** Longest life of what is written with an expiry, as half of the values then are; 0: none is. */
  readonly ttlMs?: number;
  /** How long it stays quiet at the end. */
  readonly quietMs?: number;
}

export type Fault =
  | 'cut'
  | 'one-way'
  | 'isolate'
  | 'crash'
  | 'crash-all'
  | 'skew'
  | 'slow'
  | 'reset'
  | 'disk'
  | 'slow-disk'
  | 'corrupt';

export const ALL_FAULTS: readonly Fault[] = [
  'cut',
  'one-way',
  'isolate',
  'crash',
  'skew',
  'slow',
  'reset',
  'disk',
  'slow-disk',
];

export interface Outcome {
  readonly histories: ReadonlyMap<string, readonly Operation[]>;
  /** Keys whose history no order explains. */
  readonly illegal: readonly string[];
  /** What went wrong, and when. */
  readonly events: readonly string[];
  /** Answers in few words, counted. */
  readonly answers: ReadonlyMap<string, number>;
  readonly cluster: Cluster;
}

const HOURS_MS = 3_600_000;
/** After the faults: for links to come back, disks to be reopened, and what is in flight to end. */
const QUIET_MS = 14_000;
const DISK_MS = [0.05, 0.5] as const;

export async function runWorkload(options: WorkloadOptions): Promise<Outcome> {
  const { durationMs = 10_000, clients = 6, faults = ALL_FAULTS, quietMs = QUIET_MS } = options;
  const cluster = await Cluster.formed(options);
  const run = new Run(cluster, options, durationMs);
  const names = cluster.names;
  const all = Promise.all(Array.from({ length: clients }, (_, i) => run.client(i, names[i % names.length]!)));
  const trouble = run.trouble(faults);
  await cluster.until(trouble, durationMs * 3);
  await cluster.until(all, durationMs * 3);
  await cluster.run(quietMs);
  for (const name of names) await run.readAll(name);
  const illegal = [...run.histories].filter(([, history]) => !isLinearizable(history)).map(([key]) => key);
  return { histories: run.histories, illegal, events: run.events, answers: run.answers, cluster };
}

class Run {
  readonly histories = new Map<string, Operation[]>();
  readonly events: string[] = [];
  readonly answers = new Map<string, number>();
  readonly #cluster: Cluster;
  readonly #random: SeededRandom;
  readonly #endMs: number;
  readonly #keys: string[];
  readonly #thinkMs: number;
  readonly #faultEveryMs: number;
  readonly #diskMs: readonly [number, number];
  readonly #ttlMs: number;
  #values = 0;

  constructor(cluster: Cluster, options: WorkloadOptions, durationMs: number) {
    const { seed, keys = 2, thinkMs = 60, faultEveryMs = 700, diskMs = DISK_MS, ttlMs = 0 } = options;
    this.#cluster = cluster;
    this.#thinkMs = thinkMs;
    this.#faultEveryMs = faultEveryMs;
    this.#diskMs = diskMs;
    this.#ttlMs = ttlMs;
    this.#random = new SeededRandom(seed + 2);
    this.#endMs = cluster.clock.monotonicMs() + durationMs;
    this.#keys = Array.from({ length: keys }, (_, i) => `key${i}`);
    for (const key of this.#keys) this.histories.set(key, []);
    for (const name of cluster.names) cluster.disk(name).writeMs = diskMs;
  }

  async client(number: number, name: string): Promise<void> {
    const client = this.#cluster.client(name);
    while (!this.#isOver) {
      await this.#operate(client, this.#pick(this.#keys), `c${number}@${name}`);
      await this.#pause(this.#random.next() * this.#thinkMs);
    }
    client.close();
  }

  async readAll(name: string): Promise<void> {
    const client = this.#cluster.client(name);
    for (const key of this.#keys) await this.#cluster.until(this.#read(client, key, `last@${name}`));
    client.close();
  }

  /** One misfortune after the other, some of which end; at the end everything is well again. */
  async trouble(faults: readonly Fault[]): Promise<void> {
    while (!this.#isOver) {
      await this.#pause(50 + this.#random.below(this.#faultEveryMs));
      if (this.#random.below(4) === 0) this.#mend();
      else if (faults.length > 0) this.#strike(this.#pick(faults));
    }
    this.#mend();
  }

  async #operate(client: FrameClient, key: string, by: string): Promise<void> {
    const choice = this.#random.below(10);
    if (choice < 5) return this.#read(client, key, by);
    const value = choice < 9 ? `v${this.#values++}` : '';
    await this.#write(client, key, value, by);
  }

  async #read(client: FrameClient, key: string, by: string): Promise<void> {
    const calledAt = this.#now;
    const answer = await client.get(key, { budgetMs: this.#budget() });
    this.#count('get', answer);
    if (answer.kind !== 'value' && answer.kind !== 'absent') return;
    const value = answer.kind === 'value' ? answer.value : '';
    this.histories.get(key)!.push({ kind: 'read', value, calledAt, returnedAt: this.#now, by });
  }

  async #write(client: FrameClient, key: string, value: string, by: string): Promise<void> {
    const calledAt = this.#now;
    const budgetMs = this.#budget();
    const ttlMs = this.#ttlMs > 0 && this.#random.below(2) === 0 ? 1 + this.#random.below(this.#ttlMs) : 0;
    const answer = await (value === ''
      ? client.delete(key, { budgetMs })
      : client.set(key, value, { budgetMs, ttlMs }));
    this.#count(value === '' ? 'delete' : 'set', answer);
    if (answer.kind === 'error' && answer.definite) return;
    const returnedAt = answer.kind === 'done' ? this.#now : Infinity;
    const mayExpire = value !== '' && ttlMs > 0;
    this.histories.get(key)!.push({ kind: 'write', value, calledAt, returnedAt, mayExpire, by });
  }

  #strike(fault: Fault): void {
    const cluster = this.#cluster;
    const a = this.#pick(cluster.names);
    const b = this.#pick(cluster.names.filter((name) => name !== a));
    this.events.push(`${Math.round(this.#now)} ${fault} ${a} ${b}`);
    switch (fault) {
      case 'cut':
        return cluster.cut(a, b);
      case 'one-way':
        return cluster.network.cutOneWay(a, b);
      case 'isolate':
        return cluster.isolate(a);
      case 'crash':
        return this.#crash(a);
      case 'crash-all':
        return this.#crashAll();
      case 'skew':
        return cluster.skew(a, (this.#random.next() - 0.5) * 6 * HOURS_MS);
      case 'slow':
        return cluster.network.setDelay(a, b, [20, 400]);
      case 'reset':
        return cluster.network.reset(a, b);
      case 'disk':
        cluster.disk(a).failure = 'no space left on device';
        return;
      case 'slow-disk':
        cluster.disk(a).writeMs = [10, 300];
        return;
      case 'corrupt':
        return this.#corrupt(a);
    }
  }

  /** Restarts at once or when things are mended. */
  #crash(name: string): void {
    if (this.#cluster.isRunning(name)) this.#cluster.crash(name);
    if (this.#random.below(2) === 0) this.#restart(name);
  }

  /** Everybody at once, as by a power cut, and back again. */
  #crashAll(): void {
    for (const name of this.#cluster.names) if (this.#cluster.isRunning(name)) this.#cluster.crash(name);
    for (const name of this.#cluster.names) this.#restart(name);
  }

  #corrupt(name: string): void {
    const key = this.#cluster.engineKey(this.#pick(this.#keys));
    const disk = this.#cluster.disk(name);
    const stored = disk.content.get(Buffer.from(key).toString('latin1'));
    if (stored === undefined) return;
    disk.corrupt(key, this.#random.below(stored.length));
    this.#crash(name);
  }

  #restart(name: string): void {
    const { failure } = this.#cluster.disk(name);
    if (this.#cluster.isRunning(name) || failure !== undefined) return;
    this.#cluster.start(name).catch((error) => this.events.push(`${name} cannot start: ${String(error)}`));
  }

  #mend(): void {
    const cluster = this.#cluster;
    this.events.push(`${Math.round(this.#now)} mend`);
    cluster.heal();
    for (const a of cluster.names) {
      cluster.disk(a).failure = undefined;
      cluster.disk(a).writeMs = this.#diskMs;
      for (const b of cluster.names) if (a < b) cluster.network.setDelay(a, b, undefined);
      this.#restart(a);
    }
  }

  #count(what: string, answer: Answer): void {
    const outcome = answer.kind === 'error' ? `${answer.code}${answer.definite ? '!' : '?'}` : 'ok';
    const name = `${what} ${outcome}`;
    this.answers.set(name, (this.answers.get(name) ?? 0) + 1);
  }

  #budget(): number {
    return 300 + this.#random.below(1500);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)]!;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#cluster.clock.setTimer(ms, resolve));
  }

  get #now(): number {
    return this.#cluster.clock.monotonicMs();
  }

  get #isOver(): boolean {
    return this.#now >= this.#endMs;
  }
}
