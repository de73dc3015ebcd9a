/** What a client sees of a healthy cluster, and of one with nodes down. */
import t from 'tap';
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
