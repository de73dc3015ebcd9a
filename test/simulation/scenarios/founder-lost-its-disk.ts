import { keysOf, type Scenario } from '../scenario.js';

export const founderLostItsDisk: Scenario = {
  name: 'founder-lost-its-disk',
  story:
    'The node that founded the cluster loses its disk. Started as a founder again it is a cluster of its own for a moment; then a member calls it home, the next in line lets it in, and it has everything back before it votes.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(20);
    const writing = keys.map((key) => world.client('b').set(key, 'v', { quorum: 3 }));
    world.equal(await world.tally(writing), { 'done, new': 20 }, 'writes');
    world.crash('a');
    cluster.disk('a').content.clear();
    await world.until(cluster.start('a'));
    await cluster.eventually(async () => (await cluster.status('a')).state === 'syncing');
    world.ok(
      cluster.log.some((line) => line.startsWith('a warn') && line.includes('it joins again')),
      'it is called home',
    );
    for (const name of ['b', 'c']) {
      world.equal(
        await world.tally(keys.map((key) => world.client(name).get(key))),
        { v: 20 },
        `reads at ${name} meanwhile`,
      );
    }
    await cluster.eventually(async () => (await cluster.status('a')).state === 'serving');
    world.equal(world.stored(keys), { v: 60 }, 'replica successes, without a read from all');
    world.crash('c');
    await world.quiet();
    world.equal(
      await world.tally(keys.map((key) => world.client('a').get(key))),
      { v: 20 },
      'reads at a with c down',
    );
    world.equal(await world.set('a', 'key-0', 'w'), 'done', 'a write at a with c down');
  },
};
