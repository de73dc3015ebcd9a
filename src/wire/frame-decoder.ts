/**
 * Cuts a byte stream into frames, however the network splits it.
 *
 * Whole frames are handed out as windows into the received bytes, without a copy; a partial one waits in a buffer of
 * its own that grows with what has really arrived, never with what its length field claims. A stream that cannot be a
 * sequence of frames is refused once, with a reason; the decoder then ignores the rest.
 */
import { viewOf } from '../base/bytes.js';
import { definite, type KvError } from '../base/errors.js';
import { FRAME_BYTES_MAX } from '../base/limits.js';
import { Frame, HEADER_BYTES, LENGTH_BYTES, LENGTH_MIN } from './frame.js';

export interface FrameHandler {
  /** The frame is valid during the call only. */
  onFrame(frame: Frame): void;
  /** The stream is not one of frames, or a frame is over the limit. `requestId` is 0 when it is not known. */
  onRefused(error: KvError, requestId: number): void;
}

const EMPTY: Uint8Array = new Uint8Array(0);
const PARTIAL_BYTES_FIRST = 1024;
const PARTIAL_BYTES_KEPT = 65536;

export class FrameDecoder {
  readonly #handler: FrameHandler;
  readonly #frameBytesMax: number;
  readonly #frame = new Frame();
  #partial: Uint8Array | undefined;
  #partialBytes = 0;
  #stopped = false;
  #isPaused = false;
  /** What has come since {@link pause}. */
  #held: Uint8Array = EMPTY;

  constructor(handler: FrameHandler, frameBytesMax: number = FRAME_BYTES_MAX) {
    this.#handler = handler;
    this.#frameBytesMax = frameBytesMax;
  }

  /** Bytes of an incomplete frame that wait for the rest. */
  get pendingBytes(): number {
    return this.#partialBytes;
  }

  /** Ignores everything from now on; may be called from within the handler. */
  stop(): void {
    this.#stopped = true;
    this.#partial = undefined;
    this.#partialBytes = 0;
    this.#held = EMPTY;
  }

  /** Hands out no more frames until {@link resume}; may be called from within the handler. */
  pause(): void {
    this.#isPaused = true;
  }

  /** Hands out the frames that came meanwhile, unless the handler pauses again. */
  resume(): void {
    this.#isPaused = false;
    const held = this.#held;
    this.#held = EMPTY;
    if (held.length > 0) this.#held = this.#take(held);
  }

  /** Takes the next bytes of the stream and hands out every frame that they complete. */
  push(chunk: Uint8Array): void {
    if (this.#isPaused) return this.#hold(chunk);
    const rest = this.#take(chunk);
    if (rest.length > 0) this.#hold(rest);
  }

  /** Hands out frames, and keeps a partial one; returns what was not looked at because the handler has paused. */
  #take(chunk: Uint8Array): Uint8Array {
    let from = 0;
    if (this.#partialBytes > 0) {
      from = this.#completePartial(chunk);
      if (this.#partialBytes > 0) return EMPTY;
    }
    if (this.#stopped || from === chunk.length) return EMPTY;
    if (!this.#isPaused) from = this.#cut(chunk, from);
    if (this.#stopped) return EMPTY;
    if (this.#isPaused) return chunk.subarray(from);
    if (from < chunk.length) this.#keep(chunk, from);
    return EMPTY;
  }

  /** The bytes are copied: the memory under them is reused. The connection is paused too, so they are few. */
  #hold(bytes: Uint8Array): void {
    const held = new Uint8Array(this.#held.length + bytes.length);
    held.set(this.#held);
    held.set(bytes, this.#held.length);
    this.#held = held;
  }

  /** Hands out the whole frames of `chunk` from `from` on; returns where the first partial one starts. */
  #cut(chunk: Uint8Array, from: number): number {
    const frame = this.#frame;
    if (frame.bytes.buffer !== chunk.buffer) {
      frame.bytes = new Uint8Array(chunk.buffer);
      frame.view = new DataView(chunk.buffer);
    }
    let at = chunk.byteOffset + from;
    const end = chunk.byteOffset + chunk.length;
    while (end - at >= LENGTH_BYTES && !this.#stopped && !this.#isPaused) {
      const length = frame.view.getUint32(at);
      if (!this.#isAcceptable(length, frame.view, at, end)) break;
      const next = at + LENGTH_BYTES + length;
      if (next > end) break;
      if (!this.#emit(at, length)) break;
      at = next;
    }
    return at - chunk.byteOffset;
  }

  #emit(at: number, length: number): boolean {
    const { view } = this.#frame;
    const frame = this.#frame;
    frame.type = view.getUint8(at + 4);
    frame.flags = view.getUint8(at + 5);
    frame.keyLength = view.getUint16(at + 6);
    frame.id = view.getUint32(at + 8);
    frame.keyStart = at + HEADER_BYTES;
    frame.bodyStart = frame.keyStart + frame.keyLength;
    frame.bodyLength = length - LENGTH_MIN - frame.keyLength;
    if (frame.bodyLength < 0) {
      this.#refuse(definite('PROTOCOL', 'a frame is shorter than its key'), frame.id);
      return false;
    }
    // A handler may push into another decoder, never into this one, so the window is still ours after it.
    this.#handler.onFrame(frame);
    return true;
  }

  /** Checks the length field; waits for the header of an oversized frame, so that the refusal can name its request. */
  #isAcceptable(length: number, view: DataView, at: number, end: number): boolean {
    if (length < LENGTH_MIN) {
      this.#refuse(definite('PROTOCOL', `a frame of ${length} bytes is shorter than its header`), 0);
      return false;
    }
    if (length > this.#frameBytesMax) {
      if (end - at < HEADER_BYTES) return false;
      const message = `a frame of ${length} bytes is over the limit of ${this.#frameBytesMax}`;
      this.#refuse(definite('TOO_LARGE', message), view.getUint32(at + 8));
      return false;
    }
    return true;
  }

  #refuse(error: KvError, requestId: number): void {
    this.stop();
    this.#handler.onRefused(error, requestId);
  }

  #keep(chunk: Uint8Array, from: number): void {
    const bytes = chunk.length - from;
    if (this.#partial === undefined || this.#partial.length < bytes) {
      this.#partial = new Uint8Array(Math.max(PARTIAL_BYTES_FIRST, bytes));
    }
    this.#partial.set(chunk.subarray(from), 0);
    this.#partialBytes = bytes;
  }

  /** Adds to the partial frame what it lacks; returns how much of `chunk` that took. */
  #completePartial(chunk: Uint8Array): number {
    let from = 0;
    while (from < chunk.length && this.#partialBytes > 0) {
      const missing = this.#missing();
      const take = Math.min(missing, chunk.length - from);
      this.#reserve(this.#partialBytes + take);
      this.#partial!.set(chunk.subarray(from, from + take), this.#partialBytes);
      this.#partialBytes += take;
      from += take;
      if (take === missing) this.#cutPartial();
    }
    return from;
  }

  /** How many bytes until there is more to decide: the length field, the header of an oversized frame, the frame. */
  #missing(): number {
    if (this.#partialBytes < LENGTH_BYTES) return LENGTH_BYTES - this.#partialBytes;
    const length = viewOf(this.#partial!).getUint32(0);
    const needed = length > this.#frameBytesMax ? HEADER_BYTES : LENGTH_BYTES + length;
    return needed - this.#partialBytes;
  }

  #cutPartial(): void {
    const held = this.#partial!.subarray(0, this.#partialBytes);
    const taken = this.#cut(held, 0);
    if (taken > 0) {
      this.#partialBytes = 0;
      // A large buffer served one large frame; the next partial frame is most likely small.
      if (this.#partial !== undefined && this.#partial.length > PARTIAL_BYTES_KEPT) {
        this.#partial = undefined;
        this.#frame.release();
      }
    }
  }

  #reserve(bytes: number): void {
    const held = this.#partial!;
    if (held.length >= bytes) return;
    const grown = new Uint8Array(
      Math.min(Math.max(bytes, held.length * 2), this.#frameBytesMax + LENGTH_BYTES),
    );
    grown.set(held.subarray(0, this.#partialBytes));
    this.#partial = grown;
  }
}
