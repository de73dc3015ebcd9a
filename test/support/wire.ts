/** Both ends of a wire without a network: a connection that records what is written, and frames taken apart. */
import type { KvError } from '../../src/base/errors.js';
import type { Connection } from '../../src/ports/network.js';
import type { Frame } from '../../src/wire/frame.js';
import { FrameDecoder, type FrameHandler } from '../../src/wire/frame-decoder.js';
import { Flusher, Outbox } from '../../src/wire/outbox.js';
import { VirtualClock } from './virtual-clock.js';

/** What a frame said, copied out of it. */
export interface SeenFrame {
  readonly type: number;
  readonly flags: number;
  readonly id: number;
  readonly key: Uint8Array;
  readonly body: Uint8Array;
}

/** Collects what a decoder hands out. */
export class FrameLog implements FrameHandler {
  readonly frames: SeenFrame[] = [];
  readonly refusals: { readonly error: KvError; readonly requestId: number }[] = [];

  onFrame(frame: Frame): void {
    const { type, flags, id } = frame;
    this.frames.push({
      type,
      flags,
      id,
      key: Uint8Array.from(frame.key()),
      body: Uint8Array.from(frame.body()),
    });
  }

  onRefused(error: KvError, requestId: number): void {
    this.refusals.push({ error, requestId });
  }
}

/** The bytes of one frame, built without the code under test. */
export function rawFrame(frame: SeenFrame): Uint8Array {
  const { type, flags, id, key, body } = frame;
  const bytes = new Uint8Array(12 + key.length + body.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length - 4);
  view.setUint8(4, type);
  view.setUint8(5, flags);
  view.setUint16(6, key.length);
  view.setUint32(8, id);
  bytes.set(key, 12);
  bytes.set(body, 12 + key.length);
  return bytes;
}

/** All of `parts`, one after the other. */
export function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts));
}

/** A connection whose other side is an array. With `takes` false it keeps every array that it is given. */
export class RecordingConnection implements Connection {
  readonly remote = 'test:1';
  /** The very arrays that were written. */
  readonly writes: Uint8Array[] = [];
  /** Copies of them, made at the time. */
  readonly copies: Uint8Array[] = [];
  /** The methods that were called, in order. */
  readonly events: string[] = [];
  bufferedBytes = 0;
  takes = true;

  write(bytes: Uint8Array): boolean {
    this.events.push('write');
    this.writes.push(bytes);
    this.copies.push(Uint8Array.from(bytes));
    if (!this.takes) this.bufferedBytes += bytes.length;
    return this.takes;
  }

  pause(): void {
    this.events.push('pause');
  }

  resume(): void {
    this.events.push('resume');
  }

  end(): void {
    this.events.push('end');
  }

  destroy(): void {
    this.events.push('destroy');
  }
}

/** An outbox on a recording connection; `clock.runDeferred()` ends the turn. */
export function recordingOutbox(): { clock: VirtualClock; connection: RecordingConnection; outbox: Outbox } {
  const clock = new VirtualClock();
  const connection = new RecordingConnection();
  return { clock, connection, outbox: new Outbox(connection, new Flusher(clock)) };
}

/** The bytes that `write` puts on the wire. */
export function written(write: (outbox: Outbox) => void): Uint8Array {
  const { clock, connection, outbox } = recordingOutbox();
  write(outbox);
  clock.runDeferred();
  return concat(connection.copies);
}

/** Runs `use` on the one frame in `bytes`, while it is valid. */
export function withFrame<T>(bytes: Uint8Array, use: (frame: Frame) => T): T {
  const results: T[] = [];
  const refused = (error: KvError) => {
    throw error;
  };
  new FrameDecoder({ onFrame: (frame) => results.push(use(frame)), onRefused: refused }).push(bytes);
  if (results.length !== 1) throw new Error(`${results.length} frames instead of one`);
  return results[0]!;
}
