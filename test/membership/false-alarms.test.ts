/** Whom the failure detector must not take for failed: nodes that stood still or are slow, and everybody they know. */
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { Cluster } from '../support/cluster.js';
import { accusations, states } from '../support/member-states.js';

t.setTimeout(240_000);

const NODES = ['a', 'b', 'c', 'd', 'e'];

interface Judgement {
  readonly by: string;
  readonly of: string;
}

/** A cluster of five, and everybody who is ever said to be faulty in it. */
async function watched(seed: number): Promise<{ cluster: Cluster; faulty: Judgement[] }> {
  const faulty: Judgement[] = [];
  const cluster = await Cluster.formed({
    seed,
    nodes: NODES,
    onLog: (node, _level, message, { member }) => {
      if (message === 'member is faulty') faulty.push({ by: node, of: String(member) });
    },
  });
  await cluster.run(1000 + cluster.random.below(2000));
  return { cluster, faulty };
}

for (const pauseMs of [10_000, 2000]) {
  t.test(`a node that stood still for ${pauseMs / 1000} s condemns nobody when it goes on`, async (t) => {
    for (let seed = 1; seed <= 15; seed++) {
      const { cluster, faulty } = await watched(seed);
      const sleeper = NODES[seed % NODES.length]!;
      cluster.pause(sleeper);
      await cluster.run(pauseMs);
      const others = NODES.filter((name) => name !== sleeper);
      if (pauseMs === 10_000) {
        for (const name of others)
          t.equal((await states(cluster, name))[sleeper], 'faulty', `seed ${seed}: ${name}`);
      }
      cluster.resume(sleeper);
      await cluster.run(3000);
      t.same(await accusations(cluster), [], `seed ${seed}: 3 s later`);
      await cluster.run(10_000);
      t.same(await accusations(cluster), [], `seed ${seed}: 13 s later`);
      t.same(
        faulty.filter(({ by, of }) => by === sleeper || of !== sleeper),
        [],
        `seed ${seed}: wrongly condemned`,
      );
    }
  });
}

t.test('a suspicion that is under way when its holder stands still goes on where it was', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const { cluster, faulty } = await watched(seed);
    // e cannot be heard for a moment; a suspects it, then stands still past the end of the suspicion.
    cluster.isolate('e');
    await cluster.eventually(async () => (await states(cluster, 'a')).e === 'suspect', 10_000);
    cluster.pause('a');
    cluster.heal();
    await cluster.run(8000);
    cluster.resume('a');
    await cluster.run(3000);
    t.same(
      faulty.filter(({ by }) => by === 'a'),
      [],
      `seed ${seed}`,
    );
    t.same(await accusations(cluster), [], `seed ${seed}`);
  }
});

t.test('a tenth of the messages late, for a minute: nobody is condemned', async (t) => {
  for (let seed = 1; seed <= 5; seed++) {
    const { cluster, faulty } = await watched(seed);
    const random = new SeededRandom(seed);
    for (let round = 0; round < 300; round++) {
      for (const [i, one] of NODES.entries()) {
        for (const other of NODES.slice(i + 1)) {
          cluster.network.setDelay(one, other, random.below(10) === 0 ? [200, 600] : undefined);
        }
      }
      await cluster.run(200);
    }
    t.same(faulty, [], `seed ${seed}`);
    for (const one of NODES)
      for (const other of NODES) if (one < other) cluster.network.setDelay(one, other, undefined);
    await cluster.run(3000);
    t.same(await accusations(cluster), [], `seed ${seed}`);
  }
});

t.test(
  'two nodes flap under load, for a minute: nobody else is condemned, and they are not for long',
  async (t) => {
    for (let seed = 1; seed <= 5; seed++) {
      const { cluster, faulty } = await watched(seed);
      const random = new SeededRandom(seed);
      for (let round = 0; round < 60; round++) {
        for (const name of ['b', 'd']) {
          // Now and then a blocked event loop, now and then everything late, now and then a broken connection.
          cluster.machine(name).clock.lagMs = random.below(3) === 0 ? 100 + random.below(400) : 0;
          if (random.below(5) === 0) cluster.pause(name);
          if (random.below(5) === 0) cluster.network.reset(name, NODES[random.below(5)]!);
        }
        await cluster.run(300 + random.below(700));
        cluster.resume('b');
        cluster.resume('d');
        await cluster.run(200);
      }
      t.same(faulty, [], `seed ${seed}`);
      for (const name of ['b', 'd']) cluster.machine(name).clock.lagMs = 0;
      await cluster.run(5000);
      t.same(await accusations(cluster), [], `seed ${seed}`);
    }
  },
);
