import { keysOf, type Scenario } from '../scenario.js';

const HOUR_MS = 3_600_000;

export const expiredKeysStayAway: Scenario = {
  name: 'expired-keys-stay-away',
  story:
    'Keys with an expiry, on nodes whose clocks are hours apart, and one replica away (Riak: anti-entropy revives expired keys). As soon as one reader has found a key expired, nobody reads it again, also not where it is still early, and not from the replica that was away.',
  async run(world) {
    const cluster = world.machines();
    cluster.skew('a', 2 * HOUR_MS);
    cluster.skew('b', -2 * HOUR_MS);
    for (const name of cluster.names) await cluster.until(cluster.start(name));
    await cluster.linked();
    const keys = keysOf(20);
    const expiryMs = Math.round(cluster.clock.wallMs()) + HOUR_MS;
    const writing = keys.map((key) => world.client('c').set(key, 'v', { expiryMs }));
    world.equal(
      await world.tally(writing),
      { 'done, new': 20 },
      'writes that expire in an hour of true time',
    );
    await world.quiet();
    const readAt = (name: string) => world.tally(keys.map((key) => world.client(name).get(key)));
    world.equal(await readAt('b'), { v: 20 }, 'reads at b, where it is two hours earlier');
    world.crash('b');
    await world.quiet();
    world.equal(await readAt('a'), { absent: 20 }, 'reads at a, where they have expired');
    world.equal(await readAt('c'), { absent: 20 }, 'reads at c, where they would not have, yet');
    await world.restart('b');
    world.equal(world.stored(keys), { '-': 40, v: 20 }, 'on the disks: b has them alive');
    world.equal(await readAt('b'), { absent: 20 }, 'reads at b');
    cluster.skew('a', -5 * HOUR_MS);
    for (const name of ['a', 'b', 'c'])
      world.equal(await readAt(name), { absent: 20 }, `reads at ${name} after a’s clock went back`);
    world.crash('a', 'b', 'c');
    await world.restart('a', 'b', 'c');
    for (const name of ['a', 'b', 'c'])
      world.equal(await readAt(name), { absent: 20 }, `reads at ${name} after a restart`);
  },
};
