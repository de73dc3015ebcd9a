/**
 * One phase: the load goes on as ever, something happens to the cluster, and at the end stands what was counted. A phase
 * lasts as long as was asked for; one that waits for what it does (a rolling restart) lasts until that is done, within
 * its limit.
 */
import { loadavg } from 'node:os';
import type { Cluster } from '../cluster.js';
import { fetchState, type NodeState, wholeProblem } from '../node-state.js';
import { serverCpuUs } from '../process-cpu.js';
import { type Shell, sleep } from '../shell.js';
import type { OpenLoad } from './open-load.js';
import { PhaseTally } from './phase-tally.js';
import type { PhaseEvidence } from './result.js';

/** How long a cluster is given to become whole after a phase; what remains then is said. */
const SETTLE_MS_MAX = 10_000;
const SETTLE_POLL_MS = 500;
const WAIT_POLL_MS = 500;
const MS_PER_S = 1000;

export interface PhaseSpec {
  readonly name: string;
  readonly act: (context: PhaseContext) => Promise<void>;
  /** The most that a phase may last which waits for its act, as a multiple of the usual length. */
  readonly waitsUpTo?: number;
  /** What it did is to last: the cluster need not be whole before the next phase. */
  readonly leavesFault?: boolean;
}

export interface FaultBench {
  readonly shell: Shell;
  readonly cluster: Cluster;
  readonly load: OpenLoad;
  readonly durationS: number;
  /** Counts what is begun while the cluster becomes whole, between the phases. */
  readonly between: PhaseTally;
}

/** What an act is given: the time since its phase began, and whether it is over. */
export class PhaseContext {
  readonly shell: Shell;
  readonly cluster: Cluster;
  readonly durationMs: number;
  readonly notes: string[] = [];
  isOver = false;
  readonly #startMs: number;

  constructor({ shell, cluster, durationS }: Omit<FaultBench, 'load' | 'between'>) {
    this.shell = shell;
    this.cluster = cluster;
    this.durationMs = durationS * MS_PER_S;
    this.#startMs = shell.clock.monotonicMs();
  }

  /** Since the phase began, as in `1.2 s`. */
  get elapsed(): string {
    return `${((this.shell.clock.monotonicMs() - this.#startMs) / MS_PER_S).toFixed(1)} s`;
  }

  note(text: string): void {
    this.notes.push(text);
  }

  sleep(ms: number): Promise<void> {
    return sleep(this.shell.clock, ms);
  }

  /** Asks time and again; false when the phase was over before the answer was yes. */
  async until(check: () => Promise<boolean>): Promise<boolean> {
    while (!this.isOver) {
      if (await check()) return true;
      await this.sleep(WAIT_POLL_MS);
    }
    return false;
  }
}

export async function runPhase(bench: FaultBench, spec: PhaseSpec): Promise<PhaseEvidence> {
  const { shell, cluster, load, durationS } = bench;
  const { clock } = shell;
  const tally = new PhaseTally();
  load.countWith(tally);
  const startMs = clock.monotonicMs();
  const cpuBefore = serverCpuUs(cluster.pids);
  const context = new PhaseContext(bench);
  const acting = spec.act(context).catch((error: Error) => context.note(`! ${error.message}`));
  await sleep(clock, durationS * MS_PER_S);
  if (spec.waitsUpTo !== undefined) {
    await Promise.race([acting, sleep(clock, (spec.waitsUpTo - 1) * durationS * MS_PER_S)]);
  }
  const seconds = (clock.monotonicMs() - startMs) / MS_PER_S;
  const cpuAfter = serverCpuUs(cluster.pids);
  load.countWith(bench.between);
  context.isOver = true;
  await acting;
  if (spec.leavesFault !== true) await untilWhole(bench, context);
  const cpuUs = cpuBefore === undefined || cpuAfter === undefined ? null : cpuAfter - cpuBefore;
  return { name: spec.name, seconds, cpuUs, tally, loadAverage: loadavg()[0]!, notes: context.notes };
}

async function untilWhole({ shell, cluster }: FaultBench, context: PhaseContext): Promise<void> {
  const startMs = shell.clock.monotonicMs();
  let problem = await clusterProblem(cluster, shell);
  while (problem !== undefined) {
    if (shell.clock.monotonicMs() - startMs > SETTLE_MS_MAX) {
      context.note(`! ${SETTLE_MS_MAX / MS_PER_S} s after the phase, ${problem}`);
      return;
    }
    await sleep(shell.clock, SETTLE_POLL_MS);
    problem = await clusterProblem(cluster, shell);
  }
}

/** Why the cluster is not whole; undefined when it is. */
export async function clusterProblem(cluster: Cluster, shell: Shell): Promise<string | undefined> {
  const states: (NodeState | undefined)[] = [];
  for (const { address } of cluster.nodes) states.push(await fetchState(address, shell));
  return wholeProblem(
    cluster.nodes.map(({ name }) => name),
    states,
  );
}
