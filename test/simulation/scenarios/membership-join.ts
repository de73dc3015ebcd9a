import { type Scenario, TEN } from '../scenario.js';

export const membershipJoin: Scenario = {
  name: 'membership-join',
  story:
    'Ten nodes join at the same moment, through different members: every one knows every other, sees it alive, and has one configuration.',
  async run(world) {
    const cluster = world.machines({ nodes: ['a'] });
    await cluster.until(cluster.start('a'));
    for (const name of TEN.slice(1)) cluster.add(name, { join: ['a:7400', 'b:7400', 'c:7400'] });
    await cluster.until(Promise.all(TEN.slice(1).map((name) => cluster.start(name))));
    await cluster.linked();
    world.equal(await world.unreachable(), {}, 'who misses whom');
    for (const name of TEN) {
      const { epoch, members } = await cluster.status(name);
      world.equal([epoch, (members as unknown[]).length], [10, 10], `epoch and members at ${name}`);
    }
    world.equal(await world.set('j', 'k', 'v', { quorum: 3 }), 'done', 'a write with W=3');
  },
};
