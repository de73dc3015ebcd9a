import type { Answer } from '../../support/frame-client.js';
import type { Scenario, World } from '../scenario.js';

const HOUR_MS = 3_600_000;

export const errorsAreHonest: Scenario = {
  name: 'errors-are-honest',
  story:
    'Writes fail in every way there is (Aerospike 3.99 said “failed” of writes that it had applied). Where the error is definite, no disk holds the value, then or later; where the write may have happened, the error says so.',
  async run(world) {
    const { network } = await world.formed();
    const { cluster } = world;
    // Nothing can be written: too few replicas, too many asked for, nobody there, no time.
    world.equal(
      await world.set('a', 'quorum of four', 'x', { quorum: 4 }),
      'QUORUM_UNAVAILABLE!',
      'W=4 of 3',
    );
    cluster.skew('a', HOUR_MS);
    world.equal(
      await world.set('a', 'clock jumped', 'x'),
      'CLOCK_NOT_READY!',
      'right after the clock jumped an hour',
    );
    cluster.skew('a', 0);
    await cluster.run(1000);
    world.crash('b', 'c');
    await world.quiet();
    world.equal(await world.set('b', 'nobody there', 'x'), 'CONNECT_FAILED!', 'at a node that is down');
    world.equal(await world.set('a', 'alone', 'x'), 'QUORUM_UNAVAILABLE!', 'with two replicas down');
    await world.restart('b', 'c');
    // It is on its way, and what becomes of it is not known.
    network.cutOneWay('b', 'a');
    network.cutOneWay('c', 'a');
    world.equal(
      await world.set('a', 'unanswered', 'x', { budgetMs: 300 }),
      'QUORUM_TIMEOUT?',
      'replicas take it, their answers are cut off',
    );
    world.equal(
      await world.get('a', 'unanswered', { budgetMs: 300 }),
      'QUORUM_TIMEOUT!',
      'a read there: it changes nothing',
    );
    cluster.heal();
    await cluster.linked();
    for (const other of ['b', 'c']) network.setDelay('a', other, [40, 40]);
    const broken = world.client('a').set('link broken', 'x');
    await cluster.run(20);
    for (const other of ['b', 'c']) network.reset('a', other);
    world.equal(await word(world, broken), 'QUORUM_UNAVAILABLE?', 'its links break underneath');
    for (const other of ['b', 'c']) network.setDelay('a', other, undefined);
    await cluster.linked();
    for (const other of ['b', 'c']) network.setDelay('a', other, [40, 40]);
    const orphan = world.client('a').set('coordinator gone', 'x');
    await cluster.run(20);
    world.crash('a');
    for (const other of ['b', 'c']) network.setDelay('a', other, undefined);
    world.equal(await word(world, orphan), 'CONNECTION_LOST?', 'the coordinator crashes');
    await world.restart('a');
    // The log of the only replica that may vote fails.
    cluster.disk('b').failure = 'no space left on device';
    cluster.disk('c').failure = 'no space left on device';
    world.equal(await world.set('a', 'log failed', 'x'), 'QUORUM_UNAVAILABLE?', 'two logs fail under it');
    world.equal(
      await world.set('b', 'log known to be failed', 'x'),
      'QUORUM_UNAVAILABLE!',
      'two logs are known to have failed',
    );
    for (const name of ['b', 'c']) cluster.disk(name).failure = undefined;
    await cluster.linked();
    await cluster.run(5000);
    const definite = ['quorum of four', 'clock jumped', 'nobody there', 'alone', 'log known to be failed'];
    world.equal(world.stored(definite), {}, 'stored of the five that definitely failed');
    for (const key of definite) world.equal(await world.get('c', key), 'absent', `read of “${key}”`);
    world.equal(await world.get('b', 'unanswered'), 'x', 'what was taken and not answered did happen');
    world.equal(
      await world.everywhere('log failed'),
      { a: 'x', b: 'x', c: 'x' },
      'and what one log had taken, once somebody read it there',
    );
  },
};

async function word(world: World, asking: Promise<Answer>): Promise<string> {
  return Object.keys(await world.tally([asking]))[0]!;
}
