/**
 * Micro benchmarks of the request path's parts: `node dist/bench/micro.js [part of a name]`.
 *
 * Each case is timed in batches of about 20 ms, many times over. The lowest figure is the cost without disturbance, the
 * median is the usual one; where they differ much, the machine was busy.
 */

import { SystemClock } from '../src/os/system-clock.js';
import type { Clock } from '../src/ports/clock.js';
import { MICRO_CASES, type MicroCase } from './micro-cases.js';
import { textTable } from './text-table.js';

const BATCH_MS = 20;
const BATCHES = 25;
const NS_PER_MS = 1e6;

interface MicroResult {
  readonly name: string;
  readonly minNs: number;
  readonly medianNs: number;
}

async function measureCase(micro: MicroCase, clock: Clock): Promise<MicroResult> {
  const operation = await micro.prepare();
  const count = calibrate(operation, clock);
  const times = Array.from(
    { length: BATCHES },
    () => (timeBatch(operation, count, clock) * NS_PER_MS) / count,
  );
  times.sort((a, b) => a - b);
  return { name: micro.name, minNs: times[0]!, medianNs: times[BATCHES >> 1]! };
}

/** How many operations take about one batch; doubling up to it also warms the code up. */
function calibrate(operation: () => unknown, clock: Clock): number {
  let count = 1;
  while (timeBatch(operation, count, clock) < BATCH_MS) count *= 2;
  return count;
}

/** Results end up here, so that the compiler cannot leave the work out. */
let sink: unknown;

function timeBatch(operation: () => unknown, count: number, clock: Clock): number {
  const startMs = clock.monotonicMs();
  for (let i = 0; i < count; i++) sink = operation();
  return clock.monotonicMs() - startMs;
}

const wanted = process.argv[2] ?? '';
const clock = new SystemClock();
const rows = [['case', 'min ns/op', 'median ns/op']];
for (const micro of MICRO_CASES) {
  if (!micro.name.includes(wanted)) continue;
  const { name, minNs, medianNs } = await measureCase(micro, clock);
  rows.push([name, minNs.toFixed(1), medianNs.toFixed(1)]);
}
process.stdout.write(`node ${process.version}\n${textTable(rows).join('\n')}\n`);
if (sink === Symbol.iterator) process.stdout.write(''); // Reads the sink, which no operation can foresee.
