import { FIVE, type Scenario } from '../scenario.js';

export const deleteAbsentKey: Scenario = {
  name: 'delete-absent-key',
  story:
    'A key that never was is deleted: the answer says that there was nothing. Three replicas keep the tombstone all the same, so that a write that is still on its way cannot outlive the delete.',
  async run(world) {
    await world.formed({ nodes: FIVE });
    const deleting = FIVE.map((name) => world.client(name).delete(`nothing-${name}`));
    world.equal(await world.tally(deleting), { 'done, new': 5 }, 'deletes that found nothing');
    await world.quiet();
    world.equal(world.stored(FIVE.map((name) => `nothing-${name}`)), { '-': 15 }, 'stored');
    world.equal(
      await world.everywhere('nothing-a'),
      { a: 'absent', b: 'absent', c: 'absent', d: 'absent', e: 'absent' },
      'read',
    );
    world.equal(await world.counted('failures'), 0, 'failures');
  },
};
