import { FIVE, keysOf, type Scenario } from '../scenario.js';

export const readsFailOver: Scenario = {
  name: 'reads-fail-over',
  story:
    'While keys are read everywhere, one node becomes slow, then falls silent, then crashes: no read fails and none waits long. It is the next replica that answers.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE });
    const keys = keysOf(40);
    await world.tally(keys.map((key) => world.client('a').set(key, 'v')));
    await world.quiet();
    const readAll = async (what: string, coordinators: readonly string[], withinMs: number) => {
      const sinceMs = world.nowMs;
      const reading = coordinators.flatMap((name) => keys.map((key) => world.client(name).get(key)));
      world.equal(await world.tally(reading), { v: 40 * coordinators.length }, `reads, ${what}`);
      world.ok(world.nowMs - sinceMs <= withinMs, `none took longer than ${withinMs} ms`);
    };
    const rest = FIVE.filter((name) => name !== 'c');
    await readAll('all well', FIVE, 20);
    for (const other of rest) cluster.network.setDelay('c', other, [1500, 1500]);
    await readAll('c is slow', rest, 300);
    world.ok((await world.counted('hedges')) > 0, 'another replica was asked instead');
    for (const other of rest) cluster.network.setDelay('c', other, undefined);
    await cluster.run(3000);
    cluster.isolate('c');
    await readAll('c has just been cut off', rest, 300);
    cluster.heal();
    await cluster.linked();
    const reading = rest.flatMap((name) => keys.map((key) => world.client(name).get(key)));
    await cluster.run(0.4);
    world.crash('c');
    world.equal(await world.tally(reading), { v: 160 }, 'reads under way when c crashes');
    await readAll('c is down', rest, 20);
  },
};
