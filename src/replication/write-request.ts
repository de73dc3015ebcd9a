/**
 * One write in flight: takes a version, sends the record to every live replica of the key, and answers after W have
 * accepted it. {@link WriteQuorum} decides; this acts. When a replica of the key is down, or the version had to be
 * changed too often, it first asks a majority which versions they hold.
 */
import { viewOf, writeU64 } from '../base/bytes.js';
import type { ErrorCode } from '../base/errors.js';
import { REQUEST_TIMEOUT_MS_MAX } from '../base/limits.js';
import { majority } from '../membership/cluster-config.js';
import {
  FLAG_EXPIRY,
  FLAG_TOMBSTONE,
  RECORD_EXPIRY_OFFSET,
  RECORD_FLAGS_OFFSET,
  RECORD_NODE_OFFSET,
  RECORD_TIME_OFFSET,
  recordBytes,
  sealRecord,
  valueOffset,
} from '../version/record.js';
import { copyRange } from '../wire/frame.js';
import { writeReplicaApply, writeReplicaRead } from '../wire/replica-messages.js';
import type { Responder } from './peer.js';
import { Request } from './request.js';
import { DONE, FAILED, RESEND, UNKNOWN, WAIT, WriteQuorum } from './write-quorum.js';

// What goes on with each replica.
const IDLE = 0;
const ASKED = 1;
const SENT = 2;
const ANSWERED = 3;

/** After so many versions that were overtaken, the write asks for versions first. */
const PLAIN_ATTEMPTS_MAX = 3;

const RECORD_BUFFER_KEPT = 64 * 1024;

export class WriteRequest extends Request {
  readonly #quorum = new WriteQuorum();
  readonly #state: number[] = [];
  #needed = 0;
  #attempts = 0;
  #phase: 'new' | 'asking' | 'sending' = 'new';
  #isCareful = false;
  /** Replicas that have said which version they hold, in the asking phase. */
  #versionsHeard = 0;
  #highestTime = 0;
  #time = 0;
  #existed = false;
  #record: Uint8Array = new Uint8Array(256);
  #recordView = viewOf(this.#record);
  #recordLength = 0;
  /** Places of the replicas that have been sent this version, but are known not to have taken it. */
  #missedLate = 0;
  #refusal: { code: ErrorCode; message: string } | undefined;

  /**
   * Begins the write.
   * @param w how many replicas must accept; 0 for the cluster's default.
   * @param value undefined writes a tombstone.
   * @param expiryMs milliseconds since 1970; 0 for none.
   */
  start(
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    hashHi: number,
    hashLo: number,
    value: Uint8Array | undefined,
    valueStart: number,
    valueLength: number,
    expiryMs: number,
    w: number,
    budgetMs: number,
    responder: Responder,
    token: number,
  ): void {
    this.prepare(key, keyStart, keyLength, hashHi, hashLo, budgetMs, responder, token);
    this.context.counters.writes++;
    this.#needed = w === 0 ? this.context.placement.writeQuorum : w;
    this.#attempts = 0;
    this.#phase = 'new';
    this.#highestTime = 0;
    this.#existed = false;
    this.#refusal = undefined;
    this.#state.length = this.owners.length;
    this.#buildRecord(value, valueStart, valueLength, expiryMs);
    this.proceed();
  }

  override onSame(replica: number): void {
    this.#onVersionHeard(replica, 0);
  }

  override onVersion(replica: number, time: number): void {
    this.#onVersionHeard(replica, time);
  }

  override onRecord(): void {
    // Only versions are asked for.
  }

  override onApplied(replica: number, existed: boolean): void {
    if (!this.#takeAnswer(replica)) return;
    this.#quorum.accepted++;
    if (existed) this.#existed = true;
    this.proceed();
  }

  override onStale(replica: number, time: number): void {
    if (!this.#takeAnswer(replica)) return;
    this.#quorum.stale++;
    this.#highestTime = Math.max(this.#highestTime, time);
    this.proceed();
  }

  override onUnsure(replica: number): void {
    if (!this.#takeAnswer(replica)) return;
    this.#quorum.unsure++;
    this.owners[replica]!.unsureUntilMs = this.context.clock.monotonicMs() + REQUEST_TIMEOUT_MS_MAX;
    this.proceed();
  }

  override onRefused(replica: number, code: ErrorCode, message: string): void {
    this.#refusal = { code, message };
    if (this.#takeAnswer(replica)) this.#missedLate |= 1 << replica;
    else if (!this.#takeVersion(replica)) return;
    this.proceed();
  }

  override onLost(replica: number): void {
    if (this.#takeAnswer(replica)) {
      this.#quorum.lost++;
      this.#missedLate |= 1 << replica;
    } else if (!this.#takeVersion(replica)) return;
    this.proceed();
  }

  override onSweep(): void {
    // All live replicas have been sent the write: there is nobody else to ask.
  }

  override onDeadline(): void {
    const acks = `${this.#quorum.accepted} of ${this.#needed} acks for ${this.keyText()} in time`;
    if (this.#phase === 'sending') return this.fail('QUORUM_TIMEOUT', acks, false);
    this.fail('QUORUM_TIMEOUT', `the replicas of ${this.keyText()} did not say in time what they hold`, true);
  }

  protected override step(): void {
    if (this.#phase === 'new') this.#begin();
    else if (this.#phase === 'asking') this.#afterAsking();
    else this.#afterSending();
  }

  #begin(): void {
    const live = this.countLive();
    if (live < this.#needed) return this.#failUnavailable(live);
    const isDegraded =
      live < this.owners.length || this.#attempts >= PLAIN_ATTEMPTS_MAX || this.#hasUnsureReplica();
    this.#isCareful = isDegraded && this.#needed >= majority(this.owners.length);
    if (this.#isCareful) this.#askVersions();
    else this.#send();
  }

  #hasUnsureReplica(): boolean {
    for (let i = 0; i < this.owners.length; i++)
      if (this.owners[i]!.unsureUntilMs > this.startMs) return true;
    return false;
  }

  #askVersions(): void {
    this.context.counters.carefulWrites++;
    this.#phase = 'asking';
    this.#versionsHeard = 0;
    this.#state.fill(IDLE);
    const { key, id } = this;
    for (let i = 0; i < this.owners.length; i++) {
      const peer = this.owners[i]!;
      if (!peer.isLive) continue;
      this.#state[i] = ASKED;
      if (peer.isSelf) this.context.replica.read(key, 0, 0, true, this.context.localClient, id);
      else writeReplicaRead(peer.outbox, id, this.messagePrefix(), key.bytes, key.length, 0, 0, true);
    }
    // The own replica may have answered already.
    this.#afterAsking();
  }

  #afterAsking(): void {
    if (this.#versionsHeard >= majority(this.owners.length)) return this.#send();
    if (this.#state.includes(ASKED)) return;
    this.#failUnavailable(this.#versionsHeard);
  }

  #send(): void {
    const { context, key } = this;
    const live = this.countLive();
    if (live < this.#needed) return this.#failUnavailable(live);
    if (this.epoch !== context.placement.epoch) {
      const message = 'the cluster configuration has changed while the write was on its way; try again';
      return this.fail('EPOCH_MISMATCH', message, true);
    }
    // The clock is above every version that this node has heard of since it started; a replica that holds a higher one
    // from before says STALE.
    this.#time = context.hybridClock.issue(this.#highestTime);
    if (this.#time === 0) {
      const message =
        'the clock of this node has run ahead of its durable bound; try again, or ask another node';
      return this.fail('CLOCK_NOT_READY', message, true);
    }
    this.#sealAs(this.#time);
    // Replies to an earlier attempt, or to the question for versions, must not count for this one.
    if (this.#attempts > 0 || this.#isCareful) context.renew(this);
    this.#attempts++;
    this.#phase = 'sending';
    this.#existed = false;
    this.#quorum.reset(this.owners.length, this.#needed, live, this.#isCareful);
    this.#state.fill(IDLE);
    this.#missedLate = 0;
    const prefix = this.messagePrefix();
    // Whom nothing is sent to; the first live replica keeps a hint for them, or this node, if it is one.
    let missed = live < this.owners.length ? this.#keepHints() : 0;
    let self = -1;
    for (let i = 0; i < this.owners.length; i++) {
      const peer = this.owners[i]!;
      if (!peer.isLive) continue;
      this.#state[i] = SENT;
      if (peer.isSelf) self = i;
      else {
        const { outbox } = peer;
        writeReplicaApply(
          outbox,
          this.id,
          prefix,
          key.bytes,
          key.length,
          this.#record,
          this.#recordLength,
          false,
          missed,
        );
        missed = 0;
      }
    }
    // Last, because it may answer at once.
    if (self >= 0) this.#applyOwn();
  }

  /**
   * Keeps hints for the replicas that are down, if this node is a live one.
   * @returns their places, when another replica has to keep the hints.
   */
  #keepHints(): number {
    let [missed, isReplica] = [0, false];
    for (let i = 0; i < this.owners.length; i++) {
      const { isLive, isSelf } = this.owners[i]!;
      if (!isLive) missed |= 1 << i;
      else if (isSelf) isReplica = true;
    }
    if (!isReplica) return missed;
    this.context.hints.keep(this.key, this.owners, missed);
    return 0;
  }

  /** Some that were sent the record have not taken it; who is merely slow is not among them. */
  #keepLateHints(): void {
    const isReplica = this.owners.some(({ isSelf, isLive }) => isSelf && isLive);
    // Otherwise there is nobody to ask any more: anti-entropy finds the difference.
    if (isReplica) this.context.hints.keep(this.key, this.owners, this.#missedLate);
  }

  #applyOwn(): void {
    const { replica, localClient } = this.context;
    replica.apply(
      this.key,
      this.#record,
      this.#recordView,
      0,
      this.#recordLength,
      false,
      localClient,
      this.id,
    );
  }

  #afterSending(): void {
    switch (this.#quorum.decide()) {
      case DONE:
        this.responder!.onWritten(this.token, this.#time, this.context.versionNode, this.#existed);
        return this.finish();
      case RESEND:
        this.context.counters.resends++;
        this.context.hybridClock.observe(this.#highestTime);
        this.#phase = 'new';
        return this.#begin();
      case FAILED:
        return this.#failDefinitely();
      case UNKNOWN:
        return this.#failUnknown();
      case WAIT:
        return;
    }
  }

  #onVersionHeard(replica: number, time: number): void {
    if (!this.#takeVersion(replica)) return;
    this.#versionsHeard++;
    this.#highestTime = Math.max(this.#highestTime, time);
    this.proceed();
  }

  #takeVersion(replica: number): boolean {
    if (this.#state[replica] !== ASKED) return false;
    this.#state[replica] = ANSWERED;
    return true;
  }

  /** Counts each replica's answer to the write once: the network may repeat itself. */
  #takeAnswer(replica: number): boolean {
    if (this.#state[replica] !== SENT) return false;
    this.#state[replica] = ANSWERED;
    this.#quorum.outstanding--;
    return true;
  }

  #failUnavailable(live: number): void {
    const message = `${this.keyText()} needs ${this.#needed} of its ${this.owners.length} replicas to write, ${live} can answer`;
    this.fail('QUORUM_UNAVAILABLE', message, true);
  }

  #failDefinitely(): void {
    const refusal = this.#refusal;
    if (refusal !== undefined) return this.fail(refusal.code, refusal.message, true);
    this.#failUnavailable(0);
  }

  #failUnknown(): void {
    const { accepted, lost } = this.#quorum;
    const acks = `${accepted} of ${this.#needed} acks for ${this.keyText()}`;
    if (lost > 0)
      return this.fail('QUORUM_UNAVAILABLE', `${acks}; ${lost} replicas were lost on the way`, false);
    if (this.#refusal !== undefined) {
      return this.fail('QUORUM_UNAVAILABLE', `${acks}; ${this.#refusal.message}`, false);
    }
    this.fail('QUORUM_CONTESTED', `${acks}; concurrent writes to the key overtook this one`, false);
  }

  protected override finish(): void {
    if (this.#missedLate !== 0) this.#keepLateHints();
    this.#missedLate = 0;
    // A large record's buffer is not kept for the small ones that follow.
    if (this.#record.length > RECORD_BUFFER_KEPT) this.#useBuffer(new Uint8Array(256));
    super.finish();
  }

  #useBuffer(buffer: Uint8Array): void {
    this.#record = buffer;
    this.#recordView = viewOf(buffer);
  }

  #buildRecord(value: Uint8Array | undefined, start: number, length: number, expiryMs: number): void {
    const total = recordBytes(length, expiryMs);
    if (this.#record.length < total) this.#useBuffer(new Uint8Array(Math.max(total, 256)));
    const flags = (value === undefined ? FLAG_TOMBSTONE : 0) | (expiryMs === 0 ? 0 : FLAG_EXPIRY);
    this.#recordLength = total;
    this.#recordView.setUint8(RECORD_FLAGS_OFFSET, flags);
    if (expiryMs !== 0) writeU64(this.#recordView, RECORD_EXPIRY_OFFSET, expiryMs);
    if (value !== undefined) copyRange(this.#record, valueOffset(flags), value, start, length);
  }

  #sealAs(time: number): void {
    writeU64(this.#recordView, RECORD_TIME_OFFSET, time);
    this.#recordView.setUint32(RECORD_NODE_OFFSET, this.context.versionNode);
    sealRecord(this.#record.subarray(0, this.#recordLength), this.key.hashLo);
  }
}
