import { keysOf, type Scenario } from '../scenario.js';

const YEAR_MS = 366 * 86_400_000;

export const aYearLater: Scenario = {
  name: 'a-year-later',
  story:
    'A node was down for more than a year (CASSANDRA-10969 refused it by its generation). It is let in at once, votes, and what has been written or has expired meanwhile counts.',
  async run(world) {
    const cluster = await world.formed();
    const [kept, expiring] = [keysOf(10, 'kept'), keysOf(10, 'expiring')];
    await world.tally(kept.map((key) => world.client('a').set(key, 'old')));
    await world.tally(expiring.map((key) => world.client('a').set(key, 'short', { ttlMs: 60_000 })));
    await world.quiet();
    world.crash('c');
    for (const name of cluster.names) cluster.skew(name, YEAR_MS);
    await cluster.run(2000);
    world.equal(
      await world.tally(kept.map((key) => world.client('b').set(key, 'new'))),
      { 'done, replaced': 10 },
      'writes a year later',
    );
    const sinceMs = world.nowMs;
    await world.restart('c');
    world.ok(world.nowMs - sinceMs < 2000, 'c is back within 2 s');
    world.equal(await world.tally(kept.map((key) => world.client('c').get(key))), { new: 10 }, 'reads at c');
    world.equal(
      await world.tally(expiring.map((key) => world.client('c').get(key))),
      { absent: 10 },
      'reads at c of what has expired',
    );
    world.equal(await world.set('c', 'k', 'v', { quorum: 3 }), 'done', 'a write at c with W=3');
  },
};
