/**
 * Reads of keys that are not in memory, when there are many in one turn: they wait for the end of the turn, are read from
 * the engine together and off the main thread, and are then answered as any other read.
 */
import type { Clock } from '../ports/clock.js';
import type { RecordStore, StoredKey } from '../storage/record-store.js';
import { KeyRef } from './key-ref.js';

/** A read that waits. Called when its key has been looked up, successfully or not. */
export type ColdRead = (key: KeyRef) => void;

interface Waiting extends StoredKey {
  readonly read: ColdRead;
}

export class ColdReads {
  readonly #clock: Clock;
  readonly #store: RecordStore;
  #waiting: Waiting[] = [];

  constructor(clock: Clock, store: RecordStore) {
    this.#clock = clock;
    this.#store = store;
  }

  /** Calls `read` after the key's record has been brought into memory. The key's bytes are copied. */
  add(key: KeyRef, read: ColdRead): void {
    if (this.#waiting.length === 0) this.#clock.defer(() => this.#flush());
    this.#waiting.push({ key: new Uint8Array(key.key()), hashHi: key.hashHi, hashLo: key.hashLo, read });
  }

  #flush(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    // A key that could not be brought in is looked up again by its read, which then says why.
    this.#store.warm(batch).then(() => this.#readAll(batch));
  }

  #readAll(batch: readonly Waiting[]): void {
    const ref = new KeyRef();
    for (const { key, hashHi, hashLo, read } of batch) {
      ref.set(key, 0, key.length, hashHi, hashLo);
      read(ref);
    }
  }
}
