/**
 * The coordinator: takes requests of clients for any key, runs them as reads and writes over the key's replicas, and
 * hands the replicas' replies to the request that waits for them. Every node is one, for every key.
 *
 * It refuses what it cannot begin (quorum larger than the replicas there are, node over its limits) and ends what is
 * over its deadline; everything between is in {@link ReadRequest} and {@link WriteRequest}.
 */
import { definite, type ErrorCode } from '../base/errors.js';
import { REQUEST_TIMEOUT_MS_DEFAULT, REQUEST_TIMEOUT_MS_MAX } from '../base/limits.js';
import { majority } from '../membership/cluster-config.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { Random } from '../ports/random.js';
import { slotOf } from '../ring/slot.js';
import type { HybridClock } from '../version/hybrid-clock.js';
import type { Hints } from './hints.js';
import type { KeyRef } from './key-ref.js';
import { LocalClient } from './local-client.js';
import type { Placement, ReplicaPeer, Responder } from './peer.js';
import { ReadRequest } from './read-request.js';
import type { Replica } from './replica.js';
import { type Request, type RequestContext, type RequestCounters, refuse } from './request.js';
import { RequestTable } from './request-table.js';
import { WriteRequest } from './write-request.js';

/** How often requests in flight are looked at for deadlines and hedging. Without any, no timer runs. */
const SWEEP_MS = 10;

/** Requests and bytes of records that one node keeps in flight; past them it answers BUSY. */
const IN_FLIGHT_MAX = 100_000;
const IN_FLIGHT_BYTES_MAX = 128 * 1024 * 1024;

/** Finished requests that are kept for reuse, of each kind. */
const POOL_MAX = 4096;

export interface CoordinatorOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly hybridClock: HybridClock;
  readonly replica: Replica;
  readonly hints: Hints;
  readonly self: ReplicaPeer;
  readonly versionNode: number;
  readonly placement: Placement;
}

export class Coordinator {
  readonly #context: RequestContext;
  readonly #table = new RequestTable();
  readonly #reads: ReadRequest[] = [];
  readonly #writes: WriteRequest[] = [];
  #bytesInFlight = 0;
  #isDraining = false;
  #sweepTimer: Timer | undefined;
  #nowMs = 0;
  readonly counters: RequestCounters = {
    reads: 0,
    writes: 0,
    readRepairs: 0,
    hedges: 0,
    resends: 0,
    carefulWrites: 0,
    failures: 0,
  };
  readonly #sweep = () => this.#onSweepTimer();
  readonly #sweepOne = (request: Request) => {
    if (this.#nowMs >= request.deadlineMs) request.onDeadline();
    else request.onSweep(this.#nowMs);
  };

  constructor(options: CoordinatorOptions) {
    this.#context = {
      clock: options.clock,
      random: options.random,
      hybridClock: options.hybridClock,
      replica: options.replica,
      hints: options.hints,
      localClient: new LocalClient(this, options.self),
      versionNode: options.versionNode,
      counters: this.counters,
      prefix: { clock: 0, epoch: 0, hashHi: 0, hashLo: 0 },
      placement: options.placement,
      weigh: (request, bytes) => {
        this.#bytesInFlight += bytes - request.weightBytes;
        request.weightBytes = bytes;
      },
      renew: (request) => this.#table.renew(request),
      release: (request) => this.#release(request),
    };
  }

  get inFlight(): number {
    return this.#table.active;
  }

  /** Bytes of records that requests in flight hold. */
  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  /** Whether the node should take no further requests: what is in flight holds as much memory as it may. */
  get isFull(): boolean {
    return this.#table.active >= IN_FLIGHT_MAX || this.#bytesInFlight > IN_FLIGHT_BYTES_MAX;
  }

  get placement(): Placement {
    return this.#context.placement;
  }

  /** Requests that begin from now on use this placement; those in flight keep theirs, and are fenced by its epoch. */
  setPlacement(placement: Placement): void {
    this.#context.placement = placement;
  }

  /**
   * Reads a key. The bytes of `key` are copied.
   * @param r replicas that must agree, 0 for the default.
   * @param budgetMs time until it fails, 0 for the default; at most {@link REQUEST_TIMEOUT_MS_MAX}.
   */
  get(key: KeyRef, r: number, budgetMs: number, responder: Responder, token: number): void {
    this.#read(key, r, budgetMs, responder, token, false);
  }

  /**
   * Reads from the other replicas what this node's own has lost of a key: from so many of them that they share one with
   * every majority that the own replica has been part of.
   */
  recover(key: KeyRef, responder: Responder, token: number): void {
    const replicas = this.#context.placement.owners(slotOf(key.hashHi)).length;
    const r = replicas - majority(replicas) + 1;
    this.#read(key, r, REQUEST_TIMEOUT_MS_MAX, responder, token, true);
  }

  /**
   * Writes a key; `value` undefined deletes it. Key and value are copied.
   * @param expiryMs milliseconds since 1970, 0 for none.
   * @param w replicas that must accept, 0 for the default.
   */
  put(
    key: KeyRef,
    value: Uint8Array | undefined,
    valueStart: number,
    valueLength: number,
    expiryMs: number,
    w: number,
    budgetMs: number,
    responder: Responder,
    token: number,
  ): void {
    if (!this.#canBegin(key, w, responder, token)) return;
    const request = this.#writes.pop() ?? new WriteRequest(this.#context);
    request.weightBytes = valueLength;
    this.#begin(request);
    request.start(
      key.bytes,
      key.start,
      key.length,
      key.hashHi,
      key.hashLo,
      value,
      valueStart,
      valueLength,
      expiryMs,
      w,
      boundedBudget(budgetMs),
      responder,
      token,
    );
  }

  // Replies of replicas. A reply to a request that has ended is dropped.

  onSame(peer: ReplicaPeer, id: number): void {
    const request = this.#table.find(id);
    request?.onSame(request.placeOf(peer));
  }

  onVersion(peer: ReplicaPeer, id: number, time: number, node: number): void {
    const request = this.#table.find(id);
    request?.onVersion(request.placeOf(peer), time, node);
  }

  onRecord(peer: ReplicaPeer, id: number, bytes: Uint8Array, start: number, length: number): void {
    const request = this.#table.find(id);
    request?.onRecord(request.placeOf(peer), bytes, start, length);
  }

  onApplied(peer: ReplicaPeer, id: number, existed: boolean): void {
    const request = this.#table.find(id);
    request?.onApplied(request.placeOf(peer), existed);
  }

  onStale(peer: ReplicaPeer, id: number, time: number, node: number): void {
    const request = this.#table.find(id);
    request?.onStale(request.placeOf(peer), time, node);
  }

  onUnsure(peer: ReplicaPeer, id: number): void {
    const request = this.#table.find(id);
    request?.onUnsure(request.placeOf(peer));
  }

  onRefused(peer: ReplicaPeer, id: number, code: ErrorCode, message: string): void {
    const request = this.#table.find(id);
    request?.onRefused(request.placeOf(peer), code, message);
  }

  onLost(peer: ReplicaPeer, id: number): void {
    const request = this.#table.find(id);
    request?.onLost(request.placeOf(peer));
  }

  /** The peer's link broke, or it is taken for dead: nothing that it was asked will be answered. */
  onPeerDown(peer: ReplicaPeer): void {
    this.#table.forEach((request) => {
      const place = request.placeOf(peer);
      if (place >= 0) request.onLost(place);
    });
  }

  /**
   * Begins nothing any more: whoever asks is told to ask another node.
   * @returns when everything in flight has ended, or after `patienceMs`.
   */
  drain(patienceMs: number): Promise<void> {
    this.#isDraining = true;
    const { clock } = this.#context;
    const giveUpMs = clock.monotonicMs() + patienceMs;
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#table.active === 0 || clock.monotonicMs() >= giveUpMs) return resolve();
        clock.setTimer(SWEEP_MS, look);
      };
      look();
    });
  }

  /** Fails everything in flight, as on shutdown. Writes may have happened. */
  close(): void {
    this.#table.forEach((request) => {
      request.onDeadline();
    });
    if (this.#sweepTimer !== undefined) this.#context.clock.clearTimer(this.#sweepTimer);
    this.#sweepTimer = undefined;
  }

  #read(
    key: KeyRef,
    r: number,
    budgetMs: number,
    responder: Responder,
    token: number,
    excludeSelf: boolean,
  ): void {
    if (!this.#canBegin(key, r, responder, token)) return;
    const request = this.#reads.pop() ?? new ReadRequest(this.#context);
    this.#begin(request);
    request.start(
      key.bytes,
      key.start,
      key.length,
      key.hashHi,
      key.hashLo,
      r,
      boundedBudget(budgetMs),
      responder,
      token,
      excludeSelf,
    );
  }

  #canBegin(key: KeyRef, quorum: number, responder: Responder, token: number): boolean {
    if (this.#context.placement.epoch === 0) {
      const message = 'this node is in no cluster: it is joining one, or its place was taken; see its status';
      refuse(responder, token, definite('NOT_A_MEMBER', message));
      return false;
    }
    if (this.#isDraining) {
      refuse(responder, token, definite('BUSY', 'this node is stopping; ask another one'));
      return false;
    }
    const replicas = this.#context.placement.owners(slotOf(key.hashHi)).length;
    if (quorum > replicas) {
      const message = `a quorum of ${quorum} cannot be reached: keys have ${replicas} replicas in this cluster`;
      refuse(responder, token, definite('QUORUM_UNAVAILABLE', message));
      return false;
    }
    if (this.isFull) {
      const message = `this node has ${this.#table.active} requests in flight; try again after a pause`;
      refuse(responder, token, definite('BUSY', message));
      return false;
    }
    return true;
  }

  #begin(request: Request): void {
    this.#table.add(request);
    this.#bytesInFlight += request.weightBytes;
    if (this.#sweepTimer === undefined)
      this.#sweepTimer = this.#context.clock.setTimer(SWEEP_MS, this.#sweep);
  }

  #release(request: Request): void {
    this.#bytesInFlight -= request.weightBytes;
    request.weightBytes = 0;
    this.#table.remove(request);
    if (request instanceof ReadRequest) {
      if (this.#reads.length < POOL_MAX) this.#reads.push(request);
    } else if (request instanceof WriteRequest && this.#writes.length < POOL_MAX) {
      this.#writes.push(request);
    }
  }

  #onSweepTimer(): void {
    this.#nowMs = this.#context.clock.monotonicMs();
    this.#table.forEach(this.#sweepOne);
    const { clock } = this.#context;
    this.#sweepTimer = this.#table.active > 0 ? clock.setTimer(SWEEP_MS, this.#sweep) : undefined;
  }
}

function boundedBudget(budgetMs: number): number {
  return budgetMs === 0 ? REQUEST_TIMEOUT_MS_DEFAULT : Math.min(budgetMs, REQUEST_TIMEOUT_MS_MAX);
}
