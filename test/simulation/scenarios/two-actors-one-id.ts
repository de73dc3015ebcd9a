import { codeOf } from '../../support/cluster.js';
import type { Scenario } from '../scenario.js';

export const twoActorsOneId: Scenario = {
  name: 'two-actors-one-id',
  story:
    'Somebody starts a second node under a name that is taken: with a disk of its own, with a copy of the first one’s disk elsewhere, and with another’s disk. None of them gets in, and the first goes on undisturbed.',
  async run(world) {
    const cluster = await world.formed();
    world.equal(await world.set('b', 'k', 'one'), 'done', 'a write');
    await world.quiet();
    const impostors = [
      ['an empty disk and the name b', 'x', { name: 'b' }, undefined, 'JOIN_REFUSED'],
      ['a copy of b’s disk and the name b', 'y', { name: 'b' }, 'b', 'NOT_A_MEMBER'],
      ['a copy of b’s disk and a name of its own', 'z', {}, 'b', 'NOT_A_MEMBER'],
    ] as const;
    for (const [what, machine, options, copied, code] of impostors) {
      cluster.add(machine, options);
      const source = copied === undefined ? [] : [...cluster.disk(copied).content];
      for (const [key, bytes] of source) cluster.disk(machine).content.set(key, bytes);
      world.equal(await world.until(codeOf(cluster.start(machine))), code, what);
      cluster.crash(machine);
    }
    const { members } = await cluster.status('a');
    world.equal(
      (members as { name: string }[]).map(({ name }) => name),
      ['a', 'b', 'c'],
      'members',
    );
    world.equal(await world.unreachable(), {}, 'who misses whom');
    world.equal(await world.set('b', 'k', 'two', { quorum: 3 }), 'done', 'a write at b with W=3');
    world.equal(await world.everywhere('k'), { a: 'two', b: 'two', c: 'two' }, 'read');
  },
};
