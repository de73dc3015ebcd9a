/** What a reader may see: values never go back, whatever the clocks say, whoever is down, and when they expire. */
import t from 'tap';
import { brief, Cluster } from '../support/cluster.js';
import { VIRTUAL_START_MS } from '../support/virtual-clock.js';

const HOUR_MS = 3_600_000;

t.test('a record that one replica has is settled before it is read, and never goes back', async (t) => {
  const cluster = await Cluster.formed();
  const a = cluster.client('a');
  await cluster.until(a.set('k', 'old'));
  await cluster.run(50);
  // The new value reaches a alone.
  cluster.network.cutOneWay('a', 'b');
  cluster.network.cutOneWay('a', 'c');
  t.match(await cluster.until(a.set('k', 'new', { budgetMs: 300 })), { definite: false });
  t.same(cluster.storedValues('k'), ['new', 'old', 'old']);
  cluster.crash('a');
  cluster.heal();
  await cluster.restart('a');
  await cluster.linked();
  const seen = [];
  for (const name of ['b', 'a', 'c', 'b', 'c', 'a']) {
    seen.push(brief(await cluster.until(cluster.client(name).get('k'))));
  }
  const first = seen.indexOf('new');
  t.ok(first >= 0 && seen.slice(first).every((value) => value === 'new'), seen.join());
  t.equal(cluster.storedValues('k').filter((value) => value === 'new').length >= 2, true);
});

t.test('clocks hours apart, both ways: the last acknowledged write wins', async (t) => {
  for (const [skewA, skewC] of [
    [5 * HOUR_MS, -5 * HOUR_MS],
    [-HOUR_MS, HOUR_MS],
    [0, 3 * HOUR_MS],
  ]) {
    const cluster = new Cluster();
    cluster.skew('a', skewA!);
    cluster.skew('c', skewC!);
    for (const name of cluster.names) await cluster.until(cluster.start(name));
    await cluster.linked();
    const clients = cluster.names.map((name) => cluster.client(name));
    for (let i = 0; i < 30; i++) {
      t.equal(brief(await cluster.until(clients[i % 3]!.set('k', `v${i}`))), 'done');
      t.equal(brief(await cluster.until(clients[(i + 1) % 3]!.get('k'))), `v${i}`);
    }
  }
});

t.test('a wall clock that jumps loses no write', async (t) => {
  const cluster = await Cluster.formed();
  const clients = cluster.names.map((name) => cluster.client(name));
  let last = '';
  for (let i = 0; i < 40; i++) {
    if (i % 8 === 3) cluster.skew('b', (i % 16 === 3 ? 1 : -1) * HOUR_MS);
    const answer = await cluster.until(clients[i % 3]!.set('k', `v${i}`));
    if (answer.kind === 'done') last = `v${i}`;
    else t.match(answer, { code: 'CLOCK_NOT_READY', definite: true });
    t.equal(brief(await cluster.until(clients[(i + 2) % 3]!.get('k'))), last);
  }
});

t.test('a write under a version that is too low is sent again', async (t) => {
  const cluster = await Cluster.formed({ delayMs: [5, 5] });
  cluster.skew('c', HOUR_MS);
  const [a, c] = [cluster.client('a'), cluster.client('c')];
  await cluster.until(Promise.all([a.get('k'), c.get('k')]));
  await cluster.until(c.set('other', 'x'));
  // Both at once: c's version is an hour ahead of what a has heard of, and arrives first at b.
  cluster.network.setDelay('a', 'b', [30, 30]);
  const [first, second] = await cluster.until(Promise.all([c.set('k', 'c'), a.set('k', 'a')]));
  t.match([brief(first), brief(second)], ['done', 'done']);
  const seen = new Set<string>();
  for (const name of cluster.names) seen.add(brief(await cluster.until(cluster.client(name).get('k'))));
  t.equal(seen.size, 1, [...seen].join());
});

t.test('expiry: once somebody saw it expired, nobody sees it alive again', async (t) => {
  for (let seed = 0; seed < 20; seed++) {
    const cluster = await Cluster.formed({ seed });
    cluster.skew('a', 400);
    cluster.skew('b', -400);
    const clients = cluster.names.map((name) => cluster.client(name));
    const expiryMs = Math.round(cluster.clock.wallMs()) + 1000;
    t.equal(brief(await cluster.until(clients[2]!.set('k', 'v', { expiryMs }))), 'done');
    let isGone = false;
    const seen: string[] = [];
    while (cluster.clock.wallMs() < expiryMs + 600) {
      await cluster.run(20);
      const answer = brief(await cluster.until(clients[cluster.random.below(3)]!.get('k')));
      seen.push(answer);
      if (answer === 'absent') isGone = true;
      else if (isGone) t.fail(`seed ${seed}: ${seen.join()}`);
    }
    t.ok(isGone && seen[0] === 'v');
    t.same(new Set(cluster.storedValues('k')).has('-'), true);
  }
});

t.test(
  'a write with expiry that a reader already saw expired does not come back under a new version',
  async (t) => {
    const cluster = await Cluster.formed();
    const [a, b] = [cluster.client('a'), cluster.client('b')];
    await cluster.until(a.set('k', 'before'));
    await cluster.run(50);
    cluster.skew('b', 2000);
    const expiryMs = Math.round(VIRTUAL_START_MS + cluster.clock.monotonicMs()) + 1000;
    // It reaches b late and c later still; b, whose clock is ahead, reads it from a.
    cluster.network.setDelay('a', 'c', [200, 200]);
    cluster.network.setDelay('a', 'b', [60, 60]);
    const writing = a.set('k', 'short', { expiryMs });
    await cluster.run(5);
    cluster.network.setDelay('a', 'b', [1, 1]);
    const reading = b.get('k', { quorum: 3 });
    const [read, written] = await cluster.until(Promise.all([reading, writing]));
    t.equal(brief(written), 'done');
    if (brief(read) === 'absent')
      t.equal(brief(await cluster.until(a.get('k'))), 'absent', 'it stays expired');
    t.equal((await cluster.requests('a')).resends, 0);
  },
);

t.test('a deleted key does not come back through a replica that was away', async (t) => {
  const cluster = await Cluster.formed();
  const client = cluster.client('a');
  await cluster.until(client.set('k', 'alive'));
  await cluster.run(50);
  cluster.crash('c');
  await cluster.run(50);
  t.equal(brief(await cluster.until(client.delete('k'))), 'done');
  await cluster.restart('c');
  await cluster.linked();
  t.equal(cluster.storedValues('k').join(), '-,-,alive');
  for (const name of ['c', 'a', 'b', 'c']) {
    for (const quorum of [2, 3])
      t.equal(brief(await cluster.until(cluster.client(name).get('k', { quorum }))), 'absent');
  }
  await cluster.run(50);
  t.same(cluster.storedValues('k'), ['-', '-', '-']);
});

t.test('a restart never issues a version again, nor one below', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a'] });
  let last = 0;
  for (let i = 0; i < 5; i++) {
    const client = cluster.client('a');
    for (let j = 0; j < 10; j++) {
      const answer = await cluster.until(client.set('k', `${i}.${j}`));
      const { time } = answer.kind === 'done' ? answer.version : { time: 0 };
      t.ok(time > last, brief(answer));
      last = time;
    }
    cluster.skew('a', -i * 60_000);
    await cluster.restart('a');
  }
});
