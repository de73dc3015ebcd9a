/**
 * The hints of one node: which keys it must still send to which replicas, because those were down when the keys were
 * written. A hint names a target and a key, not a value: many writes to one key are one hint, and what is sent is the
 * newest record of this node's own.
 *
 * Hints are in the engine, in a range of their own (`keyspace.ts`), and survive the node. In memory is one hash for each,
 * so that a key that is hinted already costs a look-up. A target is an *identity* (of a data directory), not a name: what
 * comes back under the name without its data is another target.
 *
 * Past `hintsMax` a hint is dropped, counted, and the (target, slot) marked as unsynced, in the engine too: an exchange of
 * whole slots has to find the difference then. Of two keys with the same 64-bit hash only one is hinted.
 *
 * States: made → loaded (what an earlier run has left is known) → forgotten (the storage has failed) → loaded …
 */
import type { EngineEntry, EngineIterator, StorageEngine } from '../ports/storage-engine.js';
import type { KeyHasher } from '../ring/hash.js';
import { SLOT_COUNT, type Slot, slotOf } from '../ring/slot.js';
import type { GroupCommitter } from './group-committer.js';
import { HintHashes } from './hint-hashes.js';
import { hintKey, hintPrefix, hintRange, parseHintKey } from './keyspace.js';

/** Hints over all targets: about 15 MB of memory. */
export const HINTS_MAX_DEFAULT = 1_000_000;
/** Entries that are loaded or dropped in one turn. */
const CHUNK = 1000;
const EMPTY = new Uint8Array(0);

/** A key, with its hash. */
export interface HintedKey {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly length: number;
  readonly hashHi: number;
  readonly hashLo: number;
}

/** The hints for one target. Read by others, changed by the store only. */
export class HintTarget {
  readonly identity: string;
  /** Where its hints are in the engine. */
  readonly prefix: Uint8Array;
  readonly hashes = new HintHashes();
  readonly bySlot = new Uint32Array(SLOT_COUNT);
  readonly unsynced = new Set<Slot>();
  /** Hints that are being sent: true when the key was written again meanwhile. */
  readonly sending = new Map<string, boolean>();
  /** Since the start of the node. */
  dropped: number;
  replayed: number;

  constructor(identity: string, dropped = 0, replayed = 0) {
    this.identity = identity;
    this.prefix = hintPrefix(identity);
    this.dropped = dropped;
    this.replayed = replayed;
  }

  get hints(): number {
    return this.hashes.count;
  }
}

export interface HintStoreOptions {
  readonly engine: StorageEngine;
  readonly committer: GroupCommitter;
  readonly hasher: KeyHasher;
  /** Most hints over all targets; {@link HINTS_MAX_DEFAULT} unless told. */
  readonly hintsMax?: number | undefined;
}

export class HintStore {
  readonly #engine: StorageEngine;
  readonly #committer: GroupCommitter;
  readonly #hasher: KeyHasher;
  readonly #hintsMax: number;
  readonly #targets = new Map<string, HintTarget>();
  #count = 0;
  #isLoaded = false;
  /** Grows when memory is forgotten: what was begun before must not go on. */
  #generation = 0;

  constructor(options: HintStoreOptions) {
    this.#engine = options.engine;
    this.#committer = options.committer;
    this.#hasher = options.hasher;
    this.#hintsMax = options.hintsMax ?? HINTS_MAX_DEFAULT;
  }

  /** Hints over all targets. */
  get count(): number {
    return this.#count;
  }

  /** Whether what an earlier run has left is known. Nothing is sent before. */
  get isLoaded(): boolean {
    return this.#isLoaded;
  }

  targets(): IterableIterator<HintTarget> {
    return this.#targets.values();
  }

  find(identity: string): HintTarget | undefined {
    return this.#targets.get(identity);
  }

  /** Hints for any target in a slot; infinite while nobody can know. */
  outstandingFor(slot: Slot): number {
    if (!this.#isLoaded) return Number.POSITIVE_INFINITY;
    let sum = 0;
    for (const target of this.#targets.values()) sum += target.bySlot[slot]!;
    return sum;
  }

  /**
   * Notes that a target has not been sent the newest record of a key. Queue it before the record, so that it is in the
   * log no later.
   * @returns false when there is no hint: the storage has failed, or there are too many.
   */
  add(identity: string, key: HintedKey): boolean {
    const target = this.#target(identity);
    const { hashHi, hashLo } = key;
    if (target.hashes.has(hashHi, hashLo)) {
      if (target.sending.size > 0) this.#noteWritten(target, hashHi, hashLo);
      return true;
    }
    const slot = slotOf(hashHi);
    if (this.#count >= this.#hintsMax) return this.#drop(target, slot);
    const { bytes, start, length } = key;
    if (this.#committer.put(hintKey(target.prefix, slot, bytes, start, length), EMPTY) === 0) return false;
    this.#remember(target, hashHi, hashLo);
    return true;
  }

  /** Begins to send a hint. @returns false when there is none (any more). */
  begin(target: HintTarget, hashHi: number, hashLo: number): boolean {
    if (!this.#isCurrent(target) || !target.hashes.has(hashHi, hashLo)) return false;
    const id = hashId(hashHi, hashLo);
    if (target.sending.has(id)) return false;
    target.sending.set(id, false);
    return true;
  }

  /**
   * Ends what {@link begin} began.
   * @param isDone the target has said that it holds the record, or a higher one, in its log; or there is nothing to send.
   *   The hint goes, unless the key was written again meanwhile.
   */
  end(target: HintTarget, key: HintedKey, isDone: boolean): void {
    if (!this.#isCurrent(target)) return;
    const { hashHi, hashLo, bytes, start, length } = key;
    const id = hashId(hashHi, hashLo);
    const wasWritten = target.sending.get(id);
    target.sending.delete(id);
    if (!isDone || wasWritten !== false) return;
    const slot = slotOf(hashHi);
    if (this.#committer.delete(hintKey(target.prefix, slot, bytes, start, length)) === 0) return;
    if (!target.hashes.delete(hashHi, hashLo)) return;
    target.bySlot[slot]!--;
    this.#count--;
  }

  /** Nothing is being sent to a target any more: what was not answered stays. */
  endSending(target: HintTarget): void {
    target.sending.clear();
  }

  /** The stored hints of a target in the order of slots and keys; {@link parse} reads them. */
  iterate(target: HintTarget): EngineIterator {
    return this.#engine.iterate(hintRange(target.prefix));
  }

  /** The key that a stored hint names, with its hash; undefined for a mark, which is no hint. */
  parse(engineKey: Uint8Array): HintedKey | undefined {
    const parsed = parseHintKey(engineKey);
    if (parsed === undefined || parsed.key.length === 0) return undefined;
    return this.#hashed(parsed.key);
  }

  /** Marks that a slot of a target has to be compared as a whole. */
  markUnsynced(target: HintTarget, slot: Slot): void {
    if (target.unsynced.has(slot)) return;
    if (this.#committer.put(hintKey(target.prefix, slot, EMPTY, 0, 0), EMPTY) !== 0)
      target.unsynced.add(slot);
  }

  clearUnsynced(target: HintTarget, slot: Slot): void {
    if (!target.unsynced.has(slot)) return;
    if (this.#committer.delete(hintKey(target.prefix, slot, EMPTY, 0, 0)) !== 0) target.unsynced.delete(slot);
  }

  /**
   * Reads what an earlier run has left. Hints can be added meanwhile.
   * @param isStopped asked between turns.
   */
  async load(isStopped: () => boolean): Promise<void> {
    const generation = this.#generation;
    const iterator = this.#engine.iterate(hintRange());
    try {
      for (let isEnd = false; !isEnd; ) {
        const entries = await iterator.next(CHUNK);
        if (isStopped() || generation !== this.#generation) return;
        for (const [engineKey] of entries) this.#onLoaded(engineKey);
        isEnd = entries.length < CHUNK;
      }
    } finally {
      await iterator.close();
    }
    this.#isLoaded = generation === this.#generation;
  }

  /** Deletes everything about a target that there is no more. */
  async dropTarget(target: HintTarget, isStopped: () => boolean): Promise<void> {
    const generation = this.#generation;
    this.#count -= target.hints;
    this.#targets.delete(target.identity);
    const iterator = this.iterate(target);
    try {
      for (let entries: EngineEntry[]; ; ) {
        entries = await iterator.next(CHUNK);
        if (isStopped() || generation !== this.#generation) return;
        for (const [engineKey] of entries) this.#committer.delete(engineKey);
        if (entries.length < CHUNK) return;
      }
    } finally {
      await iterator.close();
    }
  }

  /** The storage has failed, and what was queued may be lost: only the engine knows, once it is open again. */
  forgetMemory(): void {
    this.#generation++;
    this.#isLoaded = false;
    this.#count = 0;
    for (const { identity, dropped, replayed } of [...this.#targets.values()]) {
      this.#targets.set(identity, new HintTarget(identity, dropped, replayed));
    }
  }

  #target(identity: string): HintTarget {
    const known = this.#targets.get(identity);
    if (known !== undefined) return known;
    const target = new HintTarget(identity);
    this.#targets.set(identity, target);
    return target;
  }

  #isCurrent(target: HintTarget): boolean {
    return this.#targets.get(target.identity) === target;
  }

  #remember(target: HintTarget, hashHi: number, hashLo: number): void {
    if (!target.hashes.add(hashHi, hashLo)) return;
    target.bySlot[slotOf(hashHi)]!++;
    this.#count++;
  }

  #noteWritten(target: HintTarget, hashHi: number, hashLo: number): void {
    const id = hashId(hashHi, hashLo);
    if (target.sending.has(id)) target.sending.set(id, true);
  }

  #drop(target: HintTarget, slot: Slot): boolean {
    target.dropped++;
    this.markUnsynced(target, slot);
    return false;
  }

  #onLoaded(engineKey: Uint8Array): void {
    const parsed = parseHintKey(engineKey);
    if (parsed === undefined) return;
    const target = this.#target(parsed.identity);
    if (parsed.key.length === 0) {
      target.unsynced.add(parsed.slot);
      return;
    }
    const { hashHi, hashLo } = this.#hashed(parsed.key);
    this.#remember(target, hashHi, hashLo);
  }

  #hashed(bytes: Uint8Array): HintedKey {
    const hasher = this.#hasher;
    hasher.hash(bytes);
    return { bytes, start: 0, length: bytes.length, hashHi: hasher.hi, hashLo: hasher.lo };
  }
}

function hashId(hashHi: number, hashLo: number): string {
  return `${hashHi}:${hashLo}`;
}
