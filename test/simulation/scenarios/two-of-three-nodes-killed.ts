import { keysOf, type Scenario } from '../scenario.js';

export const twoOfThreeNodesKilled: Scenario = {
  name: 'two-of-three-nodes-killed',
  story:
    'Keys were written to all three nodes (W=3) and two of them are killed: with R=1 the third still reads every one. Nothing less is promised, and with the default quorum it refuses rather than guess.',
  async run(world) {
    await world.formed();
    const keys = keysOf(50);
    const writing = keys.map((key) => world.client('a').set(key, 'v', { quorum: 3 }));
    world.equal(await world.tally(writing), { 'done, new': 50 }, 'creates with W=3');
    world.equal(world.stored(keys), { v: 150 }, 'replica successes, at once');
    world.crash('a', 'b');
    await world.quiet();
    const relaxed = keys.map((key) => world.client('c').get(key, { quorum: 1 }));
    world.equal(await world.tally(relaxed), { v: 50 }, 'reads with R=1');
    const strict = keys.map((key) => world.client('c').get(key));
    world.equal(await world.tally(strict), { 'QUORUM_UNAVAILABLE!': 50 }, 'reads with R=2');
    world.equal(
      await world.tally([world.client('c').set('k', 'x')]),
      { 'QUORUM_UNAVAILABLE!': 1 },
      'a write with W=2',
    );
  },
};
