/**
 * One read in flight: asks as many replicas as must agree, its own first, writes the newest record back where they
 * differ, and asks a further replica when one is slow or fails. {@link ReadQuorum} decides; this acts.
 */
import { u32At, u64At, viewOf } from '../base/bytes.js';
import type { ErrorCode } from '../base/errors.js';
import { majority } from '../membership/cluster-config.js';
import { expiredForm, isExpired, RECORD_NODE_OFFSET, RECORD_TIME_OFFSET } from '../version/record.js';
import { compareVersions, EXPIRED_BIT } from '../version/version.js';
import { copyRange } from '../wire/frame.js';
import { writeReplicaApply, writeReplicaRead } from '../wire/replica-messages.js';
import { hedgeDelayMs, observeLatency } from './latency.js';
import type { ReplicaPeer, Responder } from './peer.js';
import { ANSWER, FETCH, ReadQuorum, SETTLE, WAIT } from './read-quorum.js';
import { Request } from './request.js';

// What goes on with each replica.
const IDLE = 0;
const ASKED = 1;
const HEARD = 2;
const REPAIRING = 3;
const FAILED = 4;

/** The id of messages whose reply nobody waits for. */
const NO_REPLY = 0;

const RECORD_BUFFER_KEPT = 64 * 1024;
const EMPTY = new Uint8Array(0);

export class ReadRequest extends Request {
  readonly #quorum = new ReadQuorum();
  readonly #state: number[] = [];
  /** Per replica: the version it was asked to compare with, or is being brought. */
  readonly #sentTime: number[] = [];
  readonly #sentNode: number[] = [];
  readonly #sentAtMs: number[] = [];
  #needed = 0;
  #hasBegun = false;
  #selfIsExcluded = false;
  #hedgeAtMs = 0;
  /** The newest record heard of, owned. */
  #record: Uint8Array = EMPTY;
  #recordView = viewOf(EMPTY);
  #recordLength = 0;
  #lastProblem = '';

  /**
   * Begins the read.
   * @param r how many replicas must agree; 0 for the cluster's default.
   * @param excludeSelf leaves this node's own replica out, because it has lost the record.
   */
  start(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    hashHi: number,
    hashLo: number,
    r: number,
    budgetMs: number,
    responder: Responder,
    token: number,
    excludeSelf: boolean,
  ): void {
    this.prepare(key, keyStart, keyLength, hashHi, hashLo, budgetMs, responder, token);
    this.context.counters.reads++;
    const replicas = this.owners.length;
    this.#needed = r === 0 ? this.context.placement.readQuorum : r;
    this.#quorum.reset(replicas, this.#needed, this.#needed >= majority(replicas));
    this.#state.length = replicas;
    this.#state.fill(IDLE);
    this.#recordLength = 0;
    this.#hedgeAtMs = Number.POSITIVE_INFINITY;
    this.#lastProblem = '';
    this.#selfIsExcluded = excludeSelf;
    this.#hasBegun = false;
    this.proceed();
  }

  override onSame(replica: number): void {
    this.#onVersionHeard(replica, this.#sentTime[replica]!, this.#sentNode[replica]!);
  }

  override onVersion(replica: number, time: number, node: number): void {
    this.#onVersionHeard(replica, time, node);
  }

  override onRecord(replica: number, bytes: Uint8Array, start: number, length: number): void {
    if (this.#state[replica] !== ASKED) return;
    const time = u64At(bytes, start + RECORD_TIME_OFFSET);
    const node = u32At(bytes, start + RECORD_NODE_OFFSET);
    const { newestTime, newestNode } = this.#quorum;
    // The same version may have been heard of without its record.
    if (compareVersions(time, node, newestTime, newestNode) >= 0) {
      this.#keepRecord(bytes, start, length);
      this.#quorum.holdRecord(time, node);
    }
    this.#onVersionHeard(replica, time, node);
  }

  override onApplied(replica: number): void {
    if (this.#state[replica] !== REPAIRING) return;
    this.#state[replica] = HEARD;
    this.#quorum.hear(replica, this.#sentTime[replica]!, this.#sentNode[replica]!);
    this.proceed();
  }

  /** The replica has meanwhile accepted something higher: that is the one to settle now. */
  override onStale(replica: number, time: number, node: number): void {
    if (this.#state[replica] !== REPAIRING) return;
    this.#state[replica] = HEARD;
    this.#quorum.hear(replica, time, node);
    this.proceed();
  }

  override onUnsure(replica: number): void {
    this.#onFailed(replica, 'it cannot say what it holds');
  }

  override onRefused(replica: number, code: ErrorCode, message: string): void {
    this.#onFailed(replica, `${code}: ${message}`);
  }

  override onLost(replica: number): void {
    this.#onFailed(replica, 'its connection was lost');
  }

  /** Asks a further replica when the ones asked take longer than they usually do. */
  override onSweep(nowMs: number): void {
    if (nowMs < this.#hedgeAtMs) return;
    this.#hedgeAtMs = Number.POSITIVE_INFINITY;
    for (let i = 0; i < this.#state.length; i++) {
      if (this.#state[i] === ASKED) observeLatency(this.owners[i]!, nowMs - this.#sentAtMs[i]!);
    }
    const next = this.#nextToAsk();
    if (next < 0) return;
    this.context.counters.hedges++;
    this.#ask(next, false, true);
    // That one may be slow too.
    this.#armHedge();
  }

  override onDeadline(): void {
    const heard = this.#count(HEARD);
    const message = `${heard} of ${this.#needed} replicas agreed on ${this.keyText()} in time`;
    this.fail('QUORUM_TIMEOUT', message, true);
  }

  #onVersionHeard(replica: number, time: number, node: number): void {
    if (this.#state[replica] !== ASKED) return;
    this.#state[replica] = HEARD;
    const peer = this.owners[replica]!;
    if (!peer.isSelf) observeLatency(peer, this.context.clock.monotonicMs() - this.#sentAtMs[replica]!);
    this.#quorum.hear(replica, time, node);
    this.proceed();
  }

  #onFailed(replica: number, problem: string): void {
    const state = this.#state[replica];
    if (state !== ASKED && state !== REPAIRING) return;
    this.#state[replica] = FAILED;
    this.#quorum.forget(replica);
    this.#lastProblem = `${this.owners[replica]!.name}: ${problem}`;
    this.proceed();
  }

  /** A replica has answered and gone since: it can neither be asked again nor be repaired. */
  #onGone(replica: number): void {
    this.#state[replica] = FAILED;
    this.#quorum.forget(replica);
    this.#lastProblem = `${this.owners[replica]!.name}: it was lost after it had answered`;
    this.proceed();
  }

  protected override step(): void {
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#askSelf();
    }
    switch (this.#quorum.decide()) {
      case ANSWER:
        return this.#isNewestExpired() ? this.#adoptExpiry() : this.#answer();
      case FETCH:
        return this.#fetch();
      case SETTLE:
        return this.#settle();
      case WAIT:
        return this.#askEnough();
    }
  }

  /** Asks the own replica, if it has one. */
  #askSelf(): void {
    for (let i = 0; i < this.owners.length; i++) {
      if (!this.owners[i]!.isSelf) continue;
      if (this.#selfIsExcluded || !this.owners[i]!.isLive) this.#state[i] = FAILED;
      else this.#ask(i, false, false);
    }
  }

  /** Asks further replicas until enough could agree; fails when they cannot. */
  #askEnough(): void {
    const hopeful = this.#count(ASKED) + this.#count(HEARD) + this.#count(REPAIRING);
    for (let missing = this.#needed - hopeful; missing > 0; missing--) {
      const next = this.#nextToAsk();
      if (next < 0) return this.#failUnavailable();
      // One full record is enough; the others need only say which version they have.
      this.#ask(next, this.#hasFullAnswerComing(), true);
    }
    if (this.#hedgeAtMs === Number.POSITIVE_INFINITY) this.#armHedge();
  }

  #hasFullAnswerComing(): boolean {
    return this.#count(ASKED) > 0 && this.#quorum.newestTime === 0 && !this.#isAskedSelf();
  }

  #isAskedSelf(): boolean {
    for (let i = 0; i < this.owners.length; i++) if (this.owners[i]!.isSelf) return this.#state[i] === ASKED;
    return false;
  }

  #armHedge(): void {
    let delay = 0;
    for (let i = 0; i < this.#state.length; i++) {
      if (this.#state[i] === ASKED) delay = Math.max(delay, hedgeDelayMs(this.owners[i]!));
    }
    this.#hedgeAtMs = this.context.clock.monotonicMs() + delay;
  }

  /**
   * The idle live replica that answers fastest; now and then another, so that its figure stays true. Suspect ones only
   * when there are no others.
   */
  #nextToAsk(): number {
    const explore = (this.context.random.u32() & 15) === 0;
    let best = -1;
    for (let i = 0; i < this.owners.length; i++) {
      if (this.#state[i] !== IDLE || !this.owners[i]!.isLive) continue;
      if (best < 0 || this.#isPreferred(this.owners[i]!, this.owners[best]!, explore)) best = i;
    }
    return best;
  }

  #isPreferred(peer: ReplicaPeer, other: ReplicaPeer, explore: boolean): boolean {
    if (peer.isSuspect !== other.isSuspect) return other.isSuspect;
    return explore || peer.latencyMs < other.latencyMs;
  }

  /** @param compare lets it answer "same" or "older" instead of sending a record that is at hand already. */
  #ask(replica: number, versionOnly: boolean, compare: boolean): void {
    const peer = this.owners[replica]!;
    const haveTime = compare ? this.#quorum.newestTime : 0;
    const haveNode = compare ? this.#quorum.newestNode : 0;
    this.#state[replica] = ASKED;
    this.#sentTime[replica] = haveTime;
    this.#sentNode[replica] = haveNode;
    const { key, id } = this;
    if (peer.isSelf) {
      this.context.replica.read(key, haveTime, haveNode, versionOnly, this.context.localClient, id);
      return;
    }
    this.#sentAtMs[replica] = this.context.clock.monotonicMs();
    const prefix = this.messagePrefix();
    writeReplicaRead(peer.outbox, id, prefix, key.bytes, key.length, haveTime, haveNode, versionOnly);
  }

  /** Gets the record of the newest version from a replica that has only named it. */
  #fetch(): void {
    const holder = this.#quorum.newestHolder();
    // What was adopted as newest has its record at hand, so somebody holds it.
    if (holder < 0) return this.#failUnavailable();
    if (this.#state[holder] !== HEARD) return;
    if (!this.owners[holder]!.isLive) return this.#onGone(holder);
    this.#ask(holder, false, false);
  }

  #settle(): void {
    // Under a new configuration a replica that has answered may have been replaced by one that knows nothing of it.
    if (this.epoch !== this.context.placement.epoch) {
      const message = 'the cluster configuration has changed while the read was on its way; try again';
      return this.fail('EPOCH_MISMATCH', message, true);
    }
    for (let i = 0; i < this.#state.length; i++) {
      if (this.#state[i] !== HEARD || !this.#quorum.needsRepair(i)) continue;
      if (!this.owners[i]!.isLive) {
        this.#onGone(i);
        continue;
      }
      this.#state[i] = REPAIRING;
      this.#sentTime[i] = this.#quorum.newestTime;
      this.#sentNode[i] = this.#quorum.newestNode;
      this.#writeBack(i, this.id);
    }
  }

  #writeBack(replica: number, id: number): void {
    this.context.counters.readRepairs++;
    const peer = this.owners[replica]!;
    const { key } = this;
    if (peer.isSelf) {
      const { replica: own, localClient } = this.context;
      own.apply(key, this.#record, this.#recordView, 0, this.#recordLength, true, localClient, id);
      return;
    }
    const prefix = this.messagePrefix();
    writeReplicaApply(peer.outbox, id, prefix, key.bytes, key.length, this.#record, this.#recordLength, true);
  }

  #isNewestExpired(): boolean {
    return this.#quorum.newestTime > 0 && isExpired(this.#recordView, 0, this.context.clock.wallMs());
  }

  /** The record has expired: from now on it is its tombstone that has to be settled, like any version. */
  #adoptExpiry(): void {
    const time = this.#quorum.newestTime;
    const node = this.#quorum.newestNode;
    const tombstone = expiredForm(time, node, this.key.hashLo);
    this.#keepRecord(tombstone, 0, tombstone.length);
    this.#quorum.adopt(time, (node | EXPIRED_BIT) >>> 0);
    this.proceed();
  }

  #answer(): void {
    // Replicas that are known to be behind get the record, though nobody waits for it.
    for (let i = 0; i < this.#state.length; i++) {
      const isBehind = this.#state[i] === HEARD && this.#quorum.needsRepair(i);
      if (isBehind && this.owners[i]!.isLive) this.#writeBack(i, NO_REPLY);
    }
    const length = this.#quorum.newestTime === 0 ? 0 : this.#recordLength;
    this.responder!.onRead(this.token, this.#record, 0, length);
    this.finish();
  }

  #failUnavailable(): void {
    const problem = this.#lastProblem === '' ? '' : `; ${this.#lastProblem}`;
    const message = `${this.keyText()} needs ${this.#needed} replicas, ${this.countLive()} of ${this.owners.length} can answer${problem}`;
    this.fail('QUORUM_UNAVAILABLE', message, true);
  }

  protected override finish(): void {
    // A large record's buffer is not kept for the small ones that follow.
    if (this.#record.length > RECORD_BUFFER_KEPT) this.#useBuffer(EMPTY);
    super.finish();
  }

  #useBuffer(buffer: Uint8Array): void {
    this.#record = buffer;
    this.#recordView = viewOf(buffer);
  }

  #keepRecord(bytes: Uint8Array, start: number, length: number): void {
    if (this.#record.length < length) this.#useBuffer(new Uint8Array(Math.max(256, length)));
    copyRange(this.#record, 0, bytes, start, length);
    this.#recordLength = length;
    this.context.weigh(this, length);
  }

  #count(state: number): number {
    let count = 0;
    for (let i = 0; i < this.#state.length; i++) if (this.#state[i] === state) count++;
    return count;
  }
}
