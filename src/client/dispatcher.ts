/**
 * Carries every operation from its start to its outcome: admits it, sends it to a node, reads the reply, and after a
 * failure decides between another attempt and the error.
 *
 * It keeps these promises: every request ends exactly once, at its deadline at the latest; no more is in flight than the
 * user allowed, and the others wait in order; a write is never sent again unless it definitely did not happen.
 *
 * On the way of a request that succeeds there are its promise, its record and its bytes: no timer, no closure.
 */
import { assert, definite, type KvError } from '../base/errors.js';
import type { Clock } from '../ports/clock.js';
import type { Random } from '../ports/random.js';
import { frameBody } from '../wire/body.js';
import type { Frame } from '../wire/frame.js';
import { ERROR, typeName } from '../wire/message-type.js';
import { AbortWatch } from './abort-watch.js';
import { Alarm } from './alarm.js';
import type { ClientNode, NodeListener } from './client-node.js';
import {
  abortedError,
  answeredError,
  closedError,
  lostError,
  rejectWithCallerStack,
  showRequest,
  timeoutError,
  unreachableError,
} from './failures.js';
import type { NodeConnection, Welcome } from './node-connection.js';
import type { NodePool } from './node-pool.js';
import type { Settings } from './options.js';
import type { Request } from './request.js';
import { RequestTable } from './request-table.js';
import { writeRequest } from './request-writer.js';
import { mayRetry, putsRingInDoubt, retryDelayMs } from './retry.js';
import { WaitQueue } from './wait-queue.js';

/** A node that has sent nothing for this long while a request waits is suspect: reads go elsewhere, writes avoid it. */
export const SILENCE_MS = 500;

/** Who keeps the ring up to date. */
export interface RingObserver {
  /** A request starts. */
  onUse(nowMs: number): void;
  /** Something hints at another configuration than the one that is known. `inUse`: requests are under way. */
  onRingInDoubt(nowMs: number, inUse: boolean): void;
}

export interface DispatcherOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly settings: Settings;
}

export class Dispatcher implements NodeListener {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #settings: Settings;
  readonly #table = new RequestTable();
  readonly #waiting = new WaitQueue();
  readonly #alarm: Alarm;
  readonly #aborts = new AbortWatch((request) => this.#finish(request, abortedError(request)));
  #pool!: NodePool;
  #ring!: RingObserver;
  /** Operations in flight, without the library's own, and the bytes of their keys and values. */
  #inFlight = 0;
  #inFlightBytes = 0;
  /** Operations that have not ended; closing waits for them. */
  #unfinished = 0;
  #parked = 0;
  #isAdmitting = false;
  #onDrained: (() => void) | undefined;

  constructor(options: DispatcherOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#settings = options.settings;
    this.#alarm = new Alarm(options.clock, () => this.#sweep());
  }

  /** Completes the construction: pool and observer need the dispatcher, too. */
  attach(pool: NodePool, ring: RingObserver): void {
    this.#pool = pool;
    this.#ring = ring;
  }

  /** Runs `request`; its promise settles when it ends. */
  run(request: Request): Promise<unknown> {
    return new Promise((resolve) => {
      request.resolve = resolve;
      this.start(request);
    });
  }

  /** Runs `request`, which has a `resolve` or a sink for its outcome. */
  start(request: Request): void {
    const nowMs = this.#clock.monotonicMs();
    const { signal } = request;
    if (this.#onDrained !== undefined || signal?.aborted) {
      this.#reject(request, signal?.aborted ? abortedError(request) : closedError(request));
      return;
    }
    if (signal !== undefined) this.#aborts.add(signal, request);
    request.deadlineMs = nowMs + request.timeoutMs;
    if (!request.background) {
      this.#unfinished++;
      this.#ring.onUse(nowMs);
    }
    if (request.background || (this.#waiting.first() === undefined && this.#hasRoom(request))) {
      this.#admit(request, nowMs);
    } else {
      this.#waiting.push(request);
      this.#alarm.by(this.#waiting.dueMs, nowMs);
    }
  }

  /** Refuses new requests, and calls `onDrained` once those that were started have ended. */
  drain(onDrained: () => void): void {
    assert(this.#onDrained === undefined, 'a client is closed once');
    this.#onDrained = onDrained;
    if (this.#unfinished === 0) onDrained();
  }

  /** Ends what is left, which are the library's own requests, and stops the timer. */
  stop(): void {
    this.#table.forEach((request) => {
      this.#finish(request, closedError(request));
    });
    this.#alarm.cancel();
  }

  // What happens on connections.

  problemWith(node: ClientNode, welcome: Welcome): KvError | undefined {
    return this.#pool.problemWith(node, welcome);
  }

  onNodeUp(_node: ClientNode, welcome: Welcome): void {
    const nowMs = this.#clock.monotonicMs();
    if (welcome.epoch > (this.#pool.config?.epoch ?? welcome.epoch))
      this.#ring.onRingInDoubt(nowMs, this.#unfinished > 0);
    if (this.#parked === 0) return;
    this.#table.forEach((request) => {
      if (request.state === 'parked') this.#dispatch(request, nowMs);
    });
  }

  onReply(connection: NodeConnection, frame: Frame): void {
    const request = this.#table.find(frame.id);
    // A reply to an attempt that was given up.
    if (request === undefined || request.connection !== connection) return;
    if (frame.type === ERROR) {
      this.#onErrorReply(request, connection, frame);
      return;
    }
    const result = request.readReply(frame);
    if (result === undefined) this.#onMalformed(request, connection, frame.type);
    else this.#succeed(request, result);
  }

  onConnectionLost(_node: ClientNode, connection: NodeConnection, error: KvError): void {
    const nowMs = this.#clock.monotonicMs();
    this.#table.forEach((request) => {
      if (request.connection !== connection) return;
      this.#onAttemptFailed(request, lostError(request, connection.label, error), nowMs);
    });
    this.#ring.onRingInDoubt(nowMs, this.#unfinished > 0);
  }

  onConnectFailed(_node: ClientNode, error: KvError): void {
    const nowMs = this.#clock.monotonicMs();
    this.#table.forEach((request) => {
      if (request.state !== 'parked' || this.#pool.reach(request, nowMs) <= nowMs) return;
      this.#onAttemptFailed(request, unreachableError(request, error), nowMs);
    });
    this.#ring.onRingInDoubt(nowMs, this.#unfinished > 0);
  }

  #onErrorReply(request: Request, connection: NodeConnection, frame: Frame): void {
    const error = answeredError(frameBody(frame), request, connection.label);
    if (error === undefined) {
      this.#onMalformed(request, connection, frame.type);
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    this.#onAttemptFailed(request, error, nowMs);
    if (putsRingInDoubt(error)) this.#ring.onRingInDoubt(nowMs, this.#unfinished > 0);
  }

  #onMalformed(request: Request, connection: NodeConnection, type: number): void {
    const what = `${connection.label} answered ${showRequest(request)} with a ${typeName(type)} that makes no sense`;
    connection.fail(definite('PROTOCOL', what));
  }

  // From admission to the wire.

  #hasRoom(request: Request): boolean {
    if (this.#inFlight >= this.#settings.inFlightMax) return false;
    return this.#inFlight === 0 || this.#inFlightBytes + request.bytes <= this.#settings.inFlightBytesMax;
  }

  #admit(request: Request, nowMs: number): void {
    if (!request.background) {
      this.#inFlight++;
      this.#inFlightBytes += request.bytes;
    }
    this.#table.add(request);
    this.#dispatch(request, nowMs);
  }

  #dispatch(request: Request, nowMs: number): void {
    const connection = this.#pool.route(request, nowMs);
    if (connection === undefined) this.#park(request, nowMs);
    else this.#send(request, connection, nowMs);
  }

  #send(request: Request, connection: NodeConnection, nowMs: number): void {
    this.#setState(request, 'sent');
    request.connection = connection;
    request.sentAtMs = nowMs;
    connection.inFlight++;
    writeRequest(connection.outbox, request, request.deadlineMs - nowMs);
    this.#wakeAt(request, nowMs + SILENCE_MS, nowMs);
  }

  /** No node is connected: waits for the connections that are being opened, or until some may be opened again. */
  #park(request: Request, nowMs: number): void {
    const reachAtMs = this.#pool.reach(request, nowMs);
    if (reachAtMs >= request.deadlineMs) {
      const cause = request.pinned?.lastError ?? this.#pool.lastError();
      this.#finish(request, unreachableError(request, cause));
      return;
    }
    this.#setState(request, reachAtMs > nowMs ? 'paused' : 'parked');
    this.#wakeAt(request, reachAtMs > nowMs ? reachAtMs : request.deadlineMs, nowMs);
  }

  #onAttemptFailed(request: Request, error: KvError, nowMs: number): void {
    request.failures++;
    const { code, definite: isDefinite } = error;
    const { isRead, failures } = request;
    const delayMs = retryDelayMs(failures, this.#random);
    const isWorthIt = mayRetry({
      code,
      definite: isDefinite,
      isRead,
      failures,
      retries: this.#settings.retries,
    });
    if (!isWorthIt || request.isOnce || nowMs + delayMs >= request.deadlineMs) {
      this.#finish(request, error);
      return;
    }
    request.lastError = error;
    this.#detach(request);
    this.#setState(request, 'paused');
    this.#wakeAt(request, nowMs + delayMs, nowMs);
  }

  // Time.

  #wakeAt(request: Request, atMs: number, nowMs: number): void {
    request.dueMs = Math.min(atMs, request.deadlineMs);
    this.#alarm.by(request.dueMs, nowMs);
  }

  #sweep(): void {
    const nowMs = this.#clock.monotonicMs();
    for (const request of this.#waiting.expire(nowMs)) this.#finish(request, timeoutError(request));
    let nextMs = this.#waiting.dueMs;
    this.#table.forEach((request) => {
      if (request.dueMs <= nowMs) this.#onDue(request, nowMs);
      if (request.state !== 'done') nextMs = Math.min(nextMs, request.dueMs);
    });
    if (nextMs < Number.POSITIVE_INFINITY) this.#alarm.by(nextMs, nowMs);
  }

  #onDue(request: Request, nowMs: number): void {
    if (nowMs >= request.deadlineMs) this.#finish(request, timeoutError(request));
    else if (request.state === 'sent') this.#onSilence(request, nowMs);
    else this.#dispatch(request, nowMs);
  }

  /** A reply is late. When nothing at all comes from the node, it may be paused or cut off. */
  #onSilence(request: Request, nowMs: number): void {
    const connection = request.connection!;
    const silentSinceMs = Math.max(request.sentAtMs, connection.lastReceivedMs);
    if (nowMs < silentSinceMs + SILENCE_MS) {
      this.#wakeAt(request, silentSinceMs + SILENCE_MS, nowMs);
      return;
    }
    connection.suspect();
    this.#wakeAt(request, nowMs + SILENCE_MS, nowMs);
    const canMove =
      request.isRead && request.pinned === undefined && request.failures < this.#settings.retries;
    if (!canMove) return;
    if (this.#pool.hasBetter(request, connection.node)) this.#moveRead(request, connection, nowMs);
    else this.#pool.reach(request, nowMs);
  }

  /** Sends a read to another node, and no longer cares for the first one's answer. */
  #moveRead(request: Request, from: NodeConnection, nowMs: number): void {
    request.failures++;
    request.lastError = definite('TIMEOUT', `${from.label} said nothing for ${SILENCE_MS} ms`);
    this.#detach(request);
    this.#dispatch(request, nowMs);
  }

  // The end.

  #succeed(request: Request, result: unknown): void {
    this.#release(request);
    if (request.sink !== undefined) request.sink.onDone(request, result);
    else request.resolve?.(result);
    this.#afterEnd(request);
  }

  #finish(request: Request, error: KvError): void {
    this.#release(request);
    this.#reject(request, error);
    this.#afterEnd(request);
  }

  #reject(request: Request, error: KvError): void {
    if (request.sink !== undefined) request.sink.onFailed(request, error);
    else if (request.resolve !== undefined) rejectWithCallerStack(request.resolve, error);
  }

  #release(request: Request): void {
    this.#detach(request);
    this.#setState(request, 'done');
    if (request.signal !== undefined) this.#aborts.remove(request.signal, request);
    if (!request.background) this.#unfinished--;
    if (request.index < 0) return;
    this.#table.remove(request);
    if (request.background) return;
    this.#inFlight--;
    this.#inFlightBytes -= request.bytes;
  }

  #detach(request: Request): void {
    const { connection } = request;
    if (connection === undefined) return;
    request.connection = undefined;
    request.avoid = connection.node;
    // A late reply to this attempt must find nothing.
    this.#table.renew(request);
    connection.onRequestEnded();
  }

  #setState(request: Request, state: Request['state']): void {
    if (request.state === 'parked') this.#parked--;
    if (state === 'parked') this.#parked++;
    request.state = state;
  }

  #afterEnd(request: Request): void {
    if (request.background) return;
    this.#admitWaiting();
    if (this.#unfinished === 0) this.#onDrained?.();
  }

  /** Fills the places that have become free. What fails at once frees its place in the same loop. */
  #admitWaiting(): void {
    if (this.#isAdmitting) return;
    this.#isAdmitting = true;
    for (let next = this.#waiting.first(); next !== undefined; next = this.#waiting.first()) {
      if (!this.#hasRoom(next)) break;
      this.#waiting.shift();
      // One signal may end many: the place that the first leaves is not for another one of them.
      if (next.signal?.aborted) this.#finish(next, abortedError(next));
      else this.#admit(next, this.#clock.monotonicMs());
    }
    this.#isAdmitting = false;
  }
}
