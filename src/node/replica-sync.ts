/**
 * A replica whose data is gone, all of it or the end of its log, gets it back: slot by slot from the other replicas, and
 * only then it votes on the slot.
 *
 * What the lost data had accepted may be what made a version settled. So a slot is synced from as many of the others as share one
 * with every majority that this replica was part of: N − majority + 1 of them. Each is first asked to finish what it has
 * under way (BARRIER), under the epoch that made this node the member: from then on it refuses everything that was sent
 * under an older one, so nothing can still be accepted there that the lost data has voted for.
 *
 * A machine that has lost its power comes back under the same epoch: then the sync begins only when nothing from before can be
 * under way any more. If more than one replica of a slot has lost its power, what only they had accepted may be gone
 * whatever is done (`fsync=always` is there for that); so that the others need not wait for ever, a majority in all is
 * enough then.
 *
 * Which slots are left is stored, so that a restart goes on where it was.
 */
import { definite, messageOf } from '../base/errors.js';
import { REQUEST_TIMEOUT_MS_MAX } from '../base/limits.js';
import { majority, memberNamed } from '../membership/cluster-config.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { StorageEngine } from '../ports/storage-engine.js';
import type { ReplicaPeer } from '../replication/peer.js';
import { UnsyncedSlots } from '../replication/unsynced-slots.js';
import { SLOT_COUNT, type Slot } from '../ring/slot.js';
import { UNSYNCED_KEY } from '../storage/keyspace.js';
import { arrayField, type Body, requireEpoch } from '../wire/body.js';
import { BARRIER } from '../wire/message-type.js';
import type { BackgroundWork } from './background.js';
import type { PeerLink } from './peer-link.js';
import type { Running } from './running.js';
import { slotsField } from './slots-field.js';

const BARRIER_TIMEOUT_MS = 5000;
/** Slots that are synced from one peer before the next one has its turn. */
const SLOTS_PER_ROUND = 256;
/** First byte of what is stored, before one bit per slot that has no vote, and one per slot with a weak one. */
const WEAK = 1;

/** Gets everything that a peer holds of these slots. Resolves with the slots of which all of it is in this node's log. */
export type PullSlots = (peer: PeerLink, slots: readonly Slot[]) => Promise<readonly Slot[]>;

export interface ReplicaSyncOptions {
  readonly running: Running;
  readonly name: string;
  readonly clock: Clock;
  readonly engine: StorageEngine;
  readonly log: Log;
  readonly pull: PullSlots;
}

export class ReplicaSync implements BackgroundWork {
  readonly #options: ReplicaSyncOptions;
  readonly #running: Running;
  /** Per slot, the other replicas that it has been synced from. */
  readonly #syncedFrom = new Map<Slot, Map<string, 'sure' | 'weak'>>();
  /** By peer, the last slot that it was asked about. */
  readonly #lastAsked = new Map<string, Slot>();
  /** Only the end of the log is missing: for the others this node's word is weak, and not worthless. */
  #isWeak = false;
  /** Slots that this node votes on though not all who should have spoken of them have. It goes on asking those. */
  readonly #weakSlots = new UnsyncedSlots();
  #notBeforeMs = 0;
  /** The cluster for which it is known whether this node may vote. */
  #loadedFor: string | undefined;
  #isBusy = false;
  #isStopped = false;
  #round: Promise<void> = Promise.resolve();
  #total = 0;
  #startedMs = 0;
  #lastProblem = '';

  constructor(options: ReplicaSyncOptions) {
    this.#options = options;
    this.#running = options.running;
    options.running.calls.register(BARRIER, (_link, body) => this.#onBarrier(body));
  }

  /** Before the node has a vote on anything: finds out whether it may have one. */
  onClusterChange(): void {
    const { unsynced, state, coordinator, hasLostWrites } = this.#running;
    // A founder that had lost its data, and is called home, comes to another cluster.
    if (this.#loadedFor === state.config!.clusterId) return;
    this.#loadedFor = state.config!.clusterId;
    const stored = this.#options.engine.getSync(UNSYNCED_KEY);
    const isKnown = stored !== undefined && this.#restore(stored);
    const isNewHere = memberNamed(state.config!, this.#options.name)?.mustSync === true && !isKnown;
    const nowMs = this.#options.clock.monotonicMs();
    if (isNewHere || hasLostWrites) {
      if (unsynced.count === 0) this.#isWeak = !isNewHere;
      for (let slot = 0; slot < SLOT_COUNT; slot++) {
        if (coordinator.placement.owners(slot).some(({ isSelf }) => isSelf)) unsynced.add(slot);
      }
      this.#store();
    }
    this.#dropAlone();
    if (this.#isWeak) this.#notBeforeMs = nowMs + REQUEST_TIMEOUT_MS_MAX;
    this.#total = unsynced.count;
    this.#startedMs = nowMs;
    if (unsynced.count === 0) return;
    const loss = this.#isWeak
      ? 'the end of its log (the machine lost its power, or the disk is damaged)'
      : 'its data';
    this.#options.log.warn(`this node may have lost ${loss}: it has no vote until it has synced`, {
      slots: unsynced.count,
    });
  }

  onTick(nowMs: number): void {
    const left = this.#running.unsynced.count + this.#weakSlots.count;
    if (left === 0 || this.#isBusy || this.#isStopped) return;
    if (nowMs < this.#notBeforeMs) return;
    this.#isBusy = true;
    this.#round = this.#syncRound()
      .catch((error) => this.#onProblem(messageOf(error)))
      .finally(() => {
        this.#isBusy = false;
      });
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#round;
  }

  /** For the status: how far it is; undefined when there is nothing to sync. */
  status(): Body | undefined {
    const left = this.#running.unsynced.count;
    if (left === 0) return undefined;
    const done = this.#total - left;
    const elapsedMs = this.#options.clock.monotonicMs() - this.#startedMs;
    const etaMs = done === 0 ? null : Math.round((elapsedMs / done) * left);
    return { slotsLeft: left, slots: this.#total, etaMs, problem: this.#lastProblem };
  }

  async #syncRound(): Promise<void> {
    for (let isGoingOn = true; isGoingOn && !this.#isStopped; ) {
      isGoingOn = false;
      for (const link of [...this.#running.peers.links()]) {
        const slots = link.isLive ? this.#slotsToGetFrom(link) : [];
        if (slots.length > 0 && (await this.#syncFrom(link, slots))) isGoingOn = true;
      }
    }
  }

  /** Slots of which this is the only replica: nobody can say what was in them. */
  #dropAlone(): void {
    const { unsynced, coordinator } = this.#running;
    const alone = unsynced.slots().filter((slot) => coordinator.placement.owners(slot).length <= 1);
    if (alone.length === 0) return;
    for (const slot of alone) unsynced.delete(slot);
    const loss = this.#isWeak ? 'the last writes' : 'the data';
    this.#options.log.error(`${loss} of slots without another replica may be lost for good`, {
      slots: alone.length,
    });
    this.#store();
  }

  #slotsToGetFrom(peer: ReplicaPeer): Slot[] {
    const { unsynced, coordinator } = this.#running;
    const slots = [...unsynced.slots(), ...this.#weakSlots.slots()]
      .filter((slot) => coordinator.placement.owners(slot).includes(peer))
      .filter((slot) => this.#syncedFrom.get(slot)?.has(peer.name) !== true);
    // Those that could not be completed come again after the others.
    const last = this.#lastAsked.get(peer.name) ?? -1;
    const next = [...slots.filter((slot) => slot > last), ...slots.filter((slot) => slot <= last)];
    const asked = next.slice(0, SLOTS_PER_ROUND);
    if (asked.length > 0) this.#lastAsked.set(peer.name, asked.at(-1)!);
    return asked;
  }

  /** @returns whether it has come further. */
  async #syncFrom(link: PeerLink, slots: readonly Slot[]): Promise<boolean> {
    try {
      return (await this.#pullFrom(link, slots)) > 0;
    } catch (error) {
      this.#onProblem(messageOf(error));
      return false;
    }
  }

  async #pullFrom(link: PeerLink, slots: readonly Slot[]): Promise<number> {
    const { epoch } = this.#running.state;
    const answer = await link.call(BARRIER, { epoch, slots }, BARRIER_TIMEOUT_MS);
    const vouched = (arrayField(answer, 'slots') ?? []).filter((slot): slot is Slot =>
      slots.includes(slot as Slot),
    );
    if (vouched.length === 0) this.#onProblem(`${link.name} has lost its data too, and cannot vouch for it`);
    if (vouched.length === 0) return 0;
    const completed = await this.#options.pull(link, vouched);
    const weak = new Set(arrayField(answer, 'weak') ?? []);
    for (const slot of completed) this.#onSynced(slot, link.name, weak.has(slot) ? 'weak' : 'sure');
    if (completed.length > 0) this.#store();
    return completed.length;
  }

  #onSynced(slot: Slot, peer: string, word: 'sure' | 'weak'): void {
    const { unsynced, coordinator } = this.#running;
    const from = this.#syncedFrom.get(slot) ?? new Map();
    this.#syncedFrom.set(slot, from.set(peer, word));
    const certainty = syncCertainty([...from.values()], coordinator.placement.owners(slot).length);
    if (certainty === 'none') return;
    if (certainty === 'weak') this.#weakSlots.add(slot);
    else {
      this.#weakSlots.delete(slot);
      this.#syncedFrom.delete(slot);
    }
    if (!unsynced.has(slot)) return;
    unsynced.delete(slot);
    this.#lastProblem = '';
    if (unsynced.count === 0) this.#options.log.info('synced: this node votes again', { slots: this.#total });
  }

  /** If it is lost in a crash, slots are synced once more: that costs time only. */
  #store(): void {
    const value = Uint8Array.of(
      this.#isWeak ? WEAK : 0,
      ...this.#running.unsynced.encode(),
      ...this.#weakSlots.encode(),
    );
    this.#running.committer.putDurable(UNSYNCED_KEY, value, () => {});
  }

  #restore(stored: Uint8Array): boolean {
    const half = (stored.length - 1) / 2;
    const isKnown =
      this.#running.unsynced.restore(stored.subarray(1, 1 + half)) &&
      this.#weakSlots.restore(stored.subarray(1 + half));
    if (isKnown) this.#isWeak = stored[0] === WEAK;
    return isKnown;
  }

  #onProblem(problem: string): void {
    if (problem !== this.#lastProblem) this.#options.log.info('syncing waits', { problem });
    this.#lastProblem = problem;
  }

  /** A replica that has lost its data asks us to finish what is under way. Answers with the slots that we can vouch for. */
  async #onBarrier(body: Body): Promise<Body> {
    const { state, committer, unsynced } = this.#running;
    const slots = slotsField(body, SLOT_COUNT);
    if (slots === undefined) throw definite('BAD_REQUEST', 'a malformed BARRIER');
    requireEpoch(body, state.epoch);
    await committer.synced();
    const weak = slots.filter((slot) => unsynced.has(slot) || this.#weakSlots.has(slot));
    if (this.#isWeak) return { slots, weak };
    const vouched = slots.filter((slot) => !unsynced.has(slot));
    return { slots: vouched, weak: weak.filter((slot) => !unsynced.has(slot)) };
  }
}

/**
 * What the words of these other replicas make of this one's own: whether it may vote on a slot again, and whether all that
 * can be known of it is known.
 * @param replicas of the slot, this one included.
 */
export function syncCertainty(
  words: readonly ('sure' | 'weak')[],
  replicas: number,
): 'none' | 'weak' | 'sure' {
  if (words.length >= Math.min(replicas - majority(replicas) + 1, replicas - 1)) return 'sure';
  return words.includes('weak') && words.length >= majority(replicas) - 1 ? 'weak' : 'none';
}
