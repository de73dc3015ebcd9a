/**
 * One connection of the load generator. It speaks the wire directly: the client library's promises would cost more
 * than the requests that are measured.
 *
 * A request in flight is a slot: its kind, key and start are in typed arrays, its request id is the slot + 1, and
 * nothing is allocated from sending it to its answer. Every answer is checked; whatever is not the right one is a
 * failure, never an operation.
 *
 * States: new → (open) opening → ready → closed.
 */
import type { KvError } from '../src/base/errors.js';
import { indefinite } from '../src/base/errors.js';
import type { Clock } from '../src/ports/clock.js';
import type { Address, Connection, ConnectionHandler, Network } from '../src/ports/network.js';
import { frameBody, stringField, writeBody } from '../src/wire/body.js';
import { type SetFields, writeGet, writeSet } from '../src/wire/client-messages.js';
import type { Frame } from '../src/wire/frame.js';
import { FrameDecoder, type FrameHandler } from '../src/wire/frame-decoder.js';
import { ABSENT, DONE, ERROR, HELLO, PROTOCOL_VERSION, VALUE, WELCOME } from '../src/wire/message-type.js';
import { type Flusher, Outbox } from '../src/wire/outbox.js';
import type { Payload } from './payload.js';
import { type Kind, READ, WRITE } from './workload.js';

/** The first message of every connection. */
export const HELLO_BODY = { protocol: PROTOCOL_VERSION, role: 'client', software: 'quoral-bench' };

/** Who is told what became of the requests. Times are {@link Clock.monotonicMs}. */
export interface ConnectionOwner {
  onSuccess(connection: LoadConnection, kind: Kind, startMs: number, nowMs: number): void;
  /** `code` is the node's error code, or one of ours: ABSENT, WRONG_SIZE, WRONG_VALUE, PROTOCOL, CONNECTION_LOST. */
  onFailure(connection: LoadConnection, key: number, code: string, nowMs: number): void;
}

/** What all connections of a run share. */
export interface ConnectionSettings {
  readonly network: Network;
  readonly clock: Clock;
  readonly flusher: Flusher;
  readonly payload: Payload;
  /** Most requests in flight per connection. */
  readonly pipeline: number;
  /** Quorums of the requests; 0 for the cluster's. */
  readonly r: number;
  readonly w: number;
}

const FREE = 0;

export class LoadConnection implements ConnectionHandler, FrameHandler {
  readonly address: Address;
  /** Set before the first request. */
  owner: ConnectionOwner | undefined;
  readonly #settings: ConnectionSettings;
  readonly #clock: Clock;
  readonly #payload: Payload;
  readonly #setFields: SetFields;
  readonly #decoder = new FrameDecoder(this);
  #connection: Connection | undefined;
  #outbox: Outbox | undefined;
  #ready = false;
  #closed = false;
  #failure: Error | undefined;
  #opening: { resolve: () => void; reject: (error: Error) => void } | undefined;

  readonly #kinds: Uint8Array;
  readonly #keys: Uint32Array;
  readonly #starts: Float64Array;
  /** A stack of free slots; the first `#freeCount` are valid. */
  readonly #free: Uint32Array;
  #freeCount: number;
  /** When the bytes at hand arrived: the clock is read once per arrival, not per frame. */
  #nowMs = 0;

  constructor(address: Address, settings: ConnectionSettings) {
    this.address = address;
    this.#settings = settings;
    this.#clock = settings.clock;
    this.#payload = settings.payload;
    this.#setFields = { w: settings.w, budgetMs: 0, expiry: 0, absolute: false };
    this.#kinds = new Uint8Array(settings.pipeline);
    this.#keys = new Uint32Array(settings.pipeline);
    this.#starts = new Float64Array(settings.pipeline);
    this.#free = Uint32Array.from({ length: settings.pipeline }, (_, slot) => slot);
    this.#freeCount = settings.pipeline;
  }

  /**
   * Connects and shakes hands.
   * @throws KvError `CONNECT_FAILED` when the node cannot be reached or does not welcome us.
   */
  open(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.#settings.network.connect(this.address, this, (connection) => {
        this.#connection = connection;
        if (this.#closed) {
          connection.destroy();
          return;
        }
        this.#outbox = new Outbox(connection, this.#settings.flusher);
        writeBody(this.#outbox, HELLO, 0, HELLO_BODY);
      });
    });
  }

  /** Whether one more request may be sent now. */
  get canSend(): boolean {
    return this.#ready && this.#freeCount > 0;
  }

  get isOpen(): boolean {
    return this.#ready;
  }

  /** Sends a request. Only when {@link canSend}. `startMs` is given back with the answer. */
  send(kind: Kind, key: number, startMs: number): void {
    const slot = this.#free[--this.#freeCount]!;
    this.#kinds[slot] = kind;
    this.#keys[slot] = key;
    this.#starts[slot] = startMs;
    const { payload, r } = this.#settings;
    if (kind === READ) writeGet(this.#outbox!, slot + 1, payload.key(key), r, 0, false);
    else writeSet(this.#outbox!, slot + 1, payload.key(key), payload.value(key), this.#setFields);
  }

  /** Ends the connection; requests in flight are not reported. */
  close(): void {
    this.owner = undefined;
    this.#ready = false;
    this.#closed = true;
    this.#outbox?.close();
    this.#connection?.destroy();
  }

  onData(bytes: Uint8Array): void {
    this.#nowMs = this.#clock.monotonicMs();
    this.#decoder.push(bytes);
  }

  onDrain(): void {}

  onFrame(frame: Frame): void {
    if (!this.#ready) {
      this.#onHandshake(frame);
      return;
    }
    const slot = frame.id - 1;
    if (slot < 0 || slot >= this.#kinds.length || this.#kinds[slot] === FREE) {
      this.#drop(indefinite('PROTOCOL', `${this.address} answered request ${frame.id}, which was not asked`));
      return;
    }
    const kind = this.#kinds[slot] as Kind;
    const problem = this.#problemOf(frame, kind, this.#keys[slot]!);
    this.#release(slot);
    if (problem === undefined) this.owner?.onSuccess(this, kind, this.#starts[slot]!, this.#nowMs);
    else this.owner?.onFailure(this, this.#keys[slot]!, problem, this.#nowMs);
  }

  onRefused(error: KvError): void {
    this.#drop(error);
  }

  onClose(error?: Error): void {
    const wasReady = this.#ready;
    this.#ready = false;
    this.#outbox?.close();
    if (wasReady) this.#failAll();
    const cause = this.#failure ?? error;
    const reason = cause === undefined ? 'it closed the connection' : cause.message;
    this.#opening?.reject(
      indefinite('CONNECT_FAILED', `cannot connect to ${this.address}: ${reason}`, cause),
    );
    this.#opening = undefined;
  }

  #onHandshake(frame: Frame): void {
    if (frame.type === WELCOME) {
      this.#ready = true;
      this.#opening?.resolve();
      this.#opening = undefined;
      return;
    }
    const body = frameBody(frame);
    const message = (body && stringField(body, 'message')) ?? 'it does not speak this protocol';
    this.#drop(indefinite('PROTOCOL', message));
  }

  /** What is wrong with the answer, as an error code; undefined when it is the right one. */
  #problemOf(frame: Frame, kind: Kind, key: number): string | undefined {
    if (kind === READ && frame.type === VALUE) return this.#payload.problemOf(frame, key);
    if (kind === WRITE && frame.type === DONE) return undefined;
    if (kind === READ && frame.type === ABSENT) return 'ABSENT';
    if (frame.type !== ERROR) return 'PROTOCOL';
    const body = frameBody(frame);
    return (body && stringField(body, 'code')) ?? 'PROTOCOL';
  }

  #release(slot: number): void {
    this.#kinds[slot] = FREE;
    this.#free[this.#freeCount++] = slot;
  }

  #failAll(): void {
    const nowMs = this.#clock.monotonicMs();
    for (let slot = 0; slot < this.#kinds.length; slot++) {
      if (this.#kinds[slot] === FREE) continue;
      this.owner?.onFailure(this, this.#keys[slot]!, 'CONNECTION_LOST', nowMs);
    }
  }

  #drop(error: Error): void {
    this.#failure = error;
    this.#decoder.stop();
    this.#connection?.destroy();
  }
}

/**
 * Opens `count` connections, spread evenly over `addresses`.
 * @throws KvError `CONNECT_FAILED` when any of them fails; the others are closed then.
 */
export async function openConnections(
  addresses: readonly Address[],
  count: number,
  settings: ConnectionSettings,
): Promise<LoadConnection[]> {
  const connections: LoadConnection[] = [];
  for (let i = 0; i < count; i++) {
    connections.push(new LoadConnection(addresses[i % addresses.length]!, settings));
  }
  try {
    await Promise.all(connections.map((connection) => connection.open()));
  } catch (error) {
    for (const connection of connections) connection.close();
    throw error;
  }
  return connections;
}
