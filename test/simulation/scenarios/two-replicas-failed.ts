import { FIVE, type Scenario } from '../scenario.js';

export const twoReplicasFailed: Scenario = {
  name: 'two-replicas-failed',
  story:
    'Two of a key’s three replicas fail at once: reading, updating and deleting it fail at once and definitely, at every node, and the survivor keeps what it had to the byte. Everything works again when they are back.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE });
    await world.set('a', 'k', 'one');
    await world.quiet();
    const [survivor, ...failed] = await world.owners('k');
    const before = cluster.stored(survivor!, 'k');
    world.crash(...failed);
    await world.quiet();
    const sinceMs = world.nowMs;
    for (const name of world.running()) {
      const client = world.client(name);
      const asking = [
        client.get('k'),
        client.set('k', 'two'),
        client.delete('k'),
        client.set('k', 'two', { quorum: 3 }),
      ];
      world.equal(await world.tally(asking), { 'QUORUM_UNAVAILABLE!': 4 }, `requests at ${name}`);
    }
    world.ok(world.nowMs - sinceMs < 60, 'nobody waited for a timeout');
    await world.quiet();
    world.equal(cluster.stored(survivor!, 'k'), before, 'the survivor’s record is what it was');
    await world.restart(...failed);
    world.equal(
      await world.everywhere('k'),
      { a: 'one', b: 'one', c: 'one', d: 'one', e: 'one' },
      'no node reads the failed updates',
    );
    world.equal(await world.set('a', 'k', 'three'), 'done', 'an update');
    await world.quiet();
    world.equal(world.stored(['k']), { three: 3 }, 'replica successes');
    world.equal(
      await world.everywhere('k'),
      { a: 'three', b: 'three', c: 'three', d: 'three', e: 'three' },
      'read',
    );
  },
};
