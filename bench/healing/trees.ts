/** Hash trees: a killed node has none, and builds them from its records while it serves. */
import { processCpuUs } from '../process-cpu.js';
import type { HealingBench } from './bench.js';
import { cpuResult, type TreesResult } from './result.js';
import { between } from './watch.js';

const BUILD_MS_MAX = 240_000;

export async function measureTrees(bench: HealingBench): Promise<TreesResult> {
  const { watch, settings, patient, patientIndex, cluster } = bench;
  await watch.settle();
  const quiet = await watch.quiet(settings.quietS);
  await patient.kill();
  const upAfterS = await bench.startPatient();
  const startMs = watch.nowMs();
  const upCpuUs = processCpuUs(patient.pid);
  let state = (await watch.sample()).states[patientIndex];
  const isBuilt = await watch.until((sample) => {
    state = sample.states[patientIndex];
    return state !== undefined && state.antiEntropy.slotsUnbuilt === 0;
  }, BUILD_MS_MAX);
  const seconds = (watch.nowMs() - startMs) / 1000;
  const quietCores = quiet.cores === null ? null : quiet.cores / cluster.nodes.length;
  return {
    quiet,
    upAfterS,
    upCpuUs: upCpuUs ?? null,
    builtAfterS: isBuilt ? seconds : null,
    recordsRead: state?.antiEntropy.recordsRead ?? 0,
    cpu: cpuResult(between(upCpuUs, processCpuUs(patient.pid)), seconds, quietCores),
    treeBytes: state?.antiEntropy.treeBytes ?? 0,
    rssBytes: state?.rssBytes ?? 0,
  };
}
