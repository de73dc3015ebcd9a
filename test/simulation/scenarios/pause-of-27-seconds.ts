import { keysOf, type Scenario } from '../scenario.js';

export const pauseOf27Seconds: Scenario = {
  name: 'pause-of-27-seconds',
  story:
    'A node stands still for 27 seconds in the middle of its work, while others update and delete everything it holds. When it goes on it believes neither its data nor its clock: no update is lost, no delete undone.',
  async run(world) {
    const cluster = await world.formed();
    const [updated, deleted] = [keysOf(40, 'updated'), keysOf(20, 'deleted')];
    await world.tally([...updated, ...deleted].map((key) => world.client('a').set(key, 'before')));
    await world.quiet();
    // These are on their way through a when it stops; their clients wait.
    for (const other of ['b', 'c']) cluster.network.setDelay('a', other, [5, 5]);
    const interrupted = keysOf(10, 'interrupted').map((key) => world.client('a').set(key, 'early'));
    await cluster.run(3);
    cluster.pause('a');
    world.note('a stands still');
    await cluster.run(5000);
    const during = [
      ...updated.map((key) => world.client('b').set(key, 'during')),
      ...deleted.map((key) => world.client('c').delete(key)),
      ...keysOf(10, 'interrupted').map((key) => world.client('c').set(key, 'late')),
    ];
    const { 'done, new': fresh = 0, 'done, replaced': replaced = 0 } = await world.tally(during);
    world.equal(fresh + replaced, 70, 'writes of others meanwhile');
    await cluster.run(22_000);
    cluster.resume('a');
    world.note('a goes on');
    const all = [...updated, ...deleted, ...keysOf(10, 'interrupted')];
    const atOnce = await world.tally(all.map((key) => world.client('a').get(key)));
    world.equal(
      atOnce,
      { 'QUORUM_UNAVAILABLE!': 70 },
      'reads at a, at once: its peers have given it up, so it does not answer',
    );
    await cluster.linked();
    const found = { absent: 20, during: 40, late: 10 };
    world.equal(
      await world.tally(all.map((key) => world.client('a').get(key))),
      found,
      'reads at a, once it is back',
    );
    const early = await world.tally(interrupted);
    world.equal(
      (early['QUORUM_TIMEOUT?'] ?? 0) + (early['done, new'] ?? 0) + (early['QUORUM_UNAVAILABLE?'] ?? 0),
      10,
      'the interrupted writes: done before the others, or unknown',
    );
    for (const other of ['b', 'c']) cluster.network.setDelay('a', other, undefined);
    await cluster.run(2000);
    world.equal(await world.unreachable(), {}, 'who misses whom');
    for (const name of ['a', 'b', 'c']) {
      const strict = all.map((key) => world.client(name).get(key, { quorum: 3 }));
      world.equal(await world.tally(strict), found, `reads at ${name} with R=3`);
    }
    await world.quiet();
    world.equal(world.stored([...updated, ...deleted]), { '-': 60, during: 120 }, 'on the disks');
  },
};
