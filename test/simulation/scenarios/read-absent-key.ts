import { FIVE, keysOf, type Scenario } from '../scenario.js';

export const readAbsentKey: Scenario = {
  name: 'read-absent-key',
  story:
    'Keys that never were are read at every node: absent, which is an answer and no error, and nothing is stored.',
  async run(world) {
    await world.formed({ nodes: FIVE });
    const keys = keysOf(20, 'nothing');
    const reading = FIVE.flatMap((name) => keys.map((key) => world.client(name).get(key)));
    world.equal(await world.tally(reading), { absent: 100 }, 'reads');
    await world.quiet();
    world.equal(world.stored(keys), {}, 'stored');
    world.equal(await world.counted('readRepairs'), 0, 'repairs');
    world.equal(await world.counted('failures'), 0, 'failures');
  },
};
