/** Replicas down, cut off, slow or without storage: what is still promised, and what the errors say. */
import t from 'tap';
import { brief, Cluster } from '../support/cluster.js';

/** Until a corrupt record has been found again and fetched: by then no request is under way that was when it was found. */
const MENDED_MS = 15_000;

t.test('one replica down: everything works, and writes ask for versions first', async (t) => {
  const cluster = await Cluster.formed();
  const client = cluster.client('a');
  await cluster.until(client.set('k', 'one'));
  t.equal((await cluster.requests('a')).carefulWrites, 0);
  cluster.crash('c');
  await cluster.run(20);
  t.equal(brief(await cluster.until(client.get('k'))), 'one');
  t.match(await cluster.until(client.set('k', 'two')), { kind: 'done', existed: true });
  t.equal((await cluster.requests('a')).carefulWrites, 1);
  t.same(cluster.storedValues('k', ['a', 'b']), ['two', 'two']);
  await cluster.restart('c');
  await cluster.linked();
  t.equal(brief(await cluster.until(cluster.client('c').get('k'))), 'two');
});

t.test('two replicas down: W=2 and R=2 fail at once, definitely; R=1 reads', async (t) => {
  const cluster = await Cluster.formed();
  const client = cluster.client('a');
  await cluster.until(client.set('k', 'one'));
  await cluster.run(50);
  cluster.crash('b');
  cluster.crash('c');
  await cluster.run(20);
  const beforeMs = cluster.clock.monotonicMs();
  const write = await cluster.until(client.set('k', 'two'));
  const read = await cluster.until(client.get('k'));
  t.ok(cluster.clock.monotonicMs() - beforeMs < 20, 'nobody waited for a timeout');
  t.match(write, {
    code: 'QUORUM_UNAVAILABLE',
    definite: true,
    message: '"k" needs 2 of its 3 replicas to write, 1 can answer',
  });
  t.match(read, {
    code: 'QUORUM_UNAVAILABLE',
    definite: true,
    message: '"k" needs 2 replicas, 1 of 3 can answer',
  });
  t.equal(brief(await cluster.until(client.get('k', { quorum: 1 }))), 'one');
  t.equal(brief(await cluster.until(client.set('k', 'w1', { quorum: 1 }))), 'done');
  t.match(await cluster.until(client.get('k', { quorum: 4 })), {
    code: 'QUORUM_UNAVAILABLE',
    definite: true,
  });
});

t.test('a link lost in the middle of a write: an indefinite error at once', async (t) => {
  const cluster = await Cluster.formed();
  const client = cluster.client('a');
  cluster.network.setDelay('a', 'b', [500, 500]);
  cluster.network.setDelay('a', 'c', [500, 500]);
  const writing = client.set('k', 'lost');
  await cluster.run(50);
  cluster.network.reset('a', 'b');
  cluster.network.reset('a', 'c');
  const beforeMs = cluster.clock.monotonicMs();
  t.match(await cluster.until(writing), { code: 'QUORUM_UNAVAILABLE', definite: false });
  t.ok(cluster.clock.monotonicMs() - beforeMs < 20, 'not at its timeout');
});

t.test('a replica that is lost after it answered is neither repaired nor asked again', async (t) => {
  // What the lost replica has said still counts, but it cannot be brought up to date any more.
  for (const [holder, expected] of [
    ['a', 'QUORUM_UNAVAILABLE!'],
    ['b', 'new'],
  ] as const) {
    const cluster = await Cluster.formed();
    const client = cluster.client('a');
    await cluster.until(client.set('k', 'old'));
    await cluster.run(50);
    // The new value reaches only one replica; then a reads it together with older ones, of which one goes away.
    for (const name of cluster.names) if (name !== holder) cluster.network.cutOneWay(holder, name);
    await cluster.until(cluster.client(holder).set('k', 'new', { budgetMs: 200 }));
    for (const name of cluster.names) if (name !== holder) cluster.network.reset(holder, name);
    cluster.heal();
    await cluster.linked();
    t.equal(cluster.storedValues('k').filter((value) => value === 'new').length, 1);
    cluster.network.setDelay('a', 'c', [300, 300]);
    const reading = client.get('k', { quorum: 3, budgetMs: 1500 });
    await cluster.run(50);
    cluster.cut('a', 'b');
    cluster.network.reset('a', 'b');
    t.equal(brief(await cluster.until(reading)), expected);
    cluster.heal();
    cluster.network.setDelay('a', 'c', undefined);
    await cluster.linked();
    t.equal(brief(await cluster.until(client.get('k', { quorum: 3 }))), 'new');
  }
});

t.test('peers cut off: writes under way time out as indefinite, reads as definite', async (t) => {
  const cluster = await Cluster.formed();
  const client = cluster.client('a');
  cluster.isolate('a');
  const beforeMs = cluster.clock.monotonicMs();
  const [write, read] = await cluster.until(
    Promise.all([client.set('k', 'x', { budgetMs: 500 }), client.get('k', { budgetMs: 500 })]),
  );
  t.match(write, { code: 'QUORUM_TIMEOUT', definite: false });
  t.match(read, { code: 'QUORUM_TIMEOUT', definite: true });
  t.ok(cluster.clock.monotonicMs() - beforeMs < 600);
});

t.test('a read asks another replica when one is slow', async (t) => {
  const cluster = await Cluster.formed();
  const client = cluster.client('a');
  await cluster.until(client.set('k', 'one'));
  for (const slow of ['b', 'c']) {
    cluster.network.setDelay('a', slow, [1500, 1500]);
    for (let i = 0; i < 10; i++) {
      const beforeMs = cluster.clock.monotonicMs();
      t.equal(brief(await cluster.until(client.get('k'))), 'one');
      t.ok(cluster.clock.monotonicMs() - beforeMs < 300, `${slow} is slow`);
    }
    cluster.network.setDelay('a', slow, undefined);
    await cluster.run(2000);
  }
  t.ok((await cluster.requests('a')).hedges! > 0);
});

t.test('five replicas, two of them slow: a read goes on asking until enough have answered', async (t) => {
  const nodes = ['a', 'b', 'c', 'd', 'e'];
  const cluster = await Cluster.formed({ nodes, options: { replicas: 5 } });
  const client = cluster.client('a');
  await cluster.until(client.set('k', 'one'));
  await cluster.run(100);
  for (const slow of ['b', 'c']) cluster.network.setDelay('a', slow, [1900, 1900]);
  for (let i = 0; i < 10; i++) {
    const beforeMs = cluster.clock.monotonicMs();
    t.equal(brief(await cluster.until(client.get('k', { budgetMs: 5000 }))), 'one');
    t.ok(cluster.clock.monotonicMs() - beforeMs < 700, `${cluster.clock.monotonicMs() - beforeMs} ms`);
  }
});

t.test('storage fails: nothing acknowledged is lost, peers pass it over, and it comes back', async (t) => {
  const cluster = await Cluster.formed();
  const client = cluster.client('a');
  await cluster.until(client.set('before', 'kept'));
  cluster.disk('b').failure = 'no space left on device';
  for (let i = 0; i < 20; i++) t.equal(brief(await cluster.until(client.set(`k${i}`, `v${i}`))), 'done');
  await cluster.run(1000);
  t.equal((await cluster.status('b')).state, 'storage-failed');
  const members = (await cluster.status('a')).members as { name: string; state: string }[];
  t.equal(members.find(({ name }) => name === 'b')?.state, 'unreachable');
  t.equal(brief(await cluster.until(cluster.client('b').get('before'))), 'kept', 'it still coordinates');
  cluster.disk('b').failure = undefined;
  await cluster.linked();
  t.equal((await cluster.status('b')).state, 'serving');
  cluster.crash('c');
  await cluster.run(50);
  for (let i = 0; i < 20; i++) t.equal(brief(await cluster.until(cluster.client('b').get(`k${i}`))), `v${i}`);
});

t.test('storage of a node that is alone fails: it says so, definitely or not', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a'] });
  const client = cluster.client('a');
  cluster.disk('a').failure = 'no space left on device';
  t.match(await cluster.until(client.set('k', 'x')), { kind: 'error', definite: false });
  t.match(await cluster.until(client.set('k', 'x')), { kind: 'error', definite: true });
  t.match(await cluster.until(client.get('k')), { kind: 'error', definite: true });
  cluster.disk('a').failure = undefined;
  await cluster.run(20_000);
  t.equal(brief(await cluster.until(client.set('k', 'y'))), 'done');
  t.equal(brief(await cluster.until(client.get('k'))), 'y');
});

t.test('a corrupt record is never answered, and is fetched from the peers', async (t) => {
  const cluster = await Cluster.formed();
  await cluster.until(cluster.client('a').set('k', 'right'));
  await cluster.run(50);
  cluster.crash('a');
  cluster.disk('a').corrupt(cluster.engineKey('k'), 19);
  t.not(cluster.storedValues('k', ['a'])[0], 'right');
  await cluster.restart('a');
  await cluster.linked();
  for (let i = 0; i < 5; i++) t.equal(brief(await cluster.until(cluster.client('a').get('k'))), 'right');
  await cluster.run(MENDED_MS);
  t.same(cluster.storedValues('k'), ['right', 'right', 'right']);
  t.ok(((await cluster.status('a')).storage as { corruptRecords: number }).corruptRecords > 0);
});

t.test('a corrupt record in a cluster of two is fetched from the other', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a', 'b'] });
  await cluster.until(cluster.client('a').set('k', 'right'));
  await cluster.run(50);
  cluster.crash('a');
  cluster.disk('a').corrupt(cluster.engineKey('k'), 19);
  await cluster.restart('a');
  await cluster.linked();
  const client = cluster.client('a');
  await cluster.eventually(async () => brief(await cluster.until(client.get('k'))) === 'right', MENDED_MS);
  t.same(cluster.storedValues('k'), ['right', 'right']);
});

t.test('a corrupt record of which the others hold nothing goes', async (t) => {
  const cluster = await Cluster.formed();
  cluster.crash('b');
  cluster.crash('c');
  const answer = cluster.client('a').set('k', 'never acknowledged', { quorum: 1 });
  t.equal(brief(await cluster.until(answer)), 'done');
  cluster.crash('a');
  cluster.disk('a').corrupt(cluster.engineKey('k'), 19);
  for (const name of cluster.names) await cluster.until(cluster.start(name));
  await cluster.linked();
  t.equal(brief(await cluster.until(cluster.client('a').get('k'))), 'absent');
  await cluster.run(MENDED_MS);
  t.equal(cluster.stored('a', 'k'), undefined);
  t.equal(
    brief(await cluster.until(cluster.client('b').get('k', { quorum: 3 }))),
    'absent',
    'it votes again',
  );
  t.equal(brief(await cluster.until(cluster.client('b').set('k', 'new', { quorum: 3 }))), 'done');
});

t.test('a node that stops ends what it has begun, and refuses the rest for sure', async (t) => {
  const cluster = await Cluster.formed({ delayMs: [20, 20] });
  const client = cluster.client('a');
  await cluster.until(client.get('k'));
  const begun = Array.from({ length: 20 }, (_, i) => client.set(`k${i}`, 'v'));
  await cluster.run(25); // They have arrived, and the replicas have not answered.
  const stopped = cluster.stop('a', 200);
  const late = client.set('late', 'v');
  for (const answer of await Promise.all(begun)) t.equal(brief(answer), 'done');
  t.match(await late, { code: 'BUSY', definite: true });
  await stopped;
});

t.test('stopped in good order under load: no request is left, nothing is called corrupt', async (t) => {
  const cluster = await Cluster.formed();
  const clients = ['a', 'b', 'c'].map((name) => cluster.client(name));
  const asking = clients.map(async (client, n) => {
    for (let i = 0; i < 200; i++)
      await client.set(`k${i % 7}`, `${n}`).then(() => client.get(`k${(i + 1) % 7}`));
  });
  await cluster.run(30);
  await cluster.stop('b');
  await cluster.until(Promise.all(asking));
  t.same(
    cluster.log.filter((line) => line.includes('cannot be read')),
    [],
  );
  for (const name of ['a', 'c']) t.equal((await cluster.requests(name)).inFlight, 0);
});

t.test(
  'a key that is corrupt everywhere: refused, without the replicas asking each other for ever',
  async (t) => {
    const cluster = await Cluster.formed();
    await cluster.until(cluster.client('a').set('k', 'right'));
    await cluster.run(50);
    for (const name of cluster.names) cluster.crash(name);
    for (const name of cluster.names) cluster.disk(name).corrupt(cluster.engineKey('k'), 19);
    for (const name of cluster.names) await cluster.until(cluster.start(name));
    await cluster.linked();
    t.match(await cluster.until(cluster.client('a').get('k')), {
      code: 'QUORUM_UNAVAILABLE',
      definite: true,
    });
    await cluster.run(2000);
    const { reads, inFlight } = await cluster.requests('a');
    t.ok(reads! < 10, `${reads} reads`);
    t.equal(inFlight, 0);
  },
);

t.test(
  'a storage that comes back empty after a failure is not this one: it stays failed until the right one is there',
  async (t) => {
    const cluster = await Cluster.formed();
    cluster.crash('a');
    await cluster.run(3000);
    await cluster.until(cluster.client('b').set('k', 'v'));
    const disk = cluster.disk('b');
    const content = new Map(disk.content);
    disk.content.clear();
    disk.failure = 'input/output error';
    await cluster.until(cluster.client('c').set('other', 'v', { quorum: 1 }));
    await cluster.run(1000);
    disk.failure = undefined;
    await cluster.run(5000);
    t.match(await cluster.status('b'), { state: 'storage-failed' });
    t.equal(cluster.log.filter((line) => line.startsWith('b error the storage is not')).length, 1);
    cluster.crash('c');
    await cluster.until(cluster.start('a'));
    await cluster.run(3000);
    t.equal(
      brief(await cluster.until(cluster.client('a').get('k'))),
      'QUORUM_UNAVAILABLE!',
      'b says nothing',
    );
    for (const [key, value] of content) disk.content.set(key, value);
    await cluster.run(12_000);
    t.match(await cluster.status('b'), { state: 'serving' });
    t.equal(brief(await cluster.until(cluster.client('a').get('k'))), 'v');
  },
);
