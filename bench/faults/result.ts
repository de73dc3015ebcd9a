/** The result of `faults`, as it is printed and saved. */
import type { LatencySummary } from '../histogram.js';
import type { Environment } from '../result.js';
import type { FaultsSettings } from './options.js';
import { type Failures, failureCount, type PhaseTally } from './phase-tally.js';

/** Version of the saved form. */
export const FAULTS_FORMAT = 1;

export interface PhaseResult {
  readonly name: string;
  readonly seconds: number;
  /** Operations that were meant to start in the phase, and succeeded. */
  readonly operations: number;
  readonly operationsPerSecond: number;
  readonly latencyUs: LatencySummary;
  /** How late operations left, failed ones included; part of their latency. */
  readonly sentLateUs: LatencySummary;
  readonly failed: number;
  readonly inDoubt: number;
  readonly failedByCode: Failures;
  readonly inDoubtByCode: Failures;
  /** Operations without an outcome when the bench ended. */
  readonly unanswered: number;
  /** CPU of all nodes per operation, starting of processes included; null where it is not known. */
  readonly serverUsPerOperation: number | null;
  /** Of the machine, over the last minute, at the end of the phase. */
  readonly loadAverage: number;
  readonly notes: readonly string[];
}

export interface FaultsResult {
  readonly format: typeof FAULTS_FORMAT;
  readonly command: 'faults';
  readonly environment: Environment;
  readonly settings: FaultsSettings;
  readonly phases: readonly PhaseResult[];
  /** What was begun between the phases, while the cluster became whole. */
  readonly between: PhaseResult;
  /** Phases that could not be tried here, and why. */
  readonly skipped: readonly string[];
}

export interface PhaseEvidence {
  readonly name: string;
  readonly seconds: number;
  /** Of all nodes, during the phase; null where it is not known. */
  readonly cpuUs: number | null;
  readonly tally: PhaseTally;
  readonly loadAverage: number;
  readonly notes: readonly string[];
}

/** To be read when every operation has its outcome. */
export function phaseResult(evidence: PhaseEvidence): PhaseResult {
  const { name, tally, seconds, cpuUs, loadAverage, notes } = evidence;
  const { operations, failed, inDoubt } = tally;
  return {
    name,
    seconds,
    operations,
    operationsPerSecond: seconds > 0 ? operations / seconds : 0,
    latencyUs: tally.latency,
    sentLateUs: tally.lateness,
    failed: failureCount(failed),
    inDoubt: failureCount(inDoubt),
    failedByCode: failed,
    inDoubtByCode: inDoubt,
    unanswered: tally.underWay,
    serverUsPerOperation: cpuUs === null || operations === 0 ? null : cpuUs / operations,
    loadAverage,
    notes,
  };
}

/** Reads that brought nothing, or not what was written: there must be none, whatever fails. */
export function wrongAnswers(phase: PhaseResult): number {
  const codes = ['ABSENT', 'WRONG_SIZE', 'WRONG_VALUE'];
  return codes.reduce((sum, code) => sum + (phase.failedByCode[code]?.count ?? 0), 0);
}
