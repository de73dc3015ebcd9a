import t from 'tap';
import type { KvError } from '../../src/base/errors.js';
import { SILENCE_MS } from '../../src/client/dispatcher.js';
import { GET, SET } from '../../src/wire/message-type.js';
import { type Received, ScriptedCluster } from './scripted-cluster.js';

/** Three nodes, all connected, and a key with its owners in order. */
async function warmed(options = {}) {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect(options);
  await cluster.warm(kv);
  const key = 'user:7';
  const owners = await cluster.ownersOf(key);
  return { cluster, kv, key, owners };
}

const hold = (): boolean => true;

t.test('which answers are retried, and where', async (t) => {
  const table: [code: string, definite: boolean, operation: 'get' | 'set', isRetried: boolean][] = [
    ['BUSY', true, 'set', true],
    ['CLOCK_NOT_READY', true, 'set', true],
    ['CONFIG_CHANGING', true, 'set', true],
    ['EPOCH_MISMATCH', true, 'set', true],
    ['QUORUM_UNAVAILABLE', true, 'set', true],
    ['STORAGE_FAILED', true, 'set', true],
    ['NOT_A_MEMBER', true, 'set', true],
    ['BUSY', false, 'set', false],
    ['QUORUM_TIMEOUT', false, 'set', false],
    ['QUORUM_CONTESTED', false, 'set', false],
    ['INTERNAL', false, 'set', false],
    ['BAD_REQUEST', true, 'set', false],
    ['TOO_LARGE', true, 'set', false],
    ['QUORUM_TIMEOUT', false, 'get', true],
    ['INTERNAL', false, 'get', true],
    ['BUSY', true, 'get', true],
    ['BAD_REQUEST', true, 'get', false],
    ['UNKNOWN_TYPE', true, 'get', false],
  ];
  for (const [code, definite, operation, isRetried] of table) {
    const { cluster, kv, key, owners } = await warmed();
    owners[0]!.script = (request) => {
      request.error(code, definite);
      return true;
    };
    const promise: Promise<unknown> = operation === 'get' ? kv.get(key) : kv.set(key, 'v');
    const name = `${operation}: ${code}, ${definite ? 'definite' : 'indefinite'}`;
    if (isRetried) {
      await cluster.run(promise);
      t.equal(owners[1]!.received.length, 1, `${name} goes to the next owner`);
    } else {
      const error = await cluster.failure<KvError>(promise);
      t.match(error, { code, definite }, `${name} is reported`);
      t.match(error.message, new RegExp(`says the script .*"user:7" at ${owners[0]!.name}`));
      t.equal(owners[1]!.received.length + owners[2]!.received.length, 0);
    }
  }
});

t.test('retries are bounded by their number, except what passes by itself', async (t) => {
  const { cluster, kv, key, owners } = await warmed({ retries: 1 });
  let code = 'QUORUM_UNAVAILABLE';
  for (const node of owners) {
    node.script = (request) => {
      request.error(code, true);
      return true;
    };
  }
  t.match(await cluster.failure(kv.set(key, 'v')), { code });
  t.equal(cluster.received.length, 2);
  cluster.forget();
  code = 'BUSY';
  const startMs = cluster.clock.monotonicMs();
  t.match(await cluster.failure(kv.set(key, 'v', { timeoutMs: 1000 })), { code: 'BUSY', definite: true });
  const tookMs = cluster.clock.monotonicMs() - startMs;
  t.ok(tookMs > 500 && tookMs <= 1001, `gave up after ${tookMs} ms`);
  t.ok(cluster.received.length > 4, `${cluster.received.length} attempts`);
});

t.test('retries: 0 never resends', async (t) => {
  const { cluster, kv, key, owners } = await warmed({ retries: 0 });
  owners[0]!.script = (request) => {
    request.error('BUSY', true);
    return true;
  };
  t.match(await cluster.failure(kv.get(key)), { code: 'BUSY' });
  t.equal(cluster.received.length, 1);
});

t.test('a lost connection: reads go on elsewhere, writes in flight are indefinite', async (t) => {
  const { cluster, kv, key, owners } = await warmed();
  cluster.stored.set(key, Buffer.from('v'));
  owners[0]!.script = hold;
  const read = kv.get(key);
  const write = cluster.failure<KvError>(kv.set(key, 'w'));
  await cluster.pass(3);
  owners[0]!.crash();
  t.equal(await cluster.run(read), 'v');
  const error = await write;
  t.match(error, { code: 'CONNECTION_LOST', definite: false });
  t.match(error.message, /read ECONNRESET .*SET "user:7" was at n\d .*it may have been done: read the key/);
  t.same(owners[1]!.keys(SET), [], 'the write is not sent again');
  t.same(owners[1]!.keys(GET), [key]);
});

t.test('a write that no connection could be opened for did not happen', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  for (const node of cluster.nodes) node.crash();
  await cluster.pass(5);
  const startMs = cluster.clock.monotonicMs();
  const error = await cluster.failure<KvError>(kv.set('k', 'v'));
  t.match(error, { code: 'CONNECT_FAILED', definite: true });
  t.match(error.message, /no node can be reached for SET "k".*ECONNREFUSED/);
  t.ok(cluster.clock.monotonicMs() - startMs < 1000, 'it does not wait for the deadline');
});

t.test('a write waits for a node to come back, and is sent once', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect({ retries: 10 });
  for (const node of cluster.nodes) node.crash();
  await cluster.pass(5);
  const write = kv.set('k', 'v');
  await cluster.pass(200);
  cluster.nodes[2]!.listens = 'yes';
  await cluster.run(write);
  t.equal(cluster.received.length, 1);
});

t.test('reconnecting: on demand, and less and less often', async (t) => {
  const { cluster, kv, key, owners } = await warmed();
  const primary = owners[0]!;
  primary.crash();
  await cluster.pass(5);
  primary.attempts = 0;
  await cluster.pass(60_000);
  t.equal(primary.attempts, 0, 'nobody asked for it');
  const attempts: number[] = [];
  for (let second = 0; second < 20; second++) {
    const before: number = primary.attempts;
    for (let i = 0; i < 50; i++) {
      await cluster.run(kv.get(key));
      await cluster.pass(18);
    }
    attempts.push(primary.attempts - before);
  }
  t.ok(attempts[0]! >= 3, `first second: ${attempts[0]}`);
  const late = attempts.slice(10).reduce((sum, count) => sum + count, 0);
  t.ok(late >= 2 && late <= 7, `last ten seconds: ${late}`);
  primary.listens = 'yes';
  cluster.forget();
  for (let i = 0; i < 400; i++) {
    await cluster.run(kv.get(key));
    await cluster.pass(10);
  }
  t.equal(primary.openLinks.length, 1, 'it is connected again');
  t.equal(owners[1]!.keys(GET).length + primary.keys(GET).length, 400);
  t.ok(primary.keys(GET).length > 50, 'and preferred again');
});

t.test(
  'a node that stops answering: reads move on, later requests avoid it, and it is taken back',
  async (t) => {
    const { cluster, kv, key, owners } = await warmed();
    cluster.stored.set(key, Buffer.from('v'));
    const [first, second] = owners;
    first!.isPaused = true;
    const startMs = cluster.clock.monotonicMs();
    const write = cluster.failure<KvError>(kv.set(key, 'w'));
    t.equal(await cluster.run(kv.get(key)), 'v');
    const tookMs = cluster.clock.monotonicMs() - startMs;
    t.ok(tookMs >= SILENCE_MS && tookMs < SILENCE_MS + 50, `the read took ${tookMs} ms`);
    await cluster.run(kv.set(key, 'x'));
    t.same(second!.keys(SET), [key], 'a new write goes elsewhere at once');
    t.match(await write, { code: 'TIMEOUT', definite: false });
    first!.resume();
    await cluster.pass(5);
    t.equal(first!.pings, 1, 'it was asked for a sign of life once');
    cluster.forget();
    await cluster.run(kv.get(key));
    t.same(first!.keys(GET), [key], 'it is the primary again');
  },
);

t.test('a node that stays silent loses its connection', async (t) => {
  const { cluster, kv, key, owners } = await warmed();
  owners[0]!.isPaused = true;
  await cluster.run(kv.get(key));
  t.equal(owners[0]!.openLinks.length, 1);
  await cluster.pass(11_000);
  t.equal(owners[0]!.openLinks.length, 0);
});

t.test('a slow answer from a node that otherwise talks is waited for', async (t) => {
  const { cluster, kv, owners, key } = await warmed();
  const primary = owners[0]!;
  const held: Received[] = [];
  primary.script = (request) => {
    if (request.key !== key) return false;
    held.push(request);
    return true;
  };
  const [other] = await cluster.keysOf(primary, 1);
  const slow = kv.get(key);
  for (let i = 0; i < 15; i++) {
    await cluster.run(kv.get(other!));
    await cluster.pass(98);
  }
  held[0]!.value('late');
  t.equal(await cluster.run(slow), 'late');
  t.equal(owners[1]!.received.length, 0);
});

t.test('a connection that cannot be opened is given up in time', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect({ connectTimeoutMs: 700 });
  const [other] = cluster.nodes.slice(1);
  other!.listens = 'silent';
  const [key] = await cluster.keysOf(other!, 1);
  await cluster.run(kv.get(key!));
  t.equal(other!.attempts, 1);
  await cluster.pass(600);
  await cluster.run(kv.get(key!));
  t.equal(other!.attempts, 1, 'one attempt at a time');
  await cluster.pass(300);
  await cluster.run(kv.get(key!));
  t.equal(other!.attempts, 2);
});
