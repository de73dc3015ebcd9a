import { keysOf, type Scenario } from '../scenario.js';

export const strangerInTheDataDirectory: Scenario = {
  name: 'stranger-in-the-data-directory',
  story:
    'The file system of b goes away while b runs. Its storage fails, and what it finds when it opens it again is empty: not what it was started on, so it says nothing. When the file system is back, b goes on.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(20);
    // Only b and c hold them.
    world.crash('a');
    await world.quiet();
    const writing = keys.map((key) => world.client('b').set(key, 'v'));
    world.equal(await world.tally(writing), { 'done, new': 20 }, 'writes that b and c acknowledge');
    const disk = cluster.disk('b');
    disk.takeOff('input/output error');
    await world.set('c', 'another', 'v', { quorum: 1 });
    await cluster.run(1000);
    disk.failure = undefined;
    await cluster.run(2000);
    world.equal((await cluster.status('b')).state, 'storage-failed', 'b, on an empty directory');
    world.crash('c');
    await world.until(cluster.start('a'));
    await cluster.run(2000);
    const blind = keys.map((key) => world.client('a').get(key));
    world.equal(await world.tally(blind), { 'QUORUM_UNAVAILABLE!': 20 }, 'reads at a, with c down');
    disk.putBack();
    await cluster.eventually(async () => (await cluster.status('b')).state === 'serving');
    await cluster.run(2000);
    const again = keys.map((key) => world.client('a').get(key));
    world.equal(await world.tally(again), { v: 20 }, 'reads at a, when it is there again');
  },
};
