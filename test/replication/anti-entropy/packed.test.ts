import fc from 'fast-check';
import t from 'tap';
import { compareBytes } from '../../../src/base/bytes.js';
import { KEY_BYTES_MAX } from '../../../src/base/limits.js';
import {
  bitsOf,
  type KeyedRecord,
  packGroups,
  packKeyedRecords,
  packKeys,
  packLeaves,
  packRecords,
  packSlots,
  packVersions,
  unpackGroups,
  unpackKeyedRecords,
  unpackKeys,
  unpackLeaves,
  unpackRecords,
  unpackSlots,
  unpackVersions,
} from '../../../src/replication/anti-entropy/packed.js';
import { SLOT_COUNT, type Slot } from '../../../src/ring/slot.js';
import { engineKey } from '../../../src/storage/keyspace.js';

const slot = fc.nat(SLOT_COUNT - 1).map((number) => number as Slot);
const slots = fc
  .uniqueArray(
    fc.oneof(
      slot,
      slot.map((number) => (number % 40) as Slot),
    ),
    { maxLength: 60 },
  )
  .map((numbers) => numbers.sort((a, b) => a - b));
const key = fc
  .tuple(slot, fc.uint8Array({ minLength: 1, maxLength: 40 }))
  .map(([of, bytes]) => engineKey(of, bytes));
const record = fc.uint8Array({ maxLength: 60 });
const keyed: fc.Arbitrary<KeyedRecord> = fc.record({ engineKey: key, record });
const plain = (value: unknown) =>
  JSON.stringify(value, (_, each) => (each instanceof Uint8Array ? Buffer.from(each).toString('hex') : each));

t.test('what is packed comes out again', async () => {
  fc.assert(fc.property(slots, (each) => plain(unpackSlots(packSlots(each))) === plain(each)));
  const groups = fc
    .tuple(slots, fc.nat(255))
    .map(([some, bits]) => some.map((of) => ({ slot: of, groups: bits })));
  fc.assert(fc.property(groups, (each) => plain(unpackGroups(packGroups(each))) === plain(each)));
  const leaves = fc
    .tuple(slots, fc.uint8Array({ minLength: 8, maxLength: 8 }))
    .map(([some, bits]) => some.map((of) => ({ slot: of, leaves: bits })));
  fc.assert(fc.property(leaves, (each) => plain(unpackLeaves(packLeaves(each))) === plain(each)));
  const version = fc.record({
    engineKey: key,
    time: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    node: fc.integer({ min: 0, max: 0xffffffff }),
  });
  const versions = fc
    .uniqueArray(version, { selector: (each) => plain(each.engineKey) })
    .map((list) => list.sort((a, b) => compareBytes(a.engineKey, b.engineKey)));
  fc.assert(fc.property(versions, (each) => plain(unpackVersions(packVersions(each))) === plain(each)));
  fc.assert(fc.property(fc.array(key), (each) => plain(unpackKeys(packKeys(each))) === plain(each)));
  fc.assert(fc.property(fc.array(record), (each) => plain(unpackRecords(packRecords(each))) === plain(each)));
  fc.assert(
    fc.property(fc.array(keyed), (each) => plain(unpackKeyedRecords(packKeyedRecords(each))) === plain(each)),
  );
});

t.test('all slots are one run, four bytes', async (t) => {
  const all = Array.from({ length: SLOT_COUNT }, (_, i) => i as Slot);
  t.equal(Buffer.from(packSlots(all)).toString('hex'), '00000fff');
  t.equal(
    Buffer.from(packSlots([0, 1, 2, 7, 9, 10] as Slot[])).toString('hex'),
    '0000000200070007' + '0009000a',
  );
  t.same(bitsOf(0b10000101), [0, 2, 7]);
});

t.test('any other bytes are refused or mean what packing them again gives; nothing throws', async () => {
  const pairs: [(bytes: Uint8Array) => unknown[] | undefined, (value: never) => Uint8Array][] = [
    [unpackSlots, packSlots],
    [unpackGroups, packGroups],
    [unpackLeaves, packLeaves],
    [unpackVersions, packVersions],
    [unpackKeys, packKeys],
    [unpackRecords, packRecords],
    [unpackKeyedRecords, packKeyedRecords],
  ];
  const mostlyZero = fc.array(fc.oneof(fc.constant(0), fc.nat(8), fc.nat(255)), { maxLength: 60 });
  for (const [unpack, pack] of pairs) {
    fc.assert(
      fc.property(mostlyZero, (numbers) => {
        const bytes = Uint8Array.from(numbers);
        const value = unpack(bytes);
        return value === undefined || compareBytes(pack(value as never), bytes) === 0;
      }),
      { numRuns: 500 },
    );
  }
});

t.test('malformed lists', async (t) => {
  const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));
  const bad: [string, unknown][] = [
    ['slots: half a run', unpackSlots(hex('0001'))],
    ['slots: backwards', unpackSlots(hex('0002 0001'))],
    ['slots: beyond the last', unpackSlots(hex('0000 1000'))],
    ['slots: overlapping', unpackSlots(hex('0000 0002 0002 0003'))],
    ['slots: two runs that are one', unpackSlots(hex('0000 0001 0002 0003'))],
    ['groups: out of order', unpackGroups(hex('0002 ff 0001 ff'))],
    ['groups: no slot', unpackGroups(hex('1000 ff'))],
    ['leaves: twice the same', unpackLeaves(hex('0001 ffffffffffffffff 0001 ffffffffffffffff'))],
    ['leaves: too short', unpackLeaves(hex('0001 ffffffffffffff'))],
    ['keys: none behind the slot', unpackKeys(hex('0002 0001'))],
    ['keys: cut off', unpackKeys(hex('0005 0001 61'))],
    ['keys: no slot', unpackKeys(hex('0003 1000 61'))],
    ['keys: too long', unpackKeys(packKeys([new Uint8Array(KEY_BYTES_MAX + 3)]))],
    ['versions: without a node', unpackVersions(hex('0003 0001 61 0000000000000001'))],
    ['versions: time 0', unpackVersions(hex('0003 0001 61 0000000000000000 00000002'))],
    ['versions: a time that cannot be', unpackVersions(hex('0003 0001 61 ffffffffffffffff 00000002'))],
    [
      'versions: out of order',
      unpackVersions(hex('0003 0001 62 0000000000000001 00000002 0003 0001 61 0000000000000001 00000002')),
    ],
    ['records: cut off', unpackRecords(hex('00000002 61'))],
    ['records: half a length', unpackRecords(hex('0000'))],
    ['keyed records: no record', unpackKeyedRecords(hex('0003 0001 61'))],
  ];
  for (const [name, value] of bad) t.equal(value, undefined, name);
  for (const unpack of [unpackSlots, unpackGroups, unpackLeaves, unpackVersions, unpackKeys, unpackRecords])
    t.equal(unpack(undefined), undefined);
});
