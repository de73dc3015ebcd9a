import t from 'tap';
import { Measurement } from '../../bench/measurement.js';
import { READ, WRITE } from '../../bench/workload.js';

t.test('the window decides what counts as throughput and what as latency', async (t) => {
  const cases: [string, number, number, { operation: boolean; latency: boolean }][] = [
    ['before it', 80, 90, { operation: false, latency: false }],
    ['into it', 90, 110, { operation: true, latency: true }],
    ['within it', 110, 190, { operation: true, latency: true }],
    ['out of it', 190, 260, { operation: false, latency: true }],
    ['over all of it', 50, 250, { operation: false, latency: true }],
    ['after it', 210, 220, { operation: false, latency: false }],
  ];
  for (const [name, startMs, nowMs, { operation, latency }] of cases) {
    const measurement = new Measurement();
    measurement.begin(100);
    measurement.end(200);
    measurement.success(WRITE, startMs, nowMs);
    t.equal(measurement.operations, operation ? 1 : 0, `${name}: throughput`);
    t.equal(measurement.writes.count, latency ? 1 : 0, `${name}: latency`);
    t.equal(measurement.reads.count, 0);
    t.equal(measurement.seconds, 0.1);
  }
});

t.test('before the window nothing counts but errors, by themselves', async (t) => {
  const measurement = new Measurement();
  measurement.success(READ, 1, 2);
  measurement.sent(1, 2);
  measurement.failure('BUSY', 0, 2);
  measurement.begin(10);
  measurement.failure('BUSY', 0, 10);
  measurement.failure('BUSY', 0, 11);
  t.equal(measurement.operations + measurement.reads.count + measurement.sendDelays.count, 0);
  t.equal(measurement.warmupErrors, 1);
  t.same([...measurement.errors], [['BUSY', 2]]);
});
