/** Each checker says nothing of what is right, and finds one planted thing that is wrong. */
import t from 'tap';
import { SeededRandom } from '../../../src/base/seeded-random.js';
import type { DecodedRecord } from '../../../src/version/record.js';
import { isLinearizable, type Operation } from '../../support/linearizability.js';
import { broken, registerHistory } from '../../support/linearizability-histories.js';
import { findGrowth, type Gauges } from './growth.js';
import { findLostWrites } from './lost-writes.js';
import { findReplicaDifferences } from './replicas.js';
import { findScanProblems, type Scan } from './scans.js';
import { findReturned } from './stay-away.js';
import { findSetbacks, type Sighting } from './version-order.js';

function write(value: string, calledAt: number, returnedAt = Infinity): Operation {
  return { kind: 'write', value, calledAt, returnedAt, by: 'writer' };
}

function read(value: string, calledAt: number, returnedAt: number): Operation {
  return { kind: 'read', value, calledAt, returnedAt, by: 'reader' };
}

function expiring(value: string, calledAt: number, returnedAt = Infinity): Operation {
  return { ...write(value, calledAt, returnedAt), mayExpire: true };
}

t.test('lost writes', async (t) => {
  const table: readonly [string, readonly Operation[], string, number][] = [
    ['the last one', [write('a', 0, 1), write('b', 2, 3)], 'b', 0],
    ['either of two at once', [write('a', 0, 5), write('b', 2, 3)], 'a', 0],
    ['one that may have happened', [write('a', 0, 1), write('b', 2)], 'b', 0],
    ['an acknowledged one is lost', [write('a', 0, 1), write('b', 2, 3)], 'a', 1],
    ['everything is lost', [write('a', 0, 1)], '', 1],
    ['an acknowledged delete is lost', [write('a', 0, 1), write('', 2, 3)], 'a', 1],
    ['an expired one is gone', [expiring('a', 0, 1)], '', 0],
    ['nothing was acknowledged', [write('a', 0)], '', 0],
    ['a value from nowhere', [], 'x', 1],
    ['a history that is wrong by itself', [write('a', 0, 1), read('', 2, 3)], '', 0],
  ];
  for (const [name, history, final, count] of table) {
    const problems = findLostWrites(new Map([['k', history]]), new Map([['k', final]]));
    t.equal(problems.length, count, `${name}: ${problems.join()}`);
  }
  const [problem] = findLostWrites(
    new Map([['k', [write('a', 0, 1), write('b', 2, 3)]]]),
    new Map([['k', 'a']]),
  );
  t.equal(problem, 'k is a in the end, though b was acknowledged last, at 3 ms (writer)');
});

function sighting(kind: Sighting['kind'], time: number, calledAt: number, returnedAt: number): Sighting {
  return { kind, version: { time, node: 2 }, value: `v${time}`, calledAt, returnedAt, by: 'c' };
}

t.test('versions do not go back', async (t) => {
  const first = sighting('write', 5, 0, 10);
  const table: readonly [string, readonly Sighting[], number][] = [
    ['a read of what was written', [first, sighting('read', 5, 11, 12)], 0],
    ['an older one, at the same time', [first, sighting('read', 4, 9, 12)], 0],
    ['an older one, after it', [first, sighting('read', 4, 11, 12)], 1],
    ['a write below what was acknowledged', [first, sighting('write', 4, 11, 12)], 1],
    ['a write of the same version', [first, sighting('write', 5, 11, 12)], 1],
    ['a read ends, another starts', [sighting('read', 7, 0, 1), sighting('read', 6, 2, 3)], 1],
    ['listed in any order', [sighting('read', 6, 2, 3), sighting('read', 7, 0, 1)], 1],
    ['one version, two values', [first, { ...sighting('read', 5, 11, 12), value: 'other' }], 1],
  ];
  for (const [name, sightings, count] of table) t.equal(findSetbacks(sightings).length, count, name);
});

t.test('what is gone stays away', async (t) => {
  const table: readonly [string, readonly Operation[], number][] = [
    ['a deleted value', [write('a', 0, 1), write('', 2, 3), read('', 4, 5), read('', 6, 7)], 0],
    ['a deleted value comes back', [write('a', 0, 1), write('', 2), read('', 4, 5), read('a', 6, 7)], 1],
    ['an expired value comes back', [expiring('a', 0, 1), read('', 4, 5), read('a', 6, 7)], 1],
    ['seen before, and comes back', [expiring('a', 0), read('a', 1, 2), read('', 4, 5), read('a', 6, 7)], 1],
    ['a replaced value comes back', [write('a', 0, 1), write('b', 2), read('b', 4, 5), read('a', 6, 7)], 1],
    ['absent before it was there', [expiring('a', 0, 9), read('', 1, 2), read('a', 3, 4)], 0],
    ['absent and there at the same time', [expiring('a', 0, 1), read('', 4, 9), read('a', 8, 12)], 0],
    ['an unknown write that comes late', [write('a', 0), read('', 1, 2), read('a', 3, 4)], 0],
    [
      'two come back',
      [write('a', 0, 1), write('b', 0, 1), read('', 2, 3), read('a', 4, 5), read('b', 6, 7)],
      2,
    ],
  ];
  for (const [name, history, count] of table) t.equal(findReturned('k', history).length, count, name);
  let found = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const random = new SeededRandom(seed);
    const history = registerHistory(random, { operations: 300, clients: 5, expiries: 0.5 });
    t.same(findReturned('k', history), [], `nothing is wrong with seed ${seed}`);
    const stale = broken(history, 'stale read', random);
    if (findReturned('k', stale).length > 0) found++;
    t.notOk(isLinearizable(stale));
  }
  t.ok(found > 100, `it finds ${found} of 200 stale reads by itself`);
});

t.test('scans', async (t) => {
  const scan = (keys: readonly string[]): Scan => ({
    by: 's',
    startedAt: 10,
    endedAt: 20,
    prefix: 'k',
    keys,
  });
  const lived = [write('a', 0, 1)];
  const table: readonly [string, readonly Operation[], number, number][] = [
    // What is wrong when the key is given, and when it is not.
    ['a key that lived throughout', lived, 0, 1],
    ['one that was written again meanwhile', [...lived, write('b', 12, 13)], 0, 1],
    ['one that was deleted meanwhile', [...lived, write('', 12, 13)], 0, 0],
    ['one that was deleted before', [...lived, write('', 2, 3)], 1, 0],
    ['one that may have been deleted', [...lived, write('', 2)], 0, 0],
    ['one that was deleted and written again', [...lived, write('', 2, 3), write('b', 4, 5)], 0, 1],
    ['one that may have been written again', [...lived, write('', 2, 3), write('b', 4)], 0, 0],
    ['one that was written meanwhile', [write('a', 12, 13)], 0, 0],
    ['one that was written after it', [write('a', 22, 23)], 1, 0],
    ['one that may expire', [expiring('a', 0, 1)], 0, 0],
    ['one that had expired', [expiring('a', 0, 1), read('', 2, 3)], 1, 0],
    ['one that was deleted after it', [...lived, write('', 22, 23)], 0, 1],
    ['one that nobody wrote', [], 1, 0],
  ];
  for (const [name, history, given, missing] of table) {
    const histories = new Map([['k1', history]]);
    t.equal(findScanProblems(scan(['k1']), histories).length, given, `${name}, given`);
    t.equal(findScanProblems(scan([]), histories).length, missing, `${name}, not given`);
  }
  const histories = new Map([
    ['k1', lived],
    ['other', lived],
  ]);
  t.match(findScanProblems(scan(['k1', 'k1']), histories), [/has k1 twice/]);
  t.match(findScanProblems(scan(['k1', 'other']), histories), [/has other, which was not asked for/]);
});

t.test('replicas', async (t) => {
  const record = (time: number, value: string): DecodedRecord => {
    const bytes = new TextEncoder().encode(value);
    return { version: { time, node: 2 }, tombstone: value === '', expiryMs: 0, value: bytes };
  };
  const differences = (a?: DecodedRecord, b?: DecodedRecord, other?: DecodedRecord): number => {
    const of = (held?: DecodedRecord) => new Map(held === undefined ? [] : [['k', held]]);
    const stored = new Map([
      ['a', of(a)],
      ['b', of(b)],
      ['c', of(other)],
    ]);
    return findReplicaDifferences(stored, new Map([['k', ['a', 'b']]])).length;
  };
  t.equal(differences(record(1, 'x'), record(1, 'x')), 0);
  t.equal(differences(), 0);
  t.equal(differences(record(1, 'x'), record(2, 'x')), 1, 'another version');
  t.equal(differences(record(1, 'x'), record(1, 'y')), 1, 'another value');
  t.equal(differences(record(1, 'x'), record(1, '')), 1, 'a tombstone');
  t.equal(differences(record(1, 'x'), { ...record(1, 'x'), expiryMs: 9 }), 1, 'another expiry');
  t.equal(differences(record(1, 'x'), undefined), 1, 'nothing');
  t.equal(differences(record(1, 'x'), record(1, 'x'), record(1, 'x')), 1, 'somebody else has it');
});

t.test('growth', async (t) => {
  const sample = (gauges: Gauges, atMs = 0) => [{ atMs, node: 'a', gauges }];
  const problems = (before: Gauges, during: Gauges, after: Gauges) =>
    findGrowth({
      before: sample(before),
      during: [...sample(before, 1000), ...sample(during, 2000)],
      after: sample(after, 9000),
      limits: { queue: 10, timers: 10 },
      slack: { timers: 2 },
    });
  t.same(problems({ queue: 0, timers: 1 }, { queue: 10, timers: 9 }, { queue: 0, timers: 3 }), []);
  t.same(problems({ queue: 0 }, { queue: 11 }, { queue: 0 }), [
    'queue of a was 11 at 2000 ms, and the load explains 10',
  ]);
  t.same(problems({ queue: 0 }, { queue: 5 }, { queue: 1 }), [
    'queue of a was 0 before the load, and 1 after it',
  ]);
  t.same(problems({ timers: 1 }, { timers: 1 }, { timers: 4 }), [
    'timers of a was 1 before the load, and 4 after it',
  ]);
  t.same(problems({ other: 1 }, { other: 1 }, { other: 1 }), ['nobody has said how large other may be']);
});
