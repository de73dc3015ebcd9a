/**
 * What reads and writes in flight have in common: their key, their replicas, their deadline, and whom to answer.
 *
 * A request is a small state machine, driven by replies and by the sweep; it lives in a slot of the request table and is
 * reused. No promise, closure or timer belongs to it.
 */
import type { ErrorCode, KvError } from '../base/errors.js';
import type { Clock } from '../ports/clock.js';
import type { Random } from '../ports/random.js';
import { slotOf } from '../ring/slot.js';
import type { HybridClock } from '../version/hybrid-clock.js';
import type { ReplicaPrefix } from '../wire/replica-messages.js';
import type { Hints } from './hints.js';
import { KeyRef } from './key-ref.js';
import type { Placement, ReplicaPeer, Responder } from './peer.js';
import type { Replica } from './replica.js';
import type { ReplicaClient } from './replica-client.js';

/** Counters of what the coordinator did, since the start of the node. */
export interface RequestCounters {
  reads: number;
  writes: number;
  /** Records written back by reads, waited for or not. */
  readRepairs: number;
  /** Reads that asked a further replica because one was slow. */
  hedges: number;
  /** Writes sent again under a new version. */
  resends: number;
  /** Writes that asked for versions first, because a replica was down. */
  carefulWrites: number;
  failures: number;
}

/** What every request of one coordinator shares. */
export interface RequestContext {
  readonly clock: Clock;
  readonly random: Random;
  readonly hybridClock: HybridClock;
  readonly replica: Replica;
  readonly hints: Hints;
  /** Takes this node's own replica's answers. */
  readonly localClient: ReplicaClient;
  /** The node field of the versions that this node issues. */
  readonly versionNode: number;
  readonly counters: RequestCounters;
  /** Reused for every message that is sent. */
  readonly prefix: ReplicaPrefix;
  placement: Placement;
  /** Gives the request another id, so that replies to what it sent before are not taken for replies to what it sends now. */
  renew(request: Request): void;
  /** The request holds so many bytes now, which count against the node's bound. */
  weigh(request: Request, bytes: number): void;
  /** The request has answered: its slot is free. */
  release(request: Request): void;
}

const NO_OWNERS: readonly ReplicaPeer[] = [];

export abstract class Request {
  protected readonly context: RequestContext;
  /** Where it is in the request table, and its present reply id. Set by the table. */
  index = 0;
  id = 0;
  /** Its key, owned. */
  readonly key = new KeyRef();
  protected owners: readonly ReplicaPeer[] = NO_OWNERS;
  protected epoch = 0;
  protected responder: Responder | undefined;
  protected token = 0;
  startMs = 0;
  deadlineMs = 0;
  #isStepping = false;
  #stepAgain = false;
  /** Bytes that count against the node's bound on what is in flight. */
  weightBytes = 0;

  constructor(context: RequestContext) {
    this.context = context;
  }

  // Replies, by the replica's place among the owners.
  abstract onSame(replica: number): void;
  abstract onVersion(replica: number, time: number, node: number): void;
  abstract onRecord(replica: number, bytes: Uint8Array, start: number, length: number): void;
  abstract onApplied(replica: number, existed: boolean): void;
  abstract onStale(replica: number, time: number, node: number): void;
  abstract onUnsure(replica: number): void;
  abstract onRefused(replica: number, code: ErrorCode, message: string): void;
  /** No answer will come from this replica: its link or its log broke. */
  abstract onLost(replica: number): void;
  /** Time has passed without the deadline being reached. */
  abstract onSweep(nowMs: number): void;
  abstract onDeadline(): void;

  /** Whether it still waits for an answer. */
  get isActive(): boolean {
    return this.responder !== undefined;
  }

  /** The place of a peer among the owners, or −1. */
  placeOf(peer: ReplicaPeer): number {
    return this.owners.indexOf(peer);
  }

  /**
   * Moves on after something was heard. Answers of the own replica can come during a step; they are then taken up
   * after it, so that a step never finds the request changed underneath.
   */
  protected proceed(): void {
    if (this.#isStepping) {
      this.#stepAgain = true;
      return;
    }
    this.#isStepping = true;
    do {
      this.#stepAgain = false;
      this.step();
    } while (this.#stepAgain && this.isActive);
    this.#isStepping = false;
  }

  /** Decides what follows from what was heard, and does it. */
  protected abstract step(): void;

  protected prepare(
    key: Uint8Array,
    start: number,
    length: number,
    hashHi: number,
    hashLo: number,
    budgetMs: number,
    responder: Responder,
    token: number,
  ): void {
    const own = this.key.bytes.length >= length ? this.key.bytes : new Uint8Array(Math.max(64, length));
    for (let i = 0; i < length; i++) own[i] = key[start + i]!;
    this.key.set(own, 0, length, hashHi, hashLo);
    this.responder = responder;
    this.token = token;
    this.startMs = this.context.clock.monotonicMs();
    this.deadlineMs = this.startMs + budgetMs;
    this.owners = this.context.placement.owners(slotOf(hashHi));
    this.epoch = this.context.placement.epoch;
  }

  /** Replicas of the key that can take requests now. */
  protected countLive(): number {
    let live = 0;
    for (let i = 0; i < this.owners.length; i++) if (this.owners[i]!.isLive) live++;
    return live;
  }

  /** The prefix of a message of this request, filled in. */
  protected messagePrefix(): ReplicaPrefix {
    const { prefix, hybridClock } = this.context;
    prefix.clock = hybridClock.current();
    prefix.epoch = this.epoch;
    prefix.hashHi = this.key.hashHi;
    prefix.hashLo = this.key.hashLo;
    return prefix;
  }

  protected fail(code: ErrorCode, message: string, isDefinite: boolean): void {
    this.context.counters.failures++;
    this.responder?.onError(this.token, code, message, isDefinite);
    this.finish();
  }

  /** Frees the slot. Only after the responder was called: what it starts in answer must not be given this object. */
  protected finish(): void {
    this.responder = undefined;
    this.owners = NO_OWNERS;
    this.context.release(this);
  }

  /** The key for messages: readable, and not too long. */
  protected keyText(): string {
    return formatKey(this.key.key());
  }
}

const KEY_TEXT_MAX = 64;
const textDecoder = new TextDecoder('utf-8');

/** A key as people can read it, quoted and shortened. */
export function formatKey(key: Uint8Array): string {
  const text = JSON.stringify(textDecoder.decode(key.subarray(0, KEY_TEXT_MAX)));
  return key.length > KEY_TEXT_MAX ? `${text}… (${key.length} bytes)` : text;
}

/** An error that nothing was sent for, ready to be given to a responder. */
export function refuse(responder: Responder, token: number, error: KvError): void {
  responder.onError(token, error.code, error.message, error.definite);
}
