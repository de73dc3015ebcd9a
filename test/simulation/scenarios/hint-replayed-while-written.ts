import { FIVE, type Scenario } from '../scenario.js';

export const hintReplayedWhileWritten: Scenario = {
  name: 'hint-replayed-while-written',
  story:
    'A key is written again while its hint is on its way (scylla #4122 discarded the new hint with the old one): the target gets the newer value too, without a read.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE });
    const [holder, , target] = await world.owners('k');
    const [other] = await world.others('k');
    world.crash(target!);
    await world.quiet();
    world.equal(await world.set(other!, 'k', 'one'), 'done', 'a write that one replica misses');
    world.equal(await hintsAt(world, holder!), 1, 'hints of the first live replica');
    await world.restart(target!);
    // What the holder sends takes long; the coordinator cannot reach the target at all.
    cluster.network.setDelay(holder!, target!, [300, 300]);
    cluster.cut(other!, target!);
    cluster.network.reset(other!, target!);
    await cluster.eventually(async () => (await hints(world, holder!)).draining);
    await world.quiet(800);
    world.equal(await world.set(other!, 'k', 'two'), 'done', 'another write, while the hint is on its way');
    await cluster.eventually(async () => (await hintsAt(world, holder!)) === 0);
    world.equal(world.disks('k')[target!], 'two', 'the target, without a read');
    world.equal((await hints(world, holder!)).replayed, 2, 'records that were sent');
  },
};

async function hintsAt(world: Parameters<Scenario['run']>[0], name: string): Promise<number> {
  return (await hints(world, name)).hints;
}

async function hints(
  world: Parameters<Scenario['run']>[0],
  name: string,
): Promise<{ hints: number; replayed: number; draining: boolean }> {
  const status = (await world.cluster.status(name)).hints as {
    hints: number;
    replayed: number;
    targets: { draining: boolean }[];
  };
  return { ...status, draining: status.targets.some(({ draining }) => draining) };
}
