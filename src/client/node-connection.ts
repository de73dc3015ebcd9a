/**
 * One connection to a node, from the attempt to open it to its end:
 *
 *     connecting ──▶ greeting ──▶ up ──▶ ended       (any state can end)
 *
 * It greets with HELLO, and carries requests once WELCOME has come. A node that breaks the protocol loses the
 * connection. One that stays silent is pinged; it is called suspect until it says anything, and given up when it does
 * not, because TCP itself takes a quarter of an hour to notice a machine that is gone.
 */
import { definite, type KvError } from '../base/errors.js';
import { REQUEST_TIMEOUT_MS_MAX } from '../base/limits.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { Address, Connection, ConnectionHandler, Network } from '../ports/network.js';
import { type Body, frameBody, integerField, stringField, writeBody } from '../wire/body.js';
import type { Frame } from '../wire/frame.js';
import { FrameDecoder, type FrameHandler } from '../wire/frame-decoder.js';
import { ERROR, HELLO, PING, PONG, PROTOCOL_VERSION, typeName, WELCOME } from '../wire/message-type.js';
import { type Flusher, Outbox } from '../wire/outbox.js';
import type { ClientNode } from './client-node.js';
import { networkReason, parseError } from './failures.js';

/** How long a suspect may stay silent before its connection is given up: longer than any request can wait for it. */
export const SILENCE_MS_MAX = REQUEST_TIMEOUT_MS_MAX;

const HELLO_BODY = { protocol: PROTOCOL_VERSION, role: 'client', software: 'quoral/0.1.0' };

/** What a node says of itself when it welcomes us. */
export interface Welcome {
  /** Its name. */
  readonly node: string;
  /** Empty as long as it belongs to no cluster. */
  readonly clusterId: string;
  /** The epoch of its configuration; 0 for none. */
  readonly epoch: number;
}

/** What every connection of a client shares. */
export interface ConnectionIo {
  readonly clock: Clock;
  readonly network: Network;
  readonly flusher: Flusher;
  readonly connectTimeoutMs: number;
}

export class NodeConnection implements ConnectionHandler, FrameHandler {
  readonly node: ClientNode;
  readonly address: Address;
  /** The node's name, once it is known, and address, for messages. */
  label: string;
  /** Requests that wait for a reply on it. */
  inFlight = 0;
  /** When bytes last came, by the monotonic clock. */
  lastReceivedMs = 0;
  #state: 'connecting' | 'greeting' | 'up' | 'ended' = 'connecting';
  #isSuspect = false;
  readonly #io: ConnectionIo;
  readonly #decoder = new FrameDecoder(this);
  #connection: Connection | undefined;
  #outbox: Outbox | undefined;
  /** Until the welcome: for the connect timeout. Later: for the silence of a suspect. */
  #timer: Timer | undefined;

  constructor(node: ClientNode, io: ConnectionIo) {
    this.node = node;
    this.address = node.address;
    this.label = node.address;
    this.#io = io;
  }

  get isUp(): boolean {
    return this.#state === 'up';
  }

  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  /** Where requests are written. Only while it is up. */
  get outbox(): Outbox {
    if (this.#outbox === undefined)
      throw new Error('assertion failed: a connection without an outbox is used');
    return this.#outbox;
  }

  /** Starts the attempt. */
  open(): void {
    const { clock, network, connectTimeoutMs } = this.#io;
    this.#timer = clock.setTimer(connectTimeoutMs, () => {
      this.fail(definite('CONNECT_FAILED', `${this.address} did not answer within ${connectTimeoutMs} ms`));
    });
    network.connect(this.address, this, (connection) => this.#onConnect(connection));
  }

  /** Asks the node for a sign of life, and gives it {@link SILENCE_MS_MAX} to show one. */
  suspect(): void {
    if (this.#isSuspect || this.#state !== 'up') return;
    this.#isSuspect = true;
    this.outbox.begin(PING, 0, 0, 0, 0);
    this.#timer = this.#io.clock.setTimer(SILENCE_MS_MAX, () => {
      this.fail(definite('CONNECTION_LOST', `${this.label} has been silent for too long`));
    });
  }

  /** A request that was sent on it has ended, or is sent elsewhere. */
  onRequestEnded(): void {
    this.inFlight--;
    if (this.inFlight === 0) this.node.onConnectionIdle(this);
  }

  /** Drops the connection because of `error`, which its requests get as the cause. */
  fail(error: KvError): void {
    if (this.#state === 'ended') return;
    const wasUp = this.#state === 'up';
    this.#state = 'ended';
    this.#clearTimer();
    this.#decoder.stop();
    this.#outbox?.close();
    this.#connection?.destroy();
    this.node.onEnded(this, error, wasUp);
  }

  onData(bytes: Uint8Array): void {
    this.lastReceivedMs = this.#io.clock.monotonicMs();
    if (this.#isSuspect) this.#clearSuspicion();
    this.#decoder.push(bytes);
  }

  onDrain(): void {
    // What is in flight is bounded by the client, so the connection never holds more than that.
  }

  onClose(error?: Error): void {
    const reason = networkReason(error);
    if (this.#state === 'up') {
      this.fail(definite('CONNECTION_LOST', `the connection to ${this.label} was lost: ${reason}`, error));
    } else {
      this.fail(definite('CONNECT_FAILED', `cannot connect to ${this.address}: ${reason}`, error));
    }
  }

  onFrame(frame: Frame): void {
    if (frame.type === ERROR && frame.id === 0) {
      this.fail(parseError(frameBody(frame)) ?? this.#malformed(ERROR));
    } else if (this.#state === 'greeting') {
      this.#onGreeting(frame);
    } else if (frame.type !== PONG) {
      this.node.onReply(this, frame);
    }
  }

  onRefused(error: KvError): void {
    this.fail(definite('PROTOCOL', `${this.label} does not speak this protocol: ${error.message}`, error));
  }

  #onConnect(connection: Connection): void {
    if (this.#state === 'ended') {
      connection.destroy();
      return;
    }
    this.#connection = connection;
    this.#state = 'greeting';
    this.#outbox = new Outbox(connection, this.#io.flusher);
    writeBody(this.#outbox, HELLO, 0, HELLO_BODY);
  }

  #onGreeting(frame: Frame): void {
    const welcome = frame.type === WELCOME ? parseWelcome(frameBody(frame)) : undefined;
    if (welcome === undefined) {
      this.fail(this.#malformed(frame.type));
      return;
    }
    const problem = this.node.problemWith(welcome);
    if (problem !== undefined) {
      this.fail(problem);
      return;
    }
    this.label = `${welcome.node} (${this.address})`;
    this.#clearTimer();
    this.#state = 'up';
    this.node.onWelcome(this, welcome);
  }

  #malformed(type: number): KvError {
    return definite(
      'PROTOCOL',
      `${this.label} sent a ${typeName(type)} that makes no sense here; is it a Quoral node?`,
    );
  }

  #clearSuspicion(): void {
    this.#isSuspect = false;
    this.#clearTimer();
  }

  #clearTimer(): void {
    if (this.#timer !== undefined) this.#io.clock.clearTimer(this.#timer);
    this.#timer = undefined;
  }
}

function parseWelcome(body: Body | undefined): Welcome | undefined {
  if (body === undefined || body.protocol !== PROTOCOL_VERSION) return undefined;
  const node = stringField(body, 'node');
  const clusterId = stringField(body, 'clusterId');
  const epoch = integerField(body, 'epoch', 0, 0xffffffff);
  if (node === undefined || clusterId === undefined || epoch === undefined) return undefined;
  return { node, clusterId, epoch };
}
