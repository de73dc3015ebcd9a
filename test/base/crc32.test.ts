import fc from 'fast-check';
import t from 'tap';
import { toBytes } from '../../src/base/bytes.js';
import { crc32 } from '../../src/base/crc32.js';

t.test('known vectors of CRC-32/ISO-HDLC', async (t) => {
  const cases: [string | Uint8Array, number][] = [
    ['', 0],
    ['a', 0xe8b7be43],
    ['123456789', 0xcbf43926],
    ['The quick brown fox jumps over the lazy dog', 0x414fa339],
    [new Uint8Array(32), 0x190a55ad],
    [new Uint8Array(32).fill(0xff), 0xff6cab0b],
  ];
  for (const [data, expected] of cases) t.equal(crc32(toBytes(data)), expected);
});

t.test('a seed continues an earlier sum', async () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      return crc32(b, crc32(a)) === crc32(Uint8Array.from([...a, ...b]));
    }),
  );
});

t.test('different seeds never give one sum, so a record moved to another key is found', async () => {
  const u32 = () => fc.integer({ min: 0, max: 0xffffffff });
  fc.assert(
    fc.property(
      fc.uint8Array(),
      u32(),
      u32(),
      (data, a, b) => (crc32(data, a) === crc32(data, b)) === (a === b),
    ),
  );
});
