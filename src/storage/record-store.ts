/**
 * The records of one node: the newest known record of each key, and whether it is in the log yet.
 *
 * It joins the hot-record cache, the records that are queued for the log, and the engine. `find` answers with the
 * newest of them, and with the batch in which a queued one will commit: comparing uses what is queued, speaking waits
 * for the commit (DESIGN §3, "a replica speaks only of what is in its log").
 */
import { viewOf } from '../base/bytes.js';
import { messageOf } from '../base/errors.js';
import type { Clock } from '../ports/clock.js';
import type { Log, LogFields } from '../ports/log.js';
import type { EngineIterator, StorageEngine } from '../ports/storage-engine.js';
import { slotOf } from '../ring/slot.js';
import { checkRecord } from '../version/record.js';
import type { GroupCommitter } from './group-committer.js';
import { EngineKey, engineKey, slotRange } from './keyspace.js';
import type { RecordCache } from './record-cache.js';

/** Nothing is held for the key. */
export const MISSING = 0;
/** The record is in the log. */
export const COMMITTED = 1;
/** The record is queued; it will be in the log when batch `seq` has committed. */
export const QUEUED = 2;
/** What is stored fails its checksum or cannot be read: nothing can be said about the key. */
export const CORRUPT = 3;
export type FindState = typeof MISSING | typeof COMMITTED | typeof QUEUED | typeof CORRUPT;
/** {@link RecordStore.findForRead}: not in memory, and enough has been read from the engine in this turn. */
export const COLD = 4;

/** Engine reads on the main thread in one turn of the event loop; the rest of the turn's go to other threads together. */
const COLD_READS_PER_TURN = 8;

/** A record that the cache could not take while it waits for the log. */
interface Uncached {
  readonly record: Uint8Array;
  readonly view: DataView;
  readonly seq: number;
}

const EMPTY = new Uint8Array(0);
const EMPTY_VIEW = new DataView(EMPTY.buffer);
/** Committed leftovers among the uncached are swept at this many (or bytes), or at twice what the last sweep left. */
const UNCACHED_SWEEP_MIN = 256;
const UNCACHED_SWEEP_BYTES_MIN = 8 * 1024 * 1024;

/** Removals that are remembered before those that have committed are looked for. */
const REMOVED_SWEEP = 1024;

/** A key with its hash, for reading many together. */
export interface StoredKey {
  readonly key: Uint8Array;
  readonly hashHi: number;
  readonly hashLo: number;
}

export interface RecordStoreOptions {
  readonly clock: Clock;
  readonly engine: StorageEngine;
  readonly committer: GroupCommitter;
  readonly cache: RecordCache;
  readonly log: Log;
}

export class RecordStore {
  readonly #engine: StorageEngine;
  readonly #committer: GroupCommitter;
  readonly #cache: RecordCache;
  readonly #log: Log;
  readonly #engineKey = new EngineKey();
  readonly #uncached = new Map<string, Uncached>();
  #sweepAt = UNCACHED_SWEEP_MIN;
  /** Bytes put there since the last sweep, and those it left; replaced ones count until then. */
  #uncachedBytes = 0;
  #sweepAtBytes = UNCACHED_SWEEP_BYTES_MIN;
  readonly #clock: Clock;
  #coldReads = 0;
  /** Keys whose records are being read by {@link warm}, and by which call of it; a write takes its key out. */
  readonly #warming = new Map<string, number>();
  #warmings = 0;
  /** Keys taken out by {@link remove}, and the batch that does it: until it has committed, the engine still has them. */
  readonly #removed = new Map<string, number>();
  readonly #onTurnEnd = () => {
    this.#coldReads = 0;
  };
  /** Records found corrupt since the start. */
  corruptRecords = 0;

  // The result of the last `find`: where the record lies, and the batch it waits for. Valid until the next call.
  bytes: Uint8Array = EMPTY;
  view: DataView = EMPTY_VIEW;
  start = 0;
  length = 0;
  seq = 0;

  constructor(options: RecordStoreOptions) {
    this.#clock = options.clock;
    this.#engine = options.engine;
    this.#committer = options.committer;
    this.#cache = options.cache;
    this.#log = options.log;
  }

  /** Records that the cache holds. */
  get cachedRecords(): number {
    return this.#cache.count;
  }

  /** Looks up the newest record of a key; the fields of this object say where it is. */
  find(hashHi: number, hashLo: number, key: Uint8Array, keyStart: number, keyLength: number): FindState {
    const state = this.#findHot(hashHi, hashLo, key, keyStart, keyLength);
    return state === MISSING ? this.#findStored(hashHi, hashLo, key, keyStart, keyLength) : state;
  }

  /**
   * Like {@link find}, but answers COLD when the engine would have to be asked and has been asked enough in this turn:
   * many keys are read together faster, and off the main thread, by {@link warm}.
   */
  findForRead(
    hashHi: number,
    hashLo: number,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
  ): FindState | typeof COLD {
    const state = this.#findHot(hashHi, hashLo, key, keyStart, keyLength);
    if (state !== MISSING) return state;
    if (this.#coldReads >= COLD_READS_PER_TURN) return COLD;
    if (this.#coldReads++ === 0) this.#clock.defer(this.#onTurnEnd);
    return this.#findStored(hashHi, hashLo, key, keyStart, keyLength);
  }

  /** Reads records of many keys into the cache, but for those that are written meanwhile. */
  async warm(keys: readonly StoredKey[]): Promise<void> {
    const warming = ++this.#warmings;
    for (const { key } of keys) this.#warming.set(latin1(key, 0, key.length), warming);
    const engineKeys = keys.map(({ hashHi, key }) => engineKey(slotOf(hashHi), key));
    const stored = await this.#engine.getMany(engineKeys).catch(() => []);
    const committed = this.#committer.committedSeq;
    for (const [i, { key, hashHi, hashLo }] of keys.entries()) {
      // What was read is older than what has been written since, even if that has left memory again.
      const id = latin1(key, 0, key.length);
      const isCurrent = this.#warming.get(id) === warming;
      if (isCurrent) this.#warming.delete(id);
      const record = stored[i];
      if (!isCurrent || record === undefined || !checkRecord(record, hashLo)) continue;
      if (this.#removed.size > 0 && this.#isRemoved(id)) continue;
      this.#cache.put(hashHi, hashLo, key, 0, key.length, record, 0, record.length, 0, committed);
    }
  }

  /** Like {@link find}, of what is in memory only. */
  #findHot(hashHi: number, hashLo: number, key: Uint8Array, keyStart: number, keyLength: number): FindState {
    const cache = this.#cache;
    const handle = cache.find(hashHi, hashLo, key, keyStart, keyLength);
    if (handle >= 0) {
      const seq = cache.seq(handle);
      this.#point(cache.bytes, cache.view, cache.recordStart(handle), cache.recordLength(handle), seq);
      return seq > this.#committer.committedSeq ? QUEUED : COMMITTED;
    }
    if (this.#uncached.size === 0) return MISSING;
    const uncached = this.#uncached.get(latin1(key, keyStart, keyLength));
    if (uncached === undefined) return MISSING;
    this.#point(uncached.record, uncached.view, 0, uncached.record.length, uncached.seq);
    return uncached.seq > this.#committer.committedSeq ? QUEUED : COMMITTED;
  }

  /**
   * Queues a record for the log. It is what `find` answers with from now on.
   * @returns the batch it will commit in, or 0 when the storage has failed and nothing was queued.
   */
  put(
    hashHi: number,
    hashLo: number,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
    record: Uint8Array,
    recordStart: number,
    recordLength: number,
  ): number {
    const where = this.#engineKey.of(hashHi, key, keyStart, keyLength);
    const seq = this.#committer.put(where, record.subarray(recordStart, recordStart + recordLength));
    if (seq === 0) return 0;
    if (this.#warming.size > 0) this.#warming.delete(latin1(key, keyStart, keyLength));
    if (this.#removed.size > 0) this.#removed.delete(latin1(key, keyStart, keyLength));
    const committed = this.#committer.committedSeq;
    const cached = this.#cache.put(
      hashHi,
      hashLo,
      key,
      keyStart,
      keyLength,
      record,
      recordStart,
      recordLength,
      seq,
      committed,
    );
    if (!cached) this.#keepUncached(latin1(key, keyStart, keyLength), record, recordStart, recordLength, seq);
    else if (this.#uncached.size > 0) this.#uncached.delete(latin1(key, keyStart, keyLength));
    return seq;
  }

  /**
   * Takes out the record of a key. From now on nothing is found.
   * @returns the batch it will commit in, or 0 when the storage has failed and nothing was queued.
   */
  remove(hashHi: number, hashLo: number, key: Uint8Array, keyStart: number, keyLength: number): number {
    const seq = this.#committer.delete(this.#engineKey.of(hashHi, key, keyStart, keyLength));
    if (seq === 0) return 0;
    const id = latin1(key, keyStart, keyLength);
    this.#warming.delete(id);
    this.#uncached.delete(id);
    this.#cache.remove(hashHi, hashLo, key, keyStart, keyLength);
    if (this.#removed.size >= REMOVED_SWEEP) {
      for (const known of [...this.#removed.keys()]) this.#isRemoved(known);
    }
    this.#removed.set(id, seq);
    return seq;
  }

  /** Whether the removal of a key is still on its way to the engine. */
  #isRemoved(id: string): boolean {
    const seq = this.#removed.get(id);
    if (seq === undefined) return false;
    if (seq > this.#committer.committedSeq) return true;
    this.#removed.delete(id);
    return false;
  }

  /** Forgets everything that is only in memory, after the storage has failed: what was queued may be lost. */
  forgetMemory(): void {
    this.#warming.clear();
    this.#removed.clear();
    this.#cache.clear();
    this.#uncached.clear();
  }

  /** Iterates over engine keys and records that are in the log, from one slot position on; see `keyspace.ts`. */
  iterate(from: Uint8Array, to: Uint8Array = slotRange().to): EngineIterator {
    return this.#engine.iterate({ from, to });
  }

  /** What is in the log under these engine keys, read off the main thread and unchecked. */
  readStored(engineKeys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#engine.getMany(engineKeys);
  }

  /** Whether no record has ever been stored, tombstones included. */
  async isEmpty(): Promise<boolean> {
    if (this.#cache.count > 0 || this.#uncached.size > 0) return false;
    const iterator = this.iterate(slotRange().from);
    const first = await iterator.next(1);
    await iterator.close();
    return first.length === 0;
  }

  #findStored(
    hashHi: number,
    hashLo: number,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
  ): FindState {
    if (this.#removed.size > 0 && this.#isRemoved(latin1(key, keyStart, keyLength))) return MISSING;
    let stored: Uint8Array | undefined;
    try {
      stored = this.#engine.getSync(this.#engineKey.of(hashHi, key, keyStart, keyLength));
    } catch (error) {
      this.#onCorrupt({ hashHi, hashLo, problem: messageOf(error) });
      return CORRUPT;
    }
    if (stored === undefined) return MISSING;
    if (!checkRecord(stored, hashLo)) {
      this.#onCorrupt({ hashHi, hashLo, problem: 'its checksum does not match', bytes: stored.length });
      return CORRUPT;
    }
    const committed = this.#committer.committedSeq;
    this.#cache.put(hashHi, hashLo, key, keyStart, keyLength, stored, 0, stored.length, 0, committed);
    this.#point(stored, viewOf(stored), 0, stored.length, 0);
    return COMMITTED;
  }

  #onCorrupt(fields: LogFields): void {
    this.corruptRecords++;
    // Whoever mends it says so aloud, once; it is found again and again until then.
    this.#log.debug('a stored record cannot be read', fields);
  }

  #keepUncached(id: string, record: Uint8Array, start: number, length: number, seq: number): void {
    const copy = record.slice(start, start + length);
    this.#uncached.set(id, { record: copy, view: viewOf(copy), seq });
    this.#uncachedBytes += length;
    if (this.#uncached.size >= this.#sweepAt || this.#uncachedBytes >= this.#sweepAtBytes)
      this.#sweepUncached();
  }

  #sweepUncached(): void {
    const committed = this.#committer.committedSeq;
    let bytesLeft = 0;
    for (const [id, entry] of this.#uncached) {
      if (entry.seq <= committed) this.#uncached.delete(id);
      else bytesLeft += entry.record.length;
    }
    // Twice what is left, so that sweeping costs each put the same however much is queued.
    this.#sweepAt = Math.max(UNCACHED_SWEEP_MIN, this.#uncached.size * 2);
    this.#sweepAtBytes = Math.max(UNCACHED_SWEEP_BYTES_MIN, bytesLeft * 2);
    this.#uncachedBytes = bytesLeft;
  }

  #point(bytes: Uint8Array, view: DataView, start: number, length: number, seq: number): void {
    this.bytes = bytes;
    this.view = view;
    this.start = start;
    this.length = length;
    this.seq = seq;
  }
}

/** A map key for bytes: one character per byte. */
function latin1(key: Uint8Array, start: number, length: number): string {
  return Buffer.from(key.buffer, key.byteOffset + start, length).toString('latin1');
}
