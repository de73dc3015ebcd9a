/** Hinted handoff in whole clusters: who keeps hints, what survives what, and how they are sent. */
import t from 'tap';
import { HintCredit } from '../../src/replication/hint-credit.js';
import { HintSession } from '../../src/replication/hint-session.js';
import { hintKey, hintPrefix, parseHintKey } from '../../src/storage/keyspace.js';
import { OWNERS } from '../../src/wire/message-type.js';
import { brief, Cluster } from '../support/cluster.js';

const FIVE = ['a', 'b', 'c', 'd', 'e'];
const keys = (count: number): string[] => Array.from({ length: count }, (_, i) => `key-${i}`);

interface HintsStatus {
  readonly hints: number;
  readonly dropped: number;
  readonly replayed: number;
  readonly loaded: boolean;
  readonly targets: readonly { target: string; hints: number; draining: boolean }[];
}

async function hintsOf(cluster: Cluster, name: string): Promise<HintsStatus> {
  return (await cluster.status(name)).hints as HintsStatus;
}

/** Hints of all running nodes together. */
async function hintsInAll(cluster: Cluster): Promise<number> {
  let sum = 0;
  for (const name of cluster.names) if (cluster.isRunning(name)) sum += (await hintsOf(cluster, name)).hints;
  return sum;
}

/** Hints on the disk of a node. */
function storedHints(cluster: Cluster, name: string): number {
  const parsed = [...cluster.disk(name).content.keys()].map((id) => parseHintKey(Buffer.from(id, 'latin1')));
  return parsed.filter((hint) => hint !== undefined && hint.key.length > 0).length;
}

async function write(cluster: Cluster, at: string, names: readonly string[], value: string): Promise<void> {
  const client = cluster.client(at);
  const answers = await cluster.until(Promise.all(names.map((key) => client.set(key, `${value} ${key}`))));
  for (const answer of answers) t.equal(brief(answer), 'done');
  client.close();
}

async function drained(cluster: Cluster): Promise<void> {
  await cluster.eventually(async () => (await hintsInAll(cluster)) === 0);
}

async function owners(cluster: Cluster, key: string): Promise<string[]> {
  const answer = await cluster.until(
    cluster.client(cluster.names.find((n) => cluster.isRunning(n))!).call(OWNERS, {}, key),
  );
  if (answer.kind !== 'result') throw new Error(brief(answer));
  return (answer.body.owners as { name: string }[]).map(({ name }) => name);
}

function differing(cluster: Cluster, names: readonly string[], nodes: readonly string[]): string[] {
  return names.filter((key) => new Set(cluster.storedValues(key, nodes)).size !== 1);
}

t.test('all replicas live: no hint at all', async (t) => {
  const cluster = await Cluster.formed();
  await write(cluster, 'a', keys(50), 'one');
  await cluster.run(100);
  t.equal(await hintsInAll(cluster), 0);
  t.equal(storedHints(cluster, 'a'), 0);
});

t.test(
  'one replica down: many writes to a key are one hint, and what is replayed is the newest',
  async (t) => {
    const cluster = await Cluster.formed();
    await write(cluster, 'a', keys(100), 'old');
    await cluster.run(100);
    cluster.crash('c');
    await cluster.run(20);
    for (const value of ['one', 'two', 'three']) await write(cluster, 'a', keys(100), value);
    await cluster.run(20);
    t.match(await hintsOf(cluster, 'a'), { hints: 100, targets: [{ target: 'c', hints: 100 }] });
    t.equal(storedHints(cluster, 'a'), 100);
    t.equal(await hintsInAll(cluster), 100, 'b keeps none');
    await cluster.restart('c');
    await cluster.linked();
    t.equal(cluster.storedValues('key-0', ['c'])[0], 'old key-0');
    await drained(cluster);
    t.same(differing(cluster, keys(100), ['a', 'b', 'c']), []);
    t.equal(cluster.storedValues('key-7', ['c'])[0], 'three key-7');
    t.match(await hintsOf(cluster, 'a'), { replayed: 100, dropped: 0 });
    await cluster.run(20);
    t.equal(storedHints(cluster, 'a'), 0);
  },
);

t.test('a coordinator that is no replica asks the first live one', async (t) => {
  const cluster = await Cluster.formed({ nodes: FIVE });
  const [first, second, third] = await owners(cluster, 'k');
  const other = FIVE.find((name) => ![first, second, third].includes(name))!;
  cluster.crash(first!);
  await cluster.run(20);
  await write(cluster, other, ['k'], 'new');
  t.equal((await hintsOf(cluster, second!)).hints, 1, 'the first live owner');
  t.equal(await hintsInAll(cluster), 1);
  await cluster.restart(first!);
  await drained(cluster);
  t.same(differing(cluster, ['k'], [first!, second!, third!]), []);
});

t.test('a hint never counts towards W', async (t) => {
  const cluster = await Cluster.formed();
  cluster.crash('b');
  cluster.crash('c');
  await cluster.run(20);
  const client = cluster.client('a');
  t.equal(brief(await cluster.until(client.set('k', 'v'))), 'QUORUM_UNAVAILABLE!');
  t.equal(await hintsInAll(cluster), 0);
  t.equal(brief(await cluster.until(client.set('k', 'v', { quorum: 2 }))), 'QUORUM_UNAVAILABLE!');
  t.equal(brief(await cluster.until(client.set('k', 'v', { quorum: 1 }))), 'done');
  t.equal(await hintsInAll(cluster), 2, 'one for each');
  await cluster.restart('b');
  await cluster.restart('c');
  await drained(cluster);
  t.same(cluster.storedValues('k'), ['v', 'v', 'v']);
});

t.test('a replica that is lost while it is sent a write is hinted too', async (t) => {
  const cluster = await Cluster.formed();
  await write(cluster, 'a', ['k'], 'old');
  await cluster.run(100);
  const client = cluster.client('a');
  for (const name of ['b', 'c']) cluster.network.setDelay('a', name, [50, 50]);
  const writing = client.set('k', 'new');
  await cluster.run(5);
  // The link to c breaks while the write is on its way.
  cluster.network.reset('a', 'c');
  cluster.isolate('c');
  t.equal(brief(await cluster.until(writing)), 'done');
  t.equal((await hintsOf(cluster, 'a')).hints, 1);
  cluster.heal();
  await cluster.linked();
  await drained(cluster);
  t.same(cluster.storedValues('k'), ['new', 'new', 'new']);
});

for (const how of ['stops', 'is killed', 'loses power'] as const) {
  t.test(`the holder ${how} and comes back: its hints are sent (riak_core #154)`, async (t) => {
    const cluster = await Cluster.formed({ options: { fsync: 'always' } });
    cluster.crash('c');
    await cluster.run(20);
    await write(cluster, 'a', keys(60), 'new');
    t.equal(await hintsInAll(cluster), 60);
    if (how === 'stops') await cluster.stop('a');
    else if (how === 'is killed') cluster.crash('a');
    else cluster.losePower('a');
    await cluster.run(3000);
    await cluster.restart('a');
    await cluster.eventually(async () => (await hintsOf(cluster, 'a')).loaded);
    t.equal((await hintsOf(cluster, 'a')).hints, 60);
    await cluster.restart('c');
    await drained(cluster);
    t.same(differing(cluster, keys(60), ['a', 'b', 'c']), []);
  });
}

t.test('the target crashes while it is sent hints: nothing is lost', async (t) => {
  const cluster = await Cluster.formed();
  cluster.crash('c');
  await cluster.run(20);
  await write(cluster, 'a', keys(1500), 'new');
  for (const name of ['a', 'b']) cluster.network.setDelay(name, 'c', [20, 20]);
  await cluster.restart('c');
  await cluster.eventually(async () => (await hintsOf(cluster, 'a')).replayed > 300);
  cluster.crash('c');
  await cluster.run(500);
  const { hints, replayed } = await hintsOf(cluster, 'a');
  t.equal(hints + replayed, 1500);
  t.ok(hints > 0, `${hints} are left`);
  await cluster.restart('c');
  await drained(cluster);
  t.same(differing(cluster, keys(1500), ['a', 'b', 'c']), []);
});

t.test('the holder stops while it sends: it does not wait for answers', async (t) => {
  const cluster = await Cluster.formed();
  cluster.crash('c');
  await cluster.run(20);
  await write(cluster, 'a', keys(100), 'new');
  await cluster.restart('c');
  await cluster.linked();
  cluster.network.setDelay('a', 'c', [1500, 1500]);
  await cluster.eventually(async () => (await hintsOf(cluster, 'a')).targets[0]?.draining === true);
  const beforeMs = cluster.clock.monotonicMs();
  await cluster.stop('a');
  t.ok(cluster.clock.monotonicMs() - beforeMs < 100);
  cluster.network.setDelay('a', 'c', [1, 1]);
  await cluster.restart('a');
  await drained(cluster);
  t.same(differing(cluster, keys(100), ['a', 'b', 'c']), []);
});

t.test('a write while the hint for its key is on its way (scylla #4122)', async (t) => {
  const cluster = await Cluster.formed({ nodes: FIVE });
  const [holder, second, target] = await owners(cluster, 'k');
  const other = FIVE.find((name) => ![holder, second, target].includes(name))!;
  cluster.crash(target!);
  await cluster.run(20);
  await write(cluster, other, ['k'], 'one');
  t.equal((await hintsOf(cluster, holder!)).hints, 1);
  await cluster.restart(target!);
  await cluster.linked();
  // Messages to and from the target take long, and the coordinator cannot reach it.
  cluster.network.setDelay(holder!, target!, [300, 300]);
  cluster.cut(other, target!);
  cluster.network.reset(other, target!);
  await cluster.eventually(async () => (await hintsOf(cluster, holder!)).targets[0]?.draining === true);
  await cluster.run(800);
  await write(cluster, other, ['k'], 'two');
  await drained(cluster);
  t.equal(cluster.storedValues('k', [target!])[0], 'two k');
});

t.test(
  'the record is gone at the holder: nothing is sent, and nothing comes back (scylla #23712)',
  async (t) => {
    const cluster = await Cluster.formed();
    cluster.crash('c');
    await cluster.run(20);
    await write(cluster, 'a', ['k', 'l'], 'new');
    await cluster.run(50);
    await cluster.stop('a');
    // As if it had been deleted, and the tombstone been collected.
    t.ok(cluster.disk('a').content.delete(Buffer.from(cluster.engineKey('k')).toString('latin1')));
    await cluster.restart('a');
    await cluster.restart('c');
    await drained(cluster);
    t.same([cluster.stored('c', 'k'), cluster.storedValues('l', ['c'])], [undefined, ['new l']]);
    t.equal((await hintsOf(cluster, 'a')).replayed, 1);
  },
);

t.test('a corrupt record keeps its hint until it has been fetched', async (t) => {
  const cluster = await Cluster.formed();
  cluster.crash('c');
  await cluster.run(20);
  await write(cluster, 'a', ['k'], 'new');
  await cluster.run(50);
  await cluster.stop('a');
  cluster.disk('a').corrupt(cluster.engineKey('k'), 20);
  await cluster.restart('a');
  await cluster.restart('c');
  await drained(cluster);
  t.same(cluster.storedValues('k'), ['new k', 'new k', 'new k']);
  t.ok(cluster.isSound('a', 'k') && cluster.isSound('c', 'k'));
  t.equal((await hintsOf(cluster, 'a')).replayed, 1);
});

t.test('hints for an identity that is no member are dropped', async (t) => {
  const cluster = await Cluster.formed();
  await cluster.stop('a');
  const engineKey = hintKey(hintPrefix('long-gone'), 5 as never, Buffer.from('k'), 0, 1);
  cluster.disk('a').content.set(Buffer.from(engineKey).toString('latin1'), new Uint8Array(0));
  t.equal(storedHints(cluster, 'a'), 1);
  await cluster.restart('a');
  await cluster.eventually(() => storedHints(cluster, 'a') === 0);
  t.same((await hintsOf(cluster, 'a')).targets, []);
});

t.test('the storage of the holder fails: what it has on its disk is sent afterwards', async (t) => {
  const cluster = await Cluster.formed();
  cluster.crash('c');
  await cluster.run(20);
  await write(cluster, 'a', keys(40), 'new');
  await cluster.run(50);
  cluster.disk('a').failure = 'no space left on device';
  await cluster.until(cluster.client('a').set('x', 'y'));
  await cluster.run(2000);
  cluster.disk('a').failure = undefined;
  await cluster.run(3000);
  await cluster.restart('c');
  await drained(cluster);
  t.same(differing(cluster, keys(40), ['a', 'b', 'c']), []);
});

t.test('several holders at once: the credit of the target bounds what is on its way', async (t) => {
  const cluster = await Cluster.formed({ nodes: FIVE });
  cluster.crash('e');
  await cluster.run(20);
  for (const at of ['a', 'b', 'c', 'd']) {
    await write(
      cluster,
      at,
      Array.from({ length: 1500 }, (_, i) => `${at}-${i}`),
      'new',
    );
  }
  const before = await hintsInAll(cluster);
  t.ok(before > 3000, `${before} hints`);
  // Counts what is on its way: from the call of a holder to its answer.
  let [onTheWay, most, mostHolders] = [0, 0, 0];
  const holders = new Set<string>();
  const { use } = HintCredit.prototype;
  HintCredit.prototype.use = function (this: HintCredit, holder: string, count: number): boolean {
    holders.add(holder);
    mostHolders = Math.max(mostHolders, this.holders);
    onTheWay = this.granted;
    most = Math.max(most, onTheWay);
    return use.call(this, holder, count);
  };
  t.teardown(() => {
    HintCredit.prototype.use = use;
  });
  await cluster.restart('e');
  await drained(cluster);
  t.ok(holders.size >= 3 && mostHolders >= 3, `${holders.size} holders, ${mostHolders} at a time`);
  t.ok(most > 200 && most <= 1024, `at most ${most} on their way`);
  for (const at of ['a', 'b', 'c', 'd']) {
    const all = Array.from({ length: 1500 }, (_, i) => `${at}-${i}`).filter((key) =>
      cluster.stored('e', key),
    );
    for (const key of all) t.equal(cluster.storedValues(key, ['e'])[0], `new ${key}`);
  }
});

t.test('a target that comes and goes is left alone', async (t) => {
  const cluster = await Cluster.formed();
  cluster.crash('c');
  await cluster.run(20);
  await write(cluster, 'a', keys(10), 'new');
  const { run } = HintSession.prototype;
  let sessions = 0;
  HintSession.prototype.run = function (this: HintSession): Promise<void> {
    sessions++;
    return run.call(this);
  };
  t.teardown(() => {
    HintSession.prototype.run = run;
  });
  for (let i = 0; i < 5; i++) {
    await cluster.restart('c');
    await cluster.run(700);
    cluster.crash('c');
    await cluster.run(400);
  }
  t.equal(sessions, 0);
  await cluster.restart('c');
  await drained(cluster);
  t.same([sessions, differing(cluster, keys(10), ['a', 'b', 'c'])], [1, []]);
});
