/**
 * A constant load that knows what is right: writers that each own a few keys, write them in turn and read back what they
 * wrote. A write that may have happened leaves two values possible until a read decides.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { KvClient, KvError } from '../../src/client/index.js';
import { until } from './program.js';

export interface WritersOptions {
  readonly client: KvClient;
  readonly writers: number;
  readonly keysEach: number;
  /** Tells the keys of this load from those of others. */
  readonly prefix: string;
  /** Every so many rounds a writer deletes instead of writing; never unless told. */
  readonly deleteEvery?: number;
  /** After each round of a writer; none unless told. */
  readonly pauseMs?: number;
}

export interface WriteFailure {
  readonly writer: number;
  readonly error: KvError;
}

/** What one key may hold; null is nothing. */
class KeyModel {
  readonly key: string;
  #settled: string | null = null;
  /** Values of writes whose outcome is unknown: each may still appear, once. */
  readonly #possible: (string | null)[] = [];

  constructor(key: string) {
    this.key = key;
  }

  acknowledge(value: string | null): void {
    this.#settled = value;
  }

  doubt(value: string | null): void {
    this.#possible.push(value);
  }

  /** Whether a read may have brought this value; it is what the key holds from now on. */
  accepts(value: string | null): boolean {
    if (value === this.#settled) return true;
    const at = this.#possible.indexOf(value);
    if (at < 0) return false;
    this.#possible.splice(at, 1);
    this.#settled = value;
    return true;
  }

  toString(): string {
    return `${this.key} is ${this.#settled}, or ${[...this.#possible].join(' or ') || 'nothing else'}`;
  }
}

export class Writers {
  /** Writes that were not acknowledged. */
  readonly failures: WriteFailure[] = [];
  /** Reads that failed. */
  readonly failedReads: KvError[] = [];
  /** Reads that brought what nobody may read. */
  readonly wrong: string[] = [];
  /** How long the operations took since {@link takeTimes} was called last, in ms. */
  #times: number[] = [];
  readonly #client: KvClient;
  readonly #keys: readonly KeyModel[][];
  readonly #rounds: number[];
  readonly #running: Promise<unknown>;
  readonly #deleteEvery: number;
  readonly #pauseMs: number;
  #isStopping = false;

  constructor(options: WritersOptions) {
    const {
      client,
      writers,
      keysEach,
      prefix,
      deleteEvery = Number.POSITIVE_INFINITY,
      pauseMs = 0,
    } = options;
    this.#client = client;
    this.#deleteEvery = deleteEvery;
    this.#pauseMs = pauseMs;
    this.#rounds = new Array<number>(writers).fill(0);
    this.#keys = this.#rounds.map((_, writer) =>
      Array.from({ length: keysEach }, (_, i) => new KeyModel(`${prefix}:${writer}:${i}`)),
    );
    this.#running = Promise.all(this.#rounds.map((_, writer) => this.#run(writer)));
  }

  /** Rounds of one write and one read that all writers have done together. */
  get rounds(): number {
    return this.#rounds.reduce((sum, rounds) => sum + rounds, 0);
  }

  /**
   * Failures since the first `before` ones that the end of the node at `address` does not explain. What it explains: of each
   * writer the one write that was on a connection to it. Nobody can say whether that was done, so it may not be sent again;
   * everything else has to be.
   */
  unexplained(before: number, address: string): string[] {
    const unlucky = new Set<number>();
    const isExplained = ({ writer, error }: WriteFailure): boolean => {
      const isFirst = !unlucky.has(writer);
      unlucky.add(writer);
      const isInDoubt = (error.code === 'CONNECTION_LOST' || error.code === 'TIMEOUT') && !error.definite;
      return isFirst && isInDoubt && error.message.includes(address);
    };
    return this.failures
      .slice(before)
      .filter((failure) => !isExplained(failure))
      .map(({ error }) => `${error.code} ${error.definite}: ${error.message}`);
  }

  /** The operations since the last call in words: how many, and how long they took. */
  takeTimes(): string {
    const times = this.#times.sort((a, b) => a - b);
    this.#times = [];
    const at = (share: number) => (times[Math.floor((times.length - 1) * share)] ?? 0).toFixed(1);
    return `${times.length} operations, p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, longest ${at(1)} ms`;
  }

  /** Waits until every writer has done this many more rounds. */
  async progress(rounds: number, boundMs?: number): Promise<void> {
    const goals = this.#rounds.map((done) => done + rounds);
    const isReached = () => this.#rounds.every((done, writer) => done >= goals[writer]!);
    await until(`every writer does ${rounds} more rounds`, isReached, boundMs);
  }

  /** Lets every writer finish its round, and reads every key once more. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
    for (const model of this.#keys.flat()) await this.#check(model);
  }

  async #run(writer: number): Promise<void> {
    const keys = this.#keys[writer]!;
    for (let round = 0; !this.#isStopping; round++) {
      const model = keys[round % keys.length]!;
      await this.#timed(async () => {
        const isDelete = round % this.#deleteEvery === this.#deleteEvery - 1;
        await this.#write(writer, model, isDelete ? null : `${writer}-${round}`);
      });
      await this.#timed(async () => {
        await this.#check(model);
      });
      this.#rounds[writer]!++;
      if (this.#pauseMs > 0) await delay(this.#pauseMs);
    }
  }

  async #write(writer: number, model: KeyModel, value: string | null): Promise<void> {
    try {
      if (value === null) await this.#client.delete(model.key);
      else await this.#client.set(model.key, value);
      model.acknowledge(value);
    } catch (error) {
      const failure = error as KvError;
      this.failures.push({ writer, error: failure });
      if (!failure.definite) model.doubt(value);
      // The test has ended, most likely too early; nothing would ever hold this loop up again.
      if (failure.code === 'CLOSED') this.#isStopping = true;
    }
  }

  async #check(model: KeyModel): Promise<void> {
    try {
      const value = await this.#client.get(model.key);
      const expected = `${model}`;
      if (!model.accepts(value)) this.wrong.push(`read ${value}, but ${expected}`);
    } catch (error) {
      this.failedReads.push(error as KvError);
    }
  }

  async #timed(operation: () => Promise<void>): Promise<void> {
    const startMs = performance.now();
    await operation();
    this.#times.push(performance.now() - startMs);
  }
}
