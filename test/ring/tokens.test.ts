import { test } from 'tap';
import { KeyHasher, loadKeyHasher } from '../../src/ring/hash.js';
import { buildTokens, TOKENS_PER_WEIGHT, tokenCount } from '../../src/ring/tokens.js';

test('a member has tokens in proportion to its weight, and one if it has any', async (t) => {
  const table: [weight: number, tokens: number][] = [
    [0, 0],
    [1e-9, 1],
    [0.5, TOKENS_PER_WEIGHT / 2],
    [0.3, Math.round(TOKENS_PER_WEIGHT * 0.3)],
    [1, TOKENS_PER_WEIGHT],
    [3, TOKENS_PER_WEIGHT * 3],
  ];
  for (const [weight, tokens] of table) t.equal(tokenCount(weight), tokens, `weight ${weight}`);
});

test('tokens are the hashes of name#i, in the order of the ring', async (t) => {
  const hasher = await loadKeyHasher();
  const names = ['b', 'a'];
  const { hi, lo, member } = buildTokens(
    names.map((name) => ({ name, weight: 0.01 })),
    hasher,
  );
  const expected = names.flatMap((name, index) =>
    Array.from({ length: tokenCount(0.01) }, (_, i) => {
      const low = hasher.hash32(`${name}#${i}`);
      return { position: (BigInt(hasher.hi) << 32n) | BigInt(low), index };
    }),
  );
  expected.sort((a, b) => (a.position < b.position ? -1 : 1));
  t.same(
    Array.from(hi, (high, i) => ({ position: (BigInt(high) << 32n) | BigInt(lo[i]!), index: member[i] })),
    expected,
  );
});

test('the low half decides when the high halves are equal, and the name when the hashes are', async (t) => {
  const collide = new KeyHasher(() => 7n);
  for (const names of [
    ['x', 'y', 'z'],
    ['z', 'x', 'y'],
  ]) {
    const { member } = buildTokens(
      names.map((name) => ({ name, weight: 1e-9 })),
      collide,
    );
    t.same(
      Array.from(member, (index) => names[index]),
      ['x', 'y', 'z'],
    );
  }
  let next = 5n;
  const falling = new KeyHasher(() => next--);
  t.same(Array.from(buildTokens([{ name: 'x', weight: 4 / TOKENS_PER_WEIGHT }], falling).lo), [2, 3, 4, 5]);
});
