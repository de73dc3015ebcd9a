/**
 * One exchange with another replica: finds out what differs in some slots, gets what is newer there, and sends what is
 * newer here.
 *
 * Roots are compared first (one question when nothing differs), then groups, leaves, and the keys of the leaves that
 * differ. Versions decide: equal ones are never sent.
 *
 * What is said of a slot in `completed` can be relied on. Where trees are equal, what they rest on is in both logs.
 * Where they differ, the lists of keys speak of logs only, and each record that is moved is waited for. A slot with a corrupt
 * record, here or there, is not completed.
 */
import { messageOf } from '../../base/errors.js';
import type { Slot } from '../../ring/slot.js';
import type { GroupCommitter } from '../../storage/group-committer.js';
import { GROUP_COUNT, type SlotTrees } from '../../storage/slot-trees.js';
import { Conversation, type ExchangePeer } from './conversation.js';
import { type ExchangeDirection, KeyComparison } from './key-comparison.js';
import type { LeafKeysPorts } from './leaf-keys.js';
import type { SlotLeaves } from './packed.js';
import { RecordMover, type RecordMoverPorts } from './record-mover.js';
import { TreeComparison } from './tree-comparison.js';

export type { ExchangePeer } from './conversation.js';
export type { ExchangeDirection } from './key-comparison.js';

export interface ExchangePorts extends LeafKeysPorts, RecordMoverPorts {
  readonly trees: SlotTrees;
  readonly committer: GroupCommitter;
  readonly epoch: () => number;
}

export interface ExchangeOptions {
  /** `both` unless told. */
  readonly direction?: ExchangeDirection;
  /**
   * What to do with slots that have no tree here or there: `skip` them (unless told), or `list` all their keys, which
   * costs as much as there are.
   */
  readonly unbuilt?: 'skip' | 'list';
  /**
   * Look at roots that differ once more after this pause, in milliseconds; 0 unless told. Writes that are just under way
   * make roots differ for an instant, and this keeps them from costing more than a comparison of roots.
   */
  readonly recheckMs?: number;
  /**
   * Where among the slots that differ it begins, from 0 (the first one, unless told) up to 1. A replica that is behind is
   * helped by several others at the same time: where one has been already, the next finds nothing to do.
   */
  readonly startAt?: number;
}

export interface ExchangeResult {
  readonly slotsCompared: number;
  readonly slotsDiffering: number;
  /** Slots that were skipped because they have no tree here or there. */
  readonly slotsUnbuilt: number;
  readonly keysFetched: number;
  readonly keysSent: number;
  /** In both directions, about. */
  readonly bytesMoved: number;
  /**
   * Slots of which everything that the peer had in its log when it was asked is in the log here, or something higher
   * (unless the direction was `push`), and the reverse (unless it was `pull`).
   */
  readonly completed: readonly Slot[];
  /** Slots whose trees differ although no key of theirs does: written meanwhile, or one of the trees is wrong. */
  readonly doubtful: readonly Slot[];
  /** Slots in which a record could not be moved, or is corrupt. */
  readonly failed: readonly Slot[];
  /** Why it ended before its time; undefined when it did not. */
  readonly problem: string | undefined;
}

/** Slots whose leaves and keys are compared in one go; no more than `SLOTS_MAX` of `limits.ts`. */
const SLOTS_TOGETHER = 64;

/** Never rejects: what went wrong is the result's `problem`, and what was completed before is completed. */
export async function exchange(
  ports: ExchangePorts,
  peer: ExchangePeer,
  slots: readonly Slot[],
  options: ExchangeOptions = {},
): Promise<ExchangeResult> {
  const run = new ExchangeRun(ports, peer, options);
  let problem: string | undefined;
  try {
    await run.run([...slots].sort((a, b) => a - b));
  } catch (error) {
    problem = messageOf(error);
  }
  return run.result(slots.length, problem);
}

class ExchangeRun {
  readonly #ports: ExchangePorts;
  readonly #options: ExchangeOptions;
  readonly #conversation: Conversation;
  readonly #trees: TreeComparison;
  readonly #mover: RecordMover;
  readonly #keys: KeyComparison;
  readonly #completed = new Set<Slot>();
  readonly #doubtful: Slot[] = [];
  #differing = 0;
  #unbuilt = 0;

  constructor(ports: ExchangePorts, peer: ExchangePeer, options: ExchangeOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#conversation = new Conversation(peer, ports.epoch);
    this.#trees = new TreeComparison(ports.trees, ports.committer, this.#conversation);
    this.#mover = new RecordMover(ports, this.#conversation);
    this.#keys = new KeyComparison(ports, this.#conversation, this.#mover, options.direction ?? 'both');
  }

  async run(slots: readonly Slot[]): Promise<void> {
    const { recheckMs = 0 } = this.#options;
    const unbuilt: Slot[] = [];
    let differing = await this.#compareRoots(slots, unbuilt);
    if (differing.length > 0 && recheckMs > 0) {
      await this.#ports.pacer.pause(recheckMs);
      differing = await this.#compareRoots(differing, unbuilt);
    }
    this.#differing = differing.length;
    for (const batch of this.#batches(differing)) {
      if (this.#isStopped()) break;
      const found = await this.#trees.leaves(batch);
      this.#complete(found.equal);
      unbuilt.push(...found.unbuilt);
      await this.#compareKeys(found.differing, true);
    }
    if (this.#options.unbuilt !== 'list') this.#unbuilt = unbuilt.length;
    else await this.#compareKeys(unbuilt.sort((a, b) => a - b).map(allLeaves), false);
  }

  result(slotsCompared: number, problem: string | undefined): ExchangeResult {
    return {
      slotsCompared,
      slotsDiffering: this.#differing,
      slotsUnbuilt: this.#unbuilt,
      keysFetched: this.#mover.fetched,
      keysSent: this.#mover.sent,
      bytesMoved: this.#conversation.bytesMoved,
      completed: [...this.#completed].filter((slot) => !this.#mover.failed.has(slot)),
      doubtful: this.#doubtful,
      failed: [...this.#mover.failed],
      problem,
    };
  }

  async #compareRoots(slots: readonly Slot[], unbuilt: Slot[]): Promise<readonly Slot[]> {
    const found = await this.#trees.roots(slots);
    this.#complete(found.equal);
    unbuilt.push(...found.unbuilt);
    return found.differing;
  }

  /** The slots in batches, each in ascending order, from where it is to begin. */
  #batches(slots: readonly Slot[]): (readonly Slot[])[] {
    const batches: (readonly Slot[])[] = [];
    for (let at = 0; at < slots.length; at += SLOTS_TOGETHER)
      batches.push(slots.slice(at, at + SLOTS_TOGETHER));
    const first = Math.floor((this.#options.startAt ?? 0) * batches.length);
    return [...batches.slice(first), ...batches.slice(0, first)];
  }

  async #compareKeys(leaves: readonly SlotLeaves[], hasTrees: boolean): Promise<void> {
    for (let at = 0; at < leaves.length && !this.#isStopped(); at += SLOTS_TOGETHER) {
      const some = leaves.slice(at, at + SLOTS_TOGETHER);
      await this.#keys.run(some);
      const slots = some.map(({ slot }) => slot);
      this.#complete(slots);
      if (hasTrees) this.#doubtful.push(...slots.filter((slot) => !this.#keys.differing.has(slot)));
    }
  }

  #complete(slots: readonly Slot[]): void {
    for (const slot of slots) this.#completed.add(slot);
  }

  #isStopped(): boolean {
    return this.#ports.pacer.isStopped;
  }
}

function allLeaves(slot: Slot): SlotLeaves {
  return { slot, leaves: new Uint8Array(GROUP_COUNT).fill(0xff) };
}
