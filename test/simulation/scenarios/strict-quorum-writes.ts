import { keysOf, type Scenario } from '../scenario.js';

export const strictQuorumWrites: Scenario = {
  name: 'strict-quorum-writes',
  story:
    'Writes that all three replicas must acknowledge (riak_kv #587: they always failed). With all up a hundred succeed, and so do twenty to one key at once; with one down they fail at once and definitely; when it is back they succeed.',
  async run(world) {
    await world.formed();
    const keys = keysOf(100);
    const write = (value: string) =>
      keys.map((key, i) => world.client(['a', 'b', 'c'][i % 3]!).set(key, value, { quorum: 3 }));
    world.equal(await world.tally(write('one')), { 'done, new': 100 }, 'W=3, all up');
    world.equal(world.stored(keys), { one: 300 }, 'replica successes, at once');
    const contended = Array.from({ length: 20 }, (_, i) =>
      world.client(['a', 'b', 'c'][i % 3]!).set('hot', `${i}`, { quorum: 3 }),
    );
    const { 'done, new': fresh = 0, 'done, replaced': replaced = 0 } = await world.tally(contended);
    world.equal(fresh + replaced, 20, 'W=3, twenty at once to one key');
    world.crash('b');
    await world.quiet();
    const sinceMs = world.nowMs;
    const failing = keys.map((key) => world.client('a').set(key, 'two', { quorum: 3 }));
    world.equal(await world.tally(failing), { 'QUORUM_UNAVAILABLE!': 100 }, 'W=3, one down');
    world.ok(world.nowMs - sinceMs < 10, 'they fail at once');
    await world.quiet();
    world.equal(world.stored(keys), { one: 300 }, 'on the disks: nothing has changed');
    await world.restart('b');
    world.equal(await world.tally(write('three')), { 'done, replaced': 100 }, 'W=3, all back');
    world.equal(world.stored(keys), { three: 300 }, 'replica successes, at once');
  },
};
