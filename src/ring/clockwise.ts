/** The members in the order in which one meets them when walking clockwise from each slot's start. */

import { SLOT_COUNT, type Slot, slotStart } from './slot.js';
import type { TokenRing } from './tokens.js';

/**
 * All members for every slot, nearest first: those of slot s are at `s × memberCount` and on. Every member has a token.
 *
 * Walks the ring backwards and moves the member of each token met to the front of a list: at a slot's start, the list is
 * the answer. So it costs one pass over the tokens, however unevenly they lie.
 */
export function clockwiseMembers(tokens: TokenRing, memberCount: number): Uint16Array {
  const nearest = new Uint16Array(SLOT_COUNT * memberCount);
  const list = Uint16Array.from({ length: memberCount }, (_, member) => member);
  const last = tokens.hi.length - 1;
  // The walk from the last slots goes on past the end of the ring, so the first round only fills the list.
  for (let token = last; token >= 0; token--) moveToFront(list, tokens.member[token]!);
  let token = last;
  for (let slot = SLOT_COUNT - 1; slot >= 0; slot--) {
    const start = slotStart(slot as Slot);
    for (; token >= 0 && tokens.hi[token]! >= start; token--) moveToFront(list, tokens.member[token]!);
    nearest.set(list, slot * memberCount);
  }
  return nearest;
}

function moveToFront(list: Uint16Array, member: number): void {
  const position = list.indexOf(member);
  list.copyWithin(1, 0, position);
  list[0] = member;
}
