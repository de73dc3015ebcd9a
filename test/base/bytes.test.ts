import fc from 'fast-check';
import t from 'tap';
import {
  compareBytes,
  copyBytes,
  equalBytes,
  readU64,
  toBytes,
  viewOf,
  writeU64,
} from '../../src/base/bytes.js';

const bytes = () => fc.uint8Array({ maxLength: 40 });

t.test('text becomes UTF-8 and bytes stay the same array', async (t) => {
  const given = Uint8Array.of(1, 2);
  t.equal(toBytes(given), given);
  t.same([...toBytes('aé€😀')], [0x61, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80]);
});

t.test('bytes compare as unsigned, a prefix first', async (t) => {
  const cases: [number[], number[], number][] = [
    [[], [], 0],
    [[], [0], -1],
    [[1], [1, 0], -1],
    [[0x7f], [0x80], -1],
    [[0xff], [0], 1],
    [[1, 2, 3], [1, 3], -1],
    [[5, 5], [5, 5], 0],
  ];
  for (const [a, b, sign] of cases) {
    const order = compareBytes(Uint8Array.from(a), Uint8Array.from(b));
    t.equal(Math.sign(order), sign, `${a} against ${b}`);
    t.equal(equalBytes(Uint8Array.from(a), Uint8Array.from(b)), sign === 0);
  }
});

t.test('the order of bytes is that of Buffer.compare', async () => {
  fc.assert(
    fc.property(bytes(), bytes(), (a, b) => {
      return (
        Math.sign(compareBytes(a, b)) === Buffer.compare(a, b) &&
        equalBytes(a, b) === (Buffer.compare(a, b) === 0)
      );
    }),
  );
});

t.test('a copy does not follow its source', async (t) => {
  const source = Uint8Array.of(9, 1, 2, 9).subarray(1, 3);
  const copy = copyBytes(source);
  source.fill(0);
  t.same([...copy], [1, 2]);
  t.equal(copy.buffer.byteLength, 2);
});

t.test('a view covers exactly its bytes', async (t) => {
  const window = Uint8Array.of(1, 2, 3, 4).subarray(1, 3);
  const view = viewOf(window);
  t.equal(view.byteLength, 2);
  t.equal(view.getUint16(0), 0x0203);
});

t.test('64-bit integers', async (t) => {
  const cases: [number, string][] = [
    [0, '0000000000000000'],
    [1, '0000000000000001'],
    [0xffffffff, '00000000ffffffff'],
    [0x100000000, '0000000100000000'],
    [Number.MAX_SAFE_INTEGER, '001fffffffffffff'],
  ];
  for (const [value, hex] of cases) {
    const target = new Uint8Array(10);
    writeU64(viewOf(target), 1, value);
    t.equal(Buffer.from(target).toString('hex'), `00${hex}00`, String(value));
    t.equal(readU64(viewOf(target), 1), value);
  }
  t.test('read as BigInt reads them', async () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const view = new DataView(new ArrayBuffer(8));
        writeU64(view, 0, value);
        return view.getBigUint64(0) === BigInt(value) && readU64(view, 0) === value;
      }),
    );
  });
  t.test('beyond 2^53 stay beyond it, so that callers can refuse them', async () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n ** 53n, max: 2n ** 64n - 1n }), (value) => {
        const view = new DataView(new ArrayBuffer(8));
        view.setBigUint64(0, value);
        return readU64(view, 0) > Number.MAX_SAFE_INTEGER;
      }),
    );
  });
});
