/**
 * Hash trees over the records of each slot, in memory and always up to date: what anti-entropy compares.
 *
 * A slot has 64 leaves of 64 bits. A leaf is the XOR, over its records, of a hash of (key's hash, version); 8 leaves make
 * a group, 8 groups the root, each the XOR of what is below. So a write takes the old version out and puts the new
 * one in at three places, in any order, without looking at other records. A version stands for its record, so that
 * neither values nor flags are hashed. Beside the tree, a slot has counts that collecting tombstones goes by.
 *
 * A slot's tree is *not built* (nothing is known), *building* (`tree-builder.ts` is reading the slot; keys that are
 * written meanwhile are noted), or *built*. No I/O here. The hash travels between nodes and lies on their disks: it
 * never changes (`../wire/FORMAT.md` has the worked example).
 */

import { readU64 } from '../base/bytes.js';
import { assert } from '../base/errors.js';
import { SLOT_COUNT, slotOf } from '../ring/slot.js';
import {
  FLAG_EXPIRY,
  FLAG_TOMBSTONE,
  RECORD_EXPIRY_OFFSET,
  RECORD_FLAGS_OFFSET,
  RECORD_NODE_OFFSET,
  RECORD_TIME_OFFSET,
} from '../version/record.js';

/** Leaves of a slot's tree, and groups of leaves. */
export const LEAF_COUNT = 64;
export const GROUP_COUNT = 8;
export const LEAVES_PER_GROUP = LEAF_COUNT / GROUP_COUNT;
/** Bytes of a leaf, a group or a root. */
export const TREE_HASH_BYTES = 8;

/** Slots of one page: what memory is taken by, and what a checkpoint is cut into. */
export const PAGE_SLOTS = 64;
export const PAGE_COUNT = SLOT_COUNT / PAGE_SLOTS;

// A slot's row, in words: root, three counts, groups, leaves. What each write touches lies together but for the leaf.
const RECORDS_AT = 2;
const TOMBSTONES_AT = 3;
const EXPIRING_AT = 4;
const GROUPS_AT = 5;
const LEAVES_AT = GROUPS_AT + GROUP_COUNT * 2;
const ROW_WORDS = LEAVES_AT + LEAF_COUNT * 2;
export const PAGE_WORDS = PAGE_SLOTS * ROW_WORDS;

/** A leaf's number is the six bits of the key's hash below those of the slot. */
const LEAF_SHIFT = 14;

const NOT_BUILT = 0;
const BUILDING = 1;
const BUILT = 2;

/** In the place of the flags of a record that there is not; none of the flags that are looked for. */
const NO_RECORD = 0x100;

/** What is newest of a key that was written while its slot is being built. Version and flags as in its record. */
interface Noted {
  readonly hashHi: number;
  readonly hashLo: number;
  /** Undefined: the key is gone. */
  readonly header: DataView | undefined;
}

/** What a slot holds, by its tree. */
export interface SlotCounts {
  readonly records: number;
  readonly tombstones: number;
  /** Records with an expiry. */
  readonly expiring: number;
  /**
   * No record of the slot expires before this (milliseconds since 1970; Infinity: none does). A bound only: the record
   * that it came from may be gone.
   */
  readonly lowestExpiryMs: number;
}

export class SlotTrees {
  readonly #pages: (Uint32Array | undefined)[] = new Array(PAGE_COUNT).fill(undefined);
  readonly #states = new Uint8Array(SLOT_COUNT);
  readonly #lowestExpiryMs = new Float64Array(SLOT_COUNT).fill(Infinity);
  #builtCount = 0;
  /** Keys written in slots that are being built, by slot and then by the 52 bits of the hash that the slot leaves. */
  readonly #noted = new Map<number, Map<number, Noted>>();
  // The two words of the last hash: results without an object.
  #hashA = 0;
  #hashB = 0;

  /** Slots whose trees are built. */
  get builtCount(): number {
    return this.#builtCount;
  }

  /** Memory of the trees: at most 2.5 MB, however many keys there are. */
  get bytes(): number {
    const pages = this.#pages.reduce((sum, page) => sum + (page?.byteLength ?? 0), 0);
    return pages + this.#states.byteLength + this.#lowestExpiryMs.byteLength;
  }

  isBuilt(slot: number): boolean {
    return this.#states[slot] === BUILT;
  }

  /**
   * A record takes the place of another; each is given by where it begins in a view, and −1 stands for none. Called
   * where a record is queued, so it allocates nothing (but the page of a slot that is used for the first time, and notes
   * while a slot is being built).
   */
  replace(
    hashHi: number,
    hashLo: number,
    oldView: DataView,
    oldStart: number,
    newView: DataView,
    newStart: number,
  ): void {
    const slot = slotOf(hashHi);
    const state = this.#states[slot];
    if (state !== BUILT) {
      if (state === BUILDING) this.#note(slot, hashHi, hashLo, newView, newStart);
      return;
    }
    this.#swap(slot, hashHi, hashLo, oldView, oldStart, newView, newStart);
  }

  /** The root of a slot, in two halves; 0 and 0 when it is empty. */
  rootHi(slot: number): number {
    return this.#word(slot, 0);
  }

  rootLo(slot: number): number {
    return this.#word(slot, 1);
  }

  /** The groups of a slot, 8 bytes each. */
  groups(slot: number): Uint8Array {
    return this.#copy(slot, GROUPS_AT, GROUP_COUNT);
  }

  /** The leaves of one group of a slot, 8 bytes each. */
  leaves(slot: number, group: number): Uint8Array {
    return this.#copy(slot, LEAVES_AT + group * LEAVES_PER_GROUP * 2, LEAVES_PER_GROUP);
  }

  /** One hash over the roots of these slots, in this order: 8 bytes. */
  digest(slots: readonly number[]): Uint8Array {
    let a = slots.length;
    let b = ~slots.length;
    for (const slot of slots) {
      const words = this.#page(slot);
      const row = rowOf(slot);
      if (words === undefined) this.#mix(a, b, slot, 0, 0);
      else this.#mix(a, b, slot, words[row]!, words[row + 1]!);
      a = this.#hashA;
      b = this.#hashB;
    }
    const bytes = new Uint8Array(TREE_HASH_BYTES);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, a >>> 0);
    view.setUint32(4, b >>> 0);
    return bytes;
  }

  counts(slot: number): SlotCounts {
    return {
      records: this.#word(slot, RECORDS_AT),
      tombstones: this.#word(slot, TOMBSTONES_AT),
      expiring: this.#word(slot, EXPIRING_AT),
      lowestExpiryMs: this.#lowestExpiryMs[slot]!,
    };
  }

  /** Nothing is known of what the slot holds from now on: it is to be built again. */
  forget(slot: number): void {
    if (this.#states[slot] === BUILT) this.#builtCount--;
    this.#states[slot] = NOT_BUILT;
    this.#noted.delete(slot);
  }

  forgetAll(): void {
    this.#states.fill(NOT_BUILT);
    this.#builtCount = 0;
    this.#noted.clear();
  }

  /** Begins anew: until {@link finishBuilding}, what is written in the slot is noted. */
  beginBuilding(slot: number): void {
    this.forget(slot);
    this.#states[slot] = BUILDING;
    this.#page(slot)?.fill(0, rowOf(slot), rowOf(slot) + ROW_WORDS);
    this.#lowestExpiryMs[slot] = Infinity;
  }

  isBuilding(slot: number): boolean {
    return this.#states[slot] === BUILDING;
  }

  /** A stored record of a slot that is being built. It counts unless its key has been written since. */
  add(hashHi: number, hashLo: number, view: DataView, start: number): void {
    const slot = slotOf(hashHi);
    if (this.#states[slot] !== BUILDING) return; // It was forgotten meanwhile: what is added is of no use.
    if (this.#noted.get(slot)?.has(idOf(hashHi, hashLo)) === true) return;
    this.#swap(slot, hashHi, hashLo, view, -1, view, start);
  }

  /**
   * All stored records have been added: the noted ones follow, and the slot is built.
   * @returns false when it was forgotten meanwhile.
   */
  finishBuilding(slot: number): boolean {
    if (this.#states[slot] !== BUILDING) return false;
    for (const { hashHi, hashLo, header } of this.#noted.get(slot)?.values() ?? []) {
      if (header !== undefined) this.#swap(slot, hashHi, hashLo, header, -1, header, 0);
    }
    this.#noted.delete(slot);
    this.#states[slot] = BUILT;
    this.#builtCount++;
    return true;
  }

  /** For a checkpoint: the words of a page, or undefined when none of its slots has ever been used. */
  pageWords(page: number): Uint32Array | undefined {
    return this.#pages[page];
  }

  lowestExpiryMs(slot: number): number {
    return this.#lowestExpiryMs[slot]!;
  }

  /** Takes over a page of a checkpoint. `words` is not copied. */
  restorePage(page: number, words: Uint32Array, lowestExpiryMs: Float64Array): void {
    assert(words.length === PAGE_WORDS && lowestExpiryMs.length === PAGE_SLOTS, 'a page of another size');
    this.#pages[page] = words;
    this.#lowestExpiryMs.set(lowestExpiryMs, page * PAGE_SLOTS);
  }

  /** What the tree of this slot says is true, by a checkpoint or because nothing is stored at all. */
  declareBuilt(slot: number): void {
    if (this.#states[slot] !== BUILT) this.#builtCount++;
    this.#states[slot] = BUILT;
  }

  /** Takes one record out of a slot's tree and puts another in; either may be missing (−1). */
  #swap(
    slot: number,
    hashHi: number,
    hashLo: number,
    oldView: DataView,
    oldStart: number,
    newView: DataView,
    newStart: number,
  ): void {
    let a = 0;
    let b = 0;
    let oldFlags = NO_RECORD;
    let newFlags = NO_RECORD;
    if (oldStart >= 0) {
      this.#mixRecord(hashHi, hashLo, oldView, oldStart);
      a = this.#hashA;
      b = this.#hashB;
      oldFlags = oldView.getUint8(oldStart + RECORD_FLAGS_OFFSET);
    }
    if (newStart >= 0) {
      this.#mixRecord(hashHi, hashLo, newView, newStart);
      a ^= this.#hashA;
      b ^= this.#hashB;
      newFlags = newView.getUint8(newStart + RECORD_FLAGS_OFFSET);
    }
    const words = this.#page(slot) ?? this.#newPage(slot);
    const row = rowOf(slot);
    const leaf = leafOf(hashHi);
    const leafAt = row + LEAVES_AT + leaf * 2;
    const groupAt = row + GROUPS_AT + (leaf >>> 3) * 2;
    words[row]! ^= a;
    words[row + 1]! ^= b;
    words[groupAt]! ^= a;
    words[groupAt + 1]! ^= b;
    words[leafAt]! ^= a;
    words[leafAt + 1]! ^= b;
    if (oldFlags !== newFlags) {
      if (oldFlags !== NO_RECORD) count(words, row, oldFlags, -1);
      if (newFlags !== NO_RECORD) count(words, row, newFlags, 1);
    }
    if ((newFlags & FLAG_EXPIRY) !== 0) this.#noteExpiry(slot, newView, newStart);
  }

  #noteExpiry(slot: number, view: DataView, start: number): void {
    const expiryMs = readU64(view, start + RECORD_EXPIRY_OFFSET);
    if (expiryMs < this.#lowestExpiryMs[slot]!) this.#lowestExpiryMs[slot] = expiryMs;
  }

  #mixRecord(hashHi: number, hashLo: number, view: DataView, start: number): void {
    this.#mix(
      hashHi | 0,
      hashLo | 0,
      view.getInt32(start + RECORD_TIME_OFFSET),
      view.getInt32(start + RECORD_TIME_OFFSET + 4),
      view.getInt32(start + RECORD_NODE_OFFSET),
    );
  }

  #note(slot: number, hashHi: number, hashLo: number, view: DataView, start: number): void {
    let keys = this.#noted.get(slot);
    if (keys === undefined) {
      keys = new Map();
      this.#noted.set(slot, keys);
    }
    const header = start < 0 ? undefined : copyHeader(view, start);
    keys.set(idOf(hashHi, hashLo), { hashHi, hashLo, header });
  }

  /** Two mixes of five words, finished like MurmurHash3's 128-bit variant: 64 bits that any change of a word changes. */
  #mix(w0: number, w1: number, w2: number, w3: number, w4: number): void {
    let a = absorb(absorb(absorb(absorb(absorb(0x9747b28c | 0, w0), w1), w2), w3), w4);
    let b = soak(soak(soak(soak(soak(0x5bd1e995, w0), w1), w2), w3), w4);
    a = (a + b) | 0;
    b = (b + a) | 0;
    a = finish(a);
    b = finish(b);
    a = (a + b) | 0;
    this.#hashA = a;
    this.#hashB = (b + a) | 0;
  }

  #page(slot: number): Uint32Array | undefined {
    return this.#pages[slot >>> 6];
  }

  #newPage(slot: number): Uint32Array {
    const page = new Uint32Array(PAGE_WORDS);
    this.#pages[slot >>> 6] = page;
    return page;
  }

  #word(slot: number, at: number): number {
    return this.#page(slot)?.[rowOf(slot) + at] ?? 0;
  }

  #copy(slot: number, at: number, hashes: number): Uint8Array {
    const bytes = new Uint8Array(hashes * TREE_HASH_BYTES);
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < hashes * 2; i++) view.setUint32(i * 4, this.#word(slot, at + i));
    return bytes;
  }
}

/** The leaf of keys whose hash has this upper half. */
export function leafOf(hashHi: number): number {
  return (hashHi >>> LEAF_SHIFT) & (LEAF_COUNT - 1);
}

function rowOf(slot: number): number {
  return (slot & (PAGE_SLOTS - 1)) * ROW_WORDS;
}

/** What tells the keys of one slot apart: the hash without the slot's bits, which fits a number. */
function idOf(hashHi: number, hashLo: number): number {
  return (hashHi & 0xfffff) * 4294967296 + hashLo;
}

/** Counts a record with these flags in (1) or out (−1). */
function count(words: Uint32Array, row: number, flags: number, change: 1 | -1): void {
  words[row + RECORDS_AT]! += change;
  if (flags & FLAG_TOMBSTONE) words[row + TOMBSTONES_AT]! += change;
  if (flags & FLAG_EXPIRY) words[row + EXPIRING_AT]! += change;
}

function copyHeader(view: DataView, start: number): DataView {
  const isExpiring = (view.getUint8(start + RECORD_FLAGS_OFFSET) & FLAG_EXPIRY) !== 0;
  const length = RECORD_EXPIRY_OFFSET + (isExpiring ? 8 : 0);
  const from = view.byteOffset + start;
  return new DataView(view.buffer.slice(from, from + length) as ArrayBuffer);
}

function absorb(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = (k << 15) | (k >>> 17);
  const mixed = h ^ Math.imul(k, 0x1b873593);
  return (Math.imul((mixed << 13) | (mixed >>> 19), 5) + 0xe6546b64) | 0;
}

function soak(h: number, word: number): number {
  let k = Math.imul(word, 0xab0e9789);
  k = (k << 16) | (k >>> 16);
  const mixed = h ^ Math.imul(k, 0x38b34ae5);
  return (Math.imul((mixed << 17) | (mixed >>> 15), 5) + 0x0bcaa747) | 0;
}

function finish(h: number): number {
  let mixed = h ^ (h >>> 16);
  mixed = Math.imul(mixed, 0x85ebca6b);
  mixed ^= mixed >>> 13;
  mixed = Math.imul(mixed, 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
