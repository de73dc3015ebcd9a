import { FIVE, type Scenario } from '../scenario.js';

export const nonReplicaFailed: Scenario = {
  name: 'non-replica-failed',
  story:
    'Both nodes that are no replica of a key fail: nothing changes for the key. Three replica successes, no detour.',
  async run(world) {
    await world.formed({ nodes: FIVE });
    await world.set('a', 'k', 'one');
    await world.quiet();
    const owners = await world.owners('k');
    world.crash(...(await world.others('k')));
    await world.quiet();
    world.equal(await world.tally(owners.map((name) => world.client(name).get('k'))), { one: 3 }, 'reads');
    const updating = owners.map((name) => world.client(name).set('k', 'two', { quorum: 3 }));
    world.equal(await world.tally(updating), { 'done, replaced': 3 }, 'updates with W=3, all at once');
    await world.quiet();
    world.equal(world.stored(['k']), { two: 3 }, 'replica successes');
    world.equal(await world.counted('carefulWrites'), 0, 'writes that asked for versions first');
    world.equal(await world.counted('failures'), 0, 'failures');
  },
};
