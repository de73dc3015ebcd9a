import { keysOf, type Scenario } from '../scenario.js';

const HOUR_MS = 3_600_000;

export const exchangeRevivesNothing: Scenario = {
  name: 'exchange-revives-nothing',
  story:
    'A replica is away while keys expire and are read as absent, and while others are deleted; its own clock is an hour behind. When it is back, exchanges bring it what it has missed, and not its old values to the others: nobody ever reads them again (Riak: expired data revived by anti-entropy).',
  async run(world) {
    const cluster = world.machines();
    cluster.skew('c', -HOUR_MS);
    for (const name of cluster.names) await cluster.until(cluster.start(name));
    await cluster.linked();
    const expiring = keysOf(20, 'expiring');
    const deleted = keysOf(20, 'deleted');
    const expiryMs = Math.round(cluster.clock.wallMs()) + 5000;
    await world.tally(expiring.map((key) => world.client('a').set(key, 'v', { expiryMs })));
    await world.tally(deleted.map((key) => world.client('a').set(key, 'v')));
    await world.quiet();
    world.crash('c');
    await world.tally(deleted.map((key) => world.client('b').delete(key)));
    await cluster.run(6000);
    const all = [...expiring, ...deleted];
    const readAt = (name: string, quorum?: number) =>
      world.tally(all.map((key) => world.client(name).get(key, quorum === undefined ? {} : { quorum })));
    world.equal(await readAt('a'), { absent: 40 }, 'reads at a');
    await world.quiet();
    world.equal(world.stored(all), { '-': 80, v: 40 }, 'on the disks: c has all of them alive');
    await world.restart('c');
    await cluster.run(20_000);
    world.equal(world.stored(all), { '-': 120 }, 'on the disks when c is back, without a read');
    for (const name of cluster.names)
      world.equal(await readAt(name, 1), { absent: 40 }, `reads at ${name} with R=1`);
    world.crash('a', 'b', 'c');
    await world.restart('a', 'b', 'c');
    await cluster.run(20_000);
    for (const name of cluster.names)
      world.equal(await readAt(name), { absent: 40 }, `reads at ${name} after a restart`);
  },
};
