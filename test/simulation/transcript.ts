/**
 * What happened in a run, a line each: virtual time, who, what. Read from top to bottom it is the story of the run. Its
 * hash also covers every piece of bytes that arrived anywhere: two runs with equal hashes were the same run.
 */
import { createHash } from 'node:crypto';
import { crc32 } from '../../src/base/crc32.js';
import type { Clock } from '../../src/ports/clock.js';
import { HEADER_BYTES, LENGTH_BYTES } from '../../src/wire/frame.js';
import { typeName } from '../../src/wire/message-type.js';
import type { VirtualSocket } from '../support/virtual-network.js';

export type LineSink = (line: string) => void;

/** Text that is gathered before it is hashed. */
const HASH_CHUNK_CHARS = 32 * 1024;

export class Transcript {
  readonly #clock: Clock;
  readonly #sink: LineSink | undefined;
  readonly #hash = createHash('sha256');
  #unhashed = '';
  lines = 0;
  pieces = 0;

  constructor(clock: Clock, sink?: LineSink) {
    this.#clock = clock;
    this.#sink = sink;
  }

  tell(who: string, what: string): void {
    const line = this.#line(who, what);
    this.lines++;
    this.#add(line);
    this.#sink?.(line);
  }

  /** Bytes that arrived. Hashed, not told. */
  onPiece(from: string, to: string, bytes: Uint8Array): void {
    this.pieces++;
    this.#add(`${this.#clock.monotonicMs()} ${from}>${to} ${bytes.length} ${crc32(bytes)}`);
  }

  /** Told but not hashed: the hash covers the bytes themselves. */
  onMessage(from: string, to: string, what: string): void {
    this.#sink?.(this.#line(`${from}>${to}`, what));
  }

  /** Of everything so far. Ends the transcript. */
  digest(): string {
    return this.#hash.update(this.#unhashed).digest('hex');
  }

  #line(who: string, what: string): string {
    return `${(this.#clock.monotonicMs() / 1000).toFixed(6).padStart(11)}  ${who.padEnd(8)}  ${what}`;
  }

  #add(line: string): void {
    this.#unhashed += `${line}\n`;
    if (this.#unhashed.length < HASH_CHUNK_CHARS) return;
    this.#hash.update(this.#unhashed);
    this.#unhashed = '';
  }
}

/** Cuts what is written to connections into frames, and names each with its key. */
export class MessageWatch {
  readonly #transcript: Transcript;
  readonly #rests = new WeakMap<VirtualSocket, Uint8Array>();

  constructor(transcript: Transcript) {
    this.#transcript = transcript;
  }

  onWrite(socket: VirtualSocket, written: Uint8Array): void {
    const rest = this.#rests.get(socket);
    const bytes = rest === undefined ? written : Buffer.concat([rest, written]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    while (bytes.length - at >= HEADER_BYTES) {
      const end = at + LENGTH_BYTES + view.getUint32(at);
      if (end > bytes.length) break;
      const key = bytes.subarray(at + HEADER_BYTES, at + HEADER_BYTES + view.getUint16(at + 6));
      const what = `${typeName(view.getUint8(at + 4))} #${view.getUint32(at + 8)} ${text(key)}`;
      this.#transcript.onMessage(socket.host, socket.peerHost, what);
      at = end;
    }
    this.#rests.set(socket, bytes.slice(at));
  }
}

function text(key: Uint8Array): string {
  return new TextDecoder().decode(key);
}
