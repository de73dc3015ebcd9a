/** Every decision of a read, as tables of what was heard. */
import t from 'tap';
import {
  ANSWER,
  FETCH,
  type ReadDecision,
  ReadQuorum,
  SETTLE,
  WAIT,
} from '../../src/replication/read-quorum.js';

const NAMES = { [WAIT]: 'WAIT', [ANSWER]: 'ANSWER', [FETCH]: 'FETCH', [SETTLE]: 'SETTLE' };

interface Case {
  readonly name: string;
  readonly replicas?: number;
  readonly r?: number;
  readonly linearizable?: boolean;
  /** Versions heard, by replica; undefined: not heard. */
  readonly heard: readonly (number | undefined)[];
  /** The version whose record is at hand. */
  readonly record?: number;
  readonly expected: ReadDecision;
}

function quorumOf({
  replicas = 3,
  r = 2,
  linearizable = true,
  heard,
  record = 0,
}: Omit<Case, 'name' | 'expected'>): ReadQuorum {
  const quorum = new ReadQuorum();
  quorum.reset(replicas, r, linearizable);
  for (const [i, time] of heard.entries()) if (time !== undefined) quorum.hear(i, time, time === 0 ? 0 : 2);
  if (record > 0) quorum.holdRecord(record, 2);
  return quorum;
}

const CASES: readonly Case[] = [
  { name: 'nothing heard', heard: [], expected: WAIT },
  { name: 'one of two', heard: [5], record: 5, expected: WAIT },
  { name: 'two agree', heard: [5, 5], record: 5, expected: ANSWER },
  { name: 'the same, places apart', heard: [undefined, 5, 5], record: 5, expected: ANSWER },
  { name: 'two hold nothing', heard: [0, 0], expected: ANSWER },
  { name: 'they differ', heard: [5, 4], record: 5, expected: SETTLE },
  { name: 'one holds nothing', heard: [5, 0], record: 5, expected: SETTLE },
  { name: 'they differ, a third agrees with the newest', heard: [5, 4, 5], record: 5, expected: ANSWER },
  { name: 'the newest has only been named', heard: [4, 5], record: 4, expected: FETCH },
  { name: 'two name the newest, no record', heard: [5, 5], expected: FETCH },
  {
    name: 'below a majority: the newest is good enough',
    r: 1,
    linearizable: false,
    heard: [5, 4],
    record: 5,
    expected: ANSWER,
  },
  {
    name: 'below a majority: one is enough',
    r: 1,
    linearizable: false,
    heard: [undefined, 4],
    record: 4,
    expected: ANSWER,
  },
  { name: 'R=3 and one behind', r: 3, heard: [5, 5, 4], record: 5, expected: SETTLE },
  { name: 'R=3 and all agree', r: 3, heard: [5, 5, 5], record: 5, expected: ANSWER },
  { name: 'R=3 and two heard', r: 3, heard: [5, 5], record: 5, expected: WAIT },
  { name: 'five, R=3: two of three agree', replicas: 5, r: 3, heard: [5, 5, 4], record: 5, expected: SETTLE },
  {
    name: 'five, R=3: three of four agree',
    replicas: 5,
    r: 3,
    heard: [5, 5, 4, 5],
    record: 5,
    expected: ANSWER,
  },
  { name: 'one replica', replicas: 1, r: 1, heard: [7], record: 7, expected: ANSWER },
];

t.test('decisions', async (t) => {
  for (const c of CASES) t.equal(NAMES[quorumOf(c).decide()], NAMES[c.expected], c.name);
});

t.test('equal times are told apart by the node', async (t) => {
  const quorum = new ReadQuorum();
  quorum.reset(3, 2, true);
  quorum.hear(0, 5, 2);
  quorum.hear(1, 5, 4);
  t.match({ time: quorum.newestTime, node: quorum.newestNode }, { time: 5, node: 4 });
  quorum.holdRecord(5, 2);
  t.equal(quorum.decide(), FETCH, 'the record of the other one is not it');
  t.equal(quorum.newestHolder(), 1);
  quorum.holdRecord(5, 4);
  t.equal(quorum.decide(), SETTLE);
  t.ok(quorum.needsRepair(0));
  t.notOk(quorum.needsRepair(1));
  t.notOk(quorum.needsRepair(2), 'it has not been heard');
});

t.test('a replica never goes back to an older version', async (t) => {
  const quorum = quorumOf({ heard: [5, 4], record: 5 });
  quorum.hear(1, 5, 2);
  quorum.hear(1, 3, 2);
  t.equal(quorum.decide(), ANSWER);
});

t.test('a write-back that is answered STALE makes the higher version the one to settle', async (t) => {
  const quorum = quorumOf({ heard: [5, 4], record: 5 });
  quorum.hear(1, 9, 2);
  t.equal(quorum.newestTime, 9);
  t.equal(quorum.decide(), FETCH);
  t.equal(quorum.newestHolder(), 1);
  quorum.holdRecord(9, 2);
  t.equal(quorum.decide(), SETTLE);
  t.ok(quorum.needsRepair(0));
});

t.test('a replica that is forgotten counts no more, nor does what only it held', async (t) => {
  const quorum = quorumOf({ heard: [9, 4, 4], record: 9 });
  quorum.forget(0);
  t.equal(quorum.newestTime, 4);
  t.equal(quorum.decide(), FETCH, 'the record at hand was the other one');
  quorum.holdRecord(4, 2);
  t.equal(quorum.decide(), ANSWER);
  quorum.forget(1);
  t.equal(quorum.decide(), WAIT);
  quorum.forget(2);
  t.match({ time: quorum.newestTime, holder: quorum.newestHolder() }, { time: 0, holder: -1 });
});

t.test('the expired form that a reader adopts has to be settled like any version', async (t) => {
  const quorum = quorumOf({ heard: [5, 5], record: 5 });
  t.equal(quorum.decide(), ANSWER);
  quorum.adopt(5, 3);
  t.equal(quorum.decide(), SETTLE);
  t.ok(quorum.needsRepair(0) && quorum.needsRepair(1));
  quorum.hear(0, 5, 3);
  t.equal(quorum.decide(), SETTLE);
  quorum.hear(1, 5, 3);
  t.equal(quorum.decide(), ANSWER);
});

t.test('reset forgets the read before', async (t) => {
  const quorum = quorumOf({ heard: [9, 9, 9], record: 9 });
  quorum.reset(2, 2, true);
  t.equal(quorum.decide(), WAIT);
  t.equal(quorum.newestTime, 0);
  quorum.hear(0, 0, 0);
  quorum.hear(1, 0, 0);
  t.equal(quorum.decide(), ANSWER);
});
