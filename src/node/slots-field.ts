/** The slots that a peer names in a MessagePack body. */
import { isSlot, type Slot } from '../ring/slot.js';
import { arrayField, type Body } from '../wire/body.js';

/** Undefined when the field `slots` holds anything but slots, or more than `most`; none when it is absent. */
export function slotsField(body: Body, most: number): readonly Slot[] | undefined {
  const slots = arrayField(body, 'slots') ?? [];
  const areSlots = slots.every((slot): slot is Slot => typeof slot === 'number' && isSlot(slot));
  return areSlots && slots.length <= most ? slots : undefined;
}
