/** Which versions a replica remembers, and when it is unsure. */
import t from 'tap';
import { REQUEST_TIMEOUT_MS_MAX } from '../../src/base/limits.js';
import { WrittenBack } from '../../src/replication/written-back.js';
import { VirtualClock } from '../support/virtual-clock.js';

t.test('a version is remembered for as long as a request can live', async (t) => {
  const clock = new VirtualClock();
  const memory = new WrittenBack(clock, false);
  t.notOk(memory.has(1, 2, 3, 4));
  memory.remember(1, 2, 3, 4);
  t.ok(memory.has(1, 2, 3, 4));
  for (const [hi, lo, time, node] of [
    [9, 2, 3, 4],
    [1, 9, 3, 4],
    [1, 2, 9, 4],
    [1, 2, 3, 9],
  ] as const) {
    t.notOk(memory.has(hi, lo, time, node));
  }
  clock.advance(REQUEST_TIMEOUT_MS_MAX - 1);
  memory.remember(5, 5, 5, 5);
  t.ok(memory.has(1, 2, 3, 4));
  clock.advance(2);
  memory.remember(6, 6, 6, 6);
  t.notOk(memory.has(1, 2, 3, 4));
  t.equal(memory.size, 2);
  t.notOk(memory.isUnsure);
});

t.test('brought again, it is remembered from then on', async (t) => {
  const clock = new VirtualClock();
  const memory = new WrittenBack(clock, false);
  memory.remember(1, 2, 3, 4);
  memory.remember(7, 7, 7, 7);
  clock.advance(REQUEST_TIMEOUT_MS_MAX - 1);
  memory.remember(1, 2, 3, 4);
  clock.advance(2);
  memory.remember(6, 6, 6, 6);
  t.ok(memory.has(1, 2, 3, 4));
  t.notOk(memory.has(7, 7, 7, 7));
});

t.test('unsure after a restart, after a failure, and when there is too much to remember', async (t) => {
  const clock = new VirtualClock();
  const restarted = new WrittenBack(clock, true);
  t.ok(restarted.isUnsure);
  clock.advance(REQUEST_TIMEOUT_MS_MAX);
  t.notOk(restarted.isUnsure);
  restarted.remember(1, 2, 3, 4);
  restarted.forgetAll();
  t.ok(restarted.isUnsure);
  t.notOk(restarted.has(1, 2, 3, 4));
  const full = new WrittenBack(clock, false);
  for (let i = 0; i < 100_000; i++) full.remember(i, 0, 1, 0);
  t.notOk(full.isUnsure);
  full.remember(0, 1, 1, 0);
  t.ok(full.isUnsure);
  t.ok(full.has(0, 0, 1, 0), 'what is remembered still counts');
});
