/**
 * Builds the hash trees of slots that have none, while the slots are in use: after a crash, after a failure of the
 * storage, and where a record was found corrupt.
 *
 * A few neighbouring slots at a time, read in one sweep: from some moment on the keys that are written there are noted;
 * when everything queued before has reached the log, a snapshot is read and every record added whose key was not noted;
 * then the newest of each noted key. A slot with a corrupt record stays without a tree, because what is missing there
 * is not known, and is tried again after a while.
 *
 * It holds back: at most {@link RECORDS_PER_SECOND} on the average, so about a fifth of a core.
 */

import { viewOf } from '../base/bytes.js';
import { messageOf } from '../base/errors.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { KeyHasher } from '../ring/hash.js';
import { SLOT_COUNT, type Slot } from '../ring/slot.js';
import { checkRecord } from '../version/record.js';
import type { GroupCommitter } from './group-committer.js';
import { keyOfEngineKey, slotOfEngineKey, slotRange } from './keyspace.js';
import type { RecordStore } from './record-store.js';
import { PAGE_COUNT, PAGE_SLOTS, type SlotTrees } from './slot-trees.js';

/** Records read per second, on the average. A million take 20 s. */
export const RECORDS_PER_SECOND = 50_000;
/** Pause before a slot with a corrupt record is tried again, in milliseconds: meanwhile its peers may have mended it. */
export const RETRY_MS = 1500;
const CHUNK_RECORDS = 256;
/** Shorter pauses are saved up. */
const PAUSE_MS_MIN = 4;

export interface TreeBuilderOptions {
  readonly clock: Clock;
  readonly store: RecordStore;
  readonly committer: GroupCommitter;
  readonly trees: SlotTrees;
  readonly hasher: KeyHasher;
  /** Told of each corrupt record, so that it is repaired. */
  readonly onCorrupt: (engineKey: Uint8Array, record: Uint8Array) => void;
  readonly log: Log;
}

export class TreeBuilder {
  readonly #options: TreeBuilderOptions;
  #sweeping: Promise<void> | undefined;
  #isStopped = false;
  #pauseTimer: Timer | undefined;
  #endPause: (() => void) | undefined;
  /** Slots with a corrupt record, and when they may be tried again (monotonic). */
  readonly #resting = new Map<number, number>();
  #nextPage = 0;
  #paidUntilMs = 0;
  /** Since the start: slots built, and records read for it. */
  builtSlots = 0;
  recordsRead = 0;

  constructor(options: TreeBuilderOptions) {
    this.#options = options;
  }

  /** Whether it is at work. */
  get isBusy(): boolean {
    return this.#sweeping !== undefined;
  }

  /** Slots that wait because a record of theirs is corrupt. */
  get restingSlots(): number {
    return this.#resting.size;
  }

  /** Begins to build what is not built, unless it is at that already. Called every so often. */
  wake(): void {
    const { trees, committer } = this.#options;
    if (this.#isStopped || this.#sweeping !== undefined || trees.builtCount === SLOT_COUNT) return;
    if (committer.isFailed || this.#nextSlots() === undefined) return;
    this.#sweeping = this.#sweep().finally(() => {
      this.#sweeping = undefined;
    });
  }

  /** Resolves when nothing is under way any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#pauseTimer !== undefined) this.#options.clock.clearTimer(this.#pauseTimer);
    this.#endPause?.();
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const { committer, log } = this.#options;
    for (let tries = 0; tries < PAGE_COUNT && !this.#isStopped && !committer.isFailed; tries++) {
      const slots = this.#nextSlots();
      if (slots === undefined) return;
      this.#nextPage = (slots[0]! / PAGE_SLOTS + 1) | 0;
      try {
        await this.#build(slots);
      } catch (error) {
        // The storage has failed, or is being closed.
        log.debug('hash trees were not built', { error: messageOf(error) });
        this.#giveUp(slots);
        return;
      }
    }
  }

  /** The slots of the next page that need a tree. */
  #nextSlots(): Slot[] | undefined {
    const { trees, clock } = this.#options;
    const now = clock.monotonicMs();
    for (let i = 0; i < PAGE_COUNT; i++) {
      const first = ((this.#nextPage + i) % PAGE_COUNT) * PAGE_SLOTS;
      const slots: Slot[] = [];
      for (let slot = first; slot < first + PAGE_SLOTS; slot++) {
        if (!trees.isBuilt(slot) && (this.#resting.get(slot) ?? 0) <= now) slots.push(slot as Slot);
      }
      if (slots.length > 0) return slots;
    }
    return undefined;
  }

  async #build(slots: readonly Slot[]): Promise<void> {
    const { trees, committer, store } = this.#options;
    for (const slot of slots) {
      this.#resting.delete(slot);
      trees.beginBuilding(slot);
    }
    if (!(await committer.settled())) return this.#giveUp(slots);
    const { from } = slotRange(slots[0]!);
    const { to } = slotRange(slots.at(-1)!);
    const iterator = store.iterate(from, to);
    try {
      while (!this.#isStopped) {
        const chunk = await iterator.next(CHUNK_RECORDS);
        if (chunk.length === 0) break;
        for (const [key, record] of chunk) this.#add(key, record);
        this.recordsRead += chunk.length;
        await this.#holdBack(chunk.length);
      }
    } finally {
      await iterator.close();
    }
    if (this.#isStopped) return this.#giveUp(slots);
    for (const slot of slots) if (trees.finishBuilding(slot)) this.builtSlots++;
  }

  #add(engineKey: Uint8Array, record: Uint8Array): void {
    const { trees, hasher, onCorrupt, clock } = this.#options;
    const slot = slotOfEngineKey(engineKey);
    if (!trees.isBuilding(slot)) return;
    hasher.hash(keyOfEngineKey(engineKey));
    const { hi, lo } = hasher;
    if (checkRecord(record, lo)) return trees.add(hi, lo, viewOf(record), 0);
    trees.forget(slot);
    this.#resting.set(slot, clock.monotonicMs() + RETRY_MS);
    onCorrupt(engineKey, record);
  }

  #giveUp(slots: readonly Slot[]): void {
    const { trees } = this.#options;
    for (const slot of slots) if (trees.isBuilding(slot)) trees.forget(slot);
  }

  #holdBack(records: number): Promise<void> | undefined {
    const { clock } = this.#options;
    const now = clock.monotonicMs();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, now) + (records / RECORDS_PER_SECOND) * 1000;
    const waitMs = this.#paidUntilMs - now;
    if (waitMs < PAUSE_MS_MIN || this.#isStopped) return undefined;
    return new Promise((resolve) => {
      this.#endPause = resolve;
      this.#pauseTimer = clock.setTimer(waitMs, resolve);
    });
  }
}
