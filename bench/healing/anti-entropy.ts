/**
 * Anti-entropy: one replica differs in some keys, and nobody keeps hints for it. The simplest honest way to get there is
 * what an operator must not do: the node is given back an older copy of its data directory. Between the copy and its
 * return all three replicas have acknowledged every write (W = 3), so no hint was kept, and what it forgets the two others
 * hold. Both times the node was stopped in good order, so its hash trees are those of its data.
 */
import { cp, rename, rm } from 'node:fs/promises';
import { messageOf } from '../../src/base/errors.js';
import { connect, type RepairView } from '../../src/client/index.js';
import type { HealingBench } from './bench.js';
import { HealingProgress } from './progress.js';
import { type AntiEntropyResult, cpuResult } from './result.js';
import { between, growth, type Sample } from './watch.js';

const HEAL_MS_MAX = 180_000;

export async function measureAntiEntropy(bench: HealingBench): Promise<AntiEntropyResult> {
  const { watch, settings, cluster, patient, shell } = bench;
  const copy = `${patient.data}-before`;
  await watch.settle();
  await patient.stop(shell);
  await cp(patient.data, copy, { recursive: true });
  await bench.startPatient();
  await watch.settle();
  await bench.write(settings.differing, cluster.addresses, cluster.nodes.length);
  await watch.settle();
  const quiet = await watch.quiet(settings.quietS);
  await patient.stop(shell);
  await rm(patient.data, { recursive: true });
  await rename(copy, patient.data);
  await bench.startPatient();
  const start = await watch.sample();
  const { length: others } = bench.others;
  const { differing } = settings;
  const healing = new HealingProgress({ start, patientIndex: bench.patientIndex, others, differing });
  const isEqual = await watch.until((sample) => healing.onSample(sample), HEAL_MS_MAX);
  const { first, last } = healing;
  const secondsTo = (sample: Sample) => (sample.atMs - start.atMs) / 1000;
  return {
    quiet,
    differing,
    equalAfterS: isEqual ? secondsTo(last) : null,
    firstExchangeAfterS: first === undefined ? null : secondsTo(first),
    keysMoved: growth(start, last, (state) => state.antiEntropy.keysMoved),
    bytesMoved: growth(start, last, (state) => state.antiEntropy.bytes),
    cpu: cpuResult(between(start.cpuUs, last.cpuUs), secondsTo(last), quiet.cores),
    ...(await verify(bench)),
  };
}

/** Has the patient compare all that it keeps with the others. */
async function verify(
  bench: HealingBench,
): Promise<Pick<AntiEntropyResult, 'slotsDifferingAfter' | 'problems'>> {
  const client = await connect(bench.cluster.addresses);
  try {
    const repair: RepairView = await client.repair(bench.patient.name);
    return { slotsDifferingAfter: repair.slotsDiffering, problems: repair.problems };
  } catch (error) {
    return { slotsDifferingAfter: null, problems: [`the repair failed: ${messageOf(error)}`] };
  } finally {
    await client.close();
  }
}
