import { keysOf, type Scenario } from '../scenario.js';

export const powerLossOfOneMachine: Scenario = {
  name: 'power-loss-of-one-machine',
  story:
    'Writes are acknowledged by a and c, and c loses its power before it has synced them (fsync everysec). It comes back without them and knows that it may have forgotten something: with b, which never had them, it makes no majority. When a is there it gets them back.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(20);
    const old = keys.map((key) => world.client('a').set(key, 'old', { quorum: 3 }));
    world.equal(await world.tally(old), { 'done, new': 20 }, 'writes everywhere');
    await cluster.run(3000);
    cluster.pause('b');
    const writing = keys.map((key) => world.client('a').set(key, 'new'));
    world.equal(await world.tally(writing), { 'done, replaced': 20 }, 'writes that a and c acknowledge');
    cluster.losePower('c');
    cluster.crash('b');
    await world.until(cluster.start('c'));
    world.crash('a');
    await world.until(cluster.start('b'));
    await cluster.run(15_000);
    const blind = keys.map((key) => world.client('b').get(key));
    world.equal(
      await world.tally(blind),
      { 'QUORUM_UNAVAILABLE!': 20 },
      'reads at b with a down: nothing stale',
    );
    await world.until(cluster.start('a'));
    await cluster.eventually(async () => (await cluster.status('c')).state === 'serving');
    world.crash('a');
    await world.quiet();
    const atC = keys.map((key) => world.client('c').get(key));
    world.equal(await world.tally(atC), { new: 20 }, 'reads at c, synced, with a down');
  },
};
