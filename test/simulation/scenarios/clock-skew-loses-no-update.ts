import { brief } from '../../support/cluster.js';
import type { Scenario } from '../scenario.js';

const HOUR_MS = 3_600_000;
const NODES = ['a', 'b', 'c'];

export const clockSkewLosesNoUpdate: Scenario = {
  name: 'clock-skew-loses-no-update',
  story:
    'Clocks are hours apart, jump both ways, and one runs ten per cent fast (Cassandra, Riak and Aerospike lost updates to less). Each update follows the one before at another node, and each is read at a third: never an older one.',
  async run(world) {
    const cluster = world.machines();
    cluster.skew('a', 5 * HOUR_MS);
    cluster.skew('c', -5 * HOUR_MS);
    for (const name of NODES) await cluster.until(cluster.start(name));
    await cluster.linked();
    cluster.drift('b', 0.1);
    const jumps: Record<number, readonly [string, number]> = {
      40: ['b', HOUR_MS],
      80: ['a', -5 * HOUR_MS],
      120: ['c', 9 * HOUR_MS],
    };
    const wrong: string[] = [];
    let [last, acknowledged, refused] = ['', 0, 0];
    for (let i = 0; i < 160; i++) {
      const jump = jumps[i];
      if (jump !== undefined) cluster.skew(...jump);
      const answer = brief(await world.until(world.client(NODES[i % 3]!).set('k', `v${i}`)));
      if (answer === 'done') [last, acknowledged] = [`v${i}`, acknowledged + 1];
      else if (answer === 'CLOCK_NOT_READY!') refused++;
      else wrong.push(`write ${i}: ${answer}`);
      const read = await world.get(NODES[(i + 2) % 3]!, 'k');
      if (read !== last) wrong.push(`read ${i}: ${read}, not ${last}`);
      if (i % 10 === 0) await cluster.run(100);
    }
    world.equal(wrong, [], 'updates lost');
    world.equal(
      acknowledged + refused,
      160,
      'updates, acknowledged or definitely refused right after a jump',
    );
    world.ok(refused <= 6, `${refused} were refused`);
    world.equal(await world.everywhere('k', { quorum: 3 }), { a: last, b: last, c: last }, 'in the end');
  },
};
