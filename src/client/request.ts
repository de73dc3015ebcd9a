/**
 * One operation on its way: what it asks, how its answer is read, and where it stands. There is exactly one such record
 * per operation, whatever happens to it:
 *
 *     new ──▶ waiting ──▶ sent ──▶ done      waiting: for a place among those in flight
 *      └───────────────▶  │  ▲               parked:  no node is connected; the next connection takes it
 *                         ▼  │               paused:  until `dueMs`, before it is sent (again)
 *                    parked, paused          sent:    a node has it
 */
import type { KvError } from '../base/errors.js';
import type { Body } from '../wire/body.js';
import type { Frame } from '../wire/frame.js';
import { DELETE, SET } from '../wire/message-type.js';
import type { ClientNode } from './client-node.js';
import type { NodeConnection } from './node-connection.js';

export type RequestState = 'new' | 'waiting' | 'parked' | 'paused' | 'sent' | 'done';

/** The result in a reply; undefined when the reply is not one to this request, or malformed. Copies what it keeps. */
export type ReplyReader<T> = (frame: Frame) => T | undefined;

/** Who is told the outcome of a request that has no promise of its own. */
export interface RequestSink {
  onDone(request: Request, result: unknown): void;
  onFailed(request: Request, error: KvError): void;
}

/** Stands for "not computed yet", and for requests without a key. */
export const NO_SLOT = -1;

const NO_BYTES = new Uint8Array(0);

export class Request {
  // What it asks.
  readonly type: number;
  readonly key: Uint8Array;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** SET: what to store. Not a copy. */
  value: Uint8Array = NO_BYTES;
  /** R or W; 0 for the cluster's. */
  quorum = 0;
  /** SET: as in the wire's body. */
  expiry = 0;
  expiryAbsolute = false;
  /** GET: leave out the value. */
  noValue = false;
  /** The MessagePack body of everything that has one. */
  body: Body | undefined = undefined;
  /** The only node that may answer. */
  pinned: ClientNode | undefined = undefined;
  /** Sent once only: what it starts goes on when the answer is lost, and a second one would be refused. */
  isOnce = false;
  /** The library's own: takes no place among those in flight, and nobody waits for it when the client closes. */
  background = false;

  // How it ends: one of `resolve` and `sink` is set.
  readonly readReply: ReplyReader<unknown>;
  resolve: ((result: unknown) => void) | undefined = undefined;
  sink: RequestSink | undefined = undefined;
  /** The sink's own number for it. */
  sinkIndex = 0;

  // Where it stands. Times are of the monotonic clock.
  state: RequestState = 'new';
  slot: number = NO_SLOT;
  /** Its place in the request table, and the id that the current attempt has on the wire. */
  index = -1;
  id = 0;
  deadlineMs = 0;
  /** When the sweep has to look at it again. */
  dueMs = 0;
  sentAtMs = 0;
  /** Attempts that failed. */
  failures = 0;
  connection: NodeConnection | undefined = undefined;
  /** The node of the last failed attempt: any other is better. */
  avoid: ClientNode | undefined = undefined;
  lastError: KvError | undefined = undefined;

  constructor(
    type: number,
    key: Uint8Array | undefined,
    readReply: ReplyReader<unknown>,
    timeoutMs: number,
    signal?: AbortSignal,
  ) {
    this.type = type;
    this.key = key ?? NO_BYTES;
    this.readReply = readReply;
    this.timeoutMs = timeoutMs;
    this.signal = signal;
  }

  /** Reads change nothing: they can be repeated at will, and no error leaves a doubt. */
  get isRead(): boolean {
    return this.type !== SET && this.type !== DELETE;
  }

  /** What it counts against the bound of bytes in flight. */
  get bytes(): number {
    return this.key.length + this.value.length;
  }
}
