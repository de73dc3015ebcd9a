import fc from 'fast-check';
import t from 'tap';
import { ScrambledZipfianKeys, UniformKeys, ZIPFIAN_THETA, ZipfianRanks, zeta } from '../../bench/zipfian.js';
import { SeededRandom } from '../../src/base/seeded-random.js';

const DRAWS = 200_000;

/** How often each key is drawn. */
function frequencies(chooser: { next(): number }, keys: number, draws = DRAWS): number[] {
  const counts = new Array<number>(keys).fill(0);
  for (let i = 0; i < draws; i++) counts[chooser.next()]!++;
  return counts;
}

function isClose(actual: number, expected: number, share: number): boolean {
  return Math.abs(actual - expected) <= expected * share;
}

t.test('equal seeds draw equal keys, other seeds others', async (t) => {
  for (const Chooser of [UniformKeys, ZipfianRanks, ScrambledZipfianKeys]) {
    const draw = (seed: number) => {
      const chooser = new Chooser(new SeededRandom(seed), 1000);
      return Array.from({ length: 100 }, () => chooser.next());
    };
    t.same(draw(7), draw(7), Chooser.name);
    t.notSame(draw(7), draw(8), Chooser.name);
  }
});

t.test('every draw is one of the keys, for any number of keys', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.nat(), (count, seed) => {
      for (const Chooser of [UniformKeys, ZipfianRanks, ScrambledZipfianKeys]) {
        const chooser = new Chooser(new SeededRandom(seed), count);
        for (let i = 0; i < 200; i++) {
          const key = chooser.next();
          if (!Number.isInteger(key) || key < 0 || key >= count) return false;
        }
      }
      return true;
    }),
  );
});

t.test('the two most popular ranks are drawn exactly as often as the law says', async (t) => {
  for (const count of [2, 10, 1000, 100_000]) {
    const counts = frequencies(new ZipfianRanks(new SeededRandom(1), count), count);
    const total = zeta(count, ZIPFIAN_THETA);
    t.ok(isClose(counts[0]! / DRAWS, 1 / total, 0.03), `rank 0 of ${count}: ${counts[0]}`);
    t.ok(isClose(counts[1]! / DRAWS, 0.5 ** ZIPFIAN_THETA / total, 0.03), `rank 1 of ${count}: ${counts[1]}`);
  }
});

t.test('the head takes the share that the law gives it', async (t) => {
  const count = 100_000;
  const counts = frequencies(new ZipfianRanks(new SeededRandom(2), count), count);
  for (const head of [10, 100, 1000, 10_000]) {
    const drawn = counts.slice(0, head).reduce((sum, n) => sum + n, 0) / DRAWS;
    const expected = zeta(head, ZIPFIAN_THETA) / zeta(count, ZIPFIAN_THETA);
    // The method of Gray et al. approximates the ranks after the second.
    t.ok(isClose(drawn, expected, 0.08), `first ${head}: ${drawn} of ${expected}`);
  }
});

t.test('scrambling moves the popular keys and keeps their shares', async (t) => {
  const count = 10_000;
  const ranks = frequencies(new ZipfianRanks(new SeededRandom(3), count), count);
  const scrambled = frequencies(new ScrambledZipfianKeys(new SeededRandom(3), count), count);
  const byFrequency = (counts: number[]) => [...counts].sort((a, b) => b - a);
  t.same(byFrequency(scrambled), byFrequency(ranks), 'the same shares');
  const popular = [...scrambled.keys()].sort((a, b) => scrambled[b]! - scrambled[a]!).slice(0, 16);
  for (const part of [0, 1, 2, 3]) {
    const within = popular.filter((key) => Math.floor(key / (count / 4)) === part);
    t.ok(within.length >= 2, `quarter ${part} has ${within.length} of the 16 most popular keys`);
  }
});

t.test('uniform keys are drawn equally often', async (t) => {
  const counts = frequencies(new UniformKeys(new SeededRandom(4), 100), 100);
  t.ok(
    Math.min(...counts) > 1800 && Math.max(...counts) < 2200,
    `${Math.min(...counts)} to ${Math.max(...counts)}`,
  );
});
