import { FIVE, keysOf, type Scenario } from '../scenario.js';

export const readAllUp: Scenario = {
  name: 'read-all-up',
  story:
    'A hundred keys, read at every node while all are up: every read succeeds, and none has anything to repair.',
  async run(world) {
    await world.formed({ nodes: FIVE });
    const keys = keysOf(100);
    await world.tally(keys.map((key) => world.client('a').set(key, 'one')));
    await world.quiet();
    const reading = FIVE.flatMap((name) => keys.map((key) => world.client(name).get(key)));
    world.equal(await world.tally(reading), { one: 500 }, 'reads');
    const strict = keys.map((key) => world.client('e').get(key, { quorum: 3 }));
    world.equal(await world.tally(strict), { one: 100 }, 'reads that three replicas must agree on');
    world.equal(await world.counted('readRepairs'), 0, 'repairs');
    world.equal(await world.counted('failures'), 0, 'failures');
  },
};
