/** Replies that are ready before their turn: they wait here, one after the other, until they may follow the others. */
import type { ByteSink } from './reply-writer.js';

const EMPTY: Uint8Array = new Uint8Array(0);
const BUFFER_BYTES_FIRST = 1024;
/** A buffer that grew past this is given back when all was taken. */
const BUFFER_BYTES_KEPT = 256 * 1024;

/** A buffer that grows with what is written, and is used again once it was {@link release}d. */
export class HeldBytes implements ByteSink {
  /** Replaced when it must grow, so read it after {@link reserve}. Most connections never need one. */
  bytes: Uint8Array = EMPTY;
  #length = 0;

  /** Bytes that wait: the end of what was reserved. */
  get length(): number {
    return this.#length;
  }

  /** Makes room for `size` more bytes, which the caller then writes at the offset returned. */
  reserve(size: number): number {
    const at = this.#length;
    if (at + size > this.bytes.length) this.#grow(at + size);
    this.#length = at + size;
    return at;
  }

  /** All was taken: the next bytes go to the beginning. */
  release(): void {
    this.#length = 0;
    if (this.bytes.length > BUFFER_BYTES_KEPT) this.bytes = EMPTY;
  }

  #grow(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2, BUFFER_BYTES_FIRST));
    grown.set(this.bytes.subarray(0, this.#length));
    this.bytes = grown;
  }
}
