/** Doubles in the layout of `%.17g`, as ZSCORE of Redis 7.0.15 has it for numbers that take no more digits. */
import fc from 'fast-check';
import t from 'tap';
import { doubleText } from '../../../src/wire/resp/double-text.js';

const TABLE: readonly [x: number, text: string][] = [
  [0, '0'],
  [-0, '-0'],
  [3, '3'],
  [100, '100'],
  [-2.5, '-2.5'],
  [0.1, '0.1'],
  [0.5, '0.5'],
  [0.0001, '0.0001'],
  [0.00012, '0.00012'],
  [1.5e-5, '1.5e-05'],
  [1e-7, '1e-07'],
  [5e-324, '5e-324'],
  [1e16, '10000000000000000'],
  [1e17, '1e+17'],
  [123456789012345680, '1.2345678901234568e+17'],
  [2 ** 60, '1.152921504606847e+18'],
  [1e20, '1e+20'],
  [-1e300, '-1e+300'],
  [1e15 + 0.5, '1000000000000000.5'],
  [12.75, '12.75'],
  [Infinity, 'inf'],
  [-Infinity, '-inf'],
  [NaN, 'nan'],
];

for (const [x, text] of TABLE) t.test(text, async (t) => t.equal(doubleText(x), text));

t.test('any double is read back as the same one', async () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (x) =>
      Object.is(Number(doubleText(x)), x),
    ),
    { numRuns: 5000 },
  );
});
