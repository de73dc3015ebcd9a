/** The operator's commands against real nodes, on a virtual clock: what kvcli shows is what is so. */
import { PassThrough, Readable } from 'node:stream';
import t from 'tap';
import { runKvcli } from '../../cli/kvcli-main.js';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { openClient } from '../../src/client/kv-client.js';
import { loadKeyHasher } from '../../src/ring/hash.js';
import { brief, Cluster } from '../support/cluster.js';
import { MemoryOutput } from './memory-output.js';

/** One run of kvcli on the virtual network. */
async function kvcli(cluster: Cluster, host: string, ...args: string[]) {
  const output = new MemoryOutput();
  const hasher = await loadKeyHasher();
  const { clock } = cluster;
  const network = cluster.network.host('operator');
  const random = new SeededRandom(cluster.seed);
  const running = runKvcli(['-h', `${host}:7400`, ...args], {
    connect: (addresses, options) => openClient({ clock, network, random, hasher }, addresses, options),
    network,
    shares: async () => [],
    output,
    clock,
    env: {},
    input: Readable.from([]),
    terminal: new PassThrough(),
    signal: new AbortController().signal,
  });
  const exitCode = await cluster.until(running);
  return {
    exitCode,
    text: output.text,
    json: () => output.json as Record<string, unknown>[],
    notes: output.notes,
  };
}

const keysOf = (howMany: number) => Array.from({ length: howMany }, (_, i) => `key-${i}`);

async function writeAll(cluster: Cluster, keys: readonly string[]): Promise<void> {
  const client = cluster.client('a');
  const answers = await cluster.until(Promise.all(keys.map((key) => client.set(key, 'v'))));
  for (const answer of answers) if (brief(answer) !== 'done') throw new Error(brief(answer));
  client.close();
}

/** Takes records off a node's disk behind its back. The node must not run. */
function lose(cluster: Cluster, name: string, keys: readonly string[]): void {
  const { content } = cluster.disk(name);
  for (const key of keys) content.delete(Buffer.from(cluster.engineKey(key)).toString('latin1'));
}

const missing = (cluster: Cluster, name: string, keys: readonly string[]) =>
  keys.filter((key) => cluster.stored(name, key) === undefined);

t.test('repair heals what is missing at once, and says what it moved', async (t) => {
  const cluster = await Cluster.formed();
  const keys = keysOf(200);
  await writeAll(cluster, keys);
  await cluster.run(1000);
  const lost = keys.slice(0, 40);
  cluster.crash('c');
  lose(cluster, 'c', lost);
  await cluster.restart('c');
  await cluster.linked();
  t.equal(missing(cluster, 'c', keys).length, 40);
  const { exitCode, text } = await kvcli(cluster, 'c', 'repair');
  t.equal(exitCode, 0, text);
  t.match(text, /^c: repaired: 4,096 slots compared with a, b in /);
  t.match(text, / 40 keys fetched, 0 sent, .* for each key\)\n$/);
  t.same(missing(cluster, 'c', keys), []);
  const again = (await kvcli(cluster, 'c', 'repair', '--json')).json()[0];
  t.match(again, { node: 'c', keysFetched: 0, keysSent: 0, slotsFailed: 0, missing: [], problems: [] });
});

t.test('repair of one slot; a second one is refused; a peer that is down is named', async (t) => {
  const cluster = await Cluster.formed();
  await writeAll(cluster, keysOf(50));
  const slot = await kvcli(cluster, 'b', 'repair', '--slot', '615', '--json');
  t.equal(slot.exitCode, 0);
  t.match(slot.json()[0], { slots: 1, peers: ['a', 'c'] });
  const [first, second] = await Promise.all([kvcli(cluster, 'b', 'repair'), kvcli(cluster, 'b', 'repair')]);
  t.same([first.exitCode, second.exitCode].sort(), [0, 2]);
  t.match([...first.notes, ...second.notes], [/BUSY: b repairs already/]);
  cluster.crash('c');
  await cluster.run(10_000);
  const part = await kvcli(cluster, 'b', 'repair');
  t.equal(part.exitCode, 2);
  t.match(part.text, /repaired in part: 4,096 slots compared with a in .*\n.*\n {2}! c is down/);
});

t.test('status shows a dead node, the hints for it, and all well again', async (t) => {
  const cluster = await Cluster.formed();
  const before = await kvcli(cluster, 'a', 'status');
  t.match(before.text, /^a at a:7400 is serving\ncluster /, before.text);
  cluster.crash('c');
  await cluster.run(10_000);
  await writeAll(cluster, keysOf(30));
  const { exitCode, text } = await kvcli(cluster, 'a', 'status');
  t.equal(exitCode, 0);
  t.match(text, /\n! c is faulty/);
  t.match(text, /\nhints +30 for c\n/);
  t.match(text, /\nc .* faulty .* no answer /);
  const all = await kvcli(cluster, 'a', 'status', '--all');
  t.equal(all.exitCode, 2);
  await cluster.restart('c');
  await cluster.run(30_000);
  const after = await kvcli(cluster, 'a', 'status');
  t.notMatch(after.text, /!|hints {2}/, after.text);
});

t.test('a node that is still joining has a status and a log level, and refuses the rest', async (t) => {
  const cluster = new Cluster();
  const starting = cluster.start('b');
  await cluster.run(500);
  const { exitCode, text } = await kvcli(cluster, 'b', 'status');
  t.equal(exitCode, 0);
  t.match(text, /^b at b:7400 is joining\n! it is in no cluster yet/);
  t.equal((await kvcli(cluster, 'b', 'log-level', 'warn')).text, 'b  warn\n');
  const repair = await kvcli(cluster, 'b', 'repair');
  t.equal(repair.exitCode, 2);
  t.match(repair.notes, [/NOT_A_MEMBER/]);
  await cluster.until(cluster.start('a'));
  await cluster.until(starting);
});

t.test('a node that has lost its disk says that it is syncing, until it is not', async (t) => {
  const cluster = await Cluster.formed();
  await writeAll(cluster, keysOf(300));
  cluster.crash('c');
  cluster.disk('c').content.clear();
  const starting = cluster.start('c');
  const seen = new Set<string>();
  await cluster.eventually(async () => {
    const [status] = (await kvcli(cluster, 'c', 'status', '--json')).json();
    const state = String(status?.state);
    seen.add(state);
    if (state === 'syncing') t.match(status?.sync, { slots: 4096 });
    return state === 'serving';
  });
  await cluster.until(starting);
  t.ok(seen.has('syncing'), [...seen].join());
  t.same(missing(cluster, 'c', keysOf(300)), []);
});

t.test('the log level of running nodes is shown and set', async (t) => {
  const cluster = await Cluster.formed();
  t.equal((await kvcli(cluster, 'b', 'log-level')).text, 'b  debug\n');
  t.equal((await kvcli(cluster, 'a', 'log-level', 'error', '--all')).text, 'a  error\nb  error\nc  error\n');
  t.equal((await kvcli(cluster, 'c', 'log-level')).text, 'c  error\n');
});

t.test('commands of Redis, which any node answers', async (t) => {
  const cluster = await Cluster.formed();
  const set = await kvcli(cluster, 'a', 'redis', 'SET', 'k', 'héllo');
  t.same([set.exitCode, set.text], [0, 'OK\n']);
  t.equal((await kvcli(cluster, 'b', 'redis', 'GET', 'k')).text, 'héllo\n');
  t.equal((await kvcli(cluster, 'b', 'redis', 'GET', 'none')).exitCode, 1);
  const status = await kvcli(cluster, 'c', '--json', 'redis', '--resp3', 'QUORAL', 'STATUS');
  t.match(status.json(), [{ name: 'c', state: 'serving' }]);
  const unanswered = await kvcli(cluster, 'c', 'redis', 'CLIENT', 'REPLY', 'OFF');
  t.equal(unanswered.exitCode, 2);
  t.match(unanswered.notes, [/^kvcli: TIMEOUT: no reply in 2,000 ms \(may have happened\)/]);
});
