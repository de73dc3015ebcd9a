import t from 'tap';
import { HealingProgress } from '../../bench/healing/progress.js';
import { cpuResult } from '../../bench/healing/result.js';
import { between, growth, type Sample } from '../../bench/healing/watch.js';
import { parseState } from '../../bench/node-state.js';

interface Round {
  readonly at: number;
  readonly peer: string;
  readonly slotsDiffering: number;
}

const NO_ROUND: Round = { at: 0, peer: '', slotsDiffering: 0 };

/** A sample in which the nodes have moved so many keys, and the last one's last round was that. */
function sampleOf(atMs: number, moved: readonly (number | undefined)[], lastRound = NO_ROUND): Sample {
  const states = moved.map((keysSent) =>
    keysSent === undefined ? undefined : parseState({ antiEntropy: { totals: { keysSent }, lastRound } }),
  );
  return { atMs, cpuUs: atMs * 10, states };
}

const moved = (state: { antiEntropy: { keysMoved: number } }) => state.antiEntropy.keysMoved;

t.test('a counter grows over all nodes; one that was started again counts from zero', async (t) => {
  const before = sampleOf(0, [5, 10, undefined]);
  t.equal(growth(before, sampleOf(1, [7, 10, 3]), moved), 2 + 0 + 3);
  t.equal(growth(before, sampleOf(1, [7, 4, undefined]), moved), 2 + 4);
});

t.test('equal is what has moved enough, and has found no difference with any peer after that', async (t) => {
  const progress = new HealingProgress({
    start: sampleOf(0, [0, 0, 0]),
    patientIndex: 2,
    others: 2,
    differing: 10,
  });
  const clean = (at: number, peer: string): Round => ({ at, peer, slotsDiffering: 0 });
  const steps: [done: boolean, sample: Sample][] = [
    [false, sampleOf(1, [0, 0, 0], clean(1, 'n1'))],
    [false, sampleOf(2, [4, 0, 0], { at: 2, peer: 'n2', slotsDiffering: 3 })],
    [false, sampleOf(3, [4, 8, 0], { at: 2, peer: 'n2', slotsDiffering: 3 })],
    [false, sampleOf(4, [4, 8, 0], clean(4, 'n2'))],
    [false, sampleOf(5, [4, 8, 0], clean(5, 'n2'))],
    [true, sampleOf(6, [4, 8, 0], clean(6, 'n1'))],
  ];
  for (const [done, sample] of steps) t.equal(progress.onSample(sample), done, `at ${sample.atMs}`);
  t.same([progress.first?.atMs, progress.last.atMs], [2, 3]);
});

t.test('a node that is equal from the start has not healed', async (t) => {
  const start = sampleOf(0, [0, 0]);
  const progress = new HealingProgress({ start, patientIndex: 1, others: 1, differing: 1 });
  t.notOk(progress.onSample(sampleOf(1, [0, 0], { at: 1, peer: 'n1', slotsDiffering: 0 })));
  t.equal(progress.first, undefined);
});

t.test('what a quiet cluster would have used is taken off', async (t) => {
  t.same(cpuResult(5_000_000, 4, 0.25), {
    seconds: 4,
    grossUs: 5_000_000,
    quietUs: 1_000_000,
    netUs: 4_000_000,
  });
  t.equal(cpuResult(undefined, 4, 0.25), null);
  t.equal(cpuResult(5, 4, null), null);
  t.equal(between(2, 5), 3);
  t.equal(between(undefined, 5), undefined);
});
