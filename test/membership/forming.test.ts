/** How clusters form: one node, more nodes, many at the same moment, and who is not let in. */
import t from 'tap';
import { RING } from '../../src/wire/message-type.js';
import { brief, Cluster, codeOf } from '../support/cluster.js';

async function members(cluster: Cluster, name: string): Promise<string[]> {
  const answer = await cluster.until(cluster.client(name).call(RING, {}));
  if (answer.kind !== 'result') return [brief(answer)];
  return (answer.body.members as { name: string }[]).map((member) => member.name).sort();
}

t.test('a founder is a cluster of its own', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a'] });
  const client = cluster.client('a');
  t.equal(brief(await cluster.until(client.set('k', 'v'))), 'done');
  t.equal(brief(await cluster.until(client.get('k'))), 'v');
  t.match(await cluster.status('a'), {
    state: 'serving',
    epoch: 1,
    replicas: 3,
    effectiveReplicas: 1,
    readQuorum: 1,
    writeQuorum: 1,
    underReplicated: true,
  });
});

t.test('two nodes: both replicas for everything, one cannot write alone', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a', 'b'] });
  t.equal(brief(await cluster.until(cluster.client('a').set('k', 'v'))), 'done');
  t.same(cluster.storedValues('k'), ['v', 'v']);
  t.match(await cluster.status('b'), {
    epoch: 2,
    effectiveReplicas: 2,
    writeQuorum: 2,
    underReplicated: true,
  });
  cluster.crash('b');
  await cluster.run(20);
  t.match(await cluster.until(cluster.client('a').set('k', 'w')), {
    code: 'QUORUM_UNAVAILABLE',
    definite: true,
  });
});

t.test('joins at the same moment, asked of different members, all take effect', async (t) => {
  for (let seed = 0; seed < 8; seed++) {
    const cluster = new Cluster({ seed, nodes: ['a', 'b'], delayMs: [0.1, 40] });
    await cluster.until(cluster.start('a'));
    await cluster.until(cluster.start('b'));
    for (const [i, name] of ['c', 'd', 'e', 'f'].entries())
      cluster.add(name, { join: [`${i % 2 === 0 ? 'b' : 'a'}:7400`] });
    await cluster.until(Promise.all(['c', 'd', 'e', 'f'].map((name) => cluster.start(name))));
    await cluster.linked();
    for (const name of cluster.names) {
      t.same(await members(cluster, name), ['a', 'b', 'c', 'd', 'e', 'f'], `seed ${seed}: ${name}`);
      t.equal(
        brief(await cluster.until(cluster.client(name).set(`k-${name}`, 'v'))),
        'done',
        `seed ${seed}: ${name}`,
      );
    }
  }
});

t.test('nobody joins a cluster that holds records, not even a tombstone', async (t) => {
  for (const write of ['set', 'delete'] as const) {
    const cluster = await Cluster.formed({ nodes: ['a', 'b'] });
    const client = cluster.client('b');
    await cluster.until(write === 'set' ? client.set('k', 'v') : client.delete('k'));
    cluster.add('c');
    t.equal(await cluster.until(codeOf(cluster.start('c'))), 'JOIN_REFUSED');
    t.same(await members(cluster, 'a'), ['a', 'b']);
    await cluster.run(100);
    t.equal(brief(await cluster.until(client.set('k', 'w'))), 'done', 'the freeze is over');
    t.equal(brief(await cluster.until(cluster.client('a').get('k'))), 'w');
  }
});

t.test('a record that only one member holds keeps others out too', async (t) => {
  const cluster = await Cluster.formed();
  cluster.network.cutOneWay('c', 'a');
  cluster.network.cutOneWay('c', 'b');
  await cluster.until(cluster.client('c').set('k', 'v', { budgetMs: 200 }));
  t.same(cluster.storedValues('k'), ['', '', 'v']);
  cluster.heal();
  await cluster.linked();
  cluster.add('d');
  t.equal(await cluster.until(codeOf(cluster.start('d'))), 'JOIN_REFUSED');
});

t.test('the answer to a JOIN is lost: asked again, it is the same member', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a', 'b'] });
  cluster.add('c');
  cluster.network.cutOneWay('a', 'c');
  const starting = cluster.start('c');
  await cluster.run(500);
  cluster.network.reset('a', 'c');
  cluster.heal();
  await cluster.until(starting);
  await cluster.linked();
  for (const name of cluster.names) t.same(await members(cluster, name), ['a', 'b', 'c']);
});

t.test('a node that crashes while it joins comes back as the same member', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a', 'b'] });
  cluster.add('c');
  cluster.network.setDelay('a', 'c', [100, 100]);
  cluster.start('c').catch(() => undefined);
  await cluster.run(450);
  cluster.crash('c');
  await cluster.restart('c');
  await cluster.linked();
  t.same(await members(cluster, 'c'), ['a', 'b', 'c']);
  t.equal((await cluster.status('a')).epoch, 3, 'admitted once');
});

t.test(
  'a name that is taken: refused while the member runs, let in to take its place when it is gone',
  async (t) => {
    const cluster = await Cluster.formed();
    cluster.add('c2', { name: 'c' });
    t.equal(await cluster.until(codeOf(cluster.start('c2'))), 'JOIN_REFUSED');
    cluster.crash('c2');
    cluster.crash('c');
    await cluster.run(100);
    cluster.add('c3', { name: 'c', weight: 2 });
    t.equal(await cluster.until(codeOf(cluster.start('c3'))), 'JOIN_REFUSED', 'another weight');
    cluster.crash('c3');
    cluster.disk('c').content.clear();
    await cluster.until(cluster.start('c'));
    t.same(await members(cluster, 'a'), ['a', 'b', 'c']);
    t.equal((await cluster.status('a')).epoch, 4, 'one more change');
  },
);

t.test('the registrar itself can be replaced: the next member lets it in', async (t) => {
  const cluster = await Cluster.formed();
  cluster.crash('a');
  cluster.disk('a').content.clear();
  cluster.add('a2', { name: 'a', join: ['b:7400', 'c:7400'] });
  cluster.crash('c');
  const starting = cluster.start('a2');
  await cluster.run(2000);
  t.equal((await cluster.status('b')).epoch, 3, 'not while another member cannot be asked');
  await cluster.until(cluster.start('c'));
  await cluster.until(starting);
  t.equal((await cluster.status('b')).epoch, 4);
  t.equal((await cluster.status('c')).epoch, 4);
});

t.test('a disk that belongs to another name is refused', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a', 'b'] });
  cluster.add('x');
  for (const [key, value] of cluster.disk('b').content) cluster.disk('x').content.set(key, value);
  t.equal(await cluster.until(codeOf(cluster.start('x'))), 'NOT_A_MEMBER');
});

t.test('members that restart take their places, all at once too', async (t) => {
  const cluster = await Cluster.formed();
  await cluster.until(cluster.client('a').set('k', 'v'));
  await cluster.run(50);
  for (const name of cluster.names) cluster.crash(name);
  for (const name of cluster.names) await cluster.until(cluster.start(name));
  await cluster.linked();
  for (const name of cluster.names) t.equal(brief(await cluster.until(cluster.client(name).get('k'))), 'v');
  t.equal((await cluster.status('c')).epoch, 3);
});

t.test('the registrar is down: joining waits for it, and then succeeds', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a', 'b'] });
  cluster.crash('a');
  cluster.add('c', { join: ['b:7400'] });
  const starting = cluster.start('c');
  await cluster.run(2000);
  t.ok(
    cluster.log.some(
      (line) => line.startsWith('c ') && line.includes('a, which admits new members, cannot be reached'),
    ),
  );
  await cluster.restart('a');
  await cluster.until(starting);
  t.same(await members(cluster, 'c'), ['a', 'b', 'c']);
});

t.test('the configuration reaches a member that was down when it changed', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a', 'b', 'c'] });
  // c freezes, then is cut off before the new configuration comes.
  cluster.add('d');
  cluster.network.setDelay('a', 'c', [50, 50]);
  const starting = cluster.start('d');
  await cluster.eventually(() =>
    cluster.log.some((line) => line.includes('admitted a member {"member":"d"')),
  );
  cluster.crash('c');
  await cluster.until(starting);
  await cluster.restart('c');
  await cluster.linked();
  t.same(await members(cluster, 'c'), ['a', 'b', 'c', 'd']);
  t.equal(brief(await cluster.until(cluster.client('c').set('k', 'v'))), 'done');
});
