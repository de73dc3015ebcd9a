/**
 * An open-addressing hash index: from 32 bits of a hash to positions, several of which may share a hash. It is one
 * Int32Array of (hash, position + 1) pairs, so that a probe stays in one cache line and never touches what it points at.
 *
 * Linear probing, at most half full. Deletion shifts the rest of the run back instead of leaving a tombstone (Knuth,
 * TAOCP 3, §6.4, algorithm R), so lookups never slow down with age. It starts small and doubles.
 */
const SLOTS_MIN = 64;

export class HashIndex {
  #pairs = new Int32Array(2 * SLOTS_MIN);
  #mask = SLOTS_MIN - 1;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The first slot that holds this hash, or −1. */
  first(hash: number): number {
    return this.#scan(hash & this.#mask, hash | 0);
  }

  /** The next slot after `slot` that holds this hash, or −1. */
  next(slot: number, hash: number): number {
    return this.#scan((slot + 1) & this.#mask, hash | 0);
  }

  positionAt(slot: number): number {
    return this.#pairs[2 * slot + 1]! - 1;
  }

  insert(hash: number, position: number): void {
    if (2 * (this.#count + 1) > this.#mask + 1) this.#grow();
    this.#count++;
    this.#place(hash | 0, position + 1);
  }

  /** The entry that lies at `from` has moved to `to`. */
  move(hash: number, from: number, to: number): void {
    this.#pairs[2 * this.#slotOf(hash, from) + 1] = to + 1;
  }

  delete(hash: number, position: number): void {
    const pairs = this.#pairs;
    const mask = this.#mask;
    let hole = this.#slotOf(hash, position);
    for (let slot = (hole + 1) & mask; pairs[2 * slot + 1] !== 0; slot = (slot + 1) & mask) {
      const home = pairs[2 * slot]! & mask;
      // It may fill the hole unless its home lies behind the hole: then a lookup would miss it there.
      if (((slot - home) & mask) < ((slot - hole) & mask)) continue;
      pairs[2 * hole] = pairs[2 * slot]!;
      pairs[2 * hole + 1] = pairs[2 * slot + 1]!;
      hole = slot;
    }
    pairs[2 * hole + 1] = 0;
    this.#count--;
  }

  clear(): void {
    this.#pairs = new Int32Array(2 * SLOTS_MIN);
    this.#mask = SLOTS_MIN - 1;
    this.#count = 0;
  }

  #scan(start: number, hash: number): number {
    const pairs = this.#pairs;
    for (let slot = start; pairs[2 * slot + 1] !== 0; slot = (slot + 1) & this.#mask) {
      if (pairs[2 * slot] === hash) return slot;
    }
    return -1;
  }

  /** Where an entry that exists is. */
  #slotOf(hash: number, position: number): number {
    let slot = hash & this.#mask;
    while (this.#pairs[2 * slot + 1] !== position + 1) slot = (slot + 1) & this.#mask;
    return slot;
  }

  #place(hash: number, entry: number): void {
    let slot = hash & this.#mask;
    while (this.#pairs[2 * slot + 1] !== 0) slot = (slot + 1) & this.#mask;
    this.#pairs[2 * slot] = hash;
    this.#pairs[2 * slot + 1] = entry;
  }

  #grow(): void {
    const old = this.#pairs;
    this.#pairs = new Int32Array(2 * old.length);
    this.#mask = old.length - 1;
    for (let i = 0; i < old.length; i += 2) if (old[i + 1] !== 0) this.#place(old[i]!, old[i + 1]!);
  }
}
