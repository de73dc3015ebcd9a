/** How members that were taken for failed are alive again: after a crash, a partition, a lost disk. */
import t from 'tap';
import { Cluster } from '../support/cluster.js';
import { accusations, membersSeenBy, states } from '../support/member-states.js';

t.setTimeout(240_000);

const NODES = ['a', 'b', 'c', 'd', 'e'];

/** Milliseconds until nobody accuses anybody any more. */
async function reconciledMs(cluster: Cluster): Promise<number> {
  const sinceMs = cluster.clock.monotonicMs();
  await cluster.eventually(async () => (await accusations(cluster)).length === 0, 20_000);
  return Math.round(cluster.clock.monotonicMs() - sinceMs);
}

const seenBy = async (cluster: Cluster, observer: string, name: string) =>
  (await membersSeenBy(cluster, observer)).find((member) => member.name === name)!;

t.test(
  'a restarted node is alive everywhere at once, with a higher incarnation (memberlist #311)',
  async (t) => {
    for (const [seed, downMs] of [100, 1200, 3000, 60_000].entries()) {
      const cluster = await Cluster.formed({ seed, nodes: NODES });
      await cluster.run(500);
      const before = (await seenBy(cluster, 'c', 'c')).incarnation;
      cluster.crash('c');
      await cluster.run(downMs);
      if (downMs >= 3000) t.equal((await states(cluster, 'a')).c, 'faulty');
      await cluster.until(cluster.start('c'));
      const tookMs = await reconciledMs(cluster);
      t.ok(tookMs < 1500, `${tookMs} ms, after ${downMs} ms down`);
      const { incarnation } = await seenBy(cluster, 'c', 'c');
      t.ok(incarnation > before, `${before}, then ${incarnation}`);
      for (const name of NODES)
        t.equal((await seenBy(cluster, name, 'c')).incarnation, incarnation, `seen by ${name}`);
    }
  },
);

t.test('a node that has forgotten its incarnation is alive again too', async (t) => {
  const cluster = await Cluster.formed({ nodes: NODES });
  for (let i = 0; i < 4; i++) await cluster.restart('c');
  await cluster.run(500);
  cluster.crash('c');
  await cluster.run(5000);
  t.equal((await states(cluster, 'a')).c, 'faulty');
  const { content } = cluster.disk('c');
  for (const key of [...content.keys()]) if (key.endsWith('incarnation')) content.delete(key);
  await cluster.until(cluster.start('c'));
  const tookMs = await reconciledMs(cluster);
  t.ok(tookMs < 1500, `${tookMs} ms`);
});

t.test('all restart at the same moment, some of them taken for failed', async (t) => {
  const cluster = await Cluster.formed({ nodes: NODES });
  cluster.crash('d');
  await cluster.run(5000);
  for (const name of ['a', 'b', 'c', 'e']) cluster.crash(name);
  await cluster.until(Promise.all(NODES.map((name) => cluster.start(name))));
  const tookMs = await reconciledMs(cluster);
  t.ok(tookMs < 2000, `${tookMs} ms`);
});

const CUTS: Readonly<Record<string, (cluster: Cluster) => void>> = {
  'one node of five': (cluster) => cluster.isolate('e'),
  'the founder': (cluster) => cluster.isolate('a'),
  'two of five': (cluster) => {
    for (const one of ['a', 'b', 'c']) for (const other of ['d', 'e']) cluster.cut(one, other);
  },
  everybody: (cluster) => {
    for (const name of NODES) cluster.isolate(name);
  },
};

for (const [what, cut] of Object.entries(CUTS)) {
  t.test(`cut off for two minutes and healed, all are alive to all: ${what} (ringpop #42)`, async (t) => {
    const faulty: string[] = [];
    const cluster = await Cluster.formed({
      nodes: NODES,
      onLog: (node, _level, message, { member }) => {
        if (message === 'member is faulty') faulty.push(`${node}: ${String(member)}`);
      },
    });
    cut(cluster);
    await cluster.run(120_000);
    t.ok(
      (await accusations(cluster)).every((line) => line.endsWith('faulty')),
      'they have been given up',
    );
    t.ok(faulty.length > 0);
    faulty.length = 0;
    cluster.heal();
    const tookMs = await reconciledMs(cluster);
    t.ok(tookMs < 6000, `${tookMs} ms`);
    await cluster.run(40_000);
    t.same(await accusations(cluster), [], 'and it stays so');
    t.same(faulty, [], 'nobody is condemned by what the other side says');
  });
}

t.test('the side that waits to be called dials itself in the end', async (t) => {
  const cluster = new Cluster({ nodes: ['a', 'b'] });
  const { network } = cluster;
  const host = network.host.bind(network);
  // a, which is to dial b, cannot; b can dial a.
  network.host = (name) => {
    const real = host(name);
    const refuse: typeof real.connect = (_address, handler) =>
      void cluster.clock.setTimer(1, () => handler.onClose?.(new Error('no way')));
    return name === 'a' ? { ...real, connect: refuse } : real;
  };
  for (const name of ['a', 'b']) await cluster.until(cluster.start(name));
  await cluster.run(8000);
  t.not((await states(cluster, 'b')).a, 'alive');
  await cluster.linked();
  t.same(await states(cluster, 'a'), { b: 'alive' });
  cluster.network.reset('a', 'b');
  await cluster.run(15_000);
  t.same(await states(cluster, 'b'), { a: 'alive' });
});
