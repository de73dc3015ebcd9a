/**
 * The slots that this replica has not synced since it lost its data. It has no vote on their keys: it cannot know what
 * it once promised. It takes writes for them all the same, so that nothing new is missing later.
 */
import { SLOT_COUNT, type Slot } from '../ring/slot.js';

export class UnsyncedSlots {
  readonly #bits = new Uint8Array(SLOT_COUNT / 8);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  has(slot: number): boolean {
    return this.#count > 0 && (this.#bits[slot >>> 3]! & (1 << (slot & 7))) !== 0;
  }

  add(slot: number): void {
    if (this.has(slot)) return;
    this.#bits[slot >>> 3]! |= 1 << (slot & 7);
    this.#count++;
  }

  delete(slot: number): void {
    if (!this.has(slot)) return;
    this.#bits[slot >>> 3]! &= ~(1 << (slot & 7));
    this.#count--;
  }

  slots(): Slot[] {
    const found: Slot[] = [];
    for (let slot = 0; slot < SLOT_COUNT && found.length < this.#count; slot++) {
      if (this.has(slot)) found.push(slot as Slot);
    }
    return found;
  }

  /** As one bit per slot, to be stored. */
  encode(): Uint8Array {
    return this.#bits.slice();
  }

  /** Takes over what was stored. @returns false when it is not that. */
  restore(stored: Uint8Array): boolean {
    if (stored.length !== this.#bits.length) return false;
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      if ((stored[slot >>> 3]! & (1 << (slot & 7))) !== 0) this.add(slot);
      else this.delete(slot);
    }
    return true;
  }
}
