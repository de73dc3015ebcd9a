/** A client that speaks frames and nothing more: no pool, no retry, no routing. Answers are values, errors included. */
import type { Clock } from '../../src/ports/clock.js';
import type { Address, Connection, Network } from '../../src/ports/network.js';
import { decodeRecord } from '../../src/version/record.js';
import type { Version } from '../../src/version/version.js';
import { type Body, decodeBody, writeBody } from '../../src/wire/body.js';
import { writeDelete, writeGet, writeSet } from '../../src/wire/client-messages.js';
import type { Frame } from '../../src/wire/frame.js';
import { FrameConnection } from '../../src/wire/frame-connection.js';
import { ABSENT, DONE, ERROR, FLAG_EXISTED, RESULT, VALUE } from '../../src/wire/message-type.js';
import { Flusher, type Outbox } from '../../src/wire/outbox.js';

/** What a node answered. */
export type Answer =
  | { readonly kind: 'value'; readonly value: string; readonly version: Version; readonly expiryMs: number }
  | { readonly kind: 'absent' }
  | { readonly kind: 'done'; readonly version: Version; readonly existed: boolean }
  | { readonly kind: 'result'; readonly body: Body }
  | { readonly kind: 'error'; readonly code: string; readonly message: string; readonly definite: boolean };

export interface AskOptions {
  /** R or W; the cluster's default unless told. */
  readonly quorum?: number;
  readonly budgetMs?: number;
}

export interface SetOptions extends AskOptions {
  /** A moment: milliseconds since 1970. */
  readonly expiryMs?: number;
  readonly ttlMs?: number;
}

const LOST: Answer = { kind: 'error', code: 'CONNECTION_LOST', message: 'it ended', definite: false };
const REFUSED: Answer = { kind: 'error', code: 'CONNECT_FAILED', message: 'nobody there', definite: true };
const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class FrameClient {
  readonly #network: Network;
  readonly #address: Address;
  readonly #flusher: Flusher;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #channel: FrameConnection | undefined;
  #connecting: Promise<FrameConnection | undefined> | undefined;
  #nextId = 1;
  /** Grows when an attempt to connect is given up before its connection is open. */
  #attempt = 0;

  constructor(clock: Clock, network: Network, address: Address) {
    this.#network = network;
    this.#address = address;
    this.#flusher = new Flusher(clock);
  }

  /** Requests that have not been answered. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get connection(): Connection | undefined {
    return this.#channel?.connection;
  }

  get(key: string, options: AskOptions = {}): Promise<Answer> {
    const { quorum = 0, budgetMs = 0 } = options;
    return this.ask((outbox, id) => writeGet(outbox, id, encoder.encode(key), quorum, budgetMs, false));
  }

  /** Whether there is a value; answered like {@link get}, without it. */
  exists(key: string, options: AskOptions = {}): Promise<Answer> {
    const { quorum = 0, budgetMs = 0 } = options;
    return this.ask((outbox, id) => writeGet(outbox, id, encoder.encode(key), quorum, budgetMs, true));
  }

  set(key: string, value: string, options: SetOptions = {}): Promise<Answer> {
    const { quorum = 0, budgetMs = 0, expiryMs, ttlMs } = options;
    const expiry = expiryMs ?? ttlMs ?? 0;
    const fields = { w: quorum, budgetMs, expiry, absolute: expiryMs !== undefined };
    return this.ask((outbox, id) => writeSet(outbox, id, encoder.encode(key), encoder.encode(value), fields));
  }

  delete(key: string, options: AskOptions = {}): Promise<Answer> {
    const { quorum = 0, budgetMs = 0 } = options;
    return this.ask((outbox, id) => writeDelete(outbox, id, encoder.encode(key), quorum, budgetMs));
  }

  /** A request with a MessagePack body, and a key if it needs one. */
  call(type: number, body: Body, key?: string): Promise<Answer> {
    const bytes = key === undefined ? undefined : encoder.encode(key);
    return this.ask((outbox, id) => writeBody(outbox, type, id, body, bytes));
  }

  /** Any frame that is answered under its id. */
  async ask(write: (outbox: Outbox, id: number) => void): Promise<Answer> {
    const channel = this.#channel ?? (await this.#connect());
    if (channel === undefined) return REFUSED;
    const id = this.#nextId++;
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve);
      write(channel.outbox, id);
    });
  }

  /** Connects, unless it is connected. Undefined: it could not. */
  async connect(): Promise<FrameConnection | undefined> {
    return this.#channel ?? this.#connect();
  }

  /** Sends bytes as they are. */
  async sendRaw(bytes: Uint8Array): Promise<void> {
    (await this.connect())?.connection.write(bytes);
  }

  close(): void {
    this.#channel?.connection.destroy();
    if (this.#channel === undefined) this.#attempt++;
  }

  #connect(): Promise<FrameConnection | undefined> {
    const attempt = this.#attempt;
    this.#connecting ??= new Promise((resolve) => {
      const consumer = { onFrame: (frame: Frame) => this.#onFrame(frame), onClosed: () => this.#onClosed() };
      let channel: FrameConnection | undefined;
      const handler = {
        onData: (bytes: Uint8Array) => channel?.onData(bytes),
        onDrain: () => channel?.onDrain(),
        onClose: (error?: Error) => {
          if (channel !== undefined) return channel.onClose(error);
          this.#connecting = undefined;
          resolve(undefined);
        },
      };
      this.#network.connect(this.#address, handler, (connection) => {
        if (this.#attempt !== attempt) {
          this.#connecting = undefined;
          connection.destroy();
          return resolve(undefined);
        }
        channel = new FrameConnection(connection, this.#flusher, consumer);
        this.#channel = channel;
        resolve(channel);
      });
    });
    return this.#connecting;
  }

  #onFrame(frame: Frame): void {
    const resolve = this.#waiting.get(frame.id);
    this.#waiting.delete(frame.id);
    resolve?.(answerOf(frame));
  }

  #onClosed(): void {
    this.#channel = undefined;
    this.#connecting = undefined;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const resolve of waiting) resolve(LOST);
  }
}

function answerOf(frame: Frame): Answer {
  switch (frame.type) {
    case VALUE: {
      // A VALUE is a record without its CRC.
      const record = decodeRecord(new Uint8Array([0, 0, 0, 0, ...frame.body()]));
      return {
        kind: 'value',
        value: decoder.decode(record.value),
        version: record.version,
        expiryMs: record.expiryMs,
      };
    }
    case ABSENT:
      return { kind: 'absent' };
    case DONE: {
      const { view, bodyStart } = frame;
      const time = view.getUint32(bodyStart) * 2 ** 32 + view.getUint32(bodyStart + 4);
      const version = { time, node: view.getUint32(bodyStart + 8) };
      return { kind: 'done', version, existed: (frame.flags & FLAG_EXISTED) !== 0 };
    }
    case RESULT:
      return { kind: 'result', body: decodeBody(frame.body()) ?? {} };
    case ERROR: {
      const { code, message, definite } = decodeBody(frame.body()) ?? {};
      return { kind: 'error', code: String(code), message: String(message), definite: definite === true };
    }
    default:
      return { kind: 'error', code: `type ${frame.type}`, message: '', definite: false };
  }
}
