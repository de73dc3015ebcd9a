/**
 * Hints: a node is away while keys are overwritten, comes back, and is sent what it missed. It is stopped in good order and
 * not killed, so that it finds its hash trees on its disk: building them would be in the CPU otherwise (`trees.ts` has it).
 */
import { sleep } from '../shell.js';
import type { HealingBench } from './bench.js';
import { cpuResult, type HintsResult } from './result.js';
import { between, growth, type Sample } from './watch.js';

const DRAIN_MS_MAX = 180_000;
/** After this the others have noticed that a node is gone, whichever way they notice. */
const NOTICED_MS = 2000;

export async function measureHints(bench: HealingBench): Promise<HintsResult> {
  const { watch, settings, others, patient, shell } = bench;
  await watch.settle();
  const quiet = await watch.quiet(settings.quietS);
  await patient.stop(shell);
  await sleep(shell.clock, NOTICED_MS);
  const addresses = others.map(({ address }) => address);
  const writing = await watch.measure(quiet, () => bench.write(settings.hints, addresses, 0));
  await watch.calm();
  const hints = hintsIn(await watch.sample());
  const upAfterS = await bench.startPatient();
  const start = await watch.sample();
  let last = start;
  const isDrained = await watch.until((sample) => {
    last = sample;
    return hintsIn(sample) === 0;
  }, DRAIN_MS_MAX);
  const seconds = (last.atMs - start.atMs) / 1000;
  const hintsLeft = hintsIn(last);
  return {
    quiet,
    hints,
    writing,
    upAfterS,
    drainedAfterS: isDrained ? seconds : null,
    hintsLeft,
    hintsPerSecond: seconds === 0 ? 0 : (hintsIn(start) - hintsLeft) / seconds,
    cpu: cpuResult(between(start.cpuUs, last.cpuUs), seconds, quiet.cores),
    keysByAntiEntropy: growth(start, last, (state) => state.antiEntropy.keysMoved),
  };
}

function hintsIn(sample: Sample): number {
  return sample.states.reduce((sum, state) => sum + (state?.hints ?? 0), 0);
}
