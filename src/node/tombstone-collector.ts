/**
 * Collects tombstones, so that deleted and expired keys give their space back. For each slot its first replica leads.
 *
 * A tombstone may go when every replica of the slot holds it, or something newer, on disk, and nothing older can arrive any
 * more. So the leader names a horizon that lies in the past (the grace), every replica promises to accept no write from
 * before it, and gives a digest of what it holds up to there. Where all digests are equal, all take out the tombstones up
 * to the horizon that the digest covers. Nothing depends on how long anybody was away: while one replica is down nothing is collected in its slots,
 * and when it has come back its digest differs until anti-entropy has brought it all that it missed.
 *
 * What was collected at some replicas only (one crashed in between) comes back to them as an ordinary tombstone, and
 * goes in a later round.
 *
 * Records that have expired are made tombstones first, by a read from all replicas, which settles that they have expired.
 */
import { equalBytes, viewOf } from '../base/bytes.js';
import { definite, messageOf } from '../base/errors.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import { KeyRef } from '../replication/key-ref.js';
import type { ReplicaPeer, Responder } from '../replication/peer.js';
import { SlotCollection } from '../replication/slot-collection.js';
import type { KeyHasher } from '../ring/hash.js';
import { SLOT_COUNT, type Slot } from '../ring/slot.js';
import { isExpired } from '../version/record.js';
import { COUNTER_LIMIT } from '../version/version.js';
import { arrayField, type Body, integerField, requireEpoch } from '../wire/body.js';
import { COLLECT, COLLECT_PROMISE } from '../wire/message-type.js';
import type { BackgroundWork } from './background.js';
import { PeerLink } from './peer-link.js';
import type { Running } from './running.js';
import { slotsField } from './slots-field.js';

export interface TombstoneCollectorOptions {
  readonly running: Running;
  readonly clock: Clock;
  readonly log: Log;
  readonly hasher: KeyHasher;
  /** How old a tombstone must be, in milliseconds. Longer than anything is under way between nodes. */
  readonly graceMs: number;
}

const ROUND_INTERVAL_MS = 2000;
const SLOTS_PER_ROUND = 64;
const CALL_TIMEOUT_MS = 10_000;
/** A slot that was looked at in vain is left alone for so long; a multiple of it when there is nothing old enough. */
const REST_MS = 5000;
/** A record is looked at only when it has been expired for this long by this node's wall clock. */
const EXPIRY_MARGIN_MS = 1000;
const EXPIRY_LOOK_MS = 20_000;
const EXPIRED_PER_LOOK = 256;

export class TombstoneCollector implements BackgroundWork {
  readonly #options: TombstoneCollectorOptions;
  readonly #running: Running;
  readonly #slots: SlotCollection;
  /** When a slot is worth looking at again, in monotonic ms; by slot. */
  readonly #restsUntilMs = new Float64Array(SLOT_COUNT);
  readonly #expiryLookedMs = new Float64Array(SLOT_COUNT).fill(-Infinity);
  #nextRoundMs = 0;
  #isBusy = false;
  #isStopped = false;
  #round: Promise<void> = Promise.resolve();
  #collected = 0;
  #expired = 0;
  #waitsFor = '';

  constructor(options: TombstoneCollectorOptions) {
    this.#options = options;
    this.#running = options.running;
    this.#slots = new SlotCollection({ ...options.running, hasher: options.hasher });
    const { calls } = options.running;
    calls.register(COLLECT_PROMISE, (_link, body) => this.#onPromise(body));
    calls.register(COLLECT, (_link, body) => this.#onCollect(body));
  }

  onTick(nowMs: number): void {
    if (this.#isBusy || this.#isStopped || nowMs < this.#nextRoundMs) return;
    this.#nextRoundMs = nowMs + ROUND_INTERVAL_MS;
    const { state, committer } = this.#running;
    if (state.config === undefined || state.isFrozen || committer.isFailed) return;
    const slots = this.#worthARound(nowMs);
    if (slots.length === 0) return;
    this.#isBusy = true;
    this.#round = this.#collectRound(slots)
      .catch((error) => this.#options.log.debug('no tombstones collected', { error: messageOf(error) }))
      .finally(() => {
        this.#isBusy = false;
      });
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#round;
  }

  status(): Body {
    const { trees } = this.#running;
    let waiting = 0;
    for (let slot = 0; slot < SLOT_COUNT; slot++) waiting += trees.counts(slot).tombstones;
    return { waiting, collected: this.#collected, expired: this.#expired, waitsFor: this.#waitsFor };
  }

  /** Slots that this node leads, hold something to collect and have the same replicas, all of which are live. */
  #worthARound(nowMs: number): Slot[] {
    const { coordinator, trees } = this.#running;
    const { placement } = coordinator;
    this.#waitsFor = '';
    let replicas: readonly ReplicaPeer[] | undefined;
    const slots: Slot[] = [];
    for (let slot = 0; slot < SLOT_COUNT && slots.length < SLOTS_PER_ROUND; slot++) {
      const owners = placement.owners(slot);
      if (owners[0]?.isSelf !== true || !trees.isBuilt(slot) || nowMs < this.#restsUntilMs[slot]!) continue;
      if (replicas !== undefined && owners !== replicas) continue;
      if (trees.counts(slot).tombstones === 0 && !this.#mayHaveExpired(slot, nowMs)) continue;
      const absent = owners.find((owner) => !owner.isLive);
      if (absent !== undefined) {
        this.#waitsFor = absent.name;
        continue;
      }
      replicas = owners;
      slots.push(slot as Slot);
    }
    return slots;
  }

  #mayHaveExpired(slot: number, nowMs: number): boolean {
    const { expiring, lowestExpiryMs } = this.#running.trees.counts(slot);
    if (expiring === 0 || nowMs < this.#expiryLookedMs[slot]! + EXPIRY_LOOK_MS) return false;
    return lowestExpiryMs + EXPIRY_MARGIN_MS <= this.#commonWallMs(slot);
  }

  /** The earliest wall time that any replica of the slot has: a clock that runs ahead ends no record before its time. */
  #commonWallMs(slot: number): number {
    const ownMs = this.#options.clock.wallMs();
    const owners = this.#running.coordinator.placement.owners(slot);
    const offsets = owners.map((owner) => (owner instanceof PeerLink ? owner.clockOffsetMs : 0));
    return ownMs + Math.min(0, ...offsets);
  }

  async #collectRound(slots: readonly Slot[]): Promise<void> {
    const { clock, graceMs, log } = this.#options;
    const { hybridClock, coordinator, trees } = this.#running;
    for (const slot of slots) if (this.#mayHaveExpired(slot, clock.monotonicMs())) await this.#expire(slot);
    const horizon = hybridClock.current() - graceMs * COUNTER_LIMIT;
    if (horizon <= 0 || this.#isStopped) return;
    const links = coordinator.placement.owners(slots[0]!).filter((owner) => owner instanceof PeerLink);
    const { epoch } = this.#running.state;
    const body = { epoch, slots, horizon };
    const own = this.#slots.promise(slots, horizon);
    const theirs = links.map((link) => link.call(COLLECT_PROMISE, body, CALL_TIMEOUT_MS));
    const [mine, ...others] = await Promise.all([own, ...theirs]);
    const digests = others.map((answer) => arrayField(answer as Body, 'digests') ?? []);
    const agreed: Slot[] = [];
    const agreedDigests: Uint8Array[] = [];
    for (const [i, digest] of (mine as (Uint8Array | undefined)[]).entries()) {
      if (digest === undefined || !digests.every((list) => isDigest(list[i], digest))) continue;
      agreed.push(slots[i]!);
      agreedDigests.push(digest);
    }
    const nowMs = clock.monotonicMs();
    for (const slot of slots) this.#restsUntilMs[slot] = nowMs + REST_MS;
    if (agreed.length === 0 || this.#running.state.epoch !== epoch || this.#isStopped) return;
    const order = { epoch, slots: agreed, horizon, digests: agreedDigests };
    const collects = links.map((link) => link.call(COLLECT, order, CALL_TIMEOUT_MS));
    const [count] = await Promise.all([this.#slots.collect(agreed, horizon, agreedDigests), ...collects]);
    this.#collected += count;
    // What all agree on and is still there is too young: there will be nothing for a while.
    for (const slot of agreed) {
      if (trees.counts(slot).tombstones > 0)
        this.#restsUntilMs[slot] = nowMs + Math.max(REST_MS, graceMs / 4);
    }
    if (count > 0) log.debug('collected tombstones', { count, slots: agreed.length });
  }

  /** Settles at all replicas that records of this slot have expired. */
  async #expire(slot: Slot): Promise<void> {
    const { clock, hasher } = this.#options;
    const { coordinator } = this.#running;
    this.#expiryLookedMs[slot] = clock.monotonicMs();
    const due = this.#commonWallMs(slot) - EXPIRY_MARGIN_MS;
    const keys: Uint8Array[] = [];
    await this.#slots.forEachRecord(slot, (key, record) => {
      if (isExpired(viewOf(record), 0, due)) keys.push(key);
      return keys.length < EXPIRED_PER_LOOK;
    });
    if (keys.length === EXPIRED_PER_LOOK) this.#expiryLookedMs[slot] = -Infinity;
    const replicas = coordinator.placement.owners(slot).length;
    const ref = new KeyRef();
    const reads = keys.map((key) => {
      hasher.hash(key);
      ref.set(key, 0, key.length, hasher.hi, hasher.lo);
      return new Promise<boolean>((resolve) => coordinator.get(ref, replicas, 0, new ReadEnd(resolve), 0));
    });
    for (const isDone of await Promise.all(reads)) if (isDone) this.#expired++;
  }

  async #onPromise(body: Body): Promise<Body> {
    const { slots, horizon } = this.#parse(body, 'COLLECT_PROMISE');
    const digests = await this.#slots.promise(slots, horizon);
    return { digests: digests.map((digest) => digest ?? null) };
  }

  async #onCollect(body: Body): Promise<Body> {
    const { slots, horizon } = this.#parse(body, 'COLLECT');
    const digests = arrayField(body, 'digests');
    if (digests?.length !== slots.length || !digests.every((each) => each instanceof Uint8Array))
      throw definite('BAD_REQUEST', 'a malformed COLLECT');
    return { count: await this.#slots.collect(slots, horizon, digests as Uint8Array[]) };
  }

  #parse(body: Body, what: string): { slots: readonly Slot[]; horizon: number } {
    const { state, hybridClock } = this.#running;
    const slots = slotsField(body, SLOTS_PER_ROUND);
    const horizon = integerField(body, 'horizon', 1, Number.MAX_SAFE_INTEGER);
    if (slots === undefined || horizon === undefined || horizon > hybridClock.current())
      throw definite('BAD_REQUEST', `a malformed ${what}`);
    requireEpoch(body, state.epoch);
    if (state.isFrozen) throw definite('CONFIG_CHANGING', 'a member is being admitted');
    return { slots, horizon };
  }
}

function isDigest(value: unknown, digest: Uint8Array): boolean {
  return value instanceof Uint8Array && equalBytes(value, digest);
}

/** Only whether a read has ended well matters. */
class ReadEnd implements Responder {
  readonly #done: (ok: boolean) => void;

  constructor(done: (ok: boolean) => void) {
    this.#done = done;
  }

  onRead(): void {
    this.#done(true);
  }

  onWritten(): void {}

  onError(): void {
    this.#done(false);
  }
}
