import { keysOf, type Scenario } from '../scenario.js';

export const lostDiskKeptName: Scenario = {
  name: 'lost-disk-kept-name',
  story:
    'A member loses its disk and comes back under its name, empty (riak_kv #1643). It is let in, but it forgot what it has promised: until it has everything back its word makes no majority. Nothing acknowledged is ever read as absent.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(30);
    // Only a and c hold them: with a down, an empty c and a b that never had them would agree on “absent”.
    cluster.pause('b');
    const writing = keys.map((key) => world.client('a').set(key, 'v'));
    world.equal(await world.tally(writing), { 'done, new': 30 }, 'writes that a and c acknowledge');
    world.crash('c');
    cluster.disk('c').content.clear();
    cluster.crash('b');
    const starting = cluster.start('c');
    await cluster.run(1000);
    world.crash('a');
    await world.until(cluster.start('b'));
    await cluster.run(8000);
    const blind = keys.map((key) => world.client('b').get(key));
    world.equal(await world.tally(blind), { 'QUORUM_UNAVAILABLE!': 30 }, 'reads at b with a down: no guess');
    const blindWrite = await world.set('b', 'key-0', 'w');
    world.ok(blindWrite.startsWith('QUORUM_UNAVAILABLE'), `a write at b: ${blindWrite}`);
    await world.until(cluster.start('a'));
    await world.until(starting);
    await cluster.eventually(async () => (await cluster.status('c')).state === 'serving');
    await cluster.linked();
    world.crash('a');
    await world.quiet();
    const atC = keys.slice(1).map((key) => world.client('c').get(key));
    world.equal(await world.tally(atC), { v: 29 }, 'reads at c, synced, with a down');
  },
};
