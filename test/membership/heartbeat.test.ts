/** The formulas of heartbeats and reconnecting. */
import t from 'tap';
import { judge, type Liveliness, reconnectDelayMs } from '../../src/membership/heartbeat.js';

t.test('silence is judged by its length, but not when our own timer was late', async (t) => {
  const cases: readonly [number, number, Liveliness, Liveliness][] = [
    [0, 0, 'alive', 'alive'],
    [1999, 0, 'alive', 'alive'],
    [2000, 0, 'alive', 'silent'],
    [5999, 0, 'silent', 'silent'],
    [6000, 0, 'silent', 'lost'],
    [100, 0, 'silent', 'alive'],
    [9000, 501, 'alive', 'alive'],
    [9000, 501, 'silent', 'silent'],
    [9000, 500, 'silent', 'lost'],
  ];
  for (const [silentMs, lagMs, before, expected] of cases) {
    t.equal(
      judge(silentMs, lagMs, before),
      expected,
      `${silentMs} ms of silence, ${lagMs} ms late, ${before}`,
    );
  }
});

t.test('reconnecting backs off to a second, with jitter', async (t) => {
  t.equal(reconnectDelayMs(0, 0), 25);
  t.equal(reconnectDelayMs(0, 1), 50);
  t.equal(reconnectDelayMs(3, 1), 400);
  t.equal(reconnectDelayMs(5, 1), 1000);
  t.equal(reconnectDelayMs(100, 0), 500);
  t.equal(reconnectDelayMs(100, 1), 1000);
});
