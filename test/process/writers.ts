/**
 * A constant load that knows what is right: writers that each own a few keys, write them in turn and read back what they
 * wrote. A write that may have happened leaves two values possible until a read decides.
 */
import type { KvClient, KvError } from '../../src/client/index.js';
import { until } from './program.js';

export interface WritersOptions {
  readonly client: KvClient;
  readonly writers: number;
  readonly keysEach: number;
  /** Tells the keys of this load from those of others. */
  readonly prefix: string;
}

export interface WriteFailure {
  readonly writer: number;
  readonly error: KvError;
}

/** What one key may hold. */
class KeyModel {
  readonly key: string;
  #settled: string | null = null;
  /** Values of writes whose outcome is unknown: each may still appear, once. */
  readonly #possible = new Set<string>();

  constructor(key: string) {
    this.key = key;
  }

  acknowledge(value: string): void {
    this.#settled = value;
  }

  doubt(value: string): void {
    this.#possible.add(value);
  }

  /** Whether a read may have brought this value; it is what the key holds from now on. */
  accepts(value: string | null): boolean {
    if (value === this.#settled) return true;
    if (value === null || !this.#possible.delete(value)) return false;
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
  /** The longest time that an operation took, in ms. */
  slowestMs = 0;
  readonly #client: KvClient;
  readonly #keys: readonly KeyModel[][];
  readonly #rounds: number[];
  readonly #running: Promise<unknown>;
  #isStopping = false;

  constructor({ client, writers, keysEach, prefix }: WritersOptions) {
    this.#client = client;
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
        await this.#write(writer, model, `${writer}-${round}`);
      });
      await this.#timed(async () => {
        await this.#check(model);
      });
      this.#rounds[writer]!++;
    }
  }

  async #write(writer: number, model: KeyModel, value: string): Promise<void> {
    try {
      await this.#client.set(model.key, value);
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
    this.slowestMs = Math.max(this.slowestMs, performance.now() - startMs);
  }
}
