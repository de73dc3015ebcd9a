/**
 * A compact set of 64-bit hashes: one Int32Array of (low, high) pairs, 11 to 21 bytes an entry.
 *
 * Linear probing, at most three quarters full; deletion shifts the rest of the run back (as in `hash-index.ts`). Whoever
 * asks cannot tell two keys with one hash apart.
 */
const PLACES_MIN = 64;

export class HintHashes {
  #pairs = new Int32Array(2 * PLACES_MIN);
  #mask = PLACES_MIN - 1;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** Bytes of memory that it takes. */
  get bytes(): number {
    return this.#pairs.byteLength;
  }

  has(hi: number, lo: number): boolean {
    return this.#pairs[2 * this.#place(hi | 0, filled(hi, lo)) + 1] !== 0;
  }

  /** @returns false when it was there already. */
  add(hi: number, lo: number): boolean {
    if (4 * (this.#count + 1) > 3 * (this.#mask + 1)) this.#resize(2 * (this.#mask + 1));
    const low = filled(hi, lo);
    const place = this.#place(hi | 0, low);
    if (this.#pairs[2 * place + 1] !== 0) return false;
    this.#pairs[2 * place] = hi;
    this.#pairs[2 * place + 1] = low;
    this.#count++;
    return true;
  }

  /** @returns false when it was not there. */
  delete(hi: number, lo: number): boolean {
    const pairs = this.#pairs;
    const mask = this.#mask;
    let hole = this.#place(hi | 0, filled(hi, lo));
    if (pairs[2 * hole + 1] === 0) return false;
    for (let place = (hole + 1) & mask; pairs[2 * place + 1] !== 0; place = (place + 1) & mask) {
      const home = pairs[2 * place + 1]! & mask;
      // It may fill the hole unless its home lies behind the hole: then a lookup would miss it there.
      if (((place - home) & mask) < ((place - hole) & mask)) continue;
      pairs[2 * hole] = pairs[2 * place]!;
      pairs[2 * hole + 1] = pairs[2 * place + 1]!;
      hole = place;
    }
    pairs[2 * hole + 1] = 0;
    this.#count--;
    // What a long absence has made large is given back when it is over.
    if (this.#count === 0 && mask >= PLACES_MIN) this.#resize(PLACES_MIN);
    return true;
  }

  /** Where this hash is, or the empty place where it would be. */
  #place(high: number, low: number): number {
    const pairs = this.#pairs;
    let place = low & this.#mask;
    while (pairs[2 * place + 1] !== 0 && (pairs[2 * place + 1] !== low || pairs[2 * place] !== high)) {
      place = (place + 1) & this.#mask;
    }
    return place;
  }

  #resize(places: number): void {
    const old = this.#pairs;
    this.#pairs = new Int32Array(2 * places);
    this.#mask = places - 1;
    for (let i = 0; i < old.length; i += 2) {
      if (old[i + 1] === 0) continue;
      const place = this.#place(old[i]!, old[i + 1]!);
      this.#pairs[2 * place] = old[i]!;
      this.#pairs[2 * place + 1] = old[i + 1]!;
    }
  }
}

/** The low half, but never 0: that marks an empty place. */
function filled(hi: number, lo: number): number {
  return lo | 0 || hi | 1;
}
