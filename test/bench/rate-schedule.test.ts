import t from 'tap';
import { RateSchedule } from '../../bench/rate-schedule.js';

t.test('operations are meant to start at equal distances', async (t) => {
  const schedule = new RateSchedule(4, 100);
  t.same([schedule.take(), schedule.take(), schedule.take()], [100, 350, 600]);
  t.equal(schedule.nextMs, 850);
});

t.test('a long schedule does not drift', async (t) => {
  const schedule = new RateSchedule(3000, 0);
  for (let i = 0; i < 3_000_000; i++) schedule.take();
  t.equal(schedule.nextMs, 1_000_000);
});

t.test('what is due and not taken is overdue', async (t) => {
  const schedule = new RateSchedule(1000, 50);
  t.equal(schedule.overdue(49.9), 0);
  t.equal(schedule.overdue(50), 1);
  t.equal(schedule.overdue(59.5), 10);
  schedule.take();
  t.equal(schedule.overdue(59.5), 9);
});
