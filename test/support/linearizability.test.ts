/** The checker finds what is wrong with illegal histories, and nothing wrong with legal ones. */
import fc from 'fast-check';
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { findViolation, isLinearizable, type Operation } from './linearizability.js';
import { broken, MUTATIONS, registerHistory } from './linearizability-histories.js';

const RUNS = 4000;

function write(value: string, calledAt: number, returnedAt = Infinity): Operation {
  return { kind: 'write', value, calledAt, returnedAt };
}

function expiring(value: string, calledAt: number, returnedAt = Infinity): Operation {
  return { kind: 'write', value, calledAt, returnedAt, mayExpire: true };
}

function exists(value: 'present' | '', calledAt: number, returnedAt: number): Operation {
  return { kind: 'exists', value, calledAt, returnedAt };
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
  [
    'each delete explains one absence',
    [write('a', 0, 1), write('', 2), write('', 3), read('', 4, 5), write('b', 6, 7), read('', 8, 9)],
  ],
  [
    'a first choice that fails is taken back',
    [write('a', 0, 3), write('a', 1, 7), write('', 2, 5), read('', 4, 6), read('a', 8, 9)],
  ],
  [
    'an unknown write that one choice uses and another one saves',
    [
      write('b', 0, 2),
      write('a', 1, 3),
      read('b', 4, 7),
      write('b', 5),
      write('a', 6, 9),
      write('', 8, 10),
      read('b', 11, 12),
      write('a', 13, 15),
      read('a', 14, 16),
      write('', 17, 18),
      read('', 19, 20),
    ],
  ],
  ['exists during a write', [write('a', 0, 10), exists('', 1, 2), exists('present', 3, 4)]],
  ['exists during a delete', [write('a', 0, 1), write('', 2, 9), exists('present', 3, 4), exists('', 5, 6)]],
  ['exists by an unknown write', [write('a', 0), write('', 1, 2), exists('', 3, 4), exists('present', 5, 6)]],
  ['a value expires', [expiring('a', 0, 1), read('a', 2, 3), read('', 4, 5), read('', 6, 7)]],
  ['a value expires unseen', [expiring('a', 0, 1), read('', 4, 5)]],
  ['an unknown value expires late', [write('a', 0, 1), expiring('b', 2), read('a', 3, 4), read('', 5, 6)]],
  [
    'a value expires under a write that nobody has seen',
    [expiring('a', 0, 10), write('b', 0, 10), read('a', 11, 12), read('', 13, 14)],
  ],
  [
    'values written twice',
    [
      write('a', 0, 1),
      write('b', 2, 3),
      write('a', 4, 5),
      read('a', 6, 7),
      write('b', 6, 9),
      read('b', 8, 12),
    ],
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
  ['exists before any write', [exists('present', 0, 1), write('a', 2, 3)]],
  ['exists after a delete', [write('a', 0, 1), write('', 2, 3), exists('present', 4, 5), write('b', 6, 7)]],
  ['exists after absence', [expiring('a', 0, 1), read('', 2, 3), exists('present', 4, 5)]],
  ['absent after a write', [write('a', 0, 1), exists('', 2, 3)]],
  ['an expired value comes back', [expiring('a', 0, 1), read('', 4, 5), read('a', 6, 7)]],
  ['another expires than the one there', [expiring('a', 0, 1), write('b', 2, 3), read('', 4, 5)]],
  [
    'one delete for two absences',
    [write('a', 0, 1), write('', 2), read('', 4, 5), write('b', 6, 7), read('', 8, 9)],
  ],
  [
    'a value read on both sides of another',
    [
      write('a', 0, 1),
      read('a', 2, 3),
      write('b', 2, 20),
      read('b', 4, 5),
      write('c', 6, 7),
      read('b', 8, 9),
    ],
  ],
];

for (const [name, history] of LEGAL) t.test(`legal: ${name}`, async (t) => t.ok(isLinearizable(history)));
for (const [name, history] of ILLEGAL)
  t.test(`illegal: ${name}`, async (t) => t.notOk(isLinearizable(history)));

t.test('the order in which operations are listed does not matter', async (t) => {
  for (const [, history] of ILLEGAL) t.notOk(isLinearizable([...history].reverse()));
  for (const [, history] of LEGAL) t.ok(isLinearizable([...history].reverse()));
});

t.test('what is wrong is told', async (t) => {
  const told = (history: readonly Operation[]): string | undefined => findViolation(history)?.reason;
  t.equal(told([write('a', 0, 1), read('x', 2, 3)]), 'nobody wrote x');
  t.equal(told([read('a', 0, 1), write('a', 2, 3)]), 'a was read before anybody wrote it');
  const stale = read('a', 4, 5);
  const violation = findViolation([write('a', 0, 1), read('a', 0, 1), write('b', 2, 3), stale]);
  t.match(violation?.reason, 'none of these can be the next');
  t.equal(violation?.operations.at(-1), stale);
});

interface Drawn {
  readonly kind: 'read' | 'write';
  readonly value: string;
  readonly calledAt: number;
  readonly length: number;
  readonly isKnown: boolean;
}

function historyOf(drawn: readonly Drawn[]): Operation[] {
  return drawn.map(({ kind, value, calledAt, length, isKnown }) => {
    return { kind, value, calledAt, returnedAt: isKnown ? calledAt + length - 0.5 : Infinity };
  });
}

/** Every value but absence is written once; some of them may expire. */
function withValuesWrittenOnce(history: readonly Operation[]): Operation[] {
  const written = new Set<string>();
  return history.filter(({ kind, value }) => {
    if (kind === 'read' || value === '') return true;
    const isFirst = !written.has(value);
    written.add(value);
    return isFirst;
  });
}

const FAMILIES: readonly (readonly [string, readonly string[], (drawn: Operation[]) => Operation[]])[] = [
  ['few values, written again and again', ['', 'a', 'b'], (drawn) => drawn],
  ['values written once, and deletes', ['', '', 'a', 'b', 'c', 'd'], withValuesWrittenOnce],
  [
    'values that expire',
    ['', 'a', 'b', 'c', 'd'],
    (drawn) =>
      withValuesWrittenOnce(drawn).map((each) =>
        each.kind === 'write' && (each.value === 'a' || each.value === 'b')
          ? { ...each, mayExpire: true }
          : each,
      ),
  ],
];

for (const [name, values, family] of FAMILIES) {
  t.test(`it agrees with trying every order: ${name}`, async (t) => {
    const operation = fc.record({
      kind: fc.constantFrom<'read' | 'write'>('read', 'write'),
      value: fc.constantFrom(...values),
      calledAt: fc.integer({ min: 0, max: 9 }),
      length: fc.integer({ min: 1, max: 7 }),
      isKnown: fc.integer({ min: 0, max: 4 }).map((n) => n > 0),
    });
    let [legal, illegal] = [0, 0];
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 8 }), (drawn) => {
        const history = family(historyOf(drawn));
        const expected = someOrderExplains(history);
        if (expected) legal++;
        else illegal++;
        return isLinearizable(history) === expected;
      }),
      { numRuns: RUNS },
    );
    t.ok(legal > RUNS / 20 && illegal > RUNS / 20, `${legal} legal ones, ${illegal} illegal ones`);
  });
}

/** Histories that are nearly legal: what a register answers, with one read changed. */
const NEARLY: Readonly<Record<string, (each: Operation) => Operation>> = {
  'values written once': (each) => each,
  'two values': (each) => renamed(each, 2),
  'three values': (each) => renamed(each, 3),
};

/** Gives all values one of a few names, so that each is written several times. */
function renamed({ kind, value, calledAt, returnedAt }: Operation, names: number): Operation {
  return { kind, value: value === '' ? '' : `w${Number(value.slice(1)) % names}`, calledAt, returnedAt };
}

for (const [name, rename] of Object.entries(NEARLY)) {
  t.test(`it agrees with trying every order: one read changed, ${name}`, async (t) => {
    let [legal, illegal] = [0, 0];
    for (let seed = 1; seed <= RUNS; seed++) {
      const random = new SeededRandom(seed);
      const rates = { deletes: 0.3, unknown: 0.25, expiries: (seed % 3) / 4 };
      const drawn = registerHistory(random, { operations: 11, clients: 2 + (seed % 6), ...rates });
      const history = drawn.map(rename);
      const reads = history.filter(({ kind }) => kind === 'read');
      const read = reads[random.below(Math.max(1, reads.length))];
      const { value } = history[random.below(history.length)]!;
      const changed = history.map((each) => (each === read ? { ...each, value } : each));
      const expected = someOrderExplains(changed);
      if (expected) legal++;
      else illegal++;
      if (isLinearizable(changed) !== expected) t.fail(`seed ${seed}: ${JSON.stringify(changed)}`);
    }
    t.ok(legal > RUNS / 20 && illegal > RUNS / 20, `${legal} legal ones, ${illegal} illegal ones`);
  });
}

/** The definition itself: all orders that respect time, with the unknown writes left out or in. */
function someOrderExplains(history: readonly Operation[], value = '', mayExpire = false): boolean {
  if (history.every(({ returnedAt }) => returnedAt === Infinity)) return true;
  if (mayExpire && someOrderExplains(history, '')) return true;
  return history.some((operation, i) => {
    if (history.some((other) => other.returnedAt < operation.calledAt)) return false;
    const rest = history.filter((_, j) => j !== i);
    if (operation.kind === 'write') return someOrderExplains(rest, operation.value, operation.mayExpire);
    if (operation.returnedAt !== Infinity && operation.value !== value) return false;
    return someOrderExplains(rest, value, mayExpire);
  });
}

/** Long histories, and how they are drawn. */
const LONG = {
  'of writes and reads': { operations: 100_000, clients: 30, deletes: 0 },
  'with deletes and unknown outcomes': { operations: 100_000, clients: 30, unknown: 0.1 },
  'of reads mostly': { operations: 100_000, clients: 30, writes: 0.02 },
  'with values that expire': { operations: 100_000, clients: 30, expiries: 0.5 },
};

for (const [name, options] of Object.entries(LONG)) {
  t.test(`long: ${name}`, async (t) => {
    const random = new SeededRandom(7);
    const history = registerHistory(random, options);
    t.equal(findViolation(history), undefined);
    for (const mutation of MUTATIONS) t.notOk(isLinearizable(broken(history, mutation, random)), mutation);
  });
}

t.test('long: of few values, where there is a choice again and again', async (t) => {
  const random = new SeededRandom(1);
  const history = registerHistory(random, { operations: 5000, clients: 4, unknown: 0 });
  const few = (each: Operation): Operation => renamed(each, 3);
  t.ok(isLinearizable(history.map(few)));
  t.notOk(
    isLinearizable(broken(history, 'back from the dead', random).map(few)),
    'every choice was tried, once',
  );
});

t.test('what a register answers is legal; with one thing changed it is not', async (t) => {
  let missed = 0;
  for (let seed = 1; seed <= 100; seed++) {
    const random = new SeededRandom(seed);
    const history = registerHistory(random, {
      operations: 1000,
      clients: 1 + (seed % 12),
      expiries: (seed % 3) / 4,
    });
    if (!isLinearizable(history)) t.fail(`seed ${seed} is legal`);
    for (const mutation of MUTATIONS) if (isLinearizable(broken(history, mutation, random))) missed++;
  }
  t.equal(missed, 0);
});
