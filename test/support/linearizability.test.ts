/** The checker finds what is wrong with illegal histories, and nothing wrong with legal ones. */
import fc from 'fast-check';
import t from 'tap';
import { isLinearizable, type Operation } from './linearizability.js';

function write(value: string, calledAt: number, returnedAt = Infinity): Operation {
  return { kind: 'write', value, calledAt, returnedAt };
}

function read(value: string, calledAt: number, returnedAt: number): Operation {
  return { kind: 'read', value, calledAt, returnedAt };
}

const LEGAL: readonly [string, readonly Operation[]][] = [
  ['nothing', []],
  ['absent before the first write', [read('', 0, 1), write('a', 2, 3), read('a', 4, 5)]],
  ['a read during a write sees either', [write('a', 0, 10), read('', 1, 2), read('a', 3, 4)]],
  [
    'concurrent writes in either order',
    [write('a', 0, 10), write('b', 0, 10), read('b', 11, 12), read('b', 13, 14)],
  ],
  ['an unknown write is never seen', [write('a', 0, 1), write('b', 2), read('a', 5, 6)]],
  ['an unknown write is seen late', [write('a', 0, 1), write('b', 2), read('a', 5, 6), read('b', 100, 101)]],
  ['an unknown delete', [write('a', 0, 1), write('', 2), read('', 5, 6)]],
  [
    'an unknown read tells nothing',
    [write('a', 0, 1), { kind: 'read', value: 'x', calledAt: 2, returnedAt: Infinity }],
  ],
];

const ILLEGAL: readonly [string, readonly Operation[]][] = [
  ['a stale read', [write('a', 0, 1), write('b', 2, 3), read('a', 4, 5)]],
  ['a lost write', [write('a', 0, 1), read('', 2, 3)]],
  ['a value that nobody wrote', [write('a', 0, 1), read('x', 2, 3)]],
  ['going back', [write('a', 0, 1), write('b', 2, 20), read('b', 3, 4), read('a', 5, 6)]],
  [
    'two readers disagree on the order',
    [write('a', 0, 10), write('b', 0, 10), read('a', 11, 12), read('b', 13, 14), read('a', 15, 16)],
  ],
  ['a deleted key comes back', [write('a', 0, 1), write('', 2, 3), read('', 4, 5), read('a', 6, 7)]],
  ['a value from the future', [read('a', 0, 1), write('a', 2, 3)]],
  ['an unknown write seen and unseen', [write('a', 0, 1), write('b', 2), read('b', 3, 4), read('a', 5, 6)]],
];

for (const [name, history] of LEGAL) t.test(`legal: ${name}`, async (t) => t.ok(isLinearizable(history)));
for (const [name, history] of ILLEGAL)
  t.test(`illegal: ${name}`, async (t) => t.notOk(isLinearizable(history)));

t.test('the order in which operations are listed does not matter', async (t) => {
  for (const [, history] of ILLEGAL) t.notOk(isLinearizable([...history].reverse()));
  for (const [, history] of LEGAL) t.ok(isLinearizable([...history].reverse()));
});

t.test('it agrees with trying every order', async (t) => {
  const operation = fc.record({
    kind: fc.constantFrom<'read' | 'write'>('read', 'write'),
    value: fc.constantFrom('', 'a', 'b'),
    calledAt: fc.integer({ min: 0, max: 8 }),
    length: fc.integer({ min: 1, max: 6 }),
    isKnown: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
  });
  let legal = 0;
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 6 }), (drawn) => {
      const history = drawn.map(({ kind, value, calledAt, length, isKnown }): Operation => {
        return { kind, value, calledAt, returnedAt: isKnown ? calledAt + length - 0.5 : Infinity };
      });
      const expected = someOrderExplains(history);
      if (expected) legal++;
      return isLinearizable(history) === expected;
    }),
    { numRuns: 3000 },
  );
  t.ok(legal > 100, `${legal} legal ones among them`);
});

/** The definition itself: all orders that respect time, with the unknown writes left out or in. */
function someOrderExplains(history: readonly Operation[], value = ''): boolean {
  if (history.every(({ returnedAt }) => returnedAt === Infinity)) return true;
  return history.some((operation, i) => {
    if (history.some((other) => other.returnedAt < operation.calledAt)) return false;
    if (operation.kind === 'read' && operation.returnedAt !== Infinity && operation.value !== value)
      return false;
    const rest = history.filter((_, j) => j !== i);
    return someOrderExplains(rest, operation.kind === 'write' ? operation.value : value);
  });
}
