import { keysOf, type Scenario } from '../scenario.js';

export const fullDisk: Scenario = {
  name: 'full-disk',
  story:
    'One disk of three is full in the middle of many writes, then two, then all (NATS acknowledged what was later gone). What has been acknowledged is there after all of them have crashed; a node with a full disk does not vote, and comes back by itself when there is room.',
  async run(world) {
    const cluster = await world.formed();
    const acknowledged: string[] = [];
    const definitely: string[] = [];
    const full = ['c', 'b', 'a'];
    for (const [round, name] of [undefined, ...full].entries()) {
      if (name !== undefined) cluster.disk(name).failure = 'no space left on device';
      const keys = keysOf(60, `round-${round}`);
      const answers = await world.until(
        Promise.all(
          keys.map((key, i) => world.client(['a', 'b', 'c'][i % 3]!).set(key, 'v', { budgetMs: 500 })),
        ),
      );
      const done = keys.filter((_, i) => answers[i]!.kind === 'done');
      acknowledged.push(...done);
      definitely.push(
        ...keys.filter((_, i) => {
          const answer = answers[i]!;
          return answer.kind === 'error' && answer.definite;
        }),
      );
      world.equal(done.length, round < 2 ? 60 : 0, `acknowledged of 60 with ${round} disks full`);
      await cluster.run(1000);
    }
    world.crash('a', 'b', 'c');
    for (const name of full) cluster.disk(name).failure = undefined;
    await world.restart('a', 'b', 'c');
    for (const name of cluster.names) {
      const there = await world.tally(acknowledged.map((key) => world.client(name).get(key)));
      world.equal(there, { v: 120 }, `acknowledged writes at ${name}`);
    }
    world.equal(world.stored(definitely), {}, `stored of the ${definitely.length} that definitely failed`);
    cluster.disk('b').failure = 'no space left on device';
    await world.set('a', 'k', 'v');
    await cluster.run(1000);
    world.equal((await cluster.status('b')).state, 'storage-failed', 'b');
    cluster.disk('b').failure = undefined;
    await cluster.linked();
    world.equal((await cluster.status('b')).state, 'serving', 'b, with room again');
    world.equal(await world.set('c', 'k', 'w', { quorum: 3 }), 'done', 'a write with W=3');
  },
};
