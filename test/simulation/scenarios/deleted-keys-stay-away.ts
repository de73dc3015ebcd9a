import { keysOf, type Scenario } from '../scenario.js';

const DAY_MS = 86_400_000;

export const deletedKeysStayAway: Scenario = {
  name: 'deleted-keys-stay-away',
  story:
    'Keys are deleted while one replica is away, and it is away for thirty days (gc_grace: zombies). It comes back with all of them alive on its disk: no read and no scan shows one, and reading puts its disk right.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(40);
    await world.tally(keys.map((key) => world.client('b').set(key, 'alive')));
    await world.quiet();
    world.crash('a');
    await world.quiet();
    world.equal(
      await world.tally(keys.map((key) => world.client('b').delete(key))),
      { 'done, replaced': 40 },
      'deletes',
    );
    for (const name of ['a', 'b', 'c']) cluster.skew(name, 30 * DAY_MS);
    await cluster.run(5000);
    await world.restart('a');
    world.equal(world.stored(keys), { '-': 80, alive: 40 }, 'on the disks');
    for (const name of ['a', 'c', 'b'])
      world.equal(await world.scan(name, 15), [], `keys of a scan at ${name}`);
    for (const quorum of [2, 3]) {
      const reading = ['a', 'c', 'b'].flatMap((name) =>
        keys.map((key) => world.client(name).get(key, { quorum })),
      );
      world.equal(await world.tally(reading), { absent: 120 }, `reads with R=${quorum}`);
    }
    await world.quiet();
    world.equal(world.stored(keys), { '-': 120 }, 'on the disks');
    world.crash('b', 'c');
    await world.restart('b', 'c');
    world.equal(
      await world.tally(keys.map((key) => world.client('c').get(key))),
      { absent: 40 },
      'reads after a restart',
    );
  },
};
