/**
 * How long commands took, in buckets that double: bucket i counts what took more than 2^(i−1) and up to 2^i microseconds.
 * Exact enough to tell apart what matters, and one small array for each command.
 */

/** The last bucket takes everything over 2^30 microseconds, about 18 minutes. */
const BUCKETS = 32;

export class LatencyHistogram {
  /** Doubles: they count to 2^53, and adding to one allocates nothing. */
  readonly #counts = new Float64Array(BUCKETS);
  #total = 0;

  get total(): number {
    return this.#total;
  }

  record(elapsedMs: number): void {
    const us = Math.ceil(elapsedMs * 1000);
    const bucket = us <= 1 ? 0 : Math.min(BUCKETS - 1, 32 - Math.clz32(us - 1));
    this.#counts[bucket]!++;
    this.#total++;
  }

  /** For each bucket that is not empty: its upper bound in microseconds, and how many were not over it. */
  cumulative(): [boundUs: number, count: number][] {
    const rows: [number, number][] = [];
    let sum = 0;
    for (let i = 0; i < BUCKETS; i++) {
      if (this.#counts[i] === 0) continue;
      sum += this.#counts[i]!;
      rows.push([2 ** i, sum]);
    }
    return rows;
  }

  /** The upper bound, in microseconds, of the bucket within which so many percent are; 0 when there is nothing. */
  percentileUs(percent: number): number {
    const rank = Math.ceil((this.#total * percent) / 100);
    return this.cumulative().find(([, count]) => count >= rank)?.[0] ?? 0;
  }
}
