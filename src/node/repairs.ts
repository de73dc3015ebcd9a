/**
 * Repairs that an operator asks for: everything that this node keeps, or one slot of it, is compared with all live peers
 * now. One at a time; how far it is stands in the node's status.
 */
import { definite } from '../base/errors.js';
import type { Clock } from '../ports/clock.js';
import type { RepairProgress } from '../replication/anti-entropy/schedule.js';
import type { ReplicaPeer } from '../replication/peer.js';
import { SLOT_COUNT, type Slot } from '../ring/slot.js';
import type { Body } from '../wire/body.js';
import type { Running } from './running.js';

/** What is to be compared: the node's slots, and how many of them each of the other replicas keeps. */
interface Plan {
  readonly slots: readonly Slot[];
  readonly shared: ReadonlyMap<ReplicaPeer, number>;
}

/** A comparison is one slot with one peer. */
interface UnderWay {
  readonly startedMs: number;
  readonly slot: number | null;
  readonly comparisons: number;
  /** Of the peers before the present one. */
  doneBefore: number;
  progress: RepairProgress | undefined;
}

export class Repairs {
  readonly #running: Running;
  readonly #name: string;
  readonly #clock: Clock;
  #underWay: UnderWay | undefined;

  constructor(running: Running, name: string, clock: Clock) {
    this.#running = running;
    this.#name = name;
    this.#clock = clock;
  }

  /** For the status: how far it is; null when none is under way. */
  status(): Body | null {
    const now = this.#underWay;
    if (now === undefined) return null;
    const { slotsDiffering = 0, keysFetched = 0, keysSent = 0, bytesMoved = 0 } = now.progress ?? {};
    return {
      slot: now.slot,
      peer: now.progress?.peer ?? '',
      done: Math.min(doneOf(now), now.comparisons),
      comparisons: now.comparisons,
      slotsDiffering,
      keysFetched,
      keysSent,
      bytesMoved,
      tookMs: Math.round(this.#clock.monotonicMs() - now.startedMs),
    };
  }

  /**
   * Resolves with what has been done, for the answer to REPAIR.
   * @throws KvError `BUSY` while another one is under way; `STORAGE_FAILED`; `BAD_REQUEST` for a slot that this node does
   *   not keep.
   */
  async repair(slot: number | undefined): Promise<Body> {
    const { antiEntropy, committer } = this.#running;
    const startedMs = this.#clock.monotonicMs();
    this.#refuseSecond();
    if (committer.isFailed || antiEntropy === undefined)
      throw definite(
        'STORAGE_FAILED',
        `the storage of ${this.#name} has failed: nothing can be repaired now`,
      );
    const plan = this.#plan(slot);
    if (slot !== undefined && plan.slots.length === 0) throw this.#notKept(slot);
    let comparisons = 0;
    for (const [peer, count] of plan.shared) if (peer.isLive) comparisons += count;
    const underWay: UnderWay = {
      startedMs,
      slot: slot ?? null,
      comparisons,
      doneBefore: 0,
      progress: undefined,
    };
    this.#underWay = underWay;
    try {
      const result = await antiEntropy.repair(slot === undefined ? undefined : plan.slots, (progress) => {
        const last = underWay.progress;
        if (last !== undefined && last.peer !== progress.peer) underWay.doneBefore += last.slots;
        underWay.progress = progress;
      });
      const missing = [...plan.shared.keys()].map(({ name }) => name);
      return {
        ...result,
        slots: plan.slots.length,
        missing: missing.filter((name) => !result.peers.includes(name)).sort(),
        tookMs: Math.round(this.#clock.monotonicMs() - startedMs),
      };
    } finally {
      this.#underWay = undefined;
    }
  }

  #refuseSecond(): void {
    const now = this.#underWay;
    if (now === undefined) return;
    const message = `${this.#name} repairs already, ${doneOf(now)} of ${now.comparisons} comparisons are done`;
    throw definite('BUSY', `${message}: wait until it has ended`);
  }

  #plan(only: number | undefined): Plan {
    const { placement } = this.#running.coordinator;
    const slots: Slot[] = [];
    const shared = new Map<ReplicaPeer, number>();
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      if (only !== undefined && slot !== only) continue;
      const owners = placement.owners(slot);
      if (!owners.some(({ isSelf }) => isSelf)) continue;
      slots.push(slot as Slot);
      for (const owner of owners) if (!owner.isSelf) shared.set(owner, (shared.get(owner) ?? 0) + 1);
    }
    return { slots, shared };
  }

  #notKept(slot: number): Error {
    const owners = this.#running.coordinator.placement.owners(slot).map(({ name }) => name);
    const message = `${this.#name} keeps no replica of slot ${slot}: ask one of ${owners.join(', ')}`;
    return definite('BAD_REQUEST', message);
  }
}

function doneOf({ doneBefore, progress }: UnderWay): number {
  return doneBefore + (progress?.slotsDone ?? 0);
}
