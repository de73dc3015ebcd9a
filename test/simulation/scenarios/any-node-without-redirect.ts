import { FIVE, keysOf, type Scenario } from '../scenario.js';

export const anyNodeWithoutRedirect: Scenario = {
  name: 'any-node-without-redirect',
  story:
    'Five shards without replication: any node takes any request for any of a hundred keys and answers it itself. No redirect, also for many keys at once.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE, options: { replicas: 1 } });
    const keys = keysOf(100);
    const creating = keys.map((key, i) => world.client(FIVE[i % 5]!).set(key, `v-${key}`));
    world.equal(await world.tally(creating), { 'done, new': 100 }, 'creates');
    for (const name of FIVE) {
      const answers = await world.until(Promise.all(keys.map((key) => world.client(name).get(key))));
      const wrong = answers.filter((answer, i) => answer.kind !== 'value' || answer.value !== `v-${keys[i]}`);
      world.equal(wrong.length, 0, `wrong answers at ${name}, of 100`);
    }
    const shards = FIVE.map((name) => keys.filter((key) => cluster.stored(name, key) !== undefined).length);
    world.equal(
      shards.reduce((sum, held) => sum + held),
      100,
      `replica successes, in shards of ${shards}`,
    );
    world.ok(Math.min(...shards) >= 5, 'each shard has its part');
    const deleting = keys.map((key, i) => world.client(FIVE[(i + 1) % 5]!).delete(key));
    world.equal(await world.tally(deleting), { 'done, replaced': 100 }, 'deletes');
  },
};
