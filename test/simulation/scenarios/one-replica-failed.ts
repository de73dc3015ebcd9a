import { FIVE, type Scenario } from '../scenario.js';

export const oneReplicaFailed: Scenario = {
  name: 'one-replica-failed',
  story:
    'One of a key’s three replicas has failed: reads and updates succeed at every other node, with two replica successes. It comes back and is brought up to date by reading.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE });
    await world.set('a', 'k', 'one');
    await world.quiet();
    const [first, second, failed] = await world.owners('k');
    world.crash(failed!);
    await world.quiet();
    const rest = world.running();
    world.equal(await world.tally(rest.map((name) => world.client(name).get('k'))), { one: 4 }, 'reads');
    for (const [i, name] of rest.entries()) {
      world.equal(await world.set(name, 'k', `two-${i}`), 'done', `update at ${name}`);
      await world.quiet();
      world.equal(
        world.stored(['k']),
        { one: 1, [`two-${i}`]: 2 },
        'replica successes, and what is left of before',
      );
    }
    world.equal(await world.counted('carefulWrites'), 4, 'writes that asked for versions first');
    await world.restart(failed!);
    world.equal(cluster.storedValues('k', [failed!]), ['one'], 'the one that came back is behind');
    world.equal(await world.get(failed!, 'k'), 'two-3', 'and yet reads');
    await world.quiet();
    world.equal(
      cluster.storedValues('k', [first!, second!, failed!]),
      ['two-3', 'two-3', 'two-3'],
      'repaired',
    );
  },
};
