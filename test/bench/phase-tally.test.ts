import t from 'tap';
import { failureCount, PhaseTally } from '../../bench/faults/phase-tally.js';
import { phaseResult } from '../../bench/faults/result.js';

function tallyOf(successes: number, latencyMs: number): PhaseTally {
  const tally = new PhaseTally();
  for (let i = 0; i < successes; i++) {
    tally.begin(1);
    tally.success(latencyMs);
  }
  return tally;
}

const evidence = (tally: PhaseTally, cpuUs: number | null) => ({
  name: 'quiet',
  seconds: 2,
  cpuUs,
  tally,
  loadAverage: 1.5,
  notes: ['a note'],
});

t.test('operations that succeed are counted, the others are told apart', async (t) => {
  const tally = tallyOf(10, 4);
  for (const [code, isDefinite, afterMs] of [
    ['TIMEOUT', false, 2000],
    ['TIMEOUT', false, 2010],
    ['TIMEOUT', true, 1990],
    ['CONNECTION_LOST', false, 3],
  ] as const) {
    tally.begin(1);
    tally.failure(code, isDefinite, afterMs);
  }
  tally.begin(1);
  t.same(tally.failed, { TIMEOUT: { count: 1, longestMs: 1990 } });
  t.same(tally.inDoubt, {
    TIMEOUT: { count: 2, longestMs: 2010 },
    CONNECTION_LOST: { count: 1, longestMs: 3 },
  });
  t.equal(failureCount(tally.inDoubt), 3);
  t.same([tally.operations, tally.underWay], [10, 1]);
});

t.test('a phase has its rate and its CPU per operation that succeeded', async (t) => {
  const tally = tallyOf(100, 4);
  tally.begin(1);
  const result = phaseResult(evidence(tally, 5000));
  t.match(result, { operations: 100, operationsPerSecond: 50, serverUsPerOperation: 50, unanswered: 1 });
  t.match(result, { failed: 0, inDoubt: 0, loadAverage: 1.5, notes: ['a note'] });
  t.equal(result.latencyUs.p99, 4000);
  t.match(result.sentLateUs, { count: 101, p99: 1000 });
});

t.test('what is not known stays unknown', async (t) => {
  t.equal(phaseResult(evidence(tallyOf(100, 4), null)).serverUsPerOperation, null);
  t.equal(phaseResult(evidence(new PhaseTally(), 5000)).serverUsPerOperation, null);
  t.equal(phaseResult({ ...evidence(new PhaseTally(), 0), seconds: 0 }).operationsPerSecond, 0);
});
