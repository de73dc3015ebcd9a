/** The failure detector's times, and how well a node takes itself to be doing. */
import t from 'tap';
import { LocalHealth } from '../../src/membership/local-health.js';
import * as timing from '../../src/membership/swim-timing.js';

t.test('a suspicion lasts longer among many members, and shorter when others share it', async (t) => {
  const cases: readonly [members: number, confirmations: number, ms: number][] = [
    [2, 0, 4000],
    [2, 1, 4000],
    [3, 0, 4000],
    [3, 1, 1000],
    [4, 1, 2107],
    [4, 2, 1000],
    [5, 0, 4000],
    [5, 1, 2500],
    [5, 2, 1623],
    [5, 3, 1000],
    [5, 9, 1000],
    [10, 0, 4000],
    [100, 0, 8000],
    [100, 1, 4500],
    [100, 3, 1000],
    [1000, 0, 12_000],
  ];
  for (const [members, confirmations, ms] of cases) {
    const what = `${members} members, ${confirmations} confirmations`;
    t.equal(Math.round(timing.suspicionMs(members, confirmations)), ms, what);
  }
});

t.test('who can confirm a suspicion', async (t) => {
  for (const [members, wanted] of [
    [1, 0],
    [2, 0],
    [3, 1],
    [4, 2],
    [5, 3],
    [50, 3],
  ] as const) {
    t.equal(timing.confirmationsWanted(members), wanted, `${members} members`);
  }
});

t.test('news is passed on more often among many members', async (t) => {
  for (const [members, times] of [
    [1, 4],
    [5, 4],
    [9, 4],
    [10, 8],
    [98, 8],
    [99, 8],
    [100, 12],
  ] as const) {
    t.equal(timing.transmissionsMax(members), times, `${members} members`);
  }
});

t.test('a node that does badly gives others more time', async (t) => {
  for (const [health, interval, timeout, nack, late] of [
    [1, 1000, 500, 400, 250],
    [2, 2000, 1000, 800, 500],
    [8, 8000, 4000, 3200, 2000],
  ] as const) {
    t.equal(timing.probeIntervalMs(health), interval);
    t.equal(timing.probeTimeoutMs(health), timeout);
    t.equal(timing.nackTimeoutMs(health), nack);
    t.equal(timing.lateMsMax(health), late);
  }
});

t.test('health: each sign is a step, and it stays between 1 and 8', async (t) => {
  const health = new LocalHealth();
  const steps: readonly [string, () => void, number][] = [
    ['answered', () => health.onAck(), 1],
    ['not answered', () => health.onMissedAck(), 2],
    ['no helper was silent', () => health.onMissedNacks(0), 2],
    ['three helpers were silent', () => health.onMissedNacks(3), 5],
    ['accused', () => health.onRefuted(), 6],
    ['a late timer', () => health.onLate(), 7],
    ['three helpers were silent', () => health.onMissedNacks(3), 8],
    ['answered', () => health.onAck(), 7],
  ];
  for (const [what, step, multiplier] of steps) {
    step();
    t.equal(health.multiplier, multiplier, what);
  }
  for (let i = 0; i < 10; i++) health.onAck();
  t.equal(health.multiplier, 1);
});
