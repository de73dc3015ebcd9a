import { FIVE, keysOf, type Scenario } from '../scenario.js';

export const create100Keys: Scenario = {
  name: 'create-100-keys',
  story:
    'A hundred new keys, each created through another coordinator: one coordinator success and three replica successes for each, nothing anywhere else.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE });
    const keys = keysOf(100);
    const creating = keys.map((key, i) => world.client(FIVE[i % 5]!).set(key, 'one'));
    world.equal(await world.tally(creating), { 'done, new': 100 }, 'coordinator successes');
    await world.quiet();
    world.equal(world.stored(keys), { one: 300 }, 'replica successes');
    world.equal(Math.max(...keys.map((key) => world.versions(key))), 1, 'versions of each key');
    for (const key of keys.slice(0, 10)) {
      const holders = FIVE.filter((name) => cluster.stored(name, key) !== undefined);
      world.equal(holders, (await world.owners(key)).sort(), `${key} is on its owners`);
    }
    world.equal(await world.counted('writes'), 100, 'writes that coordinators counted');
    world.equal(await world.counted('resends'), 0, 'writes sent again');
    world.equal(await world.counted('failures'), 0, 'failures');
  },
};
