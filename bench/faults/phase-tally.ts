/**
 * What is counted in one phase: every operation that was *meant* to start in it, however late it ends. An operation that is
 * under way when a node dies therefore counts where it began.
 *
 * Latencies are those of operations that succeeded; the others are told apart into failed (definitely not done) and in
 * doubt (may have been done), and the longest of them is kept beside their number.
 */
import { LatencyHistogram, type LatencySummary } from '../histogram.js';

export interface FailureCount {
  readonly count: number;
  /** From its intended start to its error. */
  readonly longestMs: number;
}

/** By error code. */
export type Failures = Readonly<Record<string, FailureCount>>;

export class PhaseTally {
  readonly #latencies = new LatencyHistogram();
  readonly #lateness = new LatencyHistogram();
  readonly #failed = new Map<string, FailureCount>();
  readonly #inDoubt = new Map<string, FailureCount>();
  #underWay = 0;

  /** Operations without an outcome yet. */
  get underWay(): number {
    return this.#underWay;
  }

  get operations(): number {
    return this.#latencies.count;
  }

  get latency(): LatencySummary {
    return this.#latencies.summary();
  }

  get failed(): Failures {
    return Object.fromEntries(this.#failed);
  }

  get inDoubt(): Failures {
    return Object.fromEntries(this.#inDoubt);
  }

  /** How late operations left, from the moment that was meant: the load generator's own part of their latency. */
  get lateness(): LatencySummary {
    return this.#lateness.summary();
  }

  begin(lateMs: number): void {
    this.#underWay++;
    this.#lateness.record(lateMs);
  }

  success(latencyMs: number): void {
    this.#underWay--;
    this.#latencies.record(latencyMs);
  }

  failure(code: string, isDefinite: boolean, afterMs: number): void {
    this.#underWay--;
    const counts = isDefinite ? this.#failed : this.#inDoubt;
    const { count, longestMs } = counts.get(code) ?? { count: 0, longestMs: 0 };
    counts.set(code, { count: count + 1, longestMs: Math.max(longestMs, afterMs) });
  }
}

export function failureCount(failures: Failures): number {
  return Object.values(failures).reduce((sum, { count }) => sum + count, 0);
}
