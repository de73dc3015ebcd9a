import type { Scenario } from '../scenario.js';

export const twoReplicasFailMidWrite: Scenario = {
  name: 'two-replicas-fail-mid-write',
  story:
    'Two replicas fail while an update is on its way to them, and the survivor has taken it: the error says that the update may have happened. Nobody reads it from the survivor as if it had succeeded; whoever reads it first settles it, and then it stays.',
  async run(world) {
    const cluster = await world.formed();
    await world.set('a', 'k', 'old');
    await world.quiet();
    for (const other of ['b', 'c']) cluster.network.setDelay('a', other, [40, 40]);
    const updating = world.client('a').set('k', 'new');
    await cluster.run(20);
    world.crash('b', 'c');
    world.equal(await world.tally([updating]), { 'QUORUM_UNAVAILABLE?': 1 }, 'the update');
    world.equal(world.disks('k'), { a: 'new', b: 'old', c: 'old' }, 'on the disks');
    world.equal(await world.get('a', 'k'), 'QUORUM_UNAVAILABLE!', 'a read at the survivor, alone');
    for (const other of ['b', 'c']) cluster.network.setDelay('a', other, undefined);
    await world.restart('b', 'c');
    world.equal(await world.get('a', 'k'), 'new', 'the first read at the survivor');
    world.equal(world.stored(['k']).new! >= 2, true, 'a majority has it before it is answered');
    world.crash('a');
    await world.quiet();
    world.equal(await world.everywhere('k'), { b: 'new', c: 'new' }, 'without the survivor it stays');
  },
};
