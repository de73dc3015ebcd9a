import fc from 'fast-check';
import t from 'tap';
import { viewOf } from '../../src/base/bytes.js';
import { EXPIRY_MS_MAX } from '../../src/base/limits.js';
import {
  checkRecord,
  decodeRecord,
  encodeRecord,
  expiredForm,
  FLAG_EXPIRY,
  FLAG_TOMBSTONE,
  isExpired,
  isRecordShape,
  RECORD_FLAGS_OFFSET,
  RECORD_HEADER_BYTES,
  RECORD_HEADER_BYTES_MAX,
  type RecordFields,
  recordBytes,
  sealRecord,
  valueOffset,
} from '../../src/version/record.js';
import { compareVersions, EXPIRED_BIT, VERSION_TIME_MAX, versionNode } from '../../src/version/version.js';

const EMPTY = new Uint8Array(0);
const u32 = () => fc.integer({ min: 0, max: 0xffffffff });
const time = () => fc.integer({ min: 1, max: VERSION_TIME_MAX });
const expiry = () => fc.oneof(fc.constant(0), fc.integer({ min: 1, max: EXPIRY_MS_MAX }));

const fields = (): fc.Arbitrary<RecordFields> =>
  fc
    .record({
      time: time(),
      node: u32(),
      tombstone: fc.boolean(),
      expiryMs: expiry(),
      value: fc.uint8Array({ maxLength: 80 }),
    })
    .map((made) => (made.tombstone ? { ...made, value: EMPTY } : made));

const hasShape = (record: Uint8Array) => isRecordShape(viewOf(record), 0, record.length);

t.test('the layout, byte by byte', async (t) => {
  const value = Uint8Array.of(0xaa, 0xbb);
  const plain = encodeRecord(
    { time: 0x1_0203_0405, node: 0x0a0b0c0e, tombstone: false, expiryMs: 0, value },
    7,
  );
  t.equal(Buffer.from(plain).subarray(4).toString('hex'), '00000001020304050a0b0c0e00aabb');
  const expiring = encodeRecord({ time: 1, node: 2, tombstone: false, expiryMs: 0x1_0000_0002, value }, 7);
  t.equal(
    Buffer.from(expiring).subarray(4).toString('hex'),
    '00000000000000010000000202' + '0000000100000002aabb',
  );
  const tombstone = encodeRecord({ time: 1, node: 2, tombstone: true, expiryMs: 0, value: EMPTY }, 7);
  t.equal(Buffer.from(tombstone).subarray(4).toString('hex'), '00000000000000010000000201');
});

t.test('what goes in comes out', async () => {
  fc.assert(
    fc.property(fields(), u32(), (made, hashLo) => {
      const record = encodeRecord(made, hashLo);
      const seen = decodeRecord(record);
      const isSame =
        seen.version.time === made.time &&
        seen.version.node === made.node &&
        seen.tombstone === made.tombstone &&
        seen.expiryMs === made.expiryMs &&
        Buffer.compare(seen.value, made.value) === 0;
      const isSized = record.length === recordBytes(made.value.length, made.expiryMs);
      return isSame && isSized && hasShape(record) && checkRecord(record, hashLo);
    }),
  );
});

t.test('the value is a view into the record', async (t) => {
  const record = encodeRecord(
    { time: 1, node: 2, tombstone: false, expiryMs: 5, value: Uint8Array.of(1, 2) },
    0,
  );
  const { value } = decodeRecord(record);
  t.equal(value.buffer, record.buffer);
  t.equal(value.byteOffset, valueOffset(FLAG_EXPIRY));
});

t.test('a flipped bit anywhere is found', async (t) => {
  for (const made of [
    {
      time: 77,
      node: 88,
      tombstone: false,
      expiryMs: 0,
      value: Uint8Array.from({ length: 60 }, (_, i) => i),
    },
    { time: 77, node: 88, tombstone: false, expiryMs: 99, value: Uint8Array.of(1) },
    { time: 77, node: 88, tombstone: true, expiryMs: 0, value: EMPTY },
  ]) {
    const record = encodeRecord(made, 0xdeadbeef);
    const missed: number[] = [];
    for (let bit = 0; bit < record.length * 8; bit++) {
      record[bit >> 3]! ^= 1 << (bit & 7);
      if (checkRecord(record, 0xdeadbeef)) missed.push(bit);
      record[bit >> 3]! ^= 1 << (bit & 7);
    }
    t.same(missed, []);
    t.ok(checkRecord(record, 0xdeadbeef), 'and the record is whole again');
  }
});

t.test('a truncated record, and one of another key, do not check', async () => {
  fc.assert(
    fc.property(
      fields(),
      u32(),
      u32(),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (made, hash, other, cut) => {
        const record = encodeRecord(made, hash);
        const shorter = record.subarray(0, Math.floor(record.length * cut));
        return !checkRecord(shorter, hash) && checkRecord(record, other) === (other === hash);
      },
    ),
  );
});

t.test('too few bytes do not check, whatever they are', async (t) => {
  for (let length = 0; length < RECORD_HEADER_BYTES; length++)
    t.notOk(checkRecord(new Uint8Array(length), 0));
});

t.test('sealing again after a change makes it whole', async (t) => {
  const record = encodeRecord(
    { time: 1, node: 2, tombstone: false, expiryMs: 0, value: Uint8Array.of(3) },
    9,
  );
  record[record.length - 1] = 4;
  t.notOk(checkRecord(record, 9));
  sealRecord(record, 9);
  t.ok(checkRecord(record, 9));
});

/** A record's bytes after the CRC, which the shape does not look at. */
function shaped(hex: string): boolean {
  return hasShape(new Uint8Array(Buffer.from(`00000000${hex.replaceAll(' ', '')}`, 'hex')));
}

t.test('the shape of a record', async (t) => {
  const version = '0000000000000001 00000002';
  const cases: [string, boolean, string][] = [
    ['a live record without a value', true, `${version} 00`],
    ['a live record', true, `${version} 00 aabb`],
    ['a tombstone', true, `${version} 01`],
    ['a record with an expiry', true, `${version} 02 0000000000000005 aa`],
    ['the largest expiry', true, `${version} 02 0000040000000000`],
    ['a tombstone with an expiry', true, `${version} 03 0000000000000005`],
    ['the largest time', true, '001fffffffffffff ffffffff 00'],
    ['one byte short of a header', false, '0000000000000001 000000'],
    ['a tombstone with a value', false, `${version} 01 aa`],
    ['a tombstone with an expiry and a value', false, `${version} 03 0000000000000005 aa`],
    ['an expiry cut short', false, `${version} 02 00000000000000`],
    ['an expiry past the largest', false, `${version} 02 0000040000000001`],
    ['an expiry past 2^53', false, `${version} 02 ffffffffffffffff`],
    ['an unknown flag', false, `${version} 04`],
    ['all flags', false, `${version} ff 0000000000000005`],
    ['no version', false, '0000000000000000 00000002 00'],
    ['a time past the largest', false, '0020000000000000 00000002 00'],
    ['a time of all ones', false, 'ffffffffffffffff 00000002 00'],
  ];
  for (const [name, expected, hex] of cases) t.equal(shaped(hex), expected, name);
});

t.test('the shape is judged within the window only', async () => {
  fc.assert(
    fc.property(fields(), fc.nat(20), fc.nat(20), (made, before, after) => {
      const record = encodeRecord(made, 0);
      const bytes = new Uint8Array(before + record.length + after).fill(0xff);
      bytes.set(record, before);
      const isLive = !made.tombstone;
      const whole = isRecordShape(viewOf(bytes), before, record.length);
      // One byte more is a longer value of a live record, but no tombstone has any.
      const longer = after === 0 || isRecordShape(viewOf(bytes), before, record.length + 1) === isLive;
      const header = made.expiryMs === 0 ? RECORD_HEADER_BYTES : RECORD_HEADER_BYTES_MAX;
      return whole && longer && !isRecordShape(viewOf(bytes), before, header - 1);
    }),
  );
});

t.test('random bytes are judged without a throw', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const isShaped = hasShape(bytes);
      if (isShaped) decodeRecord(bytes);
      return isShaped || bytes.length < RECORD_HEADER_BYTES || !isExpectedShape(bytes);
    }),
    { numRuns: 1000 },
  );
});

/** The rules in another form, so that neither hides a mistake of the other. */
function isExpectedShape(bytes: Uint8Array): boolean {
  const view = viewOf(bytes);
  const flags = bytes[RECORD_FLAGS_OFFSET]!;
  const at = view.getBigUint64(4);
  if (flags > 3 || at < 1n || at > BigInt(VERSION_TIME_MAX)) return false;
  const header = flags >= 2 ? 25 : 17;
  if (bytes.length < header || (flags % 2 === 1 && bytes.length > header)) return false;
  return flags < 2 || view.getBigUint64(17) <= BigInt(EXPIRY_MS_MAX);
}

t.test('expiry is reached at its millisecond', async (t) => {
  const record = encodeRecord({ time: 1, node: 2, tombstone: false, expiryMs: 1000, value: EMPTY }, 0);
  const at = (nowMs: number) => isExpired(viewOf(record), 0, nowMs);
  t.notOk(at(999));
  t.ok(at(1000));
  t.ok(at(1001));
  const forever = encodeRecord({ time: 1, node: 2, tombstone: false, expiryMs: 0, value: EMPTY }, 0);
  t.notOk(isExpired(viewOf(forever), 0, Number.MAX_SAFE_INTEGER));
  const tombstone = encodeRecord({ time: 1, node: 2, tombstone: true, expiryMs: 1000, value: EMPTY }, 0);
  t.notOk(isExpired(viewOf(tombstone), 0, 2000), 'a tombstone has ended already');
});

t.test('expiry is read at the given offset', async (t) => {
  const record = encodeRecord({ time: 1, node: 2, tombstone: false, expiryMs: 1000, value: EMPTY }, 0);
  const bytes = new Uint8Array(record.length + 5);
  bytes.set(record, 5);
  t.ok(isExpired(viewOf(bytes), 5, 1000));
  t.notOk(isExpired(viewOf(bytes), 5, 999));
});

t.test('the expired form is the same wherever it is made, and comes right after its record', async () => {
  fc.assert(
    fc.property(time(), u32(), time(), u32(), u32(), (at, hash, otherTime, otherHash, hashLo) => {
      const node = versionNode(hash);
      const record = expiredForm(at, node, hashLo);
      const again = expiredForm(at, (node | EXPIRED_BIT) >>> 0, hashLo);
      const { version, tombstone, expiryMs, value } = decodeRecord(record);
      const isTombstone =
        tombstone && expiryMs === 0 && value.length === 0 && record[RECORD_FLAGS_OFFSET] === FLAG_TOMBSTONE;
      const other = versionNode(otherHash);
      const toRecord = Math.sign(compareVersions(otherTime, other, at, node));
      const toExpired = Math.sign(compareVersions(otherTime, other, version.time, version.node));
      return (
        isTombstone &&
        Buffer.compare(record, again) === 0 &&
        hasShape(record) &&
        checkRecord(record, hashLo) &&
        compareVersions(at, node, version.time, version.node) < 0 &&
        (toRecord === 0 || toRecord === toExpired)
      );
    }),
  );
});
