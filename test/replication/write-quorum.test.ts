/** Every decision of a write, as tables. */
import t from 'tap';
import {
  DONE,
  FAILED,
  RESEND,
  UNKNOWN,
  WAIT,
  type WriteDecision,
  WriteQuorum,
} from '../../src/replication/write-quorum.js';

interface Case {
  readonly name: string;
  readonly replicas?: number;
  readonly w?: number;
  readonly sent?: number;
  readonly careful?: boolean;
  readonly accepted?: number;
  readonly stale?: number;
  readonly unsure?: number;
  readonly lost?: number;
  /** Replicas that have said that they did not do it. */
  readonly refused?: number;
  readonly expected: WriteDecision;
}

const NAMES = {
  [WAIT]: 'WAIT',
  [DONE]: 'DONE',
  [RESEND]: 'RESEND',
  [FAILED]: 'FAILED',
  [UNKNOWN]: 'UNKNOWN',
};

function decide(c: Case): WriteDecision {
  const { replicas = 3, w = 2, sent = replicas, careful = false } = c;
  const { accepted = 0, stale = 0, unsure = 0, lost = 0, refused = 0 } = c;
  const quorum = new WriteQuorum();
  quorum.reset(replicas, w, sent, careful);
  quorum.accepted = accepted;
  quorum.stale = stale;
  quorum.unsure = unsure;
  quorum.lost = lost;
  quorum.outstanding -= accepted + stale + unsure + lost + refused;
  return quorum.decide();
}

function table(title: string, cases: readonly Case[]): void {
  t.test(title, async (t) => {
    for (const c of cases) t.equal(NAMES[decide(c)], NAMES[c.expected], c.name);
  });
}

table('three replicas, W=2', [
  { name: 'nothing heard', expected: WAIT },
  { name: 'one acceptance', accepted: 1, expected: WAIT },
  { name: 'two acceptances, the third is still out', accepted: 2, expected: DONE },
  { name: 'all accepted', accepted: 3, expected: DONE },
  { name: 'one STALE proves nothing', stale: 1, expected: WAIT },
  { name: 'one accepted, one STALE: the third decides', accepted: 1, stale: 1, expected: WAIT },
  { name: 'two accepted beside a STALE', accepted: 2, stale: 1, expected: DONE },
  { name: 'two STALE: dead, though one accepted it', accepted: 1, stale: 2, expected: RESEND },
  { name: 'two STALE: dead, though the third has not answered', stale: 2, expected: RESEND },
  { name: 'UNSURE counts as neither', accepted: 1, unsure: 1, stale: 1, expected: UNKNOWN },
  { name: 'UNSURE does not make W', accepted: 1, unsure: 1, refused: 1, expected: UNKNOWN },
  { name: 'all refused', refused: 3, expected: FAILED },
  { name: 'refused and STALE: nobody has it', refused: 2, stale: 1, expected: FAILED },
  { name: 'one accepted, the others refused', accepted: 1, refused: 2, expected: UNKNOWN },
  { name: 'one lost, the others refused', lost: 1, refused: 2, expected: UNKNOWN },
  { name: 'one lost, another still out', lost: 1, refused: 1, expected: WAIT },
  { name: 'one lost, two accepted', lost: 1, accepted: 2, expected: DONE },
]);

table('W=1', [
  { name: 'the first acceptance will do', w: 1, accepted: 1, expected: DONE },
  { name: 'two STALE: the third may still accept', w: 1, stale: 2, expected: WAIT },
  { name: 'all STALE', w: 1, stale: 3, expected: RESEND },
  {
    name: 'the only live replica is STALE: nobody has it, a higher version can reach W',
    w: 1,
    sent: 1,
    stale: 1,
    expected: RESEND,
  },
  { name: 'the only live replica refuses', w: 1, sent: 1, refused: 1, expected: FAILED },
  { name: 'the only live replica is lost', w: 1, sent: 1, lost: 1, expected: UNKNOWN },
]);

table('W=N', [
  { name: 'two of three', w: 3, accepted: 2, expected: WAIT },
  { name: 'three of three', w: 3, accepted: 3, expected: DONE },
  { name: 'settled: the STALE one has as good as got it', w: 3, accepted: 2, stale: 1, expected: DONE },
  { name: 'settled: the UNSURE one too', w: 3, accepted: 2, unsure: 1, expected: DONE },
  { name: 'not settled, one STALE', w: 3, accepted: 1, stale: 1, expected: WAIT },
  { name: 'two STALE of three: no majority can have it', w: 3, accepted: 1, stale: 2, expected: RESEND },
  { name: 'one lost', w: 3, accepted: 2, lost: 1, expected: UNKNOWN },
]);

table('five replicas, W=3', [
  { name: 'two STALE are not enough', replicas: 5, stale: 2, accepted: 2, w: 3, expected: WAIT },
  { name: 'three STALE', replicas: 5, stale: 3, w: 3, expected: RESEND },
  { name: 'three STALE and two accepted', replicas: 5, stale: 3, accepted: 2, w: 3, expected: RESEND },
  { name: 'three accepted and two STALE', replicas: 5, stale: 2, accepted: 3, w: 3, expected: DONE },
  { name: 'W=4: three STALE are more than N−majority', replicas: 5, w: 4, stale: 3, expected: RESEND },
  { name: 'W=2: three STALE are not more than N−W', replicas: 5, w: 2, stale: 3, expected: WAIT },
  { name: 'W=2: four STALE are', replicas: 5, w: 2, stale: 4, expected: RESEND },
]);

table('two replicas and one', [
  { name: 'one STALE of two is dead at W=2', replicas: 2, stale: 1, expected: RESEND },
  { name: 'one STALE of two, accepted by the other', replicas: 2, stale: 1, accepted: 1, expected: RESEND },
  { name: 'alone: accepted', replicas: 1, w: 1, accepted: 1, expected: DONE },
  { name: 'alone: STALE', replicas: 1, w: 1, stale: 1, expected: RESEND },
]);

table('careful: what is higher is concurrent, and counts', [
  { name: 'one accepted, one STALE', careful: true, sent: 2, accepted: 1, stale: 1, expected: DONE },
  { name: 'both STALE', careful: true, sent: 2, stale: 2, expected: DONE },
  { name: 'one accepted, one UNSURE', careful: true, sent: 2, accepted: 1, unsure: 1, expected: DONE },
  { name: 'one STALE, one lost', careful: true, sent: 2, stale: 1, lost: 1, expected: UNKNOWN },
  {
    name: 'one STALE, one refused: nobody has it',
    careful: true,
    sent: 2,
    stale: 1,
    refused: 1,
    expected: FAILED,
  },
  { name: 'one STALE, one still out', careful: true, sent: 2, stale: 1, expected: WAIT },
  { name: 'never sent again, with three STALE of three', careful: true, stale: 3, expected: DONE },
  { name: 'W=3 with two STALE and one out', careful: true, w: 3, stale: 2, expected: WAIT },
]);

t.test('reset forgets the attempt before', async (t) => {
  const quorum = new WriteQuorum();
  quorum.reset(3, 2, 3, false);
  quorum.accepted = quorum.stale = quorum.unsure = quorum.lost = 2;
  quorum.reset(3, 2, 3, false);
  t.equal(quorum.decide(), WAIT);
  t.match(quorum, { outstanding: 3, accepted: 0, stale: 0, unsure: 0, lost: 0 });
});
