import { FIVE, keysOf, type Scenario } from '../scenario.js';

export const delete100Keys: Scenario = {
  name: 'delete-100-keys',
  story:
    'A hundred keys are deleted through coordinators that did not create them: one coordinator success and three tombstones for each, and no node reads any of them again.',
  async run(world) {
    await world.formed({ nodes: FIVE });
    const keys = keysOf(100);
    await world.tally(keys.map((key, i) => world.client(FIVE[i % 5]!).set(key, 'one')));
    const deleting = keys.map((key, i) => world.client(FIVE[(i + 2) % 5]!).delete(key));
    world.equal(await world.tally(deleting), { 'done, replaced': 100 }, 'coordinator successes');
    await world.quiet();
    world.equal(world.stored(keys), { '-': 300 }, 'replica successes: tombstones');
    const reading = FIVE.flatMap((name) => keys.map((key) => world.client(name).get(key)));
    world.equal(await world.tally(reading), { absent: 500 }, 'reads of every key at every node');
    world.equal(await world.scan('c', 50), [], 'keys of a scan');
  },
};
