/**
 * The arguments of one request, as windows into the bytes that it was received in: nothing is copied or allocated for a
 * request. The windows are kept relative to where the request starts, so that a request that is moved while it is
 * incomplete needs no second look.
 */
import { copyBytes } from '../../base/bytes.js';

const EMPTY: Uint8Array = new Uint8Array(0);
const WINDOWS_FIRST = 32;
/** Windows that one long request needed are given back when there are more than so many numbers. */
const WINDOWS_KEPT = 1024;
/** Arguments of `String.fromCharCode` at a time; engines bound them. */
const TEXT_BYTES_PER_CALL = 4096;
/** Below this, joining characters beats making a view. */
const TEXT_LOOP_BYTES_MAX = 24;

/** One request's arguments: windows into bytes that are valid during the call only. */
export class RequestArguments {
  /** The buffer that all windows lie in. */
  bytes: Uint8Array = EMPTY;
  /** Arguments, the command's name included: at least 1. */
  count = 0;
  /** Whether it came as a line of words, as people and HTTP clients send it. */
  isInline = false;
  #base = 0;
  /** Start and length of each argument, in turn. */
  #windows = new Int32Array(WINDOWS_FIRST);

  /** Where argument `i`, which is below {@link count}, starts in {@link bytes}. */
  start(i: number): number {
    return this.#base + this.#windows[i * 2]!;
  }

  /** Bytes of argument `i`. */
  length(i: number): number {
    return this.#windows[i * 2 + 1]!;
  }

  /** Argument `i`, valid during the call. */
  view(i: number): Uint8Array {
    const start = this.start(i);
    return this.bytes.subarray(start, start + this.length(i));
  }

  /** An owned copy of argument `i`. */
  copy(i: number): Uint8Array {
    return copyBytes(this.view(i));
  }

  /** Argument `i` with each byte as the character of that number; text of ASCII characters is itself. */
  text(i: number): string {
    const start = this.start(i);
    const end = start + this.length(i);
    let text = '';
    if (end - start <= TEXT_LOOP_BYTES_MAX) {
      for (let at = start; at < end; at++) text += String.fromCharCode(this.bytes[at]!);
      return text;
    }
    for (let at = start; at < end; at += TEXT_BYTES_PER_CALL) {
      text += String.fromCharCode(...this.bytes.subarray(at, Math.min(end, at + TEXT_BYTES_PER_CALL)));
    }
    return text;
  }

  /** For the parser: adds an argument, `start` bytes after the start of the request. */
  add(start: number, length: number): void {
    const at = this.count * 2;
    if (at === this.#windows.length) this.#grow();
    this.#windows[at] = start;
    this.#windows[at + 1] = length;
    this.count++;
  }

  /** For the parser: the request starts at `base` of `bytes`. */
  place(bytes: Uint8Array, base: number): void {
    this.bytes = bytes;
    this.#base = base;
  }

  /** For the parser: starts over with another request. */
  clear(): void {
    this.count = 0;
    if (this.#windows.length > WINDOWS_KEPT) this.#windows = new Int32Array(WINDOWS_FIRST);
  }

  /** For the parser: lets go of the bytes, so that an idle connection does not hold on to them. */
  release(): void {
    this.bytes = EMPTY;
  }

  #grow(): void {
    const grown = new Int32Array(this.#windows.length * 2);
    grown.set(this.#windows);
    this.#windows = grown;
  }
}
