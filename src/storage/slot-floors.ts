/**
 * Up to which version each slot's tombstones are being collected, and have been.
 *
 * Collecting is agreed on by all replicas of a slot (see `replication/tombstone-collector.ts`). First each *promises*: no write
 * of a version up to the floor is accepted any more. When all then hold the same up to there, its tombstones go: the floor is
 * *collected*, and an old record of a key that is missing is refused from then on. A floor is the time of a version.
 *
 * Promises need no log: what could still arrive from before a restart was under way on connections that are gone. Collected floors
 * are stored, before the tombstones go.
 */
import { readU64, viewOf, writeU64 } from '../base/bytes.js';
import type { StorageEngine } from '../ports/storage-engine.js';
import { SLOT_COUNT } from '../ring/slot.js';
import { FLOOR_RANGE, slotOfFloorKey } from './keyspace.js';

export class SlotFloors {
  readonly #promised = new Float64Array(SLOT_COUNT);
  readonly #collected = new Float64Array(SLOT_COUNT);

  /** Time of the newest version that no write may have any more; 0: none. */
  promised(slot: number): number {
    return this.#promised[slot]!;
  }

  collected(slot: number): number {
    return this.#collected[slot]!;
  }

  promise(slot: number, time: number): void {
    this.#promised[slot] = Math.max(this.#promised[slot]!, time);
  }

  collect(slot: number, time: number): void {
    this.promise(slot, time);
    this.#collected[slot] = Math.max(this.#collected[slot]!, time);
  }

  /** Takes over what an earlier run has stored. */
  async load(engine: StorageEngine): Promise<void> {
    const iterator = engine.iterate(FLOOR_RANGE);
    try {
      for (const [key, value] of await iterator.next(SLOT_COUNT)) {
        const slot = slotOfFloorKey(key);
        if (slot < SLOT_COUNT && value.length === FLOOR_BYTES) this.collect(slot, readU64(viewOf(value), 0));
      }
    } finally {
      await iterator.close();
    }
  }
}

const FLOOR_BYTES = 8;

export function encodeFloor(time: number): Uint8Array {
  const bytes = new Uint8Array(FLOOR_BYTES);
  writeU64(viewOf(bytes), 0, time);
  return bytes;
}
