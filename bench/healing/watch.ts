/**
 * Watching a cluster from outside: its states, all at one moment, beside its CPU. The quiet measurements ask as often as
 * the others, so that what the asking costs is in both.
 */
import { loadavg } from 'node:os';
import type { Cluster } from '../cluster.js';
import { fetchState, type NodeState, wholeProblem } from '../node-state.js';
import { serverCpuUs } from '../process-cpu.js';
import { type Shell, sleep } from '../shell.js';
import { type CpuResult, cpuResult, type QuietResult } from './result.js';

/** How often states are asked for: times are known to this. */
export const SAMPLE_MS = 500;
/** A cluster that uses less than this, over {@link SETTLE_WINDOW_MS}, has done what it had to do. */
const SETTLED_CORES = 0.15;
const SETTLE_WINDOW_MS = 2000;
const SETTLE_MS_MAX = 45_000;

/** Something that can be measured: a moment. */
export interface Sample {
  readonly atMs: number;
  readonly cpuUs: number | undefined;
  readonly states: readonly (NodeState | undefined)[];
}

export class Watch {
  readonly shell: Shell;
  readonly cluster: Cluster;

  constructor(cluster: Cluster, shell: Shell) {
    this.cluster = cluster;
    this.shell = shell;
  }

  nowMs(): number {
    return this.shell.clock.monotonicMs();
  }

  /** CPU of all nodes that ever were. */
  cpuUs(): number | undefined {
    return serverCpuUs(this.cluster.pids);
  }

  async sample(): Promise<Sample> {
    const asked = this.cluster.nodes.map((node) =>
      node.hasEnded ? undefined : fetchState(node.address, this.shell),
    );
    const states = await Promise.all(asked);
    return { atMs: this.nowMs(), cpuUs: this.cpuUs(), states };
  }

  /** Samples until `isDone`, at most `limitMs`; every sample is shown to it. False: it was not done. */
  async until(isDone: (sample: Sample) => boolean, limitMs: number): Promise<boolean> {
    const deadlineMs = this.nowMs() + limitMs;
    while (this.nowMs() < deadlineMs) {
      if (isDone(await this.sample())) return true;
      await sleep(this.shell.clock, SAMPLE_MS);
    }
    return false;
  }

  /** Waits until the cluster is whole, equal, and has nothing to do; says what it has when that takes too long. */
  async settle(): Promise<void> {
    const names = this.cluster.nodes.map(({ name }) => name);
    let problem: string | undefined;
    const isWhole = await this.until(({ states }) => {
      problem = wholeProblem(names, states) ?? repairProblem(names, states);
      return problem === undefined;
    }, SETTLE_MS_MAX);
    if (!isWhole) this.shell.say(`the cluster is not quiet: ${problem}`);
    await this.calm();
  }

  /** Waits until the nodes have little to do: compactions go on for a while after writes. */
  async calm(): Promise<void> {
    const deadlineMs = this.nowMs() + SETTLE_MS_MAX;
    let cores = await this.#coresOver(SETTLE_WINDOW_MS);
    while (cores !== undefined && cores > SETTLED_CORES && this.nowMs() < deadlineMs) {
      cores = await this.#coresOver(SETTLE_WINDOW_MS);
    }
    if (cores !== undefined && cores > SETTLED_CORES) {
      this.shell.say(`the cluster is not quiet: it keeps ${cores.toFixed(2)} cores busy`);
    }
  }

  /** Measures a cluster that has settled. */
  async quiet(seconds: number): Promise<QuietResult> {
    const before = await this.sample();
    let after = before;
    await this.until((sample) => {
      after = sample;
      return false;
    }, seconds * 1000);
    const lengthS = (after.atMs - before.atMs) / 1000;
    const rounds = growth(before, after, (state) => state.antiEntropy.rounds);
    const bytes = growth(before, after, (state) => state.antiEntropy.bytes);
    const cpuUs = between(before.cpuUs, after.cpuUs);
    return {
      seconds: lengthS,
      cores: cpuUs === undefined || lengthS === 0 ? null : cpuUs / lengthS / 1e6,
      loadAverage: loadavg()[0]!,
      rounds,
      bytesPerRound: rounds === 0 ? 0 : bytes / rounds,
      rssBytes: after.states.map((state) => state?.rssBytes ?? 0),
      treeBytes: after.states.map((state) => state?.antiEntropy.treeBytes ?? 0),
    };
  }

  /** CPU and time of some work on the whole cluster. */
  async measure(quiet: QuietResult | undefined, work: () => Promise<void>): Promise<CpuResult | null> {
    const fromMs = this.nowMs();
    const cpuBefore = this.cpuUs();
    await work();
    const seconds = (this.nowMs() - fromMs) / 1000;
    return cpuResult(between(cpuBefore, this.cpuUs()), seconds, quiet === undefined ? 0 : quiet.cores);
  }

  async #coresOver(ms: number): Promise<number | undefined> {
    const fromMs = this.nowMs();
    const cpuBefore = this.cpuUs();
    await sleep(this.shell.clock, ms);
    const cpuUs = between(cpuBefore, this.cpuUs());
    return cpuUs && cpuUs / (this.nowMs() - fromMs) / 1000;
  }
}

/** How much a counter has grown over all nodes. A node that was started again counts from zero. */
export function growth(before: Sample, after: Sample, of: (state: NodeState) => number): number {
  return after.states.reduce((sum, state, i) => {
    if (state === undefined) return sum;
    const earlier = before.states[i];
    const from = earlier === undefined ? 0 : of(earlier);
    const to = of(state);
    return sum + (to >= from ? to - from : to);
  }, 0);
}

export function between(before: number | undefined, after: number | undefined): number | undefined {
  return before === undefined || after === undefined ? undefined : after - before;
}

function repairProblem(
  names: readonly string[],
  states: readonly (NodeState | undefined)[],
): string | undefined {
  for (const [i, name] of names.entries()) {
    const { slotsUnbuilt = 0, slotsDivergent = 0 } = states[i]?.antiEntropy ?? {};
    if (slotsUnbuilt > 0) return `${name} has ${slotsUnbuilt} slots without a hash tree`;
    if (slotsDivergent > 0) return `${name} has ${slotsDivergent} slots that differ`;
  }
  return undefined;
}
