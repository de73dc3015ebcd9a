import type { Scenario } from '../scenario.js';

export const lateTombstone: Scenario = {
  name: 'late-tombstone',
  story:
    'A delete is late at one replica, and meanwhile the key has been created again (riak_kv #679: the tombstone killed the new key). It changes nothing there, and every node goes on reading the new value.',
  async run(world) {
    const cluster = await world.formed();
    await world.set('a', 'k', 'first life');
    await world.quiet();
    cluster.network.setDelay('a', 'c', [500, 500]);
    world.equal(await world.delete('a', 'k'), 'done', 'delete through a');
    world.equal(await world.set('b', 'k', 'second life'), 'done', 'create through b');
    await world.quiet();
    world.equal(
      world.disks('k'),
      { a: 'second life', b: 'second life', c: 'second life' },
      'before the tombstone arrives at c',
    );
    await cluster.run(2000);
    world.equal(world.disks('k'), { a: 'second life', b: 'second life', c: 'second life' }, 'and after');
    cluster.network.setDelay('a', 'c', undefined);
    await cluster.run(1000);
    world.equal(
      await world.everywhere('k', { quorum: 3 }),
      { a: 'second life', b: 'second life', c: 'second life' },
      'read',
    );
  },
};
