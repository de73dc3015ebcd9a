import { keysOf, type Scenario } from '../scenario.js';

export const flippedBit: Scenario = {
  name: 'flipped-bit',
  story:
    'One bit in each record of one disk flips, in turn in the value, the version, the flags and the checksum. No reader sees a damaged record or an absent one, a write goes through, and the disk is put right from the peers.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(40);
    await world.tally(keys.map((key) => world.client('a').set(key, 'right')));
    await world.quiet();
    world.crash('b');
    for (const [i, key] of keys.entries())
      cluster.disk('b').corrupt(cluster.engineKey(key), [1, 4, 8, 14, 18, 21][i % 6]!);
    await world.restart('b');
    for (const name of ['b', 'a', 'c']) {
      for (const quorum of [1, 2, 3]) {
        const reading = keys.map((key) => world.client(name).get(key, { quorum }));
        const answers = await world.tally(reading);
        delete answers['QUORUM_UNAVAILABLE!'];
        world.equal(
          Object.keys(answers).filter((answer) => answer !== 'right'),
          [],
          `wrong answers at ${name}, R=${quorum}`,
        );
      }
    }
    // They are fetched when no request is left that could count on what the damaged records were.
    await cluster.run(15_000);
    await world.tally(keys.map((key) => world.client('b').get(key)));
    await cluster.run(3000);
    world.equal(world.stored(keys), { right: 120 }, 'on the disks');
    const writing = keys.map((key) => world.client('b').set(key, 'new', { quorum: 3 }));
    world.equal(await world.tally(writing), { 'done, replaced': 40 }, 'writes with W=3');
  },
};
