/**
 * The replica's side of collecting tombstones: what it promises, what it holds up to a version, and how the tombstones
 * go. `node/tombstone-collector.ts` leads.
 *
 * The digest of a slot covers every record up to the horizon, live ones too, as they are on disk: what the next loss of power
 * could take back is synced first. So when the digests of all replicas are equal, no replica can come back with something older
 * that the tombstone would have to stand against.
 *
 * Only what was in that digest goes. A tombstone of an old version may still arrive after it: a record's expired form, which
 * one reader has settled, or what a repair brings. The others do not hold that yet, so it stays for a later round.
 */
import { equalBytes, u32At, u64At, viewOf } from '../base/bytes.js';
import { definite } from '../base/errors.js';
import type { EngineIterator } from '../ports/storage-engine.js';
import type { KeyHasher } from '../ring/hash.js';
import type { Slot } from '../ring/slot.js';
import type { GroupCommitter } from '../storage/group-committer.js';
import { floorKey, keyOfEngineKey, slotOfEngineKey, slotRange } from '../storage/keyspace.js';
import type { RecordStore } from '../storage/record-store.js';
import { encodeFloor, type SlotFloors } from '../storage/slot-floors.js';
import { SlotTrees } from '../storage/slot-trees.js';
import {
  FLAG_TOMBSTONE,
  RECORD_FLAGS_OFFSET,
  RECORD_NODE_OFFSET,
  RECORD_TIME_OFFSET,
} from '../version/record.js';
import { KeyRef } from './key-ref.js';
import type { Replica } from './replica.js';
import type { RecordCheck } from './scan-range.js';
import type { UnsyncedSlots } from './unsynced-slots.js';

export interface SlotCollectionOptions {
  readonly store: RecordStore;
  readonly replica: Replica;
  readonly committer: GroupCommitter;
  readonly floors: SlotFloors;
  readonly unsynced: UnsyncedSlots;
  readonly isSound: RecordCheck;
  readonly hasher: KeyHasher;
}

interface Tombstone {
  readonly key: Uint8Array;
  readonly time: number;
  readonly node: number;
}

interface Held {
  readonly digest: Uint8Array;
  readonly tombstones: readonly Tombstone[];
}

/** Records read at a time, and tombstones that go before their batch is waited for. */
const CHUNK = 256;

export class SlotCollection {
  readonly #options: SlotCollectionOptions;

  constructor(options: SlotCollectionOptions) {
    this.#options = options;
  }

  /**
   * From now on no write of a version up to `horizon` is accepted in these slots.
   * @returns per slot the digest of what is held up to there; undefined where this replica cannot say.
   * @throws KvError `STORAGE_FAILED`.
   */
  async promise(slots: readonly Slot[], horizon: number): Promise<(Uint8Array | undefined)[]> {
    const { floors, unsynced } = this.#options;
    for (const slot of slots) floors.promise(slot, horizon);
    await this.#options.committer.synced();
    const digests: (Uint8Array | undefined)[] = [];
    const tree = new SlotTrees();
    for (const slot of slots) {
      digests.push(unsynced.has(slot) ? undefined : (await this.#heldUpTo(slot, horizon, tree))?.digest);
    }
    return digests;
  }

  /**
   * Takes out the tombstones up to `horizon` of the slots that still hold what all replicas have agreed on.
   * @param digests per slot what `promise` said at every replica.
   * @returns how many tombstones there were. Slots that hold something else by now, or for which the promise was forgotten (by a
   *   restart), are passed over.
   * @throws KvError `STORAGE_FAILED`.
   */
  async collect(slots: readonly Slot[], horizon: number, digests: readonly Uint8Array[]): Promise<number> {
    const { floors, committer, unsynced } = this.#options;
    let count = 0;
    const tree = new SlotTrees();
    for (const [i, slot] of slots.entries()) {
      if (floors.promised(slot) < horizon || unsynced.has(slot)) continue;
      const held = await this.#heldUpTo(slot, horizon, tree);
      if (held === undefined || !equalBytes(held.digest, digests[i]!)) continue;
      if (committer.put(floorKey(slot), encodeFloor(horizon)) === 0) throw storageFailed();
      floors.collect(slot, horizon);
      count += await this.#drop(held.tombstones);
    }
    return count;
  }

  /** Calls `visit` for every record of a slot, in order, until it returns false. */
  async forEachRecord(slot: Slot, visit: (key: Uint8Array, record: Uint8Array) => boolean): Promise<boolean> {
    const iterator: EngineIterator = this.#options.store.iterate(slotRange(slot).from);
    try {
      for (;;) {
        const chunk = await iterator.next(CHUNK);
        for (const [engineKey, record] of chunk) {
          if (slotOfEngineKey(engineKey) !== slot) return true;
          // About a corrupt record nothing can be said.
          if (!this.#options.isSound(engineKey, record)) return false;
          if (!visit(keyOfEngineKey(engineKey), record)) return false;
        }
        if (chunk.length < CHUNK) return true;
      }
    } finally {
      await iterator.close();
    }
  }

  /** What a slot holds up to a version; undefined when a record of it is corrupt. */
  async #heldUpTo(slot: Slot, horizon: number, tree: SlotTrees): Promise<Held | undefined> {
    const { hasher } = this.#options;
    const tombstones: Tombstone[] = [];
    tree.beginBuilding(slot);
    const isComplete = await this.forEachRecord(slot, (key, record) => {
      const time = u64At(record, RECORD_TIME_OFFSET);
      if (time > horizon) return true;
      hasher.hash(key);
      tree.add(hasher.hi, hasher.lo, viewOf(record), 0);
      const isTombstone = (record[RECORD_FLAGS_OFFSET]! & FLAG_TOMBSTONE) !== 0;
      if (isTombstone) tombstones.push({ key, time, node: u32At(record, RECORD_NODE_OFFSET) });
      return true;
    });
    tree.finishBuilding(slot);
    return isComplete ? { digest: tree.digest([slot]), tombstones } : undefined;
  }

  async #drop(tombstones: readonly Tombstone[]): Promise<number> {
    const { hasher, replica } = this.#options;
    const ref = new KeyRef();
    let dropped = 0;
    for (const [i, { key, time, node }] of tombstones.entries()) {
      hasher.hash(key);
      ref.set(key, 0, key.length, hasher.hi, hasher.lo);
      if (replica.dropTombstone(ref, time, node) > 0) dropped++;
      if (i % CHUNK === CHUNK - 1) await this.#options.committer.synced();
    }
    return dropped;
  }
}

function storageFailed(): Error {
  return definite('STORAGE_FAILED', 'the storage of this replica has failed');
}
