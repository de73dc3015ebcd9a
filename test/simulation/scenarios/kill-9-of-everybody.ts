import { FIVE, keysOf, type Scenario } from '../scenario.js';

export const kill9OfEverybody: Scenario = {
  name: 'kill-9-of-everybody',
  story:
    'All five nodes are killed at the very moment at which a hundred writes have been acknowledged: all hundred are there after the restart.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE });
    for (const name of FIVE) cluster.disk(name).writeMs = [2, 6];
    const keys = keysOf(100);
    const writing = keys.map((key, i) => world.client(FIVE[i % 5]!).set(key, 'v'));
    world.equal(await world.tally(writing), { 'done, new': 100 }, 'acknowledged');
    world.crash(...FIVE);
    world.ok((world.stored(keys).v ?? 0) >= 200, 'every one is on two disks at least');
    await world.restart(...FIVE);
    for (const name of FIVE) {
      world.equal(
        await world.tally(keys.map((key) => world.client(name).get(key))),
        { v: 100 },
        `reads at ${name}`,
      );
    }
    await world.quiet();
    world.equal((await world.scan('b', 40)).length, 100, 'keys of a scan');
  },
};
