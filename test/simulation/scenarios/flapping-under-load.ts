import { SeededRandom } from '../../../src/base/seeded-random.js';
import { FIVE, keysOf, type Scenario } from '../scenario.js';

const ROUNDS = 60;

export const flappingUnderLoad: Scenario = {
  name: 'flapping-under-load',
  story:
    'For a minute two of five nodes are overloaded: their event loops stall for up to a second, everything of theirs comes late, a tenth of all messages too, and connections break (consul #1337: detectors flap). Nobody is condemned, reads and writes go on, and a moment later nobody is even suspected.',
  async run(world) {
    const condemned: string[] = [];
    const cluster = await world.formed({
      nodes: FIVE,
      onLog: (node, _level, message, { member }) => {
        if (message === 'member is faulty') condemned.push(`${node}: ${String(member)}`);
      },
    });
    const random = new SeededRandom(world.seed + 20);
    const keys = keysOf(ROUNDS);
    for (const key of keys) {
      for (const name of ['b', 'd']) {
        cluster.machine(name).clock.lagMs = random.below(3) === 0 ? 100 + random.below(400) : 0;
        if (random.below(4) === 0) cluster.pause(name);
        if (random.below(6) === 0) cluster.network.reset(name, FIVE[random.below(5)]!);
      }
      for (const [i, one] of FIVE.entries()) {
        for (const other of FIVE.slice(i + 1)) {
          cluster.network.setDelay(one, other, random.below(10) === 0 ? [100, 300] : undefined);
        }
      }
      void world.client('a').set(key, 'v');
      await cluster.run(400 + random.below(600));
      for (const name of ['b', 'd']) cluster.resume(name);
      await cluster.run(200);
    }
    world.equal(condemned, [], 'who was condemned');
    for (const name of ['b', 'd']) cluster.machine(name).clock.lagMs = 0;
    for (const one of FIVE)
      for (const other of FIVE) if (one < other) cluster.network.setDelay(one, other, undefined);
    await cluster.run(5000);
    world.equal(await world.unreachable(), {}, 'who misses whom');
    world.equal(await world.set('b', 'k', 'v'), 'done', 'a write at b');
    const answers = Object.keys(await world.tally(keys.map((key) => world.client('d').get(key))));
    world.equal(
      answers.filter((answer) => answer !== 'v' && answer !== 'absent'),
      [],
      'answers at d other than values',
    );
  },
};
