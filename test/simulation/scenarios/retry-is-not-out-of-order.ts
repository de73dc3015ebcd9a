import { SeededRandom } from '../../../src/base/seeded-random.js';
import { openClient } from '../../../src/client/kv-client.js';
import { loadKeyHasher } from '../../../src/ring/hash.js';
import { codeOf } from '../../support/cluster.js';
import type { Scenario } from '../scenario.js';

export const retryIsNotOutOfOrder: Scenario = {
  name: 'retry-is-not-out-of-order',
  story:
    'The connection of the client library breaks with a write on its way. It says that the write may have happened and does not send it again behind a later one; reads it does repeat. A message that is late at a replica changes nothing there either.',
  async run(world) {
    const cluster = await world.formed();
    const ports = {
      clock: cluster.clock,
      network: cluster.network.host('app'),
      random: new SeededRandom(world.seed),
      hasher: await loadKeyHasher(),
    };
    const kv = await world.until(openClient(ports, 'a:7400'));
    await world.until(kv.set('k', 'zero'));
    await world.quiet();
    for (const [one, other] of [
      ['a', 'b'],
      ['b', 'c'],
      ['a', 'c'],
    ] as const)
      cluster.network.setDelay(one, other, [30, 30]);
    const before = await world.counted('writes');
    const first = codeOf(kv.set('k', 'first'));
    await cluster.run(10);
    for (const name of cluster.names) cluster.network.reset('app', name);
    world.equal(await world.until(first), 'CONNECTION_LOST', 'the first write');
    await world.until(kv.set('k', 'second'));
    world.equal(await world.until(kv.get('k')), 'second', 'read after the second write');
    world.equal((await world.counted('writes')) - before, 2, 'writes that coordinators took');
    await cluster.run(3000);
    world.equal(
      await world.everywhere('k', { quorum: 3 }),
      { a: 'second', b: 'second', c: 'second' },
      'three seconds later',
    );
    const reading = kv.get('k');
    await cluster.run(10);
    for (const name of cluster.names) cluster.network.reset('app', name);
    world.equal(await world.until(reading), 'second', 'a read whose connection broke is sent again');
    // The message of a write is late at one replica, behind a newer write.
    cluster.network.setDelay('a', 'b', [1, 1]);
    cluster.network.setDelay('b', 'c', [1, 1]);
    cluster.network.setDelay('a', 'c', [400, 400]);
    world.equal(await world.set('a', 'k', 'third'), 'done', 'the third write, through a');
    world.equal(await world.set('b', 'k', 'fourth'), 'done', 'the fourth, through b');
    await world.quiet();
    world.equal(world.disks('k'), { a: 'fourth', b: 'fourth', c: 'fourth' }, 'before the third arrives at c');
    await cluster.run(1000);
    world.equal(world.disks('k'), { a: 'fourth', b: 'fourth', c: 'fourth' }, 'and after');
    await kv.close();
  },
};
