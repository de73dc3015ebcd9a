import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';

/** The first outputs, computed with an independent implementation of sfc32. */
const GOLDEN: [seed: number, outputs: number[]][] = [
  [0, [0x5515bf5a, 0x760ecfff, 0x1b36c8e1, 0xc4b53e58, 0x67f2a144]],
  [1, [0x22284310, 0xc2cd1a3e, 0x29e81d7b, 0x8995da7f, 0x74442f2c]],
  [42, [0x6e3dec97, 0xfbbcc5a0, 0x07168fc7, 0xe817f5d9, 0x08a5b274]],
  [-1, [0x2cf9830c, 0x6d09983e, 0xa5fffb68, 0x8dbeb112, 0x90d76b6d]],
  [2 ** 40 + 7, [0x11069ae1, 0xa69e6119, 0xc1a85061, 0x0efd2ed5, 0xeda7a5bd]],
];

for (const [seed, outputs] of GOLDEN) {
  t.test(`seed ${seed} gives its known sequence`, async (t) => {
    const random = new SeededRandom(seed);
    t.same(
      outputs.map(() => random.u32()),
      outputs,
    );
  });
}

t.test('equal seeds give equal sequences, for long', async (t) => {
  const a = new SeededRandom(7);
  const b = new SeededRandom(7);
  let equal = true;
  for (let i = 0; i < 100_000; i++) equal &&= a.u32() === b.u32();
  t.ok(equal);
});

t.test('numbers stay in range and spread over it', async (t) => {
  const random = new SeededRandom(99);
  const counts = new Array<number>(10).fill(0);
  let inRange = true;
  for (let i = 0; i < 10_000; i++) {
    const next = random.next();
    inRange &&= next >= 0 && next < 1;
    const below = random.below(10);
    inRange &&= Number.isInteger(below) && below >= 0 && below < 10;
    counts[below]!++;
  }
  t.ok(inRange);
  // Ten cells of 1000 ± 30 each: this allows six deviations.
  t.ok(
    counts.every((count) => Math.abs(count - 1000) < 200),
    counts.join(' '),
  );
});

t.test('u32 gives whole numbers over the whole range', async (t) => {
  const random = new SeededRandom(3);
  const values = Array.from({ length: 1000 }, () => random.u32());
  t.ok(values.every((value) => Number.isInteger(value) && value >= 0 && value <= 0xffffffff));
  t.ok(Math.max(...values) > 0xf0000000 && Math.min(...values) < 0x10000000);
});
