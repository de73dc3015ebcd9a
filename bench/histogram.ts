/**
 * Latency histograms with three significant digits (HdrHistogram, Gil Tene). The only file that imports the library.
 */
import { build, JsHistogram } from 'hdr-histogram-js';

/** Latencies are kept in units of 100 ns: finer than the clock, and a minute still fits 32 bits. */
const UNITS_PER_MS = 10_000;
const UNITS_PER_US = 10;

/** Longest latency told apart; longer ones count as this. */
export const LATENCY_MS_MAX = 200_000;
const HIGHEST = LATENCY_MS_MAX * UNITS_PER_MS;

/** In microseconds. */
export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p99_9: number;
  readonly max: number;
}

/** How many latencies lie at or below `upToUs` microseconds and above the bucket before. */
export interface LatencyBucket {
  readonly upToUs: number;
  readonly count: number;
}

export class LatencyHistogram {
  readonly #histogram = newHistogram();

  record(latencyMs: number): void {
    this.#histogram.recordValue(Math.min(HIGHEST, Math.max(0, Math.round(latencyMs * UNITS_PER_MS))));
  }

  /** Adds everything that `other` has recorded. */
  add(other: LatencyHistogram): void {
    this.#histogram.add(other.#histogram);
  }

  get count(): number {
    return this.#histogram.totalCount;
  }

  /** The latency in microseconds that `percent` of all do not exceed. */
  percentileUs(percent: number): number {
    // The library answers with the upper end of a cell, which can lie above the largest value.
    return Math.min(this.#histogram.getValueAtPercentile(percent), this.#histogram.maxValue) / UNITS_PER_US;
  }

  summary(): LatencySummary {
    return {
      count: this.count,
      mean: this.count === 0 ? 0 : Math.round(this.#histogram.mean) / UNITS_PER_US,
      p50: this.percentileUs(50),
      p95: this.percentileUs(95),
      p99: this.percentileUs(99),
      p99_9: this.percentileUs(99.9),
      max: this.#histogram.maxValue / UNITS_PER_US,
    };
  }

  /** Counts in buckets whose bounds are 1, 2 and 5 times the powers of ten, from the first to the last that is not empty. */
  buckets(): LatencyBucket[] {
    const buckets: { upToUs: number; count: number }[] = [];
    const values = this.#histogram.recordedValuesIterator;
    values.reset();
    let bound = 1;
    while (values.hasNext()) {
      const { valueIteratedTo, countAddedInThisIterationStep } = values.next();
      while (valueIteratedTo > bound * UNITS_PER_US) {
        if (buckets.length > 0) addBucket(buckets, bound, 0);
        bound = nextBound(bound);
      }
      addBucket(buckets, bound, countAddedInThisIterationStep);
    }
    return buckets;
  }
}

function newHistogram(): JsHistogram {
  const histogram = build({
    lowestDiscernibleValue: 1,
    highestTrackableValue: HIGHEST,
    numberOfSignificantValueDigits: 3,
    autoResize: false,
    useWebAssembly: false,
  });
  // The iterator over recorded values is on the class, not on the library's interface.
  if (!(histogram instanceof JsHistogram)) throw new Error('the histogram is not the JavaScript one');
  return histogram;
}

function addBucket(buckets: { upToUs: number; count: number }[], upToUs: number, count: number): void {
  const last = buckets.at(-1);
  if (last?.upToUs === upToUs) last.count += count;
  else buckets.push({ upToUs, count });
}

/** 1, 2, 5, 10, 20, 50, … */
function nextBound(bound: number): number {
  const leading = Number(String(bound)[0]);
  return leading === 2 ? bound * 2.5 : bound * 2;
}
