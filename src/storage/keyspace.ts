/**
 * How keys are laid out in the storage engine: `u16 slot (big-endian, 0–4095) · key`, so that one slot is one range and
 * trees, transfers and scans read sequentially. Keys that start with ffff are the node's own notes: no slot reaches
 * there. `FORMAT.md` says the same in prose; the constants here are on disk and never change.
 */
import { assert } from '../base/errors.js';
import { KEY_BYTES_MAX } from '../base/limits.js';
import type { EngineRange } from '../ports/storage-engine.js';
import { SLOT_COUNT, type Slot, slotOf } from '../ring/slot.js';

/** Bytes before the user's key in an engine key. */
export const SLOT_BYTES = 2;

/** Who this node is. A node that does not find it has lost its disk, and has no vote until it has synced. */
export const IDENTITY_KEY = metaKey('identity');
/** The newest cluster configuration that the node has seen. */
export const CLUSTER_KEY = metaKey('cluster');
/** The upper bound of the times that may have been issued: a restart goes on above it. */
export const CLOCK_KEY = metaKey('clock');
/** Written by the group committer to have something to sync, and to probe a reopened engine. Its value says nothing. */
export const SYNC_KEY = metaKey('sync');

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

function slotPrefix(slot: number): Uint8Array {
  return Uint8Array.of(slot >>> 8, slot);
}

function metaKey(name: string): Uint8Array {
  return Uint8Array.of(0xff, 0xff, ...new TextEncoder().encode(name));
}
