import type { Scenario } from '../scenario.js';

export const hintOutlivesItsTombstone: Scenario = {
  name: 'hint-outlives-its-tombstone',
  story:
    'A replica misses a value and its deletion, and the tombstone is collected before the hint is replayed (scylla #23712). A hint has no value: nothing is sent, and the deleted value does not come back anywhere.',
  async run(world) {
    const cluster = await world.formed();
    world.crash('c');
    await world.quiet();
    world.equal(await world.set('a', 'k', 'v'), 'done', 'a write that one replica misses');
    world.equal(await world.delete('a', 'k'), 'done', 'its deletion');
    await world.quiet();
    world.equal(await hintsAt('a'), 1, 'hints for both');
    for (const name of ['a', 'b']) {
      await cluster.stop(name);
      cluster.disk(name).content.delete(Buffer.from(cluster.engineKey('k')).toString('latin1'));
    }
    world.note('the tombstone is collected');
    await world.restart('a', 'b');
    world.equal(await hintsAt('a'), 1, 'the hint is still there');
    await world.restart('c');
    await cluster.eventually(async () => (await hintsAt('a')) === 0);
    world.equal(world.disks('k'), { a: '', b: '', c: '' }, 'nothing was sent');
    world.equal(await world.everywhere('k'), { a: 'absent', b: 'absent', c: 'absent' }, 'reads');

    async function hintsAt(name: string): Promise<number> {
      await cluster.eventually(
        async () => ((await cluster.status(name)).hints as { loaded: boolean }).loaded,
      );
      return ((await cluster.status(name)).hints as { hints: number }).hints;
    }
  },
};
