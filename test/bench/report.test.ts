import t from 'tap';
import { formatResult, formatRun } from '../../bench/report.js';
import { duration, grouped, textTable } from '../../bench/text-table.js';
import { CLOSED_RUN, OPEN_RUN, RESULT } from './results.js';

const REPORT = `node v20.20.2, linux x64, 8 × Example CPU, 2026-01-02T03:04:05.678Z

get 50×1: closed loop, 100,000 keys uniform, 100 B values, 3 nodes, storage level, fsync everysec
  throughput    123,457 ops/s (1,234,567 in 10.0 s)
  latency       p50 0.312 ms  p95 0.801 ms  p99 1.23 ms  p99.9 12.35 ms  max 123.5 ms
  errors        none
  server CPU    12.3 µs/op (user 4.3, system 8.0), cores: n1 0.51, n2 0.49
  memory        n1 100 MiB, n2 2,000 MiB
  generator     5.5 µs/op (user 2.3, system 3.3), 0.68 cores
  ≤ 200 µs  19.98 %  ██████████
  ≤ 500 µs  79.94 %  ████████████████████████████████████████
  ≤   1 ms   0.00 %
  ≤   2 ms   0.08 %  ▏

a 50×1 at 20000/s: open loop at 20,000/s, 100,000 keys zipfian, 100 B values, 3 nodes, R=1, W=3
  throughput    15,000 ops/s (150,000 in 10.0 s)
  latency       p50 0.312 ms  p95 0.801 ms  p99 1.23 ms  p99.9 12.35 ms  max 123.5 ms
    of gets     p50 0.312 ms  p95 0.801 ms  p99 1.23 ms  p99.9 12.35 ms  max 123.5 ms
    of sets     p50 0.312 ms  p95 0.801 ms  p99 1.23 ms  p99.9 12.35 ms  max 12.3 s
  errors        BUSY 1,200, QUORUM_TIMEOUT 3, 7 during the warm-up
  server CPU    unknown: some node gave no CPU time in its status
  memory        n1 unknown
  generator     5.5 µs/op (user 2.3, system 3.3), 0.68 cores
  sent late by  p50 0.150 ms  p99 2500.0 ms (part of the latency)
  ! 50,000 operations were due and not sent: this rate is more than was served
  ! 2 of 50 connections were lost

run                   ops/s        p50        p95       p99      p99.9        max   server µs/op   errors
get 50×1            123,457   0.312 ms   0.801 ms   1.23 ms   12.35 ms   123.5 ms           12.3        0
a 50×1 at 20000/s    15,000   0.312 ms   0.801 ms   1.23 ms   12.35 ms   123.5 ms        unknown    1,203

server CPU: user + system of all nodes together, per operation. Errors are not operations.
Closed loop: a request waits for the answer before it, so a stall hides the requests that would have come
meanwhile. For latencies under a given load, corrected for that (coordinated omission), use --rate.
`;

t.test('the report of a closed and an open loop', async (t) => {
  t.equal(formatResult(RESULT), REPORT);
});

t.test('a generator that is the bottleneck is said to be, in a closed loop', async (t) => {
  const text = (run: typeof CLOSED_RUN) => formatRun(run).join('\n');
  t.match(text({ ...CLOSED_RUN, generatorCores: 0.97 }), '! the generator used its whole thread');
  t.notMatch(text(CLOSED_RUN), '! the generator');
  t.notMatch(text({ ...OPEN_RUN, generatorCores: 0.97 }), '! the generator', 'an open loop polls');
});

t.test('a little that is overdue is chance', async (t) => {
  const overdue = (count: number) =>
    formatRun({ ...OPEN_RUN, openLoop: { ...OPEN_RUN.openLoop!, overdue: count } }).join('\n');
  t.notMatch(overdue(2000), 'due and not sent');
  t.match(overdue(2001), 'due and not sent');
});

t.test('durations and counts are readable', async (t) => {
  const durations: [number, string][] = [
    [0, '0.000 ms'],
    [42.3, '0.042 ms'],
    [999, '0.999 ms'],
    [1000, '1.00 ms'],
    [99_990, '99.99 ms'],
    [123_456, '123.5 ms'],
    [12_345_678, '12.3 s'],
  ];
  for (const [us, text] of durations) t.equal(duration(us), text);
  const counts: [number, string][] = [
    [0, '0'],
    [999, '999'],
    [1000, '1,000'],
    [1234567.8, '1,234,568'],
  ];
  for (const [count, text] of counts) t.equal(grouped(count), text);
});

t.test('a table aligns names left and numbers right', async (t) => {
  t.same(
    textTable([
      ['name', 'n'],
      ['a', '100'],
      ['long name', ''],
    ]),
    ['name          n', 'a           100', 'long name'],
  );
});
