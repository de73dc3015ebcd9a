import { keysOf, type Scenario } from '../scenario.js';

export const proxyOfWeight0: Scenario = {
  name: 'proxy-of-weight-0',
  story:
    'A node of weight 0 stands before four others: it owns nothing and stores nothing, and creates, reads, updates, deletes and scans every key. With one of the four down it goes on.',
  async run(world) {
    const cluster = world.machines({ nodes: ['a', 'b', 'c', 'd'] });
    cluster.add('proxy', { weight: 0 });
    for (const name of cluster.names) await cluster.until(cluster.start(name));
    await cluster.linked();
    const keys = keysOf(100);
    const proxy = world.client('proxy');
    world.equal(await world.tally(keys.map((key) => proxy.set(key, 'one'))), { 'done, new': 100 }, 'creates');
    world.equal(
      await world.tally(keys.map((key) => proxy.set(key, 'two'))),
      { 'done, replaced': 100 },
      'updates',
    );
    world.equal(await world.tally(keys.map((key) => proxy.get(key))), { two: 100 }, 'reads');
    world.equal((await world.scan('proxy', 30)).sort(), [...keys].sort(), 'a scan finds each key once');
    await world.quiet();
    world.equal(world.stored(keys), { two: 300 }, 'replica successes');
    world.equal(
      keys.filter((key) => cluster.stored('proxy', key) !== undefined),
      [],
      'keys on the disk of the proxy',
    );
    world.equal((await world.tally(keys.map((key) => proxy.delete(key))))['done, replaced'], 100, 'deletes');
    world.crash('b');
    await world.quiet();
    world.equal(
      await world.tally(keys.map((key) => proxy.set(key, 'three'))),
      { 'done, new': 100 },
      'creates with one node down',
    );
    world.equal(
      await world.tally(keys.map((key) => proxy.get(key))),
      { three: 100 },
      'reads with one node down',
    );
  },
};
