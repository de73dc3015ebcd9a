import { keysOf, type Scenario } from '../scenario.js';

export const r1OnARecoveringReplica: Scenario = {
  name: 'r1-on-a-recovering-replica',
  story:
    'Single replicas are asked (R=1) while one of them recovers (riak_cs #170 said “not found”). A replica whose records are damaged never says “absent”: others answer for it until it has them back. One that was away answers what it has, which R=1 permits; R=2 never does.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(30);
    await world.tally(keys.map((key) => world.client('a').set(key, 'old')));
    await world.quiet();
    world.crash('c');
    for (const key of keys) cluster.disk('c').corrupt(cluster.engineKey(key), 19);
    await world.restart('c');
    const first = keys.map((key) => world.client('c').get(key, { quorum: 1 }));
    world.equal(await world.tally(first), { old: 30 }, 'reads of damaged records at c with R=1');
    await cluster.run(15_000);
    world.equal(world.stored(keys), { old: 90 }, 'on the disks: they came back from the peers');
    world.crash('c');
    await world.quiet();
    const updating = keys.map((key) => world.client('a').set(key, 'new'));
    const creating = keysOf(30, 'created').map((key) => world.client('a').set(key, 'new'));
    world.equal(
      await world.tally([...updating, ...creating]),
      { 'done, new': 30, 'done, replaced': 30 },
      'writes while c is away',
    );
    await world.restart('c');
    const both = [...keys, ...keysOf(30, 'created')];
    const relaxed = await world.tally(both.map((key) => world.client('c').get(key, { quorum: 1 })));
    world.equal(relaxed, { absent: 30, old: 30 }, 'reads at c with R=1: what it has');
    world.equal(
      await world.tally(both.map((key) => world.client('c').get(key))),
      { new: 60 },
      'reads at c with R=2',
    );
    await world.quiet();
    world.equal(
      await world.tally(both.map((key) => world.client('c').get(key, { quorum: 1 }))),
      { new: 60 },
      'and with R=1 after that',
    );
  },
};
