import { test } from 'tap';
import { isSlot, SLOT_COUNT, type Slot, slotOf, slotStart } from '../../src/ring/slot.js';

test('there are 4096 slots', async (t) => t.equal(SLOT_COUNT, 4096));

test('a slot is the top 12 bits of the hash', async (t) => {
  const table: [hi: number, slot: number][] = [
    [0, 0],
    [0x000fffff, 0],
    [0x00100000, 1],
    [0x7fffffff, 2047],
    [0x80000000, 2048],
    [0xffffffff, 4095],
  ];
  for (const [hi, slot] of table) t.equal(slotOf(hi), slot, hi.toString(16));
});

test('every slot begins at its start and ends before the next', async (t) => {
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const start = slotStart(slot as Slot);
    if (start !== slot * 2 ** 20 || slotOf(start) !== slot || slotOf(start + 0xfffff) !== slot)
      t.fail(`slot ${slot}`);
  }
});

test('only integers from 0 to 4095 are slots', async (t) => {
  for (const value of [0, 1, 4095]) t.ok(isSlot(value), `${value}`);
  for (const value of [-1, 4096, 0.5, Number.NaN, Number.POSITIVE_INFINITY])
    t.notOk(isSlot(value), `${value}`);
});
