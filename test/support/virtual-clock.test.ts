import t from 'tap';
import { VIRTUAL_START_MS, VirtualClock } from './virtual-clock.js';

t.test('timers run in the order of their due times, equal ones in the order of setting', async (t) => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  clock.setTimer(20, () => ran.push(`c@${clock.monotonicMs()}`));
  clock.setTimer(10, () => ran.push(`a@${clock.monotonicMs()}`));
  clock.setTimer(10, () => ran.push(`b@${clock.monotonicMs()}`));
  clock.setTimer(31, () => ran.push('late'));
  clock.advance(30);
  t.same(ran, ['a@10', 'b@10', 'c@20']);
  t.equal(clock.monotonicMs(), 30);
  t.equal(clock.wallMs(), VIRTUAL_START_MS + 30);
  t.equal(clock.nextTimerMs, 31);
});

t.test('a timer set by a timer runs in the same advance when it comes due in it', async (t) => {
  const clock = new VirtualClock();
  const ran: number[] = [];
  const again = () => {
    ran.push(clock.monotonicMs());
    clock.setTimer(10, again);
  };
  clock.setTimer(10, again);
  clock.advance(35);
  t.same(ran, [10, 20, 30]);
});

t.test('a cleared timer does not run', async (t) => {
  const clock = new VirtualClock();
  const timer = clock.setTimer(1, () => t.fail('ran'));
  clock.clearTimer(timer);
  clock.advance(10);
  t.equal(clock.pendingTimers, 0);
});

t.test('deferred calls wait for the end of the turn, and run before and between timers', async (t) => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  clock.defer(() => {
    ran.push('deferred');
    clock.defer(() => ran.push('deferred by it'));
  });
  clock.setTimer(0, () => clock.defer(() => ran.push('deferred by a timer')));
  clock.setTimer(0, () => ran.push('timer'));
  t.same(ran, []);
  t.equal(clock.pendingDeferred, 1);
  clock.advance(0);
  t.same(ran, ['deferred', 'deferred by it', 'deferred by a timer', 'timer']);
});

t.test('the wall clock jumps both ways and timers do not notice', async (t) => {
  const clock = new VirtualClock(1000);
  const ran: number[] = [];
  clock.setTimer(10, () => ran.push(clock.wallMs()));
  clock.jumpWall(-500);
  t.equal(clock.wallMs(), 500);
  clock.advance(9);
  t.same(ran, []);
  clock.setWall(9000);
  clock.advance(1);
  t.same(ran, [9001]);
  t.equal(clock.monotonicMs(), 10);
});

t.test('promises settled by a step run before the next one', async (t) => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  const wait = (ms: number) => new Promise<void>((resolve) => clock.setTimer(ms, resolve));
  const story = async () => {
    await wait(10);
    ran.push(`first@${clock.monotonicMs()}`);
    await wait(10);
    ran.push(`second@${clock.monotonicMs()}`);
  };
  const told = story();
  await clock.advanceAsync(25);
  t.same(ran, ['first@10', 'second@20']);
  await told;
});

t.test('what would run for ever fails instead', async (t) => {
  const clock = new VirtualClock();
  const again = () => clock.defer(again);
  again();
  t.throws(() => clock.runDeferred(), /for ever/);
  const timers = new VirtualClock();
  const set = () => void timers.setTimer(0, set);
  set();
  t.throws(() => timers.advance(1), /for ever/);
});
