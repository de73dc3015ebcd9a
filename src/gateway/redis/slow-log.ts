/**
 * The last commands that took long: for SLOWLOG.
 *
 * Redis measures how long a command keeps its thread. Here a command waits for replicas while others run, so what counts is
 * the time from its arrival until its reply was written. Of the arguments only the name and the beginning of the key are
 * kept: the others are gone from the receive buffer by the time that a command turns out to have been slow.
 */
import type { RuntimeConfig } from './runtime-config.js';

/** Bytes of a key that an entry keeps. */
export const SLOW_KEY_BYTES_MAX = 128;

/** A command that has ended. */
export interface SlowCommand {
  /** Full name, as `client|list`. */
  readonly command: string;
  /** The beginning of its key, owned by the log from now on; undefined: it has none, or it is not known. */
  readonly key?: Uint8Array | undefined;
  readonly elapsedMs: number;
  /** When it ended, in milliseconds since 1970. */
  readonly wallMs: number;
  /** Where its client is. */
  readonly address: string;
  /** What its client calls itself; empty: nothing. */
  readonly clientName: string;
}

export interface SlowEntry extends SlowCommand {
  /** Counted up from 0 since the start; never used again. */
  readonly id: number;
}

export class SlowLog {
  readonly #config: RuntimeConfig;
  /** The oldest first. */
  #entries: SlowEntry[] = [];
  #nextId = 0;

  constructor(config: RuntimeConfig) {
    this.#config = config;
  }

  get length(): number {
    return this.#entries.length;
  }

  /** Whether a command that took so long is to be added. Called for each command: compares, and nothing more. */
  wants(elapsedMs: number): boolean {
    const { slowLogSlowerThanUs, slowLogEntriesMax } = this.#config;
    return slowLogSlowerThanUs >= 0 && elapsedMs * 1000 >= slowLogSlowerThanUs && slowLogEntriesMax > 0;
  }

  /** Adds a command, and drops the oldest ones over the limit. */
  add(command: SlowCommand): void {
    const key = command.key?.slice(0, SLOW_KEY_BYTES_MAX);
    this.#entries.push({ ...command, key, id: this.#nextId++ });
    const excess = this.#entries.length - this.#config.slowLogEntriesMax;
    if (excess > 0) this.#entries.splice(0, excess);
  }

  /** Up to so many entries, the newest first. */
  latest(count: number): SlowEntry[] {
    return count <= 0 ? [] : this.#entries.slice(-count).reverse();
  }

  /** Ids go on where they were. */
  clear(): void {
    this.#entries = [];
  }
}
