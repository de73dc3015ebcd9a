import { type Scenario, TEN } from '../scenario.js';

export const membershipMultipleFailures: Scenario = {
  name: 'membership-multiple-failures',
  story:
    'Half of ten nodes fail at the same moment, by crash and by cable. The others see exactly those five as unreachable; when they are back nobody is missed.',
  async run(world) {
    const cluster = await world.formed({ nodes: TEN });
    const failed = ['b', 'd', 'f', 'h', 'j'];
    const rest = TEN.filter((name) => !failed.includes(name));
    world.crash('b', 'd', 'f');
    for (const name of ['h', 'j']) cluster.isolate(name);
    await cluster.run(4000);
    const views = await world.unreachable();
    for (const name of rest) world.equal(views[name], failed, `${name} misses`);
    cluster.heal();
    await world.restart('b', 'd', 'f');
    world.equal(await world.unreachable(), {}, 'who misses whom in the end');
  },
};
