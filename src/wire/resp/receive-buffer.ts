/**
 * Bytes that a parser keeps between two reads: an incomplete request, or what came while it was paused. They are added
 * at one end and taken off at the other. The buffer grows with what has really arrived, by doubling, and what it holds
 * is moved only when as much was taken off before, so every byte is copied a few times at most.
 */
import { copyRange } from '../frame.js';

const EMPTY: Uint8Array = new Uint8Array(0);
const BUFFER_BYTES_FIRST = 1024;
/** A larger buffer is given back when it is empty: what comes next is most likely small. */
const BUFFER_BYTES_KEPT = 16 * 1024;

export class ReceiveBuffer {
  /** What is kept lies in `bytes` from `start` to `end`. Replaced when it must grow. */
  bytes: Uint8Array = EMPTY;
  start = 0;
  end = 0;

  get length(): number {
    return this.end - this.start;
  }

  /**
   * Adds `size` bytes of `source` at `from`.
   * @param sizeMax what it will hold at most; when that is near, the buffer is made so large and no larger.
   */
  append(source: Uint8Array, from: number, size: number, sizeMax: number): void {
    const used = this.length;
    if (this.end + size > this.bytes.length) this.#makeRoom(used + size, sizeMax);
    copyRange(this.bytes, this.end, source, from, size);
    this.end += size;
  }

  /** Takes off everything before `start`. */
  dropTo(start: number): void {
    if (start === this.end) this.clear();
    else this.start = start;
  }

  /** Takes the last `size` bytes back. */
  takeBack(size: number): void {
    this.end -= size;
  }

  clear(): void {
    this.start = 0;
    this.end = 0;
    if (this.bytes.length > BUFFER_BYTES_KEPT) this.bytes = EMPTY;
  }

  #makeRoom(needed: number, sizeMax: number): void {
    const used = this.length;
    if (needed <= this.bytes.length && this.start >= used) {
      this.bytes.copyWithin(0, this.start, this.end);
    } else {
      const doubled = Math.min(used * 2, sizeMax);
      const grown = new Uint8Array(Math.max(needed, doubled, BUFFER_BYTES_FIRST));
      grown.set(this.bytes.subarray(this.start, this.end));
      this.bytes = grown;
    }
    this.start = 0;
    this.end = used;
  }
}
