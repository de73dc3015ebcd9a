import { FIVE, type Scenario } from '../scenario.js';

export const standingStillAccusesNobody: Scenario = {
  name: 'standing-still-accuses-nobody',
  story:
    'A node stands still again and again for three seconds (consul #1337: detectors flap under load). The others miss it and nobody else; it never takes its own silence for that of the others.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE });
    const rest = FIVE.filter((name) => name !== 'c');
    // The first time right after its start, before its first heartbeat.
    world.crash('c');
    await world.restart('c');
    for (let round = 1; round <= 5; round++) {
      cluster.pause('c');
      await cluster.run(3000);
      const views = Object.fromEntries(
        await Promise.all(rest.map(async (name) => [name, await missedBy(name)])),
      );
      world.equal(
        views,
        Object.fromEntries(rest.map((name) => [name, ['c']])),
        `pause ${round}: who misses whom`,
      );
      cluster.resume('c');
      await cluster.run(5);
      world.equal(await missedBy('c'), [], 'whom it misses as it goes on');
      await cluster.run(1500);
      world.equal(await world.unreachable(), {}, 'who misses whom a moment later');
    }

    async function missedBy(name: string): Promise<string[]> {
      const { members } = await cluster.status(name);
      return (members as { name: string; state: string }[])
        .filter((m) => m.state !== 'alive' && m.state !== 'self')
        .map((m) => m.name);
    }
  },
};
