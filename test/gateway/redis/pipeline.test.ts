/** What one connection of a Redis client may rely on: the order of its commands and replies, and what bounds it. */
import t from 'tap';
import { SeededRandom } from '../../../src/base/seeded-random.js';
import { brief, Cluster } from '../../support/cluster.js';
import { encodeCommand, RespClient } from '../../support/resp-client.js';

const SEEDS = 25;
const KEYS = ['k0', 'k1', 'k2', 'k3', 'k4'];

/** A random command, and its reply if commands run one after the other. */
function randomCommand(random: SeededRandom, model: Map<string, string>): { words: string[]; reply: string } {
  const key = () => KEYS[random.below(KEYS.length)]!;
  const shown = (k: string) => (model.has(k) ? JSON.stringify(model.get(k)) : '$-1');
  const value = `v${random.below(1000)}`;
  const k = key();
  switch (random.below(9)) {
    case 0:
    case 1:
    case 2:
      model.set(k, value);
      return { words: ['SET', k, value], reply: '+OK' };
    case 3:
    case 4:
      return { words: ['get', k], reply: shown(k) };
    case 5: {
      const other = key();
      return { words: ['MGET', k, other], reply: `[${shown(k)}, ${shown(other)}]` };
    }
    case 6:
      return { words: ['DEL', k], reply: `:${model.delete(k) ? 1 : 0}` };
    case 7: {
      const other = key();
      model.set(k, value);
      model.set(other, 'm');
      return { words: ['MSET', k, value, other, 'm'], reply: '+OK' };
    }
    default:
      return { words: ['PING', value], reply: JSON.stringify(value) };
  }
}

t.test('a pipeline is answered as if its commands ran one by one, however it is cut', async (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const random = new SeededRandom(seed);
    const cluster = await Cluster.formed({ seed, delayMs: [0.1, 20] });
    const client = await RespClient.connect(cluster, 'a');
    const model = new Map<string, string>();
    const commands = Array.from({ length: 200 }, () => randomCommand(random, model));
    const bytes = Buffer.concat(commands.map(({ words }) => encodeCommand(words)));
    for (let at = 0; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + 1 + random.below(random.below(4) === 0 ? 20 : 3000));
      client.send(bytes.subarray(at, end));
      at = end;
      await cluster.run(random.below(3));
    }
    await cluster.eventually(() => client.replies.length === commands.length);
    t.same(
      client.replies,
      commands.map(({ reply }) => reply),
      `seed ${seed}`,
    );
    t.equal((await cluster.requests('a')).inFlight, 0);
  }
});

t.test('commands on different keys run beside each other', async (t) => {
  const cluster = await Cluster.formed({ delayMs: [10, 10] });
  const client = await RespClient.connect(cluster, 'a');
  const before = cluster.clock.monotonicMs();
  client.send(Buffer.concat(Array.from({ length: 100 }, (_, i) => encodeCommand(['SET', `key-${i}`, 'v']))));
  await cluster.eventually(() => client.replies.length === 100);
  t.ok(cluster.clock.monotonicMs() - before < 200, 'one after the other they would take two seconds');
});

t.test('both protocols on one port see each other’s keys', async (t) => {
  const cluster = await Cluster.formed();
  const client = await RespClient.connect(cluster, 'b');
  t.equal(await client.run('SET', 'k', 'from redis'), '+OK');
  t.equal(brief(await cluster.until(cluster.client('c').get('k'))), 'from redis');
  await cluster.until(cluster.client('a').set('k', 'from frames'));
  t.equal(await client.run('GET', 'k'), '"from frames"');
});

t.test('an HTTP request closes the connection before anything runs', async (t) => {
  const cluster = await Cluster.formed();
  const requests = [
    'GET /k HTTP/1.1\r\nHost: a\r\n\r\nSET k owned\r\n',
    'POST / HTTP/1.1\r\nContent-Type: text/plain\r\n\r\nSET k owned\r\n',
    'PUT /k HTTP/1.0\r\n\r\nSET k owned\r\n',
  ];
  for (const request of requests) {
    const client = await RespClient.connect(cluster, 'a');
    client.send(request);
    await cluster.eventually(() => client.isClosed);
    t.same(client.replies, [], request.slice(0, 12));
  }
  t.equal(brief(await cluster.until(cluster.client('a').get('k'))), 'absent');
});

t.test('after QUIT or a protocol error nothing runs, and what was asked before is answered', async (t) => {
  const cluster = await Cluster.formed();
  for (const [end, last] of [
    ['QUIT\r\n', '+OK'],
    ['*1\r\nnonsense\r\n', "-ERR Protocol error: expected '$', got 'n'"],
  ] as const) {
    const client = await RespClient.connect(cluster, 'a');
    client.send(`SET k before\r\n${end}SET k after\r\n`);
    await cluster.eventually(() => client.isClosed);
    t.same(client.replies, ['+OK', last]);
    t.equal(brief(await cluster.until(cluster.client('a').get('k'))), 'before');
  }
});

t.test('unknown commands and wrong arguments are answered in turn, and the connection goes on', async (t) => {
  const cluster = await Cluster.formed();
  const client = await RespClient.connect(cluster, 'a');
  t.equal(await client.run('SET', '', 'v'), '-ERR a key has 1 to 8192 bytes, this one has 0');
  t.equal(await client.run('GET', 'x'.repeat(8193)), '-ERR a key has 1 to 8192 bytes, this one has 8193');
  t.same(await client.lines('GET', 'GET a b', 'INCR k', 'SET k v NX', 'SET k v EX 0', 'SET k v EX abc'), [
    "-ERR wrong number of arguments for 'get' command",
    "-ERR wrong number of arguments for 'get' command",
    "-ERR unknown command 'INCR', with args beginning with: 'k' ",
    '-ERR syntax error',
    "-ERR invalid expire time in 'set' command",
    '-ERR value is not an integer or out of range',
  ]);
  t.equal(await client.run('GET', 'k'), '$-1', 'none of them did anything');
});

t.test('a client that asks and does not read is paused, and then disconnected', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a'] });
  const client = await RespClient.connect(cluster, 'a');
  t.equal(await client.run('SET', 'big', 'x'.repeat(200_000)), '+OK');
  client.stopReading();
  const gets = encodeCommand(['GET', 'big']);
  for (let i = 0; i < 120; i++) client.send(gets);
  await cluster.run(5000);
  const { outboxBytes } = cluster.gauges('a') as { outboxBytes: number };
  t.ok(outboxBytes < 6_000_000, `${outboxBytes} bytes wait, of 24,000,000 asked for`);
  client.readOn();
  await cluster.eventually(() => client.replies.length === 121, 600_000);
  client.stopReading();
  for (let i = 0; i < 120; i++) client.send(gets);
  await cluster.run(120_000);
  client.readOn();
  await cluster.eventually(() => client.isClosed);
  t.ok(client.replies.length < 241);
});

t.test('without a quorum the error says so, and whether it may have happened', async (t) => {
  const cluster = await Cluster.formed();
  const client = await RespClient.connect(cluster, 'a');
  cluster.crash('b');
  cluster.crash('c');
  await cluster.run(20);
  t.match(await client.run('SET', 'k', 'v'), /^-QUORUM_UNAVAILABLE .*"k"/);
  t.match(await client.run('GET', 'k'), /^-QUORUM_UNAVAILABLE /);
  t.equal(await client.run('QUORAL', 'LEVEL', '1', '1'), '+OK');
  t.equal(await client.run('SET', 'k', 'v'), '+OK');
  t.equal(await client.run('GET', 'k'), '"v"');
  t.equal(await client.run('QUORAL', 'LEVEL', '0', '0'), '+OK');
  t.equal(await client.run('QUORAL', 'GET', 'k', 'R', '1'), '"v"');
  t.equal(await client.run('QUORAL', 'SET', 'k', 'w', 'W', '1'), '+OK');
  t.match(await client.run('QUORAL', 'GET', 'k', 'R', '2'), /^-QUORUM_UNAVAILABLE /);
});
