/**
 * Writes through a library while servers come and go, and the check that none that was acknowledged is lost: each writer has
 * keys of its own, and writes rising numbers into them. A write that failed may have happened or not.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { until } from '../process/program.js';

const WRITERS = 8;
const KEYS_EACH = 5;
const PAUSE_MS = 2;

/** What a library's client is asked for here. */
export interface Store {
  set(key: string, value: string): Promise<unknown>;
  get(key: string): Promise<string | null>;
}

interface Key {
  readonly name: string;
  acknowledged: number;
  /** The highest number that was tried. */
  tried: number;
}

export class AcknowledgedWrites {
  readonly failures: string[] = [];
  readonly #keys: readonly Key[][];
  readonly #counts: number[] = new Array(WRITERS).fill(0);
  readonly #running: Promise<unknown>;
  #store: Store;
  #isStopping = false;

  constructor(store: Store, prefix: string) {
    this.#store = store;
    this.#keys = this.#counts.map((_, writer) =>
      Array.from({ length: KEYS_EACH }, (_, i) => ({
        name: `${prefix}:${writer}:${i}`,
        acknowledged: 0,
        tried: 0,
      })),
    );
    this.#running = Promise.all(this.#keys.map((keys, writer) => this.#write(keys, writer)));
  }

  /** Goes on with another client. */
  useStore(store: Store): void {
    this.#store = store;
  }

  /** Waits until every writer has had this many more writes acknowledged. */
  async progress(count: number): Promise<void> {
    const goals = this.#counts.map((done) => done + count);
    await until(`every writer has ${count} more writes acknowledged`, () =>
      this.#counts.every((done, writer) => done >= goals[writer]!),
    );
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.#running;
  }

  /** What is wrong with what the store holds now, in words. */
  async wrong(store: Store = this.#store): Promise<string[]> {
    const wrong: string[] = [];
    for (const { name, acknowledged, tried } of this.#keys.flat()) {
      const value = Number((await store.get(name)) ?? 0);
      if (value >= acknowledged && value <= tried) continue;
      wrong.push(`${name} is ${value}, but ${acknowledged} was acknowledged and ${tried} tried`);
    }
    return wrong;
  }

  async #write(keys: readonly Key[], writer: number): Promise<void> {
    for (let round = 1; !this.#isStopping; round++) {
      const key = keys[round % keys.length]!;
      key.tried = round;
      try {
        await this.#store.set(key.name, String(round));
        key.acknowledged = round;
        this.#counts[writer]!++;
      } catch (error) {
        this.failures.push(error instanceof Error ? error.message : String(error));
        // The library may fail at once while it is not connected.
        await delay(25);
      }
      await delay(PAUSE_MS);
    }
  }
}
