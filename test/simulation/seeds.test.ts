/**
 * A bounded set of runs of the simulator: fixed seeds, which every change must pass, and a few that nobody has run before.
 * `QUORAL_SIM_SEEDS` sets how many fixed ones, `QUORAL_SIM_FRESH` how many fresh ones, which are printed.
 */
import t, { type Test } from 'tap';
import { freshSeed } from './command-line.js';
import { FAULT_NAMES } from './faults.js';
import type { GivenOptions } from './options.js';
import { failureText, Report } from './report.js';
import { simulate } from './simulator.js';

const FIXED = Number(process.env.QUORAL_SIM_SEEDS ?? 15);
const FRESH = Number(process.env.QUORAL_SIM_FRESH ?? 5);
const ALL_FAULTS: GivenOptions = { faults: FAULT_NAMES };
/** What a run has at least, whatever goes wrong in it: less would say that it tests nothing. */
const OPERATIONS_MIN = 100;

// Several times what it takes on an idle machine.
t.setTimeout(280_000);

async function runAll(t: Test, seeds: readonly number[], given: GivenOptions): Promise<void> {
  t.setTimeout(240_000);
  const report = new Report(() => performance.now());
  for (const seed of seeds) {
    const result = await simulate(seed, given);
    report.add(result);
    if (!result.ok) t.fail(failureText(result, given));
    if (result.operations < OPERATIONS_MIN) t.fail(`seed ${seed} had ${result.operations} operations`);
  }
  t.comment(report.summary());
  t.equal(report.runs - report.failed.length, seeds.length, 'seeds that passed');
}

function numbered(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

t.test('fixed seeds, some faults each', (t) => runAll(t, numbered(FIXED), {}));

t.test('fixed seeds, all faults', (t) => runAll(t, numbered(FIXED), ALL_FAULTS));

t.test('no faults: nothing fails', async (t) => {
  const result = await simulate(1, { faults: [], virtualSeconds: 20 });
  t.same(result.failures, []);
  const failed = [...result.outcomes].filter(([name]) => !name.endsWith(' ok'));
  t.same(failed, []);
});

t.test('fresh seeds, all faults', (t) => {
  const seeds = numbered(FRESH).map(freshSeed);
  t.comment(`fresh seeds: ${seeds.join(' ')}`);
  return runAll(t, seeds, ALL_FAULTS);
});
