import { membersSeenBy, states } from '../../support/member-states.js';
import { FIVE, type Scenario } from '../scenario.js';

export const restartedNodeIsSeen: Scenario = {
  name: 'restarted-node-is-seen',
  story:
    'A node crashes and comes back six times in a row, at once and after a while, once with its clock a day behind (memberlist #311: it stays “down”). Every time all others see it again within two seconds, under a higher incarnation, though they had taken it for faulty; and it votes.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE, options: { replicas: 5 } });
    let before = 1;
    for (const downMs of [0, 10, 300, 2500, 10_000, 100]) {
      world.crash('c');
      await cluster.run(downMs);
      if (downMs >= 2500) world.equal((await states(cluster, 'e')).c, 'faulty', 'c as e sees it');
      if (downMs === 2500) cluster.skew('c', -86_400_000);
      const sinceMs = world.nowMs;
      await world.restart('c');
      world.ok(world.nowMs - sinceMs < 2000, `seen by all within 2 s, after ${downMs} ms down`);
      const { incarnation } = (await membersSeenBy(cluster, 'e')).find(({ name }) => name === 'c')!;
      world.ok(incarnation > before, 'its incarnation is higher than before');
      before = incarnation;
      world.equal(await world.set('a', 'k', `after ${downMs}`, { quorum: 5 }), 'done', 'a write with W=5');
      world.equal(await world.get('c', 'k', { quorum: 5 }), `after ${downMs}`, 'a read at c with R=5');
    }
  },
};
