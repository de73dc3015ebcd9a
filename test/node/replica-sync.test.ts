/** A replica that has lost its data: let in again, without a vote until it has synced, then like the others. */
import t from 'tap';
import { syncCertainty } from '../../src/node/replica-sync.js';
import { brief, Cluster } from '../support/cluster.js';

const KEYS = Array.from({ length: 60 }, (_, i) => `key-${i}`);

async function setAll(cluster: Cluster, at: string, value: string, quorum = 0): Promise<void> {
  const client = cluster.client(at);
  const answers = KEYS.map((key) => client.set(key, value, { quorum }));
  for (const answer of await cluster.until(Promise.all(answers))) t.equal(brief(answer), 'done');
  client.close();
}

async function readAll(cluster: Cluster, at: string): Promise<string[]> {
  const client = cluster.client(at);
  const answers = await cluster.until(Promise.all(KEYS.map((key) => client.get(key))));
  client.close();
  return [...new Set(answers.map(brief))].sort();
}

/** How many of the keys a node has stored. */
function stored(cluster: Cluster, name: string): number {
  return KEYS.filter((key) => cluster.stored(name, key) !== undefined).length;
}

async function slotsLeft(cluster: Cluster, name: string): Promise<number> {
  const { sync } = (await cluster.status(name)) as { sync?: { slotsLeft: number } };
  return sync?.slotsLeft ?? 0;
}

t.test('how many other replicas must have spoken', async (t) => {
  const sure = 'sure' as const;
  const weak = 'weak' as const;
  const cases: [words: ('sure' | 'weak')[], replicas: number, expected: string][] = [
    [[], 3, 'none'],
    [[sure], 3, 'none'],
    [[sure, sure], 3, 'sure'],
    [[weak], 3, 'weak'],
    [[sure, weak], 3, 'sure'],
    [[sure], 2, 'sure'],
    [[sure, sure], 5, 'none'],
    [[sure, weak], 5, 'weak'],
    [[weak], 5, 'none'],
    [[sure, sure, sure], 5, 'sure'],
    [[sure, sure], 4, 'sure'],
    [[], 1, 'sure'],
  ];
  for (const [words, replicas, expected] of cases)
    t.equal(syncCertainty(words, replicas), expected, `${words.join(' ') || 'nobody'} of ${replicas}`);
});

t.test('a node that lost its disk takes its place again, and has everything before it votes', async (t) => {
  const cluster = await Cluster.formed();
  await setAll(cluster, 'a', 'v');
  cluster.crash('c');
  cluster.disk('c').content.clear();
  await cluster.until(cluster.start('c'));
  t.ok((await slotsLeft(cluster, 'c')) > 0, 'it says how far it is');
  t.same(await readAll(cluster, 'c'), ['v'], 'it asks the others');
  await cluster.eventually(async () => (await slotsLeft(cluster, 'c')) === 0);
  t.equal(stored(cluster, 'c'), 60);
  cluster.crash('a');
  await cluster.run(3000);
  t.same(await readAll(cluster, 'c'), ['v'], 'now its word counts');
  await setAll(cluster, 'c', 'w');
  t.same(await readAll(cluster, 'b'), ['w']);
});

t.test('until then it makes no majority', async (t) => {
  const cluster = await Cluster.formed();
  // Only a and c have it.
  cluster.pause('b');
  await setAll(cluster, 'a', 'v');
  cluster.crash('c');
  cluster.disk('c').content.clear();
  cluster.crash('b');
  await cluster.run(500);
  const starting = cluster.start('c');
  await cluster.run(2000);
  cluster.crash('a');
  await cluster.until(cluster.start('b'));
  // b has never had the keys, c has lost them: without a nobody may say that they are absent.
  await cluster.run(8000);
  t.same(await readAll(cluster, 'b'), ['QUORUM_UNAVAILABLE!']);
  await cluster.until(cluster.start('a'));
  await cluster.until(starting);
  await cluster.eventually(async () => (await slotsLeft(cluster, 'c')) === 0);
  cluster.crash('a');
  await cluster.run(8000);
  t.same(await readAll(cluster, 'b'), ['v'], 'b and c have it now');
});

t.test('a crash in the middle of syncing goes on where it was', async (t) => {
  for (let step = 1; step <= 6; step++) {
    const cluster = await Cluster.formed({ seed: step, delayMs: [1, 20] });
    await setAll(cluster, 'a', 'v');
    cluster.crash('c');
    cluster.disk('c').content.clear();
    await cluster.until(cluster.start('c'));
    await cluster.run(150 * step);
    await cluster.restart('c');
    await cluster.eventually(async () => (await slotsLeft(cluster, 'c')) === 0);
    t.equal(stored(cluster, 'c'), 60, `step ${step}`);
    cluster.crash('b');
    await cluster.run(3000);
    t.same(await readAll(cluster, 'c'), ['v'], `step ${step}`);
  }
});

t.test('writes while it syncs are not missing at the end', async (t) => {
  const cluster = await Cluster.formed({ delayMs: [1, 10] });
  await setAll(cluster, 'a', 'v');
  cluster.crash('c');
  cluster.disk('c').content.clear();
  const starting = cluster.start('c');
  for (let round = 0; round < 10; round++) {
    await setAll(cluster, round % 2 === 0 ? 'a' : 'b', `w${round}`);
    await cluster.run(100);
  }
  await cluster.until(starting);
  await cluster.eventually(async () => (await slotsLeft(cluster, 'c')) === 0);
  cluster.crash('a');
  await cluster.run(3000);
  t.same(await readAll(cluster, 'b'), ['w9']);
});

t.test('the machine lost its power and took back acknowledged writes: it syncs first', async (t) => {
  const cluster = await Cluster.formed();
  await setAll(cluster, 'a', 'old', 3);
  await cluster.run(3000);
  // a and c accept, and c has not synced yet when its power fails.
  cluster.pause('b');
  await setAll(cluster, 'a', 'new');
  cluster.losePower('c');
  cluster.crash('b');
  await cluster.until(cluster.start('c'));
  t.ok(
    cluster.log.some((line) => line.includes('the end of its log')),
    'it knows',
  );
  cluster.crash('a');
  await cluster.until(cluster.start('b'));
  await cluster.run(15_000);
  t.same(await readAll(cluster, 'b'), ['QUORUM_UNAVAILABLE!'], 'b and c must not agree on what is old');
  await cluster.until(cluster.start('a'));
  await cluster.eventually(async () => (await slotsLeft(cluster, 'c')) === 0);
  t.same(await readAll(cluster, 'c'), ['new']);
});

t.test('kill -9 takes nothing back, and nor does fsync=always', async (t) => {
  const killed = await Cluster.formed();
  await setAll(killed, 'a', 'v');
  await killed.restart('c');
  t.equal(await slotsLeft(killed, 'c'), 0);
  const synced = await Cluster.formed({ options: { fsync: 'always' } });
  await setAll(synced, 'a', 'v');
  synced.losePower('c');
  await synced.until(synced.start('c'));
  t.equal(await slotsLeft(synced, 'c'), 0);
  const stopped = await Cluster.formed();
  await stopped.stop('c');
  stopped.losePower('c');
  await stopped.until(stopped.start('c'));
  t.equal(await slotsLeft(stopped, 'c'), 0, 'nor a loss of power after a stop in good order');
});

t.test('when all machines lost their power two of three are enough to go on', async (t) => {
  const cluster = await Cluster.formed();
  await setAll(cluster, 'a', 'v', 3);
  await cluster.run(3000);
  for (const name of cluster.names) cluster.losePower(name);
  await Promise.all([cluster.until(cluster.start('a')), cluster.until(cluster.start('c'))]);
  await cluster.run(20_000);
  t.same(await readAll(cluster, 'a'), ['v']);
  await setAll(cluster, 'c', 'w');
  // When the third comes back it hears of everything, and is heard.
  await cluster.until(cluster.start('b'));
  await cluster.eventually(async () => (await slotsLeft(cluster, 'b')) === 0);
  cluster.crash('a');
  await cluster.run(8000);
  t.same(await readAll(cluster, 'b'), ['w']);
});

t.test('a cluster of one has nobody to ask: it says so, and goes on at once', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a'] });
  await setAll(cluster, 'a', 'v');
  await cluster.run(3000);
  cluster.losePower('a');
  await cluster.until(cluster.start('a'));
  t.same(await readAll(cluster, 'a'), ['v']);
  t.equal(cluster.log.filter((line) => line.includes('the last writes of slots without another')).length, 1);
});

t.test('the founder lost its disk: the next member lets it in', async (t) => {
  const cluster = await Cluster.formed();
  await setAll(cluster, 'b', 'v');
  cluster.crash('a');
  cluster.add('a2', { name: 'a', join: ['b:7400'] });
  await cluster.until(cluster.start('a2'));
  await cluster.eventually(async () => (await slotsLeft(cluster, 'a2')) === 0);
  t.equal(stored(cluster, 'a2'), 60);
  t.same(await readAll(cluster, 'a2'), ['v']);
});

t.test('the founder lost its disk and founds a cluster of its own: it is called home', async (t) => {
  const cluster = await Cluster.formed();
  await setAll(cluster, 'b', 'v');
  cluster.crash('a');
  cluster.disk('a').content.clear();
  await cluster.until(cluster.start('a'));
  await cluster.eventually(async () => (await cluster.status('a')).epoch === 4);
  await cluster.eventually(async () => (await slotsLeft(cluster, 'a')) === 0);
  t.equal(stored(cluster, 'a'), 60);
  t.same(await readAll(cluster, 'a'), ['v']);
});

t.test('a founder that holds records of a new cluster by then refuses everything', async (t) => {
  const cluster = await Cluster.formed();
  await setAll(cluster, 'b', 'v');
  cluster.crash('a');
  cluster.disk('a').content.clear();
  await cluster.until(cluster.start('a'));
  t.equal(brief(await cluster.until(cluster.client('a').set('k', 'mine'))), 'done');
  await cluster.eventually(() =>
    cluster.log.some((line) => line.startsWith('a error') && line.includes('refuses')),
  );
  t.equal(brief(await cluster.until(cluster.client('a').get('k'))), 'NOT_A_MEMBER!');
  t.same(await readAll(cluster, 'b'), ['v'], 'the others go on');
});

t.test('a node whose place was taken has no say any more', async (t) => {
  const cluster = await Cluster.formed();
  await setAll(cluster, 'a', 'v');
  cluster.isolate('c');
  await cluster.run(8000);
  cluster.add('c2', { name: 'c' });
  await cluster.until(cluster.start('c2'));
  cluster.heal();
  await cluster.run(15_000);
  t.same(await readAll(cluster, 'c2'), ['v']);
  const answer = brief(await cluster.until(cluster.client('c').set('key-1', 'x')));
  t.equal(answer, 'QUORUM_UNAVAILABLE!', 'nobody talks to it');
});
