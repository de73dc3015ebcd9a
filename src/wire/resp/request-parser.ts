/**
 * Cuts what a Redis client sends into requests, however the network splits it: multibulk requests, as libraries send
 * them, and inline ones, as people type them.
 *
 * A request that lies whole in the received bytes is handed out as windows into them, without a copy. An incomplete one
 * waits in a buffer that grows with what has really arrived, and is read on from where it was left. A request that the
 * handler refuses, and what comes while the parser is paused, wait there too. A stream that cannot be followed is refused
 * once, with the words of Redis 7; the parser then ignores the rest.
 */
import { assert } from '../../base/errors.js';
import {
  CountLineReader,
  LINE_INCOMPLETE,
  LINE_INVALID,
  LINE_NEGATIVE,
  LINE_TOO_LONG,
} from './count-line.js';
import { splitInlineArguments } from './inline-arguments.js';
import type { RequestLimits } from './limits.js';
import { ReceiveBuffer } from './receive-buffer.js';
import { RequestArguments } from './request-arguments.js';

export type { RequestLimits } from './limits.js';
export { RequestArguments } from './request-arguments.js';

export interface RequestHandler {
  /**
   * The arguments are valid during the call only. False: not now; the parser pauses and hands the same request out again
   * after {@link RequestParser.resume}, at once if that was called meanwhile.
   */
  onRequest(args: RequestArguments): boolean;
  /** The stream cannot be followed any further. The message is what Redis says, without the `ERR` in front. */
  onProtocolError(message: string): void;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const DOLLAR = 0x24;
const ASTERISK = 0x2a;
/** Bytes after an argument. Like Redis we do not look at them. */
const BULK_END_BYTES = 2;
const NO_BULK = -1;
const TOO_BIG = 'too big request';
/** How much is copied first to complete a request, when it is not known how much it lacks. */
const PIECE_BYTES_FIRST = 512;

export class RequestParser {
  readonly #handler: RequestHandler;
  readonly #limits: RequestLimits;
  readonly #args = new RequestArguments();
  readonly #lines: CountLineReader;
  /** Starts with the request that is being read whenever it is not empty. */
  readonly #kept = new ReceiveBuffer();
  /** How far the current request was read, from its start: a line, a bulk, or its end. */
  #at = 0;
  /** Arguments that are still to be read; 0 before the first line. */
  #missing = 0;
  /** Length of the argument at {@link #at}, or NO_BULK before the line that gives it. */
  #bulkLength = NO_BULK;
  /** Bytes of an inline request that were searched for its end. */
  #searched = 0;
  /** The current request was read to its end, and is to be handed out. */
  #isReady = false;
  /** The memory of an inline request's arguments when quotes were taken off. */
  #unquoted: Uint8Array | undefined;
  #isPaused = false;
  #isStopped = false;
  /** Within a call of ours: what is called back must only leave notes. */
  #isBusy = false;
  /** `resume` was called since the current request was handed out. */
  #wasResumed = false;

  constructor(handler: RequestHandler, limits: RequestLimits) {
    this.#handler = handler;
    this.#limits = limits;
    this.#lines = new CountLineReader(limits.inlineBytesMax);
  }

  /** Bytes of an incomplete request that wait for the rest; 0 while paused, since then nobody waits for the sender. */
  get pendingBytes(): number {
    return this.#isPaused ? 0 : this.#kept.length;
  }

  /** Bytes that wait for {@link resume}; 0 while not paused. */
  get heldBytes(): number {
    return this.#isPaused ? this.#kept.length : 0;
  }

  /** Ignores everything from now on; may be called from within the handler. */
  stop(): void {
    this.#isStopped = true;
    this.#kept.clear();
  }

  /** Hands out no more requests until {@link resume}; may be called from within the handler. */
  pause(): void {
    this.#isPaused = true;
    this.#wasResumed = false;
  }

  /**
   * Hands out the requests that came meanwhile, unless the handler pauses again. From within the handler it only lifts the pause:
   * the call that is under way then goes on.
   */
  resume(): void {
    this.#isPaused = false;
    this.#wasResumed = true;
    if (this.#isBusy || this.#isStopped) return;
    this.#isBusy = true;
    this.#cutKept();
    this.#endCall();
  }

  /** Takes the next bytes of the stream and hands out every request that they complete. Never to be called from within the handler. */
  push(chunk: Uint8Array): void {
    assert(!this.#isBusy, 'bytes were pushed into a request parser from within its handler');
    if (this.#isStopped) return;
    this.#isBusy = true;
    let from = 0;
    if (!this.#isPaused) {
      if (this.#kept.length > 0) from = this.#completeKept(chunk);
      if (this.#kept.length === 0) from = this.#cut(chunk, from, chunk.length);
    }
    if (from < chunk.length && !this.#isStopped) {
      this.#kept.append(chunk, from, chunk.length - from, this.#sizeMax());
    }
    this.#endCall();
  }

  #endCall(): void {
    this.#isBusy = false;
    this.#args.release();
  }

  /** Hands out the requests of `bytes` between `from` and `end`; returns where the first one starts that was not. */
  #cut(bytes: Uint8Array, from: number, end: number): number {
    let base = from;
    while (!this.#isPaused && !this.#isStopped) {
      if (!this.#isReady && (base === end || !this.#read(bytes, base, end))) break;
      if (!this.#handOut(bytes, base)) continue;
      base += this.#at;
      this.#startOver();
    }
    return base;
  }

  #cutKept(): void {
    const kept = this.#kept;
    const from = this.#cut(kept.bytes, kept.start, kept.end);
    if (!this.#isStopped) kept.dropTo(from);
  }

  /** False: it was refused, and the parser is paused unless it was resumed within the call. */
  #handOut(bytes: Uint8Array, base: number): boolean {
    const args = this.#args;
    // Nothing but blanks, or a multibulk request of no arguments: Redis ignores it.
    if (args.count === 0) return true;
    if (this.#unquoted === undefined) args.place(bytes, base);
    else args.place(this.#unquoted, 0);
    this.#wasResumed = false;
    if (this.#handler.onRequest(args)) return true;
    if (!this.#wasResumed) this.#isPaused = true;
    return false;
  }

  #startOver(): void {
    this.#at = 0;
    this.#isReady = false;
    this.#unquoted = undefined;
    this.#args.clear();
  }

  /**
   * Adds to the incomplete request what it lacks; returns how much of `chunk` that took. Where it is not known how much
   * that is, the pieces double: no more is copied than twice the request, and no byte is looked at twice.
   */
  #completeKept(chunk: Uint8Array): number {
    const kept = this.#kept;
    let from = 0;
    let piece = PIECE_BYTES_FIRST;
    while (from < chunk.length && kept.length > 0 && !this.#isPaused && !this.#isStopped) {
      const size = Math.min(this.#sizeOfNext(piece), chunk.length - from);
      kept.append(chunk, from, size, this.#sizeMax());
      from += size;
      piece *= 2;
      if (!this.#read(kept.bytes, kept.start, kept.end)) continue;
      // What follows the request is handed out of the chunk itself.
      const surplus = kept.length - this.#at;
      kept.takeBack(surplus);
      from -= surplus;
      this.#cutKept();
    }
    return from;
  }

  /** How many bytes to add: exactly what the last argument lacks, so that nothing is copied in vain. */
  #sizeOfNext(piece: number): number {
    if (this.#bulkLength === NO_BULK) return piece;
    const lacking = this.#at + this.#bulkLength + BULK_END_BYTES - this.#kept.length;
    return this.#missing === 1 ? lacking : Math.max(lacking, piece);
  }

  /**
   * Bytes of the request when that is known, so that room for its last argument is not made twice as large. While paused
   * more than one request may wait.
   */
  #sizeMax(): number {
    const isLast = this.#missing === 1 && this.#bulkLength !== NO_BULK && !this.#isPaused;
    return isLast ? this.#at + this.#bulkLength + BULK_END_BYTES : Number.MAX_SAFE_INTEGER;
  }

  /** Reads on in the request that starts at `base`. True: it is all there. */
  #read(bytes: Uint8Array, base: number, end: number): boolean {
    if (this.#missing === 0) {
      if (bytes[base] !== ASTERISK) return this.#readInline(bytes, base, end);
      if (!this.#readCount(bytes, base, end)) return false;
    }
    return this.#readArguments(bytes, base, end);
  }

  /** Reads the first line of a multibulk request. */
  #readCount(bytes: Uint8Array, base: number, end: number): boolean {
    const count = this.#lines.read(bytes, base, end);
    if (count === LINE_INCOMPLETE) return false;
    if (count === LINE_TOO_LONG) return this.#fail('too big mbulk count string');
    if (count === LINE_INVALID || count > this.#limits.argumentsMax) {
      return this.#fail('invalid multibulk length');
    }
    this.#missing = count === LINE_NEGATIVE ? 0 : count;
    this.#args.isInline = false;
    this.#at = this.#lines.next - base;
    return true;
  }

  #readArguments(bytes: Uint8Array, base: number, end: number): boolean {
    const lines = this.#lines;
    const args = this.#args;
    const { bulkBytesMax, requestBytesMax } = this.#limits;
    let at = base + this.#at;
    let missing = this.#missing;
    let length = this.#bulkLength;
    while (missing > 0) {
      if (length === NO_BULK) {
        length = lines.read(bytes, at, end);
        if (length < 0 || bytes[at] !== DOLLAR || length > bulkBytesMax) {
          // Only a line that has ended can be wrong, and its type is looked at before its number.
          if (length !== LINE_INCOMPLETE) return this.#failOnBulk(length, bytes[at]!);
          length = NO_BULK;
          break;
        }
        at = lines.next;
        if (at - base + length + BULK_END_BYTES > requestBytesMax) return this.#fail(TOO_BIG);
      }
      const next = at + length + BULK_END_BYTES;
      if (next > end) break;
      args.add(at - base, length);
      at = next;
      length = NO_BULK;
      missing--;
    }
    this.#at = at - base;
    this.#missing = missing;
    this.#bulkLength = length;
    this.#isReady = missing === 0;
    return this.#isReady;
  }

  #failOnBulk(length: number, type: number): boolean {
    if (length === LINE_TOO_LONG) return this.#fail('too big bulk count string');
    if (type !== DOLLAR) return this.#fail(`expected '$', got '${String.fromCharCode(type)}'`);
    return this.#fail('invalid bulk length');
  }

  #readInline(bytes: Uint8Array, base: number, end: number): boolean {
    const { inlineBytesMax, requestBytesMax } = this.#limits;
    const last = base + Math.min(inlineBytesMax, requestBytesMax - 1);
    const searchEnd = Math.min(end, last + 1);
    let at = base + this.#searched;
    while (at < searchEnd && bytes[at] !== LINE_FEED) at++;
    this.#searched = at - base;
    if (at > last) return this.#fail(inlineBytesMax < requestBytesMax ? 'too big inline request' : TOO_BIG);
    if (at === end) return false;
    this.#searched = 0;
    const lineEnd = at > base && bytes[at - 1] === CARRIAGE_RETURN ? at - 1 : at;
    const line = bytes.subarray(base, lineEnd);
    const memory = splitInlineArguments(line, this.#args);
    if (memory === undefined) return this.#fail('unbalanced quotes in request');
    this.#unquoted = memory === line ? undefined : memory;
    this.#args.isInline = true;
    this.#at = at + 1 - base;
    this.#isReady = true;
    return true;
  }

  #fail(problem: string): false {
    this.stop();
    this.#handler.onProtocolError(`Protocol error: ${problem}`);
    return false;
  }
}
