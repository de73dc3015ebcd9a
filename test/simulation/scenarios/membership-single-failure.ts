import { type Scenario, TEN } from '../scenario.js';

export const membershipSingleFailure: Scenario = {
  name: 'membership-single-failure',
  story:
    'One of ten nodes is cut off without a word. Within seconds all others see it as unreachable (completeness) and nobody else (accuracy); after it is back nobody is missed.',
  async run(world) {
    const cluster = await world.formed({ nodes: TEN });
    await cluster.run(5000);
    world.equal(await world.unreachable(), {}, 'who misses whom after 5 s');
    cluster.isolate('d');
    world.note('d is cut off');
    await cluster.run(4000);
    const views = await world.unreachable();
    const others = TEN.filter((name) => name !== 'd');
    world.equal(views.d, others, 'd misses everybody');
    delete views.d;
    world.equal(
      views,
      Object.fromEntries(others.map((name) => [name, ['d']])),
      'everybody misses d and nobody else',
    );
    cluster.heal();
    await cluster.run(4000);
    world.equal(await world.unreachable(), {}, 'who misses whom after the cut has healed');
  },
};
