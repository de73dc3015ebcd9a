/**
 * What waits to leave on one connection: frames are written straight into one reused buffer, and everything that
 * became ready in one turn of the event loop leaves in one write (DESIGN §10: the largest single saving).
 */
import type { Clock } from '../ports/clock.js';
import type { Connection } from '../ports/network.js';
import { HEADER_BYTES, LENGTH_BYTES } from './frame.js';

const BUFFER_BYTES_FIRST = 4096;
/** With so much waiting, it leaves before the end of the turn. */
const EARLY_FLUSH_BYTES = 256 * 1024;
/** A buffer that grew past this for one large frame is given back after it. */
const BUFFER_BYTES_KEPT = 256 * 1024;

/** Flushes all outboxes of a node together, once per turn. */
export class Flusher {
  readonly #clock: Clock;
  #dirty: Outbox[] = [];
  #flushing: Outbox[] = [];
  #scheduled = false;
  readonly #run = () => this.#flushAll();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Has `outbox` flushed at the end of this turn. */
  add(outbox: Outbox): void {
    this.#dirty.push(outbox);
    if (!this.#scheduled) {
      this.#scheduled = true;
      this.#clock.defer(this.#run);
    }
  }

  #flushAll(): void {
    this.#scheduled = false;
    const batch = this.#dirty;
    this.#dirty = this.#flushing;
    this.#flushing = batch;
    for (let i = 0; i < batch.length; i++) batch[i]!.flush();
    batch.length = 0;
  }
}

export class Outbox {
  /** Where frames are written; replaced when it must grow, so read it after `begin` or `reserve`. */
  bytes = new Uint8Array(BUFFER_BYTES_FIRST);
  view = new DataView(this.bytes.buffer);
  #length = 0;
  #dirty = false;
  #connection: Connection | undefined;
  readonly #flusher: Flusher;

  constructor(connection: Connection, flusher: Flusher) {
    this.#connection = connection;
    this.#flusher = flusher;
  }

  /** Bytes that have not left yet, here and in the connection. */
  get pendingBytes(): number {
    return this.#length + (this.#connection?.bufferedBytes ?? 0);
  }

  /** False once the connection has ended; frames are then dropped. */
  get isOpen(): boolean {
    return this.#connection !== undefined;
  }

  /**
   * Starts a frame: writes its header and reserves room for key and body, which the caller then writes at the offset
   * returned, into `bytes` or `view`. All of it leaves at the end of the turn.
   */
  begin(type: number, flags: number, id: number, keyBytes: number, bodyBytes: number): number {
    const size = HEADER_BYTES + keyBytes + bodyBytes;
    const at = this.reserve(size);
    const view = this.view;
    view.setUint32(at, size - LENGTH_BYTES);
    view.setUint32(at + 4, ((type << 24) | (flags << 16) | keyBytes) >>> 0);
    view.setUint32(at + 8, id);
    return at + HEADER_BYTES;
  }

  /**
   * Makes room for `size` bytes that are no frame, which the caller then writes at the offset returned, into `bytes`,
   * before it reserves more. They leave at the end of the turn.
   */
  reserve(size: number): number {
    // Much is not worth collecting; and what the connection holds is what its owner bounds.
    if (this.#length >= EARLY_FLUSH_BYTES) this.#send();
    const at = this.#length;
    if (at + size > this.bytes.length) this.#grow(at + size);
    this.#length = at + size;
    if (!this.#dirty) {
      this.#dirty = true;
      this.#flusher.add(this);
    }
    return at;
  }

  /** Writes what waits. The flusher calls it; others only before they end the connection. */
  flush(): void {
    this.#dirty = false;
    this.#send();
  }

  #send(): void {
    if (this.#length === 0) return;
    const length = this.#length;
    this.#length = 0;
    const taken = this.#connection?.write(this.bytes.subarray(0, length)) ?? true;
    if (!taken || this.bytes.length > BUFFER_BYTES_KEPT) this.#replace(BUFFER_BYTES_FIRST);
  }

  /** Drops what waits and everything that comes later. */
  close(): void {
    this.#connection = undefined;
    this.#length = 0;
    this.#replace(BUFFER_BYTES_FIRST);
  }

  #replace(bytes: number): void {
    this.bytes = new Uint8Array(bytes);
    this.view = new DataView(this.bytes.buffer);
  }

  #grow(needed: number): void {
    const old = this.bytes;
    const length = this.#length;
    this.#replace(Math.max(needed, old.length * 2));
    this.bytes.set(old.subarray(0, length), 0);
  }
}
