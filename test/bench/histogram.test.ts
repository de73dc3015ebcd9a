import t from 'tap';
import { LATENCY_MS_MAX, LatencyHistogram } from '../../bench/histogram.js';

t.test('percentiles are in microseconds, right to three digits', async (t) => {
  const histogram = new LatencyHistogram();
  for (let i = 1; i <= 10_000; i++) histogram.record(i / 1000); // 1 µs to 10 ms
  const summary = histogram.summary();
  const cases: [number, number][] = [
    [summary.p50, 5000],
    [summary.p95, 9500],
    [summary.p99, 9900],
    [summary.p99_9, 9990],
    [summary.max, 10_000],
    [summary.mean, 5000],
  ];
  for (const [actual, expected] of cases) {
    t.ok(Math.abs(actual - expected) <= expected / 1000, `${actual} for ${expected}`);
  }
  t.equal(summary.count, 10_000);
});

t.test('no percentile is above the maximum', async (t) => {
  const histogram = new LatencyHistogram();
  for (let ms = 1; ms < 60_000; ms *= 1.37) {
    histogram.record(ms);
    const { p50, p99_9, max } = histogram.summary();
    t.ok(p50 <= max && p99_9 <= max, `${p99_9} of ${max}`);
  }
});

t.test('short latencies keep tenths of a microsecond', async (t) => {
  const histogram = new LatencyHistogram();
  histogram.record(0.0423);
  t.equal(histogram.summary().p50, 42.3);
});

t.test('what cannot be is counted at the bounds', async (t) => {
  const histogram = new LatencyHistogram();
  histogram.record(-1);
  histogram.record(LATENCY_MS_MAX * 10);
  t.equal(histogram.count, 2);
  t.equal(histogram.percentileUs(0), 0);
  t.ok(histogram.summary().max >= LATENCY_MS_MAX * 1000);
});

t.test('an empty histogram has a summary', async (t) => {
  t.same(new LatencyHistogram().summary(), { count: 0, mean: 0, p50: 0, p95: 0, p99: 0, p99_9: 0, max: 0 });
  t.same(new LatencyHistogram().buckets(), []);
});

t.test('adding keeps every latency', async (t) => {
  const [a, b] = [new LatencyHistogram(), new LatencyHistogram()];
  a.record(1);
  b.record(3);
  a.add(b);
  t.equal(a.count, 2);
  t.ok(a.summary().max >= 3000);
});

t.test('buckets go 1, 2, 5 and leave no gap', async (t) => {
  const histogram = new LatencyHistogram();
  for (const ms of [0.0015, 0.002, 0.0021, 0.03, 0.03, 0.051]) histogram.record(ms);
  t.same(histogram.buckets(), [
    { upToUs: 2, count: 2 },
    { upToUs: 5, count: 1 },
    { upToUs: 10, count: 0 },
    { upToUs: 20, count: 0 },
    { upToUs: 50, count: 2 },
    { upToUs: 100, count: 1 },
  ]);
});
