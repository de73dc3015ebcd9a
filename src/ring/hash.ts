/**
 * Hashing of keys and names: xxHash64 with seed 0 (Yann Collet, https://xxhash.com), from WebAssembly.
 *
 * The hash arrives as one BigInt, which is slow to compute with, so callers get its two unsigned 32-bit halves. This is
 * the only file that knows where the hash comes from. Where a key lives depends on every bit of it: it may never change.
 */

import xxhash, { type XXHashAPI } from 'xxhash-wasm';

const encoder = new TextEncoder();

// Typed arrays have the byte order of the machine; the high half comes second on all but a few.
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
const HIGH = isLittleEndian ? 1 : 0;
const LOW = 1 - HIGH;

let wasm: Promise<XXHashAPI> | undefined;

/**
 * Hashes bytes, and keeps the last hash in {@link hi} and {@link lo}: no object is made for a hash. Read both before
 * anyone else can hash with this object; whoever awaits in between needs an object of its own.
 */
export class KeyHasher {
  /** The upper 32 bits of the last hash, unsigned. */
  hi = 0;
  /** The lower 32 bits of the last hash, unsigned. */
  lo = 0;

  readonly #h64Raw: (bytes: Uint8Array) => bigint;
  // A store and two loads split the BigInt in a few nanoseconds; shifting and masking it costs another 80.
  readonly #whole = new BigUint64Array(1);
  readonly #halves = new Uint32Array(this.#whole.buffer);

  /** @param h64Raw the xxHash64 of bytes with seed 0; {@link loadKeyHasher} supplies the real one. */
  constructor(h64Raw: (bytes: Uint8Array) => bigint) {
    this.#h64Raw = h64Raw;
  }

  /** Sets {@link hi} and {@link lo} to the hash of `bytes`. */
  hash(bytes: Uint8Array): void {
    this.#whole[0] = this.#h64Raw(bytes);
    this.hi = this.#halves[HIGH]!;
    this.lo = this.#halves[LOW]!;
  }

  /** The low 32 bits of the hash of the UTF-8 of `text`, unsigned. Sets {@link hi} and {@link lo} as well. */
  hash32(text: string): number {
    this.hash(encoder.encode(text));
    return this.lo;
  }
}

/**
 * A new hasher. All hashers share one instance of the WebAssembly module, which is compiled at the first call.
 *
 * @throws WebAssembly.CompileError or RangeError when the process may not compile or has no memory for the module.
 */
export async function loadKeyHasher(): Promise<KeyHasher> {
  wasm ??= xxhash();
  const { h64Raw } = await wasm;
  return new KeyHasher(h64Raw);
}
