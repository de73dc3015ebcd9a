import { FIVE, keysOf, type Scenario } from '../scenario.js';

export const updateAllUp: Scenario = {
  name: 'update-all-up',
  story:
    'A hundred keys are updated through other coordinators than those that created them: three replica successes each, and every node reads the new value.',
  async run(world) {
    await world.formed({ nodes: FIVE });
    const keys = keysOf(100);
    await world.tally(keys.map((key, i) => world.client(FIVE[i % 5]!).set(key, 'one')));
    const updating = keys.map((key, i) => world.client(FIVE[(i + 3) % 5]!).set(key, 'two'));
    world.equal(await world.tally(updating), { 'done, replaced': 100 }, 'coordinator successes');
    await world.quiet();
    world.equal(world.stored(keys), { two: 300 }, 'replica successes');
    const reading = FIVE.flatMap((name) => keys.map((key) => world.client(name).get(key)));
    world.equal(await world.tally(reading), { two: 500 }, 'reads');
    world.equal(await world.counted('failures'), 0, 'failures');
  },
};
