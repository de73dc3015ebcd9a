import { SeededRandom } from '../../../src/base/seeded-random.js';
import { type Scenario, TEN } from '../scenario.js';

const ROUNDS = 60;
const ROUND_MS = 100;

export const membershipMessageLoss: Scenario = {
  name: 'membership-message-loss',
  story:
    'A tenth of all links is in trouble at any time: packets are sent again and come late, or the connection breaks (a TCP stream loses no bytes otherwise). A node that fails meanwhile is seen as unreachable by all; after the trouble nobody else is.',
  async run(world) {
    const cluster = await world.formed({ nodes: TEN });
    const random = new SeededRandom(world.seed + 10);
    world.crash('e');
    const troubled = { late: 0, broken: 0 };
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, one] of TEN.entries()) {
        for (const other of TEN.slice(i + 1)) {
          const isLost = random.below(10) === 0;
          cluster.network.setDelay(one, other, isLost ? [200, 400] : undefined);
          if (!isLost) continue;
          troubled.late++;
          if (random.below(4) > 0) continue;
          cluster.network.reset(one, other);
          troubled.broken++;
        }
      }
      await cluster.run(ROUND_MS);
    }
    world.ok(
      troubled.late > 200 && troubled.broken > 30,
      `${troubled.late} times late, ${troubled.broken} broken`,
    );
    const views = await world.unreachable();
    for (const name of world.running()) world.ok(views[name]!.includes('e'), `${name} misses e`);
    for (const name of TEN)
      for (const other of TEN) if (name < other) cluster.network.setDelay(name, other, undefined);
    await cluster.run(3000);
    const rest = TEN.filter((name) => name !== 'e');
    world.equal(
      await world.unreachable(),
      Object.fromEntries(rest.map((name) => [name, ['e']])),
      'without loss, only e is missed',
    );
  },
};
