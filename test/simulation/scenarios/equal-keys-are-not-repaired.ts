import type { Cluster } from '../../support/cluster.js';
import { keysOf, type Scenario } from '../scenario.js';

const MINUTE_MS = 60_000;

export const equalKeysAreNotRepaired: Scenario = {
  name: 'equal-keys-are-not-repaired',
  story:
    'A replica misses 40 of 200 writes. Exchanges bring it those 40, and then, for minutes, nothing: keys that are equal are never moved (riak_kv #473 repaired them for ever), whether they were overwritten, deleted or expired.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(200);
    await world.tally(keys.map((key) => world.client('a').set(key, 'old')));
    world.crash('c');
    await world.tally(keys.slice(0, 20).map((key) => world.client('a').set(key, 'new')));
    await world.tally(keys.slice(20, 40).map((key) => world.client('b').delete(key)));
    const expiryMs = Math.round(cluster.clock.wallMs()) + 1000;
    await world.quiet();
    await world.restart('c');
    const expiring = keysOf(20, 'expiring').map((key) => world.client('a').set(key, 'v', { expiryMs }));
    await world.tally(expiring);
    await cluster.run(MINUTE_MS);
    world.equal(world.stored(keys), { '-': 60, new: 60, old: 480 }, 'on the disks after a minute');
    const moved = await movedKeys(cluster);
    world.ok(moved <= 40, 'at most the 40 keys were moved; hints may have been faster');
    await cluster.run(3 * MINUTE_MS);
    world.equal((await movedKeys(cluster)) - moved, 0, 'keys moved in three more minutes');
  },
};

/** Keys that exchanges have moved so far, in the whole cluster. */
async function movedKeys(cluster: Cluster): Promise<number> {
  let sum = 0;
  for (const name of cluster.names) {
    const { totals } = (await cluster.status(name)).antiEntropy as { totals: Record<string, number> };
    sum += totals.keysFetched! + totals.keysSent!;
  }
  return sum;
}
