import { keysOf, type Scenario } from '../scenario.js';

const GRACE_MS = 60_000;

export const deletedWhileAwayForLong: Scenario = {
  name: 'deleted-while-away-for-long',
  story:
    'Keys are deleted while a replica is away, for longer than any grace, with a clock of a day ahead among the others. Their tombstones wait for it: it comes back with the old values, and they stay deleted. Then the space comes back too.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(30);
    const writing = keys.map((key) => world.client('a').set(key, 'v', { quorum: 3 }));
    world.equal(await world.tally(writing), { 'done, new': 30 }, 'writes');
    world.crash('c');
    await world.quiet();
    const deleting = keys.map((key) => world.client('a').delete(key));
    world.equal(await world.tally(deleting), { 'done, replaced': 30 }, 'deletes with c away');
    cluster.skew('b', 24 * 3_600_000);
    await cluster.run(10 * GRACE_MS);
    world.equal(world.stored(keys), { '-': 60, v: 30 }, 'ten graces later: on the disks');
    await world.until(cluster.start('c'));
    await cluster.linked();
    const atC = keys.map((key) => world.client('c').get(key));
    world.equal(await world.tally(atC), { absent: 30 }, 'reads at c, back again');
    await cluster.run(5 * GRACE_MS);
    world.equal(world.stored(keys), {}, 'when all have agreed: on the disks');
    const again = keys.map((key) => world.client('b').get(key));
    world.equal(await world.tally(again), { absent: 30 }, 'reads at b');
    world.equal(await world.set('c', 'key-0', 'w'), 'done', 'a deleted key is written again');
    world.equal(await world.everywhere('key-0'), { a: 'w', b: 'w', c: 'w' }, 'read');
  },
};
