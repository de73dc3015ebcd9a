/** What people are shown of a run that failed: what is wrong, the operations it is about, and how to see it again. */
import t from 'tap';
import { commandOf, parseCommandLine } from './command-line.js';
import { FAULT_NAMES } from './faults.js';
import type { GivenOptions } from './options.js';
import { readsAskOne } from './planted/quorum-bugs.js';
import { failureText, listText } from './report.js';
import { SCENARIOS } from './scenarios/index.js';
import { type SimulationResult, simulate } from './simulator.js';

const SEEDS_MAX = 10;
const GIVEN: GivenOptions = { nodes: 3, clients: 8, virtualSeconds: 10, faults: ['slow-link', 'one-way'] };

async function firstFailure(): Promise<SimulationResult> {
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const result = await simulate(seed, GIVEN);
    if (result.offending.size > 0) return result;
  }
  throw new Error(`the planted bug shows in none of ${SEEDS_MAX} seeds`);
}

t.test('a run that fails says what is wrong, and its command repeats it', async (t) => {
  t.teardown(readsAskOne.plant());
  const result = await firstFailure();
  t.notOk(result.ok, 'a planted bug is found');
  const { seed } = result.options;
  const text = failureText(result, GIVEN);
  const [key] = result.offending.keys();
  t.match(result.failures.join(), new RegExp(`\\b${key}\\b`), 'a failure names the key');
  t.match(text, `operations on ${key}:`);
  const [last] = [...result.offending.get(key!)!].sort((a, b) => b.calledAt - a.calledAt);
  t.match(text, `${last!.calledAt.toFixed(3)} – `, 'the last operation on it is shown');

  const [, args = ''] = /repeat it with: npm run sim -- (.*)$/m.exec(text) ?? [];
  t.equal(
    args,
    `--seed ${seed} --nodes 3 --clients 8 --faults slow-link,one-way --virtual-seconds 10 --trace`,
  );
  const { given, seeds } = parseCommandLine(args.split(' '));
  t.same(seeds, { from: seed, to: seed });
  const again = await simulate(seed, given);
  t.equal(again.transcriptHash, result.transcriptHash);
  t.same(again.failures, result.failures);
});

t.test('the shortest command', async (t) => {
  const table: [GivenOptions, string][] = [
    [{}, '--seed 7'],
    [{ faults: [] }, '--seed 7 --faults none'],
    [{ faults: FAULT_NAMES }, '--seed 7 --faults all'],
    [{ virtualSeconds: 60 }, '--seed 7'],
    [{ virtualSeconds: 61, nodes: 4 }, '--seed 7 --nodes 4 --virtual-seconds 61'],
  ];
  for (const [given, args] of table) t.equal(commandOf(7, given), `npm run sim -- ${args}`);
});

t.test('the list has every scenario and every fault', async (t) => {
  const lines = listText()
    .split('\n')
    .map((line) => line.trim());
  for (const { name, story } of SCENARIOS.values()) t.equal(lines[lines.indexOf(name) + 1], story);
  for (const name of FAULT_NAMES) t.ok(lines.some((line) => line.startsWith(`${name} `)));
});
