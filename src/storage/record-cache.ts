/**
 * The hot records of a node, outside the JavaScript heap: the garbage collector never sees them, and finding or putting
 * one allocates nothing.
 *
 * The arena is a ring that is written at its head and evicts at its tail. An entry that was found since it was written
 * gets a second chance: it moves to the head instead, once per finding (FIFO with reinsertion; Yang et al., "FIFO
 * queues are all you need for cache eviction", SOSP 2023). A record of the same size is replaced where it lies.
 *
 * Records that are still queued for the log exist nowhere else, and reads must see them: they are never evicted. When
 * there is no room without that, `put` refuses, and the caller keeps the record.
 *
 * An entry, at a multiple of 8, in the machine's byte order since it never leaves the process:
 *
 *     u32 length of all of it | flags · u32 hash hi · u32 hash lo · u32 key length · f64 seq · u32 record length · key · record
 */
import { assert } from '../base/errors.js';
import { HashIndex } from './hash-index.js';

export interface RecordCacheOptions {
  /** Size of the arena; 0 for no cache. The operating system gives memory only as it is first used. */
  readonly bytes: number;
  /** Longer records are refused; unless told 1/64 of the arena, at most 64 KiB. */
  readonly recordBytesMax?: number;
}

// Offsets of an entry's u32 fields, in words.
const HASH_HI = 1;
const HASH_LO = 2;
const KEY_LENGTH = 3;
const RECORD_LENGTH = 6;
/** Offset of the sequence number, in f64s. */
const SEQ = 2;
const HEADER_BYTES = 28;

// Entries are multiples of 8 long, which leaves the low bits of the length for flags.
/** Clear: the entry was removed, or pads the end of the arena. */
const LIVE = 1;
/** Found since it was written: it moves to the head when the tail comes by. */
const REFERENCED = 2;
const LENGTH_MASK = ~7;

const RECORD_BYTES_MAX = 64 * 1024;
const ARENA_BYTES_MAX = 2 ** 31 - 8;
/** Second chances that one put may grant, so that no put pays for all entries having been found. */
const CHANCES_MAX = 8;
/** Queued records that one put may move out of its way before it refuses. */
const QUEUED_MOVES_MAX = 128;

export class RecordCache {
  /** The arena. */
  readonly bytes: Uint8Array;
  /** The same bytes. */
  readonly view: DataView;
  readonly #words: Uint32Array;
  readonly #doubles: Float64Array;
  readonly #capacity: number;
  readonly #recordBytesMax: number;
  /** From the low half of the hash to the entry's offset / 8. */
  readonly #index = new HashIndex();
  /** Where the next entry is written. */
  #head = 0;
  /** The oldest entry. */
  #tail = 0;
  /** Bytes from tail to head, which tells a full ring from an empty one. */
  #used = 0;
  #chancesLeft = 0;
  #queuedMovesLeft = 0;

  constructor(options: RecordCacheOptions) {
    assert(options.bytes <= ARENA_BYTES_MAX, `a record cache of ${options.bytes} bytes`);
    this.#capacity = Math.floor(options.bytes / 8) * 8;
    this.#recordBytesMax =
      options.recordBytesMax ?? Math.min(Math.floor(options.bytes / 64), RECORD_BYTES_MAX);
    const arena = new ArrayBuffer(this.#capacity);
    this.bytes = new Uint8Array(arena);
    this.view = new DataView(arena);
    this.#words = new Uint32Array(arena);
    this.#doubles = new Float64Array(arena);
  }

  /** Records held. */
  get count(): number {
    return this.#index.count;
  }

  /**
   * The entry of a key, or −1.
   * @returns a handle, valid until the next `put`, `remove` or `clear`.
   */
  find(hashHi: number, hashLo: number, key: Uint8Array, keyStart: number, keyLength: number): number {
    const handle = this.#lookUp(hashHi, hashLo, key, keyStart, keyLength);
    if (handle >= 0) this.#words[handle >>> 2]! |= REFERENCED;
    return handle;
  }

  /** The sequence number that was given with the record. */
  seq(handle: number): number {
    return this.#doubles[(handle >>> 3) + SEQ]!;
  }

  /** Where the record begins in {@link bytes}. */
  recordStart(handle: number): number {
    return handle + HEADER_BYTES + this.#words[(handle >>> 2) + KEY_LENGTH]!;
  }

  recordLength(handle: number): number {
    return this.#words[(handle >>> 2) + RECORD_LENGTH]!;
  }

  /**
   * Takes a copy of the record, in place of the one the key has. The bytes must not be this cache's own.
   *
   * Positional parameters, as in `find`: an options object for each record would be the only allocation here.
   * @param seq the batch that the record is queued in, or any committed one (0) when it comes from the log.
   * @param committedSeq entries with a higher `seq` are not evicted.
   * @returns false when there is no room, or the record is too long; then the key has no entry.
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
    seq: number,
    committedSeq: number,
  ): boolean {
    const length = (HEADER_BYTES + keyLength + recordLength + 7) & LENGTH_MASK;
    const existing = this.#lookUp(hashHi, hashLo, key, keyStart, keyLength);
    if (existing >= 0 && (this.#words[existing >>> 2]! & LENGTH_MASK) === length) {
      this.#words[existing >>> 2]! |= REFERENCED;
      this.#writeRecord(existing, record, recordStart, recordLength, seq);
      return true;
    }
    if (existing >= 0) this.#drop(existing);
    if (recordLength > this.#recordBytesMax || !this.#makeRoom(length, committedSeq)) return false;
    const handle = this.#append(length);
    this.#writeKey(handle, hashHi, hashLo, key, keyStart, keyLength);
    this.#writeRecord(handle, record, recordStart, recordLength, seq);
    this.#index.insert(hashLo, handle >>> 3);
    return true;
  }

  /** Forgets a key. Its bytes are used again when the tail has passed them. */
  remove(hashHi: number, hashLo: number, key: Uint8Array, keyStart: number, keyLength: number): void {
    const handle = this.#lookUp(hashHi, hashLo, key, keyStart, keyLength);
    if (handle >= 0) this.#drop(handle);
  }

  clear(): void {
    this.#index.clear();
    this.#head = 0;
    this.#tail = 0;
    this.#used = 0;
  }

  #lookUp(hashHi: number, hashLo: number, key: Uint8Array, keyStart: number, keyLength: number): number {
    const index = this.#index;
    for (let slot = index.first(hashLo); slot >= 0; slot = index.next(slot, hashLo)) {
      const handle = index.positionAt(slot) * 8;
      if (this.#isKey(handle, hashHi, key, keyStart, keyLength)) return handle;
    }
    return -1;
  }

  #isKey(handle: number, hashHi: number, key: Uint8Array, keyStart: number, keyLength: number): boolean {
    const word = handle >>> 2;
    if (this.#words[word + HASH_HI] !== hashHi >>> 0 || this.#words[word + KEY_LENGTH] !== keyLength)
      return false;
    const bytes = this.bytes;
    const start = handle + HEADER_BYTES;
    for (let i = 0; i < keyLength; i++) if (bytes[start + i] !== key[keyStart + i]) return false;
    return true;
  }

  #drop(handle: number): void {
    const word = handle >>> 2;
    this.#index.delete(this.#words[word + HASH_LO]!, handle >>> 3);
    this.#words[word]! &= LENGTH_MASK;
  }

  /** Frees `length` bytes in one piece at the head. */
  #makeRoom(length: number, committedSeq: number): boolean {
    if (length > this.#capacity) return false;
    this.#chancesLeft = CHANCES_MAX;
    this.#queuedMovesLeft = QUEUED_MOVES_MAX;
    while (!this.#fits(length)) if (!this.#passTail(committedSeq)) return false;
    return true;
  }

  /** Whether `length` bytes are free at the head; goes round to the start of the arena if they are free there. */
  #fits(length: number): boolean {
    if (this.#used === 0) this.#head = this.#tail = 0;
    const isWrapped = this.#head < this.#tail || this.#used === this.#capacity;
    if (isWrapped) return this.#tail - this.#head >= length;
    if (this.#capacity - this.#head >= length) return true;
    if (this.#tail < length) return false;
    this.#padToEnd();
    return true;
  }

  /** Frees the oldest entry, or moves it to the head. False: it is queued, and enough of those have been moved. */
  #passTail(committedSeq: number): boolean {
    const tail = this.#tail;
    const flags = this.#words[tail >>> 2]!;
    const isQueued = (flags & LIVE) !== 0 && this.seq(tail) > committedSeq;
    if (isQueued && this.#queuedMovesLeft-- === 0) return false;
    const isMoving = isQueued || ((flags & REFERENCED) !== 0 && this.#chancesLeft-- > 0);
    if ((flags & LIVE) !== 0 && !isMoving) this.#drop(tail);
    const length = flags & LENGTH_MASK;
    this.#tail = tail + length === this.#capacity ? 0 : tail + length;
    this.#used -= length;
    if (isMoving) this.#moveToHead(tail, length);
    return true;
  }

  /** The tail has just passed the entry, so there is room for it at the head, though perhaps overlapping itself. */
  #moveToHead(from: number, length: number): void {
    if (this.#capacity - this.#head < length) this.#padToEnd();
    const to = this.#append(length);
    this.bytes.copyWithin(to, from, from + length);
    const word = to >>> 2;
    this.#words[word]! &= ~REFERENCED;
    this.#index.move(this.#words[word + HASH_LO]!, from >>> 3, to >>> 3);
  }

  /** Fills the end of the arena with an entry that is not live. */
  #padToEnd(): void {
    const length = this.#capacity - this.#head;
    this.#words[this.#head >>> 2] = length;
    this.#used += length;
    this.#head = 0;
  }

  #append(length: number): number {
    const handle = this.#head;
    this.#head = handle + length === this.#capacity ? 0 : handle + length;
    this.#used += length;
    this.#words[handle >>> 2] = length | LIVE;
    return handle;
  }

  #writeKey(
    handle: number,
    hashHi: number,
    hashLo: number,
    key: Uint8Array,
    keyStart: number,
    keyLength: number,
  ): void {
    const word = handle >>> 2;
    this.#words[word + HASH_HI] = hashHi;
    this.#words[word + HASH_LO] = hashLo;
    this.#words[word + KEY_LENGTH] = keyLength;
    copy(key, keyStart, keyLength, this.bytes, handle + HEADER_BYTES);
  }

  #writeRecord(
    handle: number,
    record: Uint8Array,
    recordStart: number,
    recordLength: number,
    seq: number,
  ): void {
    this.#doubles[(handle >>> 3) + SEQ] = seq;
    this.#words[(handle >>> 2) + RECORD_LENGTH] = recordLength;
    copy(record, recordStart, recordLength, this.bytes, this.recordStart(handle));
  }
}

/** Below this, a loop beats `set` with the view that it needs. */
const LOOP_BYTES_MAX = 64;

function copy(from: Uint8Array, fromStart: number, length: number, to: Uint8Array, toStart: number): void {
  if (length > LOOP_BYTES_MAX) to.set(from.subarray(fromStart, fromStart + length), toStart);
  else for (let i = 0; i < length; i++) to[toStart + i] = from[fromStart + i]!;
}
