import { codeOf } from '../../support/cluster.js';
import { keysOf, type Scenario } from '../scenario.js';

export const founderLostItsDisk: Scenario = {
  name: 'founder-lost-its-disk',
  story:
    'The node that founded the cluster loses its disk. Told to join, it is not let in; started as a founder, it is a cluster of its own, of which the others take no notice: they keep their data, and never count it.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(20);
    const writing = keys.map((key) => world.client('b').set(key, 'v', { quorum: 3 }));
    world.equal(await world.tally(writing), { 'done, new': 20 }, 'writes');
    world.crash('a');
    cluster.disk('a').content.clear();
    cluster.add('a2', { name: 'a', join: ['b:7400'] });
    void codeOf(cluster.start('a2'));
    await cluster.run(1000);
    world.ok(
      cluster.log.some((line) => line.includes('a, which admits new members, cannot be reached')),
      'told to join, it waits for the member that it was',
    );
    cluster.crash('a2');
    await world.until(cluster.start('a'));
    await cluster.run(3000);
    for (const name of ['b', 'c']) {
      world.equal(
        await world.tally(keys.map((key) => world.client(name).get(key))),
        { v: 20 },
        `reads at ${name}`,
      );
      world.equal(await world.set(name, `k-${name}`, 'v'), 'done', `a write at ${name}`);
      world.equal(
        await world.set(name, 'k', 'v', { quorum: 3 }),
        'QUORUM_UNAVAILABLE!',
        `a write at ${name} with W=3`,
      );
    }
    world.crash('c');
    await world.quiet();
    world.equal(
      await world.get('b', 'key-0'),
      'QUORUM_UNAVAILABLE!',
      'a read at b with c down: a is not counted',
    );
    world.equal(await world.set('b', 'key-0', 'w'), 'QUORUM_UNAVAILABLE!', 'a write');
    await world.until(cluster.start('c'));
    await cluster.run(3000);
    world.equal(
      await world.tally(keys.map((key) => world.client('c').get(key))),
      { v: 20 },
      'reads at c, back again',
    );
  },
};
