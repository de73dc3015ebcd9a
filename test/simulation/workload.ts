/**
 * Clients that use a store as programs do: few hot keys and many cold ones, pipelined batches, scans, time-outs and
 * retries. What they saw is kept in a {@link History}: reads and writes through majorities as they were, writes whose
 * outcome is unknown, or that fewer than a majority acknowledged, as open ones.
 */
import { SeededRandom } from '../../src/base/seeded-random.js';
import { majority } from '../../src/membership/cluster-config.js';
import { NO_VERSION } from '../../src/version/version.js';
import { brief, type Cluster } from '../support/cluster.js';
import type { Answer, AskOptions, SetOptions } from '../support/frame-client.js';
import type { Operation } from '../support/linearizability.js';
import type { History } from './history.js';
import type { SimulationOptions } from './options.js';
import { FramePort, LibraryPort, type Port } from './port.js';
import type { Transcript } from './transcript.js';
import { pickWeighted } from './weighted.js';

export interface Keys {
  readonly hot: readonly string[];
  readonly cold: readonly string[];
  /** Written with expiries only. */
  readonly brief: readonly string[];
  /** Written once. */
  readonly still: readonly string[];
  readonly all: readonly string[];
}

export function keysOf(options: SimulationOptions): Keys {
  const names = (kind: string, count: number) => Array.from({ length: count }, (_, i) => `${kind}${i}`);
  const hot = names('hot', options.hotKeys);
  const cold = names('cold', options.coldKeys);
  const brief = names('brief', options.expiringKeys);
  const still = names('still', options.stillKeys);
  return { hot, cold, brief, still, all: [...hot, ...cold, ...brief, ...still] };
}

export interface WorkloadContext {
  readonly options: SimulationOptions;
  readonly cluster: Cluster;
  readonly keys: Keys;
  readonly history: History;
  readonly transcript: Transcript;
  /** When clients stop, in virtual milliseconds. */
  readonly endMs: number;
}

const KINDS = [
  { kind: 'get', weight: 36 },
  { kind: 'set', weight: 22 },
  { kind: 'delete', weight: 7 },
  { kind: 'exists', weight: 4 },
  { kind: 'get many', weight: 5 },
  { kind: 'set many', weight: 3 },
  { kind: 'set until done', weight: 5 },
  { kind: 'scan', weight: 2 },
  { kind: 'weak get', weight: 4 },
  { kind: 'weak set', weight: 3 },
  { kind: 'get from all', weight: 2 },
  { kind: 'set at all', weight: 2 },
  { kind: 'brief', weight: 6 },
] as const;
type Kind = (typeof KINDS)[number]['kind'];

/** Most requests that a client has under way at once. */
export const BATCH_MAX = 8;
const TRIES_MAX = 5;
const TTL_MS_MAX = 4000;
const BUDGET_MS_MIN = 300;
const BUDGET_MS_SPREAD = 1500;

/** Makes one value for each write of a run, so that a read says which write it saw. */
export class Values {
  #next = 0;

  next(): string {
    return `v${this.#next++}`;
  }
}

/** One client: one thing after the other, batches apart. */
export class Client {
  readonly name: string;
  readonly #context: WorkloadContext;
  readonly #random: SeededRandom;
  readonly #values: Values;
  #port!: Port;

  constructor(number: number, context: WorkloadContext, values: Values) {
    this.name = `c${number}`;
    this.#context = context;
    this.#values = values;
    this.#random = new SeededRandom(context.options.seed * 1000 + number);
  }

  /** Connects; needs time to pass. */
  async open(isLibrary: boolean): Promise<void> {
    const { cluster } = this.#context;
    this.#port = isLibrary
      ? await LibraryPort.open(cluster, this.#random, this.name)
      : new FramePort(cluster, this.#random, this.#pick(cluster.names));
  }

  async run(): Promise<void> {
    while (this.#now < this.#context.endMs) {
      await this.#perform(pickWeighted(KINDS, this.#random).kind);
      await this.#pause(this.#random.next() * this.#context.options.thinkMs);
    }
    await this.close();
  }

  close(): Promise<void> {
    return this.#port.close();
  }

  /** Writes a key until it is done, each time with a value of its own, so that a read says which try it saw. */
  async setUntilDone(key: string, tries = TRIES_MAX): Promise<boolean> {
    for (let i = 0; i < tries; i++) {
      const answer = await this.set(key, this.#values.next());
      if (answer.kind === 'done') return true;
      await this.#pause(20 + this.#random.below(300));
    }
    return false;
  }

  async #perform(kind: Kind): Promise<unknown> {
    const { options, keys } = this.#context;
    const key = this.#anyKey();
    switch (kind) {
      case 'get':
        return this.get(this.#random.below(8) === 0 ? this.#pick(keys.all) : key);
      case 'set':
        return this.set(key, this.#values.next());
      case 'delete':
        return this.delete(key);
      case 'exists':
        return this.#exists(this.#pick(keys.cold));
      case 'get many':
        return Promise.all(this.#batch().map((each) => this.get(each)));
      case 'set many':
        return Promise.all(this.#batch().map((each) => this.set(each, this.#values.next())));
      case 'set until done':
        return this.setUntilDone(key);
      case 'scan':
        return this.#scan();
      case 'weak get':
        return this.get(key, 1);
      case 'weak set':
        return this.set(key, this.#values.next(), { quorum: 1 });
      case 'get from all':
        return this.get(key, options.replicas);
      case 'set at all':
        return this.set(key, this.#values.next(), { quorum: options.replicas });
      case 'brief':
        return keys.brief.length === 0 ? undefined : this.#brief(this.#pick(keys.brief));
    }
  }

  async get(key: string, quorum = 0): Promise<Answer> {
    const calledAt = this.#now;
    const by = this.#by;
    const answer = await this.#port.get(key, { quorum, budgetMs: this.#budget() });
    this.#tell(
      isWeak(quorum, this.#context.options) ? 'weak get' : 'get',
      by,
      `get ${key}${levelOf(quorum)}`,
      answer,
      calledAt,
    );
    if (answer.kind !== 'value' && answer.kind !== 'absent') return answer;
    if (isWeak(quorum, this.#context.options)) return answer;
    const [value, version] = answer.kind === 'value' ? [answer.value, answer.version] : ['', NO_VERSION];
    const read: Operation = { kind: 'read', value, calledAt, returnedAt: this.#now, by };
    this.#context.history.add(key, read, version);
    return answer;
  }

  set(key: string, value: string, options: SetOptions = {}): Promise<Answer> {
    return this.#write(key, value, options, (asked) => this.#port.set(key, value, { ...options, ...asked }));
  }

  delete(key: string): Promise<Answer> {
    return this.#write(key, '', {}, (asked) => this.#port.delete(key, asked));
  }

  async #write(
    key: string,
    value: string,
    { quorum = 0, ttlMs = 0 }: SetOptions,
    send: (asked: AskOptions) => Promise<Answer>,
  ): Promise<Answer> {
    const { history, options } = this.#context;
    const calledAt = this.#now;
    const by = this.#by;
    const answer = await send({ quorum, budgetMs: this.#budget() });
    const what =
      value === '' ? `delete ${key}` : `set ${key}=${value}${ttlMs === 0 ? '' : ` for ${ttlMs} ms`}`;
    const isWeakWrite = isWeak(quorum, options);
    this.#tell(
      value === '' ? 'delete' : isWeakWrite ? 'weak set' : 'set',
      by,
      what + levelOf(quorum),
      answer,
      calledAt,
    );
    if (answer.kind === 'error' && answer.definite) return answer;
    const isAcknowledged = answer.kind === 'done' && !isWeakWrite;
    const returnedAt = isAcknowledged ? this.#now : Infinity;
    const mayExpire = ttlMs > 0;
    const version = answer.kind === 'done' ? answer.version : NO_VERSION;
    history.add(key, { kind: 'write', value, calledAt, returnedAt, by, mayExpire }, version);
    return answer;
  }

  async #exists(key: string): Promise<void> {
    const calledAt = this.#now;
    const by = this.#by;
    const answer = await this.#port.exists(key, { budgetMs: this.#budget() });
    this.#tell('exists', by, `exists ${key}`, answer, calledAt);
    if (answer.kind !== 'value' && answer.kind !== 'absent') return;
    const value = answer.kind === 'value' ? 'present' : '';
    this.#context.history.add(key, { kind: 'exists', value, calledAt, returnedAt: this.#now, by });
  }

  async #scan(): Promise<void> {
    const { history, transcript } = this.#context;
    const startedAt = this.#now;
    const by = this.#by;
    const prefix = this.#pick(['', 'still', 'cold']);
    const keys = await this.#port.scan(prefix, 1 + this.#random.below(40));
    transcript.tell(by, `scan ${prefix || 'all'} → ${keys === undefined ? 'failed' : `${keys.length} keys`}`);
    history.count('scan', keys === undefined ? SCAN_FAILED : { kind: 'absent' }, this.#now);
    if (keys !== undefined) history.scans.push({ by, startedAt, endedAt: this.#now, prefix, keys });
  }

  async #brief(key: string): Promise<void> {
    if (this.#random.below(2) === 0) await this.get(key);
    else await this.set(key, this.#values.next(), { ttlMs: 1 + this.#random.below(TTL_MS_MAX) });
  }

  #tell(what: string, by: string, text: string, answer: Answer, calledAt: number): void {
    const { history, transcript } = this.#context;
    history.count(what, answer, this.#now);
    transcript.tell(by, `${text} → ${brief(answer)} (${(this.#now - calledAt).toFixed(1)} ms)`);
  }

  /** Mostly a hot one. Still and brief ones have operations of their own. */
  #anyKey(): string {
    const { keys } = this.#context;
    return this.#pick(this.#random.below(3) > 0 ? keys.hot : keys.cold);
  }

  #batch(): string[] {
    return Array.from({ length: 2 + this.#random.below(BATCH_MAX - 1) }, () => this.#anyKey());
  }

  #budget(): number {
    return BUDGET_MS_MIN + this.#random.below(BUDGET_MS_SPREAD);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)]!;
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.#context.cluster.clock.setTimer(ms, resolve));
  }

  get #by(): string {
    return `${this.name}@${this.#port.where}`;
  }

  get #now(): number {
    return this.#context.cluster.clock.monotonicMs();
  }
}

const SCAN_FAILED: Answer = { kind: 'error', code: 'FAILED', message: '', definite: true };

/** Whether a quorum is below a majority; 0 is the cluster's own, which is one. */
function isWeak(quorum: number, options: SimulationOptions): boolean {
  return quorum !== 0 && quorum < majority(options.replicas);
}

function levelOf(quorum: number): string {
  return quorum === 0 ? '' : ` at ${quorum}`;
}
