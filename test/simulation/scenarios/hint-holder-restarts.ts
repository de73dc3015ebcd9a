import { keysOf, type Scenario } from '../scenario.js';

export const hintHolderRestarts: Scenario = {
  name: 'hint-holder-restarts',
  story:
    'The node that holds all hints is killed and comes back, before their target does (riak_core #154 left them stranded): they are sent, and all replicas are equal without a read.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(100);
    world.crash('c');
    await world.quiet();
    for (const value of ['one', 'two', 'three']) {
      const writes = keys.map((key) => world.client('a').set(key, value));
      world.equal(Object.values(await world.tally(writes)), [100], `100 writes of ${value}`);
    }
    world.equal(await hintsAt('a'), 100, 'hints for 300 writes of 100 keys');
    await world.quiet(1500);
    world.crash('a');
    await world.quiet();
    await world.restart('a');
    world.equal(await hintsAt('a'), 100, 'hints of the holder that came back');
    await world.restart('c');
    await cluster.eventually(async () => (await hintsAt('a')) === 0);
    world.equal(world.stored(keys), { three: 300 }, 'stored, without a read');

    async function hintsAt(name: string): Promise<number> {
      await cluster.eventually(
        async () => ((await cluster.status(name)).hints as { loaded: boolean }).loaded,
      );
      return ((await cluster.status(name)).hints as { hints: number }).hints;
    }
  },
};
