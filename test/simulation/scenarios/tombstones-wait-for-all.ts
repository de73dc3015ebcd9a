import { keysOf, type Scenario } from '../scenario.js';

export const tombstonesWaitForAll: Scenario = {
  name: 'tombstones-wait-for-all',
  story:
    'Right after keys were deleted everywhere, one replica’s disk is set back to an older copy, with the values. It votes that way, which nobody can help; but no tombstone is collected before it holds them again. Then they are, everywhere.',
  async run(world) {
    const cluster = await world.formed({ options: { tombstoneGraceMs: 500 } });
    const keys = keysOf(60);
    const writing = keys.map((key) => world.client('a').set(key, 'v', { quorum: 3 }));
    world.equal(await world.tally(writing), { 'done, new': 60 }, 'writes');
    await world.quiet();
    const copy = new Map(cluster.disk('c').content);
    const deleting = keys.map((key) => world.client('a').delete(key, { quorum: 3 }));
    world.equal(await world.tally(deleting), { 'done, replaced': 60 }, 'deletes');
    world.crash('c');
    cluster.disk('c').lose();
    for (const [key, value] of copy) cluster.disk('c').content.set(key, value);
    await world.until(cluster.start('c'));
    await cluster.run(60_000);
    world.equal(world.stored(keys), {}, 'on the disks, after a minute');
    const reading = keys.map((key) => world.client('c').get(key));
    world.equal(await world.tally(reading), { absent: 60 }, 'reads at c');
  },
};
