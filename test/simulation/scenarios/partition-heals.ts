import { FIVE, type Scenario } from '../scenario.js';

export const partitionHeals: Scenario = {
  name: 'partition-heals',
  story:
    'Two nodes of five are cut off from the three others for two minutes. The side with two replicas of a key serves it, the other refuses it; after the cut everybody finds everybody again, without being asked to and without condemning anybody on the word of the other side, and reads the same.',
  async run(world) {
    const condemned: string[] = [];
    const cluster = await world.formed({
      nodes: FIVE,
      options: { replicas: 5 },
      onLog: (node, _level, message, { member }) => {
        if (message === 'member is faulty') condemned.push(`${node}: ${String(member)}`);
      },
    });
    await world.set('a', 'k', 'before');
    for (const one of ['a', 'b', 'c']) for (const other of ['d', 'e']) cluster.cut(one, other);
    await cluster.run(120_000);
    world.equal(
      await world.unreachable(),
      { a: ['d', 'e'], b: ['d', 'e'], c: ['d', 'e'], d: ['a', 'b', 'c'], e: ['a', 'b', 'c'] },
      'who misses whom',
    );
    world.equal(await world.set('b', 'k', 'during'), 'done', 'a write on the side of three');
    world.equal(await world.set('d', 'k', 'lost'), 'QUORUM_UNAVAILABLE!', 'a write on the side of two');
    world.equal(await world.get('e', 'k'), 'QUORUM_UNAVAILABLE!', 'a read on the side of two');
    world.equal(condemned.length, 12, 'judgements, each of one node on one of the other side');
    cluster.heal();
    await cluster.run(5000);
    world.equal(await world.unreachable(), {}, 'who misses whom five seconds after');
    world.equal(condemned.length, 12, 'judgements, still');
    world.equal(
      await world.everywhere('k'),
      { a: 'during', b: 'during', c: 'during', d: 'during', e: 'during' },
      'read',
    );
  },
};
