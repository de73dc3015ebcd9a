import type { Scenario } from '../scenario.js';

const HOUR_MS = 3_600_000;

export const writeByAClockBehind: Scenario = {
  name: 'write-by-a-clock-behind',
  story:
    'One node’s clock jumps nine hours ahead, and it writes. Right after that another node, which has not heard of it yet, updates the key under a version that is nine hours too low: the replicas refuse it, it is sent again above theirs, and it is the update that counts.',
  async run(world) {
    const cluster = await world.formed();
    await cluster.run(1000);
    for (const name of cluster.names) await world.get(name, 'k');
    for (const other of ['b', 'c']) cluster.network.setDelay('a', other, [60, 60]);
    cluster.skew('c', 9 * HOUR_MS);
    world.equal(await world.set('c', 'k', 'early'), 'CLOCK_NOT_READY!', 'a write at c right after the jump');
    await cluster.run(10);
    world.equal(await world.set('c', 'k', 'ahead'), 'done', 'a write at c, a little later');
    const before = await cluster.requests('a');
    world.equal(await world.set('a', 'k', 'update'), 'done', 'an update at a');
    const after = await cluster.requests('a');
    world.equal(after.resends! - before.resends!, 1, 'times that it was sent again');
    await world.quiet(200);
    world.equal(
      await world.everywhere('k', { quorum: 3 }),
      { a: 'update', b: 'update', c: 'update' },
      'read',
    );
    world.equal(world.disks('k'), { a: 'update', b: 'update', c: 'update' }, 'on the disks');
  },
};
