/**
 * A connection that carries frames: decodes what arrives for its consumer, and collects what leaves in its outbox.
 * The consumer may be exchanged (a client that says HELLO as a peer becomes a link).
 */
import type { KvError } from '../base/errors.js';
import type { Connection, ConnectionHandler } from '../ports/network.js';
import { writeError } from './error-message.js';
import type { Frame } from './frame.js';
import { FrameDecoder, type FrameHandler } from './frame-decoder.js';
import { type Flusher, Outbox } from './outbox.js';

export interface FrameConsumer {
  /** The frame is valid during the call only. */
  onFrame(frame: Frame): void;
  /** What the network had to keep back has left. */
  onDrain?(): void;
  /** The last call. */
  onClosed(error?: Error): void;
}

export class FrameConnection implements ConnectionHandler, FrameHandler {
  readonly connection: Connection;
  readonly outbox: Outbox;
  consumer: FrameConsumer;
  readonly #decoder = new FrameDecoder(this);
  #received = 0;
  #receivedAtLastLook = 0;
  #isPaused = false;

  constructor(connection: Connection, flusher: Flusher, consumer: FrameConsumer) {
    this.connection = connection;
    this.outbox = new Outbox(connection, flusher);
    this.consumer = consumer;
  }

  onData(bytes: Uint8Array): void {
    this.#received += bytes.length;
    this.#decoder.push(bytes);
  }

  onDrain(): void {
    this.consumer.onDrain?.();
  }

  onClose(error?: Error): void {
    this.#decoder.stop();
    this.outbox.close();
    this.consumer.onClosed(error);
  }

  onFrame(frame: Frame): void {
    this.consumer.onFrame(frame);
  }

  onRefused(error: KvError, requestId: number): void {
    this.refuse(requestId, error);
  }

  /** Sends an error, and ends the connection after it. */
  refuse(requestId: number, error: KvError): void {
    this.#decoder.stop();
    writeError(this.outbox, requestId, error.code, error.message, error.definite);
    this.outbox.flush();
    this.connection.end();
    // Replies to requests that are still under way would be written to a connection that has ended.
    this.outbox.close();
  }

  /** Takes nothing more from the other side: neither bytes nor frames that have come already. */
  pause(): void {
    this.#isPaused = true;
    this.#decoder.pause();
    this.connection.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#decoder.resume();
    // A frame that came meanwhile may have been one too many.
    if (!this.#isPaused) this.connection.resume();
  }

  /**
   * Whether a frame has been incomplete since the last call without a byte arriving: called every so often, it finds
   * senders that will never finish.
   */
  isStuck(): boolean {
    const stuck =
      !this.#isPaused && this.#decoder.pendingBytes > 0 && this.#received === this.#receivedAtLastLook;
    this.#receivedAtLastLook = this.#received;
    return stuck;
  }
}
