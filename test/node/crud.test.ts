/** What a client sees of a healthy cluster, and of one with nodes down. */
import t from 'tap';
import { OWNERS } from '../../src/wire/message-type.js';
import { brief, Cluster } from '../support/cluster.js';

t.test('create, read, update and delete, through every coordinator', async (t) => {
  const cluster = await Cluster.formed();
  for (const name of cluster.names) {
    const client = cluster.client(name);
    const key = `key-${name}`;
    t.equal(brief(await cluster.until(client.get(key))), 'absent');
    t.match(await cluster.until(client.set(key, 'one')), { kind: 'done', existed: false });
    t.equal(brief(await cluster.until(client.get(key))), 'one');
    t.match(await cluster.until(client.set(key, 'two')), { kind: 'done', existed: true });
    t.equal(brief(await cluster.until(client.get(key))), 'two');
    t.match(await cluster.until(client.delete(key)), { kind: 'done', existed: true });
    t.equal(brief(await cluster.until(client.get(key))), 'absent');
    t.match(await cluster.until(client.delete(key)), { kind: 'done', existed: false });
  }
});

t.test('five nodes: each key is on exactly three replicas, its owners, and answers for all', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a', 'b', 'c', 'd', 'e'] });
  for (let i = 0; i < 30; i++) {
    const key = `key-${i}`;
    const client = cluster.client(cluster.names[i % 5]!);
    t.equal(brief(await cluster.until(client.set(key, 'v'))), 'done');
    await cluster.run(20);
    const answer = await cluster.until(client.call(OWNERS, {}, key));
    const owners = answer.kind === 'result' ? (answer.body.owners as { name: string }[]) : [];
    const holders = cluster.names.filter((name) => cluster.stored(name, key) !== undefined);
    t.same(holders, owners.map(({ name }) => name).toSorted());
    const versions = new Set(holders.map((name) => JSON.stringify(cluster.stored(name, key)?.version)));
    t.equal(versions.size, 1, 'one version');
  }
});

t.test('W and R of a request are the numbers of replicas that answered for it', async (t) => {
  for (const quorum of [1, 2, 3]) {
    const cluster = await Cluster.formed();
    // Replicas whose disks take for ever acknowledge nothing: only as many as asked for are quick.
    const quick = cluster.names.slice(0, quorum);
    for (const name of cluster.names)
      cluster.disk(name).writeMs = quick.includes(name) ? [1, 1] : [1500, 1500];
    const client = cluster.client('a');
    t.equal(brief(await cluster.until(client.set('k', 'v', { quorum, budgetMs: 500 }))), 'done');
    t.equal(cluster.storedValues('k').filter((value) => value === 'v').length, quorum);
    if (quorum === 3) continue;
    t.match(await cluster.until(client.set('k', 'w', { quorum: quorum + 1, budgetMs: 500 })), {
      code: 'QUORUM_TIMEOUT',
      definite: false,
      message: `${quorum} of ${quorum + 1} acks for "k" in time`,
    });
  }
});
