import { FIVE, type Scenario } from '../scenario.js';

export const updateAbsentKey: Scenario = {
  name: 'update-absent-key',
  story:
    'A key that never was is written as if it were there: it is created, and the answer says that it was new. So it is for a key that was deleted.',
  async run(world) {
    await world.formed({ nodes: FIVE });
    world.equal(
      await world.tally([world.client('b').set('k', 'one')]),
      { 'done, new': 1 },
      'update of an absent key',
    );
    await world.quiet();
    world.equal(world.stored(['k']), { one: 3 }, 'replica successes');
    world.equal(
      await world.tally([world.client('c').set('k', 'two')]),
      { 'done, replaced': 1 },
      'update of a key',
    );
    world.equal(await world.delete('d', 'k'), 'done', 'delete');
    world.equal(
      await world.tally([world.client('e').set('k', 'three')]),
      { 'done, new': 1 },
      'update of a deleted key',
    );
    await world.quiet();
    world.equal(world.stored(['k']), { three: 3 }, 'replica successes');
  },
};
