/**
 * Slots: the 4096 equal parts of the ring of 64-bit hashes, and the unit of ownership, of storage ranges, of hash trees
 * and of transfers. A key's slot is the top 12 bits of its hash, for ever: stored keys begin with it.
 */

/** Slots of the ring. Part of the stored format. */
export const SLOT_COUNT = 4096;

const SLOT_SHIFT = 20;

declare const slotBrand: unique symbol;

/** A slot's number: an integer from 0 to {@link SLOT_COUNT} − 1. */
export type Slot = number & { readonly [slotBrand]: 'Slot' };

/** The slot of the hash whose upper 32 bits are `hi`. */
export function slotOf(hi: number): Slot {
  return (hi >>> SLOT_SHIFT) as Slot;
}

/** The upper 32 bits of the slot's first hash, whose lower 32 bits are 0. Unsigned. */
export function slotStart(slot: Slot): number {
  return (slot << SLOT_SHIFT) >>> 0;
}

/** Whether a number from outside (a message, a command) is a slot. */
export function isSlot(value: number): value is Slot {
  return Number.isInteger(value) && value >= 0 && value < SLOT_COUNT;
}
