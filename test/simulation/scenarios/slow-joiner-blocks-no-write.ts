import { codeOf } from '../../support/cluster.js';
import type { Scenario } from '../scenario.js';

export const slowJoinerBlocksNoWrite: Scenario = {
  name: 'slow-joiner-blocks-no-write',
  story:
    'A node asks to join, and stands still from then on (CASSANDRA-21200, Riak #1135). Writes are refused for a moment, definitely, while it is admitted; then they go on without it.',
  async run(world) {
    const cluster = await world.formed();
    cluster.add('d');
    const joining = codeOf(cluster.start('d'));
    await cluster.eventually(() =>
      cluster.log.some((line) => line.includes('admitted a member {"member":"d"')),
    );
    cluster.pause('d');
    world.note('d is admitted and stands still');
    const sinceMs = world.nowMs;
    await cluster.eventually(async () => (await world.set('a', 'k', 'v')) === 'done');
    world.ok(world.nowMs - sinceMs < 100, 'the first write is done within 100 ms');
    for (const name of ['a', 'b', 'c'])
      world.equal(await world.set(name, `k-${name}`, 'v'), 'done', `a write at ${name}`);
    cluster.resume('d');
    world.equal(await world.until(joining), undefined, 'd goes on, and its join');
    await cluster.linked();
    world.equal(await world.get('d', 'k'), 'v', 'a read at d');
  },
};
