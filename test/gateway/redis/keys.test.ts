/** Commands on keys and values, and those that go through all keys of the cluster. */
import t from 'tap';
import { loadKeyHasher } from '../../../src/ring/hash.js';
import { slotOf } from '../../../src/ring/slot.js';
import { Cluster } from '../../support/cluster.js';
import { encodeCommand, RespClient } from '../../support/resp-client.js';

async function setUp(options: Parameters<typeof Cluster.formed>[0] = {}) {
  const cluster = await Cluster.formed(options);
  return { cluster, client: await RespClient.connect(cluster, 'a') };
}

/** Sets many keys in one pipeline. */
async function setAll(cluster: Cluster, client: RespClient, keys: readonly string[]): Promise<void> {
  const before = client.replies.length;
  client.send(Buffer.concat(keys.map((key) => encodeCommand(['SET', key, `value of ${key}`]))));
  await cluster.eventually(() => client.replies.length === before + keys.length);
}

interface Page {
  readonly cursor: string;
  readonly keys: readonly string[];
}

async function scanPage(client: RespClient, ...words: readonly string[]): Promise<Page> {
  const reply = await client.run('SCAN', ...words);
  const [cursor, keys] = JSON.parse(reply) as [string, string[]];
  return { cursor, keys };
}

async function scanAll(clients: readonly RespClient[], ...words: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  let turn = 0;
  do {
    const page = await scanPage(clients[turn++ % clients.length]!, cursor, ...words);
    found.push(...page.keys);
    cursor = page.cursor;
    t.ok(Number.isSafeInteger(Number(cursor)), 'a cursor fits a double');
  } while (cursor !== '0');
  return found;
}

t.test('values and the times at which they expire', async (t) => {
  const { cluster, client } = await setUp();
  const startMs = wallMs(cluster);
  const atS = Math.floor(startMs / 1000) + 100;
  const cases: [command: string, reply: string | RegExp][] = [
    ['SET k 12345', '+OK'],
    ['STRLEN k', ':5'],
    ['GETRANGE k 1 3', '"234"'],
    ['GETRANGE k -2 -1', '"45"'],
    ['GETRANGE k 3 1', '""'],
    ['GETRANGE k -100 100', '"12345"'],
    ['SUBSTR k 0 0', '"1"'],
    ['GETRANGE none 0 -1', '""'],
    ['STRLEN none', ':0'],
    ['TYPE k', '+string'],
    ['TYPE none', '+none'],
    ['OBJECT ENCODING k', '"int"'],
    ['OBJECT ENCODING none', '$-1'],
    ['OBJECT NONSENSE k', "-ERR unknown subcommand 'NONSENSE'. Try OBJECT HELP."],
    ['OBJECT', "-ERR wrong number of arguments for 'object' command"],
    ['TTL k', ':-1'],
    ['TTL none', ':-2'],
    ['PTTL none', ':-2'],
    ['EXPIRETIME k', ':-1'],
    ['set k v ex 100', '+OK'],
    ['TTL k', ':100'],
    ['PTTL k', /^:(100000|99\d\d\d)$/],
    [`SET k v EXAT ${atS}`, '+OK'],
    ['EXPIRETIME k', `:${atS}`],
    ['PEXPIRETIME k', `:${atS * 1000}`],
    [`SET k v PXAT ${atS * 1000 + 7}`, '+OK'],
    ['PEXPIRETIME k', `:${atS * 1000 + 7}`],
    ['SET k v PX 9223372036854775807', "-ERR invalid expire time in 'set' command"],
    ['SET k v PX 9223372036854775808', '-ERR value is not an integer or out of range'],
    ['SET k v EX -1', "-ERR invalid expire time in 'set' command"],
    ['SET k v EX 1 PX 1', '-ERR syntax error'],
    ['SET k v EX 1 EX 100', '+OK'],
    ['TTL k', ':100'],
    ['SET k v KEEPTTL', '-ERR syntax error'],
    ['SET k v EXAT 1', '+OK'],
    ['GET k', '$-1'],
    ['MSET a 1 b 2 a 3', '+OK'],
    ['MSET a 1 b', "-ERR wrong number of arguments for 'mset' command"],
    ['MGET a b none a', '["3", "2", $-1, "3"]'],
    ['MGET a', '["3"]'],
    ['EXISTS a a none', ':2'],
    ['TOUCH a b none', ':2'],
    ['DEL a a none', ':1'],
    ['UNLINK b', ':1'],
    ['DEL b', ':0'],
    ['MGET a b', '[$-1, $-1]'],
  ];
  for (const [command, reply] of cases) {
    const actual = await client.run(...command.split(' '));
    if (typeof reply === 'string') t.equal(actual, reply, command);
    else t.match(actual, reply, command);
  }
});

t.test('a key expires, for GET and for those that count', async (t) => {
  const { cluster, client } = await setUp();
  t.same(await client.lines('SET k v PX 500', 'SET stays v', 'GET k'), ['+OK', '+OK', '"v"']);
  await cluster.run(600);
  t.same(await client.lines('GET k', 'EXISTS k stays', 'TTL k', 'KEYS *', 'DEL k'), [
    '$-1',
    ':1',
    ':-2',
    '["stays"]',
    ':0',
  ]);
});

t.test('SCAN returns every key once, through any nodes, at any COUNT', async (t) => {
  const { cluster, client } = await setUp({ nodes: ['a', 'b', 'c', 'd'] });
  const clients = [
    client,
    await RespClient.connect(cluster, 'b', 'x'),
    await RespClient.connect(cluster, 'd', 'y'),
  ];
  const keys = Array.from({ length: 300 }, (_, i) => `${i % 3 === 0 ? 'user' : 'other'}:${i}`);
  await setAll(cluster, client, keys);
  const sorted = [...keys].sort();
  for (const count of ['1', '10', '97', '1000', '100000']) {
    t.same((await scanAll(clients, 'COUNT', count)).sort(), sorted, `COUNT ${count}`);
  }
  const users = sorted.filter((key) => key.startsWith('user:'));
  t.same((await scanAll(clients, 'MATCH', 'user:*')).sort(), users);
  t.same(
    (await scanAll(clients, 'MATCH', '*[05]', 'TYPE', 'STRING')).sort(),
    sorted.filter((key) => /[05]$/.test(key)),
  );
  t.same(await scanAll(clients, 'TYPE', 'hash'), []);
  t.same((JSON.parse(await client.run('KEYS', 'user:*')) as string[]).sort(), users);
  t.same((JSON.parse(await client.run('KEYS', 'user:3')) as string[]).sort(), ['user:3']);
  const random = new Set<string>();
  for (let i = 0; i < 20; i++) random.add(await client.run('RANDOMKEY'));
  t.ok(random.size > 5 && [...random].every((key) => keys.includes(JSON.parse(key))));
  t.same(
    await client.lines(
      'SCAN x',
      'SCAN 0 COUNT 0',
      'SCAN 0 COUNT x',
      'SCAN 0 MATCH',
      'SCAN 0 FOO 1',
      'SCAN 9999999999999999999999',
    ),
    [
      '-ERR invalid cursor',
      '-ERR syntax error',
      '-ERR value is not an integer or out of range',
      '-ERR syntax error',
      '-ERR syntax error',
      '-ERR invalid cursor',
    ],
  );
  t.equal(await client.run('SCAN', '18446744073709551615'), '["0", []]');
});

t.test('a slot with very many keys is cut, and still every key comes once', async (t) => {
  const { cluster, client } = await setUp({ nodes: ['a'] });
  const hasher = await loadKeyHasher();
  const keys: string[] = [];
  for (let i = 0; keys.length < 2300; i++) {
    const key = `k${i}`;
    hasher.hash(Buffer.from(key));
    if (slotOf(hasher.hi) === 77) keys.push(key);
  }
  await setAll(cluster, client, [...keys, 'one', 'two', 'three']);
  const page = await scanPage(client, String(77 * 2 ** 40));
  t.equal(page.keys.length, 1000);
  t.same((await scanAll([client])).sort(), [...keys, 'one', 'two', 'three'].sort());
});

t.test('FLUSHALL deletes every key', async (t) => {
  const { cluster, client } = await setUp();
  await setAll(
    cluster,
    client,
    Array.from({ length: 150 }, (_, i) => `key-${i}`),
  );
  t.equal(await client.run('FLUSHALL', 'NOW'), '-ERR syntax error');
  t.equal(await client.run('FLUSHALL', 'ASYNC'), '+OK');
  t.same(await client.lines('KEYS *', 'RANDOMKEY', 'EXISTS key-1 key-2'), ['[]', '$-1', ':0']);
  t.equal(await client.run('FLUSHDB'), '+OK');
});

t.test('QUORAL shows what Redis does not have', async (t) => {
  const { client } = await setUp();
  t.match(await client.run('QUORAL', 'OWNERS', 'k'), /"slot", :\d+.*"hash".*"owners".*"name", "[abc]"/);
  t.match(await client.run('QUORAL', 'STATUS'), /"name", "a".*"state", "serving"/);
  t.same(
    await client.lines(
      'QUORAL LEVEL',
      'QUORAL LEVEL 1 3',
      'QUORAL LEVEL',
      'QUORAL LEVEL 1',
      'QUORAL LEVEL x 1',
    ),
    [
      '[:0, :0]',
      '+OK',
      '[:1, :3]',
      '-ERR syntax error',
      '-ERR a quorum is a number of replicas from 1 to 7, or 0 for the default of the cluster',
    ],
  );
  t.same(await client.lines('QUORAL SET k v EX 100 W 2', 'TTL k', 'QUORAL SET k v W', 'QUORAL GET k 2'), [
    '+OK',
    ':100',
    "-ERR wrong number of arguments for 'quoral|set' command",
    "-ERR wrong number of arguments for 'quoral|get' command",
  ]);
});

function wallMs(cluster: Cluster): number {
  return cluster.machine('a').clock.wallMs();
}
