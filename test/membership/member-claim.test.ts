/** Which of two claims about a member holds: a table of the rules, and what must be so of all of them. */
import fc from 'fast-check';
import t from 'tap';
import {
  type Claim,
  INCARNATION_JUMP_MAX,
  INCARNATION_MAX,
  isPlausible,
  type MemberState,
  merge,
  SUSPECTORS_MAX,
  suspectors,
} from '../../src/membership/member-claim.js';
import { MemberTable } from '../../src/membership/member-table.js';

/** `suspect 3 a,b` */
function claim(text: string): Claim {
  const [state, incarnation, by = ''] = text.split(' ');
  const names = by === '' ? [] : by.split(',');
  return {
    name: 'x',
    identity: 'i',
    incarnation: Number(incarnation),
    state: state as MemberState,
    by: names,
  };
}

t.test('the higher incarnation holds, then the worse state, then both suspicions', async (t) => {
  const cases: readonly [held: string, heard: string, after: string][] = [
    ['alive 1', 'alive 1', 'alive 1'],
    ['alive 1', 'alive 2', 'alive 2'],
    ['alive 2', 'alive 1', 'alive 2'],
    ['alive 1', 'suspect 1 a', 'suspect 1 a'],
    ['alive 2', 'suspect 1 a', 'alive 2'],
    ['alive 1', 'suspect 2 a', 'suspect 2 a'],
    ['alive 1', 'faulty 1', 'faulty 1'],
    ['alive 2', 'faulty 1', 'alive 2'],
    ['suspect 1 a', 'alive 1', 'suspect 1 a'],
    ['suspect 1 a', 'alive 2', 'alive 2'],
    ['suspect 1 a', 'suspect 1 b', 'suspect 1 a,b'],
    ['suspect 1 b', 'suspect 1 a', 'suspect 1 a,b'],
    ['suspect 1 a', 'suspect 2 b', 'suspect 2 b'],
    ['suspect 1 a', 'faulty 1', 'faulty 1'],
    ['faulty 1', 'alive 1', 'faulty 1'],
    ['faulty 1', 'suspect 1 a', 'faulty 1'],
    ['faulty 1', 'alive 2', 'alive 2'],
    ['faulty 1', 'suspect 2 a', 'suspect 2 a'],
    ['suspect 1 a,b,c,e', 'suspect 1 d', 'suspect 1 a,b,c,d'],
  ];
  for (const [held, heard, after] of cases) {
    t.same(merge(claim(held), claim(heard)), claim(after), `${held}, then ${heard}`);
  }
});

t.test('nothing new gives back the very claim', async (t) => {
  const held = claim('suspect 2 a,b');
  for (const heard of ['suspect 2 a', 'suspect 2 b,a', 'alive 2', 'faulty 1'])
    t.equal(merge(held, claim(heard)), held);
});

const anyClaim = fc
  .record({
    incarnation: fc.integer({ min: 0, max: 3 }),
    state: fc.constantFrom<MemberState>('alive', 'suspect', 'faulty'),
    names: fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'), { minLength: 1, maxLength: 6 }),
  })
  .map(({ incarnation, state, names }): Claim => {
    return { name: 'x', identity: 'i', incarnation, state, by: state === 'suspect' ? suspectors(names) : [] };
  });

t.test('merging is commutative, associative and idempotent: the order of news does not matter', async (t) => {
  fc.assert(
    fc.property(anyClaim, anyClaim, anyClaim, (a, b, c) => {
      t.same(merge(a, b), merge(b, a));
      t.same(merge(merge(a, b), c), merge(a, merge(b, c)));
      t.same(merge(merge(a, b), b), merge(a, b));
      t.equal(merge(a, a), a);
      t.ok(merge(a, b).by.length <= SUSPECTORS_MAX);
    }),
    { numRuns: 500 },
  );
});

t.test('what others may say of an incarnation', async (t) => {
  const cases: readonly [known: number, claimed: number, boolean][] = [
    [0, 0, true],
    [7, 1, true],
    [7, 7 + INCARNATION_JUMP_MAX, true],
    [7, 8 + INCARNATION_JUMP_MAX, false],
    [INCARNATION_MAX - 1, INCARNATION_MAX, true],
    [INCARNATION_MAX, INCARNATION_MAX + 1, false],
    [0, 0xffffffff, false],
    [0, Number.MAX_SAFE_INTEGER, false],
  ];
  for (const [known, claimed, expected] of cases)
    t.equal(isPlausible(known, claimed), expected, `${known}, ${claimed}`);
});

const MOMENT = { monotonicMs: 1000, detectorMs: 900 };
const LATER = { monotonicMs: 3000, detectorMs: 2900 };

t.test('a table: claims of strangers and of other identities count for nothing', async (t) => {
  const table = new MemberTable();
  table.update([{ name: 'x', identity: 'i' }], MOMENT);
  t.equal(table.hear({ ...claim('faulty 1'), name: 'y' }, LATER).what, 'nothing');
  t.equal(table.hear({ ...claim('faulty 1'), identity: 'other' }, LATER).what, 'nothing');
  t.match(table.get('x'), { claim: claim('alive 0'), sinceMs: 1000 });
  t.same(table.hear(claim('faulty 1'), LATER), { what: 'news', before: 'alive' });
  t.match(table.get('x'), { claim: claim('faulty 1'), sinceMs: 3000 });
});

t.test('a table: another identity under the name starts anew, and so does nobody else', async (t) => {
  const table = new MemberTable();
  const y = { name: 'y', identity: 'j' };
  table.update([{ name: 'x', identity: 'i' }, y, { name: 'z', identity: 'k' }], MOMENT);
  table.hear(claim('faulty 5'), MOMENT);
  table.hear({ ...claim('suspect 6 x'), ...y }, MOMENT);
  t.same(table.update([{ name: 'x', identity: 'new' }, y], LATER), ['x', 'z']);
  t.match(table.get('x')?.claim, { incarnation: 0, state: 'alive', identity: 'new' });
  t.match(table.get('y')?.claim, { incarnation: 6, state: 'suspect' });
  t.equal(table.get('z'), undefined);
});

t.test('a table: since when, and when a suspicion began', async (t) => {
  const table = new MemberTable();
  table.update([{ name: 'x', identity: 'i' }], MOMENT);
  table.hear(claim('suspect 1 a'), MOMENT);
  t.match(table.get('x'), { sinceMs: 1000, suspectedAtMs: 900 });
  table.hear(claim('suspect 1 b'), LATER);
  t.match(table.get('x'), { sinceMs: 1000, suspectedAtMs: 900 }, 'a confirmation does not begin it again');
  table.hear(claim('suspect 2 b'), LATER);
  t.match(table.get('x'), { sinceMs: 1000, suspectedAtMs: 2900 }, 'of a new incarnation it is a new one');
});

t.test('a table: an implausible incarnation is refused, but a member knows its own', async (t) => {
  const table = new MemberTable();
  table.update([{ name: 'x', identity: 'i' }], MOMENT);
  const far = INCARNATION_JUMP_MAX + 10;
  t.equal(table.hear(claim(`suspect ${far} a`), MOMENT).what, 'refused');
  t.equal(table.get('x')?.claim.incarnation, 0);
  t.equal(table.hearFromItself('x', far, MOMENT).what, 'news');
  t.equal(table.hear(claim(`suspect ${far} a`), MOMENT).what, 'news');
  t.equal(table.hearFromItself('x', far, MOMENT).what, 'nothing', 'being there does not refute');
  t.equal(table.hearFromItself('x', far - 1, MOMENT).what, 'nothing');
  t.equal(table.hearFromItself('x', 3, MOMENT).what, 'news', 'far below: what was known cannot be right');
  t.match(table.get('x')?.claim, { incarnation: 3, state: 'alive' });
  t.equal(table.hearFromItself('x', INCARNATION_MAX + 1, MOMENT).what, 'refused');
});
