/**
 * Where a SCAN goes on: a position in the order of the keys' hashes, as a whole number below 2^52 (its top 52 bits).
 *
 * Redis' cursors are numbers, and some clients keep them as doubles, so the position of a key in storage will not do. A
 * position of this kind means the same on every node, and for ever. Slots are parts of this order, so a slot that is read as a
 * whole is a part of it too. 0 is the beginning, and the end.
 */
import { SLOT_COUNT } from '../../ring/slot.js';

/** Bits of the hash's lower half that count. */
const LOW_BITS = 20;
const SLOT_SIZE = 2 ** 40;
const END = SLOT_COUNT * SLOT_SIZE;

/** The position at which a slot begins. */
export function slotPosition(slot: number): number {
  return slot * SLOT_SIZE;
}

export function slotAt(position: number): number {
  return Math.floor(position / SLOT_SIZE);
}

/** The position of a key with this hash. */
export function keyPosition(hashHi: number, hashLo: number): number {
  return hashHi * 2 ** LOW_BITS + (hashLo >>> (32 - LOW_BITS));
}

/** The position that a cursor names (none is the beginning); undefined when it is not a number. What lies past the end is the end. */
export function parseCursor(text: string): number | undefined {
  if (text === '') return 0;
  if (!/^\d{1,20}$/.test(text) || BigInt(text) >= 2n ** 64n) return undefined;
  return Math.min(Number(text), END);
}

export function isPastEnd(position: number): boolean {
  return position >= END;
}
