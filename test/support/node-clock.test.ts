import t from 'tap';
import { NodeClock } from './node-clock.js';
import { VirtualClock } from './virtual-clock.js';

t.test('while a node is paused nothing happens, and then everything late, in order', async (t) => {
  const clock = new VirtualClock();
  const node = new NodeClock(clock, () => 0);
  const ran: string[] = [];
  const note = (what: string) => () => void ran.push(`${what}@${node.monotonicMs()}`);
  node.setTimer(10, note('a'));
  node.setTimer(20, note('b'));
  const cleared = node.setTimer(15, note('never'));
  node.pause();
  node.defer(note('deferred'));
  clock.advance(100);
  t.same(ran, []);
  node.clearTimer(cleared);
  node.resume();
  t.equal(node.pendingTimers, 2);
  clock.advance(0);
  t.same(ran, ['deferred@100', 'a@100', 'b@100']);
  t.equal(node.pendingTimers, 0);
});

t.test('a slow node is late by the same time everywhere', async (t) => {
  const clock = new VirtualClock();
  const node = new NodeClock(clock, () => 0);
  const ran: number[] = [];
  node.lagMs = 30;
  node.setTimer(10, () => ran.push(node.monotonicMs()));
  clock.advance(100);
  t.same(ran, [40]);
});

t.test('after its end nothing that it had planned happens', async (t) => {
  const clock = new VirtualClock();
  const node = new NodeClock(clock, () => 0);
  node.setTimer(1, () => t.fail('a timer of the dead'));
  node.pause();
  node.defer(() => t.fail('a call of the dead'));
  clock.advance(10);
  node.kill();
  node.resume();
  clock.advance(10);
});
