/** While a member is admitted writes are refused: none is acknowledged under the old placement and missing under the new. */
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { brief, Cluster } from '../support/cluster.js';

const SEEDS = Number(process.env.QUORAL_SEEDS ?? 25);

function frozen(cluster: Cluster, name: string): Promise<string> {
  return cluster.until(cluster.client(name).set('probe', 'x')).then(brief);
}

t.test('the registrar crashes while it admits somebody: back again, it takes writes', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a', 'b'] });
  // b does not answer, so the registrar waits for it, frozen itself.
  cluster.network.cutOneWay('b', 'a');
  cluster.add('d');
  cluster.start('d').catch(() => undefined);
  await cluster.run(500);
  t.not(await frozen(cluster, 'a'), 'done');
  cluster.crash('d');
  cluster.crash('a');
  cluster.heal();
  await cluster.restart('a');
  await cluster.linked();
  await cluster.run(100);
  t.equal(await frozen(cluster, 'a'), 'done');
  t.equal((await cluster.status('a')).epoch, 2, 'nobody was admitted');
});

t.test('a freeze survives a restart of the member, and ends when the registrar gives up', async (t) => {
  const cluster = await Cluster.formed();
  // b does not answer, so the registrar waits for it while c is frozen.
  cluster.network.cutOneWay('b', 'a');
  cluster.add('d');
  cluster.start('d').catch(() => undefined);
  await cluster.run(500);
  t.equal(await frozen(cluster, 'c'), 'CONFIG_CHANGING!');
  cluster.crash('d');
  cluster.crash('c');
  cluster.cut('a', 'c');
  await cluster.restart('c');
  await cluster.run(300);
  const write = await cluster.until(cluster.client('c').set('probe', 'x', { quorum: 1, budgetMs: 300 }));
  t.not(brief(write), 'done', 'still frozen without word from the registrar');
  await cluster.run(4000);
  cluster.heal();
  await cluster.linked();
  await cluster.eventually(async () => (await frozen(cluster, 'c')) === 'done', 10_000);
  t.same((await cluster.status('a')).epoch, 3, 'nobody was admitted');
});

t.test('links that come back while the registrar stores its decision do not end the freeze', async (t) => {
  const cluster = await Cluster.formed();
  cluster.add('d');
  cluster.disk('a').writeMs = [400, 400];
  cluster.start('d').catch(() => undefined);
  // a has frozen itself after 400 ms, the others right after that; by 800 ms its new configuration is stored.
  await cluster.run(450);
  cluster.network.reset('a', 'b');
  cluster.network.reset('a', 'c');
  const done: string[] = [];
  for (let i = 0; i < 30; i++) {
    await cluster.run(10);
    if (brief(await cluster.until(cluster.client('b').set(`k${i}`, 'v', { budgetMs: 200 }))) === 'done')
      done.push(`k${i}`);
  }
  await cluster.run(3000);
  const seen = [];
  for (const key of done) seen.push(brief(await cluster.until(cluster.client('d').get(key))));
  t.same(
    seen,
    done.map(() => 'v'),
  );
  t.equal((await cluster.status('a')).epoch, 4);
});

t.test('a write that races a join is refused, or visible after it', async (t) => {
  let acknowledged = 0;
  let joined = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const cluster = await Cluster.formed({ seed, nodes: ['a', 'b', 'c'], delayMs: [0.1, 15] });
    const random = new SeededRandom(seed + 77);
    cluster.add('d');
    cluster.add('e', { join: ['b:7400'] });
    if (seed % 2 === 0) cluster.disk('a').writeMs = [20, 300];
    const starting = ['d', 'e'].map((name) => cluster.start(name).catch(() => undefined));
    const done: string[] = [];
    const stopMs = cluster.clock.monotonicMs() + 2500;
    const firstWriteMs = cluster.clock.monotonicMs() + random.below(600);
    const clients = ['a', 'b', 'c'].map(async (name) => {
      const client = cluster.client(name);
      await new Promise<void>((resolve) =>
        cluster.clock.setTimer(firstWriteMs - cluster.clock.monotonicMs(), resolve),
      );
      for (let i = 0; cluster.clock.monotonicMs() < stopMs; i++) {
        const key = `${name}-${i}`;
        if (brief(await client.set(key, 'v', { budgetMs: 400 })) === 'done') done.push(key);
        await new Promise<void>((resolve) => cluster.clock.setTimer(random.below(20), resolve));
      }
    });
    for (let i = 0; i < 12; i++) {
      await cluster.run(random.below(150));
      const [x, y] = [random.below(3), random.below(3)].map((n) => ['a', 'b', 'c'][n]!);
      if (x !== y && random.below(3) > 0) cluster.network.reset(x!, y!);
    }
    await cluster.until(Promise.all(clients));
    cluster.disk('a').writeMs = [0.1, 0.5];
    await cluster.run(3000);
    acknowledged += done.length;
    const names = ((await cluster.status('a')).members as unknown[]).length;
    joined += names - 3;
    for (const key of done) {
      for (const name of ['a', 'c']) {
        const answer = brief(await cluster.until(cluster.client(name).get(key)));
        if (answer !== 'v') t.fail(`seed ${seed}: ${key} at ${name}: ${answer}, with ${names} members`);
      }
    }
    void starting;
  }
  t.ok(acknowledged > 50 && joined > 0, `${acknowledged} writes, ${joined} joins`);
});

t.test(
  'the storage of the registrar fails under its decision: the others stay frozen until it is clear',
  async (t) => {
    for (let seed = 0; seed < 6; seed++) {
      const cluster = await Cluster.formed({ seed });
      cluster.add('d');
      cluster.disk('a').writeMs = [400, 400];
      cluster.start('d').catch(() => undefined);
      await cluster.run(450);
      cluster.disk('a').failure = 'no space left on device';
      await cluster.run(500);
      cluster.crash('d');
      cluster.network.reset('a', 'b');
      cluster.network.reset('a', 'c');
      await cluster.run(500);
      t.equal(await frozen(cluster, 'b'), 'CONFIG_CHANGING!', 'the next configuration may be on its disk');
      cluster.disk('a').failure = undefined;
      cluster.disk('a').writeMs = [0.1, 0.5];
      await cluster.run(12_000);
      t.equal(await frozen(cluster, 'b'), 'done');
      await cluster.restart('a');
      await cluster.linked();
      t.equal((await cluster.status('a')).epoch, 3, 'nobody was admitted');
    }
  },
);
