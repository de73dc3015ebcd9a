/** What is passed on how often, and in which order members come up. */
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { GossipQueue } from '../../src/membership/gossip-queue.js';
import { Rotation } from '../../src/membership/rotation.js';

t.test('news goes out so many times, least told first', async (t) => {
  const queue = new GossipQueue();
  queue.add('a');
  queue.add('b');
  t.same(queue.take(1, 3), ['a']);
  t.same(queue.take(1, 3), ['b'], 'the other one has been told less often');
  queue.add('c');
  t.same(queue.take(2, 3), ['c', 'a']);
  t.same(queue.take(9, 3), ['b', 'c', 'a']);
  t.same(queue.take(9, 3), ['b', 'c']);
  t.equal(queue.size, 0);
  t.same(queue.take(9, 3), []);
});

t.test('newer news of a member takes the place of what is still to be told of it', async (t) => {
  const queue = new GossipQueue();
  queue.add('a');
  queue.take(9, 3);
  queue.take(9, 3);
  queue.add('a');
  t.equal(queue.size, 1);
  for (let i = 0; i < 3; i++) t.same(queue.take(9, 3), ['a']);
  t.equal(queue.size, 0);
  queue.add('a');
  queue.remove('a');
  t.equal(queue.size, 0);
});

t.test('a rotation: everybody once before anybody twice, in changing order', async (t) => {
  const names = ['a', 'b', 'c', 'd', 'e'];
  const rotation = new Rotation(new SeededRandom(7));
  rotation.update(names);
  const rounds = new Set<string>();
  for (let round = 0; round < 20; round++) {
    const seen = names.map(() => rotation.next(() => true)!);
    t.same([...seen].sort(), names);
    rounds.add(seen.join(''));
  }
  t.ok(rounds.size > 10, `${rounds.size} orders`);
});

t.test('a rotation: the unfit are passed over, newcomers come up, those that left do not', async (t) => {
  const rotation = new Rotation(new SeededRandom(3));
  t.equal(
    rotation.next(() => true),
    undefined,
  );
  rotation.update(['a', 'b', 'c']);
  for (let i = 0; i < 9; i++)
    t.not(
      rotation.next((name) => name !== 'b'),
      'b',
    );
  t.equal(
    rotation.next(() => false),
    undefined,
  );
  rotation.update(['b', 'd']);
  const seen = Array.from({ length: 12 }, () => rotation.next(() => true)!);
  t.same([...new Set(seen)].sort(), ['b', 'd']);
});
