/**
 * How keys are laid out in the storage engine: `u16 slot (big-endian, 0–4095) · key`, so that one slot is one range and
 * trees, transfers and scans read sequentially. Keys that start with fffe are hints for other replicas, those that start
 * with ffff the node's own notes: no slot reaches there. `FORMAT.md` says the same in prose; the constants here are on
 * disk and never change.
 */
import { assert } from '../base/errors.js';
import { KEY_BYTES_MAX } from '../base/limits.js';
import type { EngineRange } from '../ports/storage-engine.js';
import { isSlot, SLOT_COUNT, type Slot, slotOf } from '../ring/slot.js';

/** Bytes before the user's key in an engine key. */
export const SLOT_BYTES = 2;

/** Who this node is. A node that does not find it has lost its disk, and has no vote until it has synced. */
export const IDENTITY_KEY = metaKey('identity');
/** The newest cluster configuration that the node has seen. */
export const CLUSTER_KEY = metaKey('cluster');
/** The upper bound of the times that may have been issued: a restart goes on above it. */
export const CLOCK_KEY = metaKey('clock');
/** How often this node has started, and has objected to being taken for failed. */
export const INCARNATION_KEY = metaKey('incarnation');
/** That a run has begun, and not ended in good order; see `node/last-run.ts`. */
export const RUN_KEY = metaKey('run');
/** Which slots a node that has lost its data has not synced yet: one bit per slot. */
export const UNSYNCED_KEY = metaKey('unsynced');
/** Written by the group committer to have something to sync, and to probe a reopened engine. Its value says nothing. */
export const SYNC_KEY = metaKey('sync');
/** Says that the pages of hash trees beside it are those of a clean stop; see `tree-checkpoint.ts`. */
export const TREES_KEY = metaKey('trees');

/** A page of hash trees: 64 slots. */
export function treePageKey(page: number): Uint8Array {
  return metaKey(`tree-${page.toString().padStart(2, '0')}`);
}

/** Up to which version the tombstones of a slot have been collected. */
export function floorKey(slot: Slot): Uint8Array {
  const prefix = FLOOR_RANGE.from;
  const key = new Uint8Array(prefix.length + SLOT_BYTES);
  key.set(prefix);
  key.set(slotPrefix(slot), prefix.length);
  return key;
}

/** All of them. */
export const FLOOR_RANGE: Required<EngineRange> = { from: metaKey('floor-'), to: metaKey('floor.') };

export function slotOfFloorKey(bytes: Uint8Array): number {
  return (bytes[bytes.length - 2]! << 8) | bytes[bytes.length - 1]!;
}

/** Builds engine keys in one buffer, without allocating once each length has been seen. */
export class EngineKey {
  readonly #buffer = new ArrayBuffer(SLOT_BYTES + KEY_BYTES_MAX);
  readonly #all = new Uint8Array(this.#buffer);
  /** A view of each length, made when first asked for: making one costs more than copying a usual key. */
  readonly #views = new Map<number, Uint8Array>();

  /** The engine key of a key, whose hash has this upper half. Valid until the next call: for what takes bytes at once. */
  of(hashHi: number, key: Uint8Array, keyStart: number, keyLength: number): Uint8Array {
    assert(keyLength <= KEY_BYTES_MAX, `a key of ${keyLength} bytes in the storage engine`);
    const slot = slotOf(hashHi);
    const all = this.#all;
    all[0] = slot >>> 8;
    all[1] = slot;
    for (let i = 0; i < keyLength; i++) all[SLOT_BYTES + i] = key[keyStart + i]!;
    return this.#view(SLOT_BYTES + keyLength);
  }

  #view(length: number): Uint8Array {
    const known = this.#views.get(length);
    if (known !== undefined) return known;
    const view = new Uint8Array(this.#buffer, 0, length);
    this.#views.set(length, view);
    return view;
  }
}

/** An engine key with bytes of its own, for `getMany` and for iterators that start at a key. */
export function engineKey(slot: Slot, key: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(SLOT_BYTES + key.length);
  bytes.set(slotPrefix(slot));
  bytes.set(key, SLOT_BYTES);
  return bytes;
}

/** The slot of an engine key of a record. */
export function slotOfEngineKey(bytes: Uint8Array): Slot {
  return ((bytes[0]! << 8) | bytes[1]!) as Slot;
}

/** The user's key within the engine key of a record: a view. */
export function keyOfEngineKey(bytes: Uint8Array): Uint8Array {
  return bytes.subarray(SLOT_BYTES);
}

/** Every record of one slot, or, without a slot, of all slots. The node's own notes are in neither. */
export function slotRange(slot?: Slot): Required<EngineRange> {
  if (slot === undefined) return { from: slotPrefix(0), to: slotPrefix(SLOT_COUNT) };
  return { from: slotPrefix(slot), to: slotPrefix(slot + 1) };
}

/** What the engine key of a hint says. An empty key: a mark that the whole slot has to be compared. */
export interface ParsedHintKey {
  readonly identity: string;
  readonly slot: Slot;
  readonly key: Uint8Array;
}

/** The engine key of a hint: `fffe · u8 length · identity of the target · u16 slot · key`. Bytes of its own. */
export function hintKey(
  prefix: Uint8Array,
  slot: Slot,
  key: Uint8Array,
  start: number,
  length: number,
): Uint8Array {
  const bytes = new Uint8Array(prefix.length + SLOT_BYTES + length);
  bytes.set(prefix);
  bytes.set(slotPrefix(slot), prefix.length);
  for (let i = 0; i < length; i++) bytes[prefix.length + SLOT_BYTES + i] = key[start + i]!;
  return bytes;
}

/** Takes the engine key of a hint apart; undefined when it is none. `key` is a view. */
export function parseHintKey(bytes: Uint8Array): ParsedHintKey | undefined {
  const slotAt = 3 + (bytes[2] ?? 0);
  if (bytes[0] !== 0xff || bytes[1] !== 0xfe || bytes.length < slotAt + SLOT_BYTES) return undefined;
  const slot = (bytes[slotAt]! << 8) | bytes[slotAt + 1]!;
  if (!isSlot(slot)) return undefined;
  const identity = textDecoder.decode(bytes.subarray(3, slotAt));
  return { identity, slot, key: bytes.subarray(slotAt + SLOT_BYTES) };
}

/** Every hint for one target, or, without one, for all. */
export function hintRange(prefix?: Uint8Array): Required<EngineRange> {
  if (prefix === undefined) return { from: Uint8Array.of(0xff, 0xfe), to: Uint8Array.of(0xff, 0xff) };
  return { from: prefix, to: hintKey(prefix, SLOT_COUNT as Slot, new Uint8Array(0), 0, 0) };
}

/** What the engine keys of all hints for one target begin with. */
export function hintPrefix(identity: string): Uint8Array {
  const name = textEncoder.encode(identity);
  return Uint8Array.of(0xff, 0xfe, name.length, ...name);
}

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder('utf-8');

function slotPrefix(slot: number): Uint8Array {
  return Uint8Array.of(slot >>> 8, slot);
}

function metaKey(name: string): Uint8Array {
  return Uint8Array.of(0xff, 0xff, ...new TextEncoder().encode(name));
}
