/**
 * What is counted during a run. Nothing counts before {@link Measurement.begin} but the errors of the warm-up.
 *
 * Throughput counts the operations that finish within the window. Latencies are of all operations that are under way at
 * some moment of it (from their intended start, in an open loop), however late they finish: a stall at either end of
 * the window is not left out.
 */

import type { Tally } from './driver.js';
import { LatencyHistogram } from './histogram.js';
import { type Kind, READ } from './workload.js';

export class Measurement implements Tally {
  readonly reads = new LatencyHistogram();
  readonly writes = new LatencyHistogram();
  /** Open loop: how late requests left, from the moment that the schedule meant. */
  readonly sendDelays = new LatencyHistogram();
  /** By code, from the beginning of the window on. */
  readonly errors = new Map<string, number>();
  warmupErrors = 0;
  /** Operations that finished within the window. */
  operations = 0;
  #fromMs = Number.POSITIVE_INFINITY;
  #toMs = Number.POSITIVE_INFINITY;

  begin(nowMs: number): void {
    this.#fromMs = nowMs;
  }

  end(nowMs: number): void {
    this.#toMs = nowMs;
  }

  /** Length of the window. */
  get seconds(): number {
    return (this.#toMs - this.#fromMs) / 1000;
  }

  success(kind: Kind, startMs: number, nowMs: number): void {
    if (this.#isWithin(nowMs)) this.operations++;
    if (nowMs >= this.#fromMs && startMs < this.#toMs)
      (kind === READ ? this.reads : this.writes).record(nowMs - startMs);
  }

  failure(code: string, _key: number, nowMs: number): void {
    if (nowMs >= this.#fromMs) this.errors.set(code, (this.errors.get(code) ?? 0) + 1);
    else this.warmupErrors++;
  }

  sent(intendedMs: number, nowMs: number): void {
    if (this.#isWithin(nowMs)) this.sendDelays.record(nowMs - intendedMs);
  }

  /** Requests that never had an answer. */
  unanswered(count: number): void {
    if (count > 0) this.errors.set('TIMEOUT', (this.errors.get('TIMEOUT') ?? 0) + count);
  }

  #isWithin(ms: number): boolean {
    return ms >= this.#fromMs && ms < this.#toMs;
  }
}
