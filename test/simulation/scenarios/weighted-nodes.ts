import { keysOf, type Scenario } from '../scenario.js';

const WEIGHTS = { a: 1, b: 1, c: 2, d: 4 };
const KEYS = 1600;

export const weightedNodes: Scenario = {
  name: 'weighted-nodes',
  story:
    'Four nodes of weights 1, 1, 2 and 4, and one replica: they carry an eighth, an eighth, a quarter and a half of the slots, within a twentieth, and of many keys about as much.',
  async run(world) {
    const cluster = world.machines({ nodes: [], options: { replicas: 1 } });
    for (const [name, weight] of Object.entries(WEIGHTS)) cluster.add(name, { weight });
    for (const name of cluster.names) await cluster.until(cluster.start(name));
    await cluster.linked();
    const { members } = await cluster.status('a');
    for (const { name, share } of members as { name: 'a' | 'b' | 'c' | 'd'; share: number }[]) {
      const ideal = WEIGHTS[name] / 8;
      world.ok(
        share <= ideal * 1.06 && share >= ideal * 0.94,
        `${name} owns ${share.toFixed(4)}, ideally ${ideal}`,
      );
    }
    const keys = keysOf(KEYS);
    world.equal(
      await world.tally(keys.map((key) => world.client('a').set(key, 'v'))),
      { 'done, new': KEYS },
      'creates',
    );
    await world.quiet();
    world.equal(world.stored(keys), { v: KEYS }, 'replica successes');
    for (const [name, weight] of Object.entries(WEIGHTS)) {
      const held = keys.filter((key) => cluster.stored(name, key) !== undefined).length;
      const ideal = (KEYS * weight) / 8;
      world.ok(held > ideal * 0.8 && held < ideal * 1.2, `${name} holds ${held} keys, ideally ${ideal}`);
    }
  },
};
