/**
 * A connection that somebody has opened to this node: its first byte tells which protocol it speaks. A frame begins with
 * the upper byte of a length below 16 MiB, which is 0 (or 1 at the limit); text is the Redis protocol; any other control
 * character is neither (TLS begins with 22), and is refused at once.
 */
import { definite } from '../base/errors.js';
import type { Connection, ConnectionHandler } from '../ports/network.js';
import { FrameConnection } from '../wire/frame-connection.js';
import type { Flusher } from '../wire/outbox.js';
import { ClientSession, type ClientSessionOptions } from './client-session.js';
import type { RedisHost } from './redis/host.js';
import { RedisSession } from './redis/session.js';

const FRAME_FIRST_BYTE_MAX = 1;
const SPACE = 0x20;
const WHITE = new Set([0x09, 0x0a, 0x0d]);
const NEITHER = '-ERR this port speaks the protocols of Quoral and of Redis, without TLS\r\n';

export interface InboundOptions {
  readonly flusher: Flusher;
  readonly session: ClientSessionOptions;
  readonly redis: RedisHost;
  readonly onEnded: (inbound: InboundConnection) => void;
}

export class InboundConnection implements ConnectionHandler {
  readonly #connection: Connection;
  readonly #options: InboundOptions;
  #frames: FrameConnection | undefined;
  #redis: RedisSession | undefined;
  #isRefused = false;

  constructor(connection: Connection, options: InboundOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Bytes that wait to leave. */
  get outboxBytes(): number {
    return this.#frames?.outbox.pendingBytes ?? this.#redis?.unreadBytes ?? 0;
  }

  onData(bytes: Uint8Array): void {
    if (this.#frames !== undefined) return this.#frames.onData(bytes);
    if (this.#redis !== undefined) return this.#redis.onData(bytes);
    if (bytes.length === 0) return;
    if (this.#isRefused) return;
    const { flusher, session, redis } = this.#options;
    const first = bytes[0]!;
    if (first > FRAME_FIRST_BYTE_MAX) {
      if (first < SPACE && !WHITE.has(first)) return this.#refuse();
      this.#redis = new RedisSession(this.#connection, flusher, redis);
    } else {
      this.#frames = new FrameConnection(this.#connection, flusher, NOBODY);
      this.#frames.consumer = new ClientSession(this.#frames, session);
    }
    this.onData(bytes);
  }

  onDrain(): void {
    this.#frames?.onDrain();
    this.#redis?.onDrain();
  }

  onClose(error?: Error): void {
    this.#frames?.onClose(error);
    this.#redis?.onClose();
    this.#options.onEnded(this);
  }

  /** Ends it after what waits has left. */
  end(): void {
    this.#frames?.outbox.flush();
    this.#redis?.outbox.flush();
    this.#connection.end();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  /** Called every so often: ends a connection whose other side has begun something and does not go on. */
  lookForStuck(): void {
    if (this.#frames?.isStuck()) {
      this.#frames.refuse(0, definite('PROTOCOL', 'a frame was begun and never finished'));
    }
    this.#redis?.lookForStuck();
  }

  #refuse(): void {
    this.#isRefused = true;
    this.#connection.write(new TextEncoder().encode(NEITHER));
    this.#connection.end();
  }
}

const NOBODY = { onFrame(): void {}, onClosed(): void {} };
