import { keysOf, type Scenario } from '../scenario.js';

export const deadDataIsNotCompared: Scenario = {
  name: 'dead-data-is-not-compared',
  story:
    'Replicas come to the same records by different ways: one sees every version of a key, one only the last, one builds its hash trees anew after a crash. Their trees are equal, because they cover what is newest and nothing that is dead (scylla #1165 had digests over data that deletions cover).',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(30);
    const round = async (value: string | undefined) => {
      const client = world.client('a');
      const asks = keys.map((key) => (value === undefined ? client.delete(key) : client.set(key, value)));
      await world.tally(asks);
      await world.quiet();
    };
    for (const value of ['1', '2', undefined, '3', undefined, '4']) await round(value);
    world.crash('b');
    for (const value of ['5', undefined, '6']) await round(value);
    await world.restart('b');
    await cluster.run(30_000);
    world.equal(world.stored(keys), { 6: 90 }, 'on the disks');
    world.crash('c');
    await world.restart('c');
    await cluster.run(30_000);
    for (const name of cluster.names) {
      const { slots, lastRound } = (await cluster.status(name)).antiEntropy as {
        slots: Record<string, number>;
        lastRound: Record<string, unknown>;
      };
      world.equal(slots, { replicated: 4096, inSync: 4096, divergent: 0, unbuilt: 0 }, `slots at ${name}`);
      world.equal(lastRound.slotsDiffering, 0, `slots that differed in its last exchange`);
    }
  },
};
