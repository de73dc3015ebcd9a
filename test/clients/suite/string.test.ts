/** Values: writing and reading them one by one and several at once, their lengths and parts, and what SET takes beside them. */
import t, { type Test } from 'tap';
import { SeededRandom } from '../../../src/base/seeded-random.js';
import { randomBytes } from '../differential/random-words.js';
import { type Reply, show } from '../resp-reply.js';
import { type Case, onEachServer, openEmptied, runCases, type Server, type Step } from './tables.js';

const SEED = 20;
const RANGES = 300;
const ROUND_TRIPS = 200;

const SYNTAX = '-ERR syntax error';
const NO_INTEGER = '-ERR value is not an integer or out of range';
const NO_TIME = "-ERR invalid expire time in 'set' command";
const NO_CONDITIONS = 'what depends on the old value would lose updates, so there is no such option';

/** GETRANGE of `Hello World`. */
const PARTS: readonly (readonly [first: string, last: string, part: string])[] = [
  ['0', '4', 'Hello'],
  ['6', '10', 'World'],
  ['0', '-1', 'Hello World'],
  ['0', '0', 'H'],
  ['-1', '-1', 'd'],
  ['-5', '-1', 'World'],
  ['-5', '-3', 'Wor'],
  ['-100', '4', 'Hello'],
  ['-100', '-8', 'Hell'],
  ['6', '100', 'World'],
  ['0', '9223372036854775807', 'Hello World'],
  ['-9223372036854775808', '9223372036854775807', 'Hello World'],
  ['4294967296', '-1', ''],
  ['11', '12', ''],
  ['5', '4', ''],
  ['-1', '-5', ''],
  ['-100', '-99', 'H'],
  ['3', '-100', ''],
];

const ENCODINGS: readonly (readonly [value: string, encoding: string])[] = [
  ['0', 'int'],
  ['-1', 'int'],
  ['10000', 'int'],
  ['9223372036854775807', 'int'],
  ['-9223372036854775808', 'int'],
  ['9223372036854775808', 'embstr'],
  ['01', 'embstr'],
  ['+1', 'embstr'],
  [' 1', 'embstr'],
  ['-0', 'embstr'],
  ['1.5', 'embstr'],
  ['', 'embstr'],
  ['x'.repeat(44), 'embstr'],
  ['x'.repeat(45), 'raw'],
  ['1'.repeat(45), 'raw'],
];

/** Words after `SET key value`, and what is wrong with them. */
const WRONG_OPTIONS: readonly (readonly [options: string, reply: string])[] = [
  ['FOO', SYNTAX],
  ['EX', SYNTAX],
  ['EX 10 PX', SYNTAX],
  ['EX 10 PX 10', SYNTAX],
  ['PX 10 EXAT 4000000000', SYNTAX],
  ['EXAT 4000000000 PXAT 4000000000000', SYNTAX],
  ['10 EX', SYNTAX],
  ['EX 10 10', SYNTAX],
  ['EX abc', NO_INTEGER],
  ['PX 1.5', NO_INTEGER],
  ['EX 9223372036854775808', NO_INTEGER],
  ['EX 0', NO_TIME],
  ['EX -1', NO_TIME],
  ['PX 0', NO_TIME],
  ['PX -9223372036854775808', NO_TIME],
  ['EXAT 0', NO_TIME],
  ['PXAT -1', NO_TIME],
  ['EX 9223372036854775807', NO_TIME],
  ['EX 9223372036854775', NO_TIME],
];

const CASES: readonly Case[] = [
  {
    name: 'a value is read as it was written, and replaced',
    steps: [
      ['GET k', '$-1', '_'],
      ['SET k one', '+OK'],
      ['GET k', '"one"'],
      ['set k two', '+OK'],
      ['gEt k', '"two"'],
      [['SET', 'k', ''], '+OK'],
      ['GET k', '""'],
      ['EXISTS k', ':1'],
    ],
  },
  {
    name: 'the number of words has to be right',
    steps: ['GET', 'SET', 'STRLEN', 'MGET', 'MSET', 'GETRANGE', 'SUBSTR'].flatMap((name): Step[] => [
      [name, `-ERR wrong number of arguments for '${name.toLowerCase()}' command`],
    ]),
  },
  {
    name: 'and not too large either',
    steps: [
      ['GET a b', "-ERR wrong number of arguments for 'get' command"],
      ['SET a', "-ERR wrong number of arguments for 'set' command"],
      ['STRLEN a b', "-ERR wrong number of arguments for 'strlen' command"],
      ['GETRANGE a 0 1 2', "-ERR wrong number of arguments for 'getrange' command"],
      ['MSET a', "-ERR wrong number of arguments for 'mset' command"],
      ['MSET a 1 b', "-ERR wrong number of arguments for 'mset' command"],
      ['DBSIZE', ':0'],
    ],
  },
  {
    name: 'MGET answers for each key in its place',
    steps: [
      ['MGET a', '[$-1]', '[_]'],
      ['SET a 1', '+OK'],
      ['SET b 2', '+OK'],
      ['MGET a nothing b a', '["1", $-1, "2", "1"]', '["1", _, "2", "1"]'],
    ],
  },
  {
    name: 'MSET sets every key; named twice, the last value counts',
    steps: [
      [['MSET', 'a', '1', 'b', '', 'c d', 'x\r\ny'], '+OK'],
      [['MGET', 'a', 'b', 'c d'], '["1", "", "x\\r\\ny"]'],
      ['MSET a 2 a 3', '+OK'],
      ['GET a', '"3"'],
      ['SET a 4 EX 100', '+OK'],
      ['MSET a 5', '+OK'],
      ['TTL a', ':-1'],
    ],
  },
  {
    name: 'STRLEN counts bytes',
    steps: [
      ['STRLEN k', ':0'],
      ['SET k 12345', '+OK'],
      ['STRLEN k', ':5'],
      ['SET k ключ', '+OK'],
      ['STRLEN k', ':8'],
      [['SET', 'k', Buffer.alloc(100_000)], '+OK'],
      ['STRLEN k', ':100000'],
    ],
  },
  {
    name: 'GETRANGE and SUBSTR give parts',
    steps: [
      [['SET', 'k', 'Hello World'], '+OK'],
      ...PARTS.flatMap(([first, last, part]): Step[] => [
        [['GETRANGE', 'k', first, last], `"${part}"`],
        [['SUBSTR', 'k', first, last], `"${part}"`],
      ]),
      ['GETRANGE nothing 0 -1', '""'],
      ['GETRANGE k a 1', NO_INTEGER],
      ['GETRANGE k 0 1.0', NO_INTEGER],
      ['GETRANGE k 0 9223372036854775808', NO_INTEGER],
      [['SET', 'k', ''], '+OK'],
      ['GETRANGE k 0 -1', '""'],
    ],
  },
  {
    name: 'values have the encoding that Redis gives them',
    steps: ENCODINGS.flatMap(([value, encoding]): Step[] => [
      [['SET', 'k', value], '+OK'],
      ['OBJECT ENCODING k', `"${encoding}"`],
    ]),
  },
  {
    name: 'SET with an expiry, in each unit',
    steps: [
      ['SET k v EX 1000', '+OK'],
      ['TTL k', /^:(1000|99\d)$/],
      ['SET k v px 1000000', '+OK'],
      ['PTTL k', /^:(1000000|9\d{5})$/],
      ['SET k v EXAT 4000000000', '+OK'],
      ['EXPIRETIME k', ':4000000000'],
      ['SET k v PXAT 4000000000123', '+OK'],
      ['PEXPIRETIME k', ':4000000000123'],
      ['SET k v EX 10 EX 4000', '+OK'],
      ['TTL k', /^:(4000|39\d\d)$/],
      ['SET k v', '+OK'],
      ['TTL k', ':-1'],
      ['SET k v EXAT 1', '+OK'],
      ['EXISTS k', ':0'],
      ['SET ex px', '+OK'],
      ['GET ex', '"px"'],
    ],
  },
  {
    name: 'a SET that is refused changes nothing',
    steps: [
      ['SET k old', '+OK'],
      ...WRONG_OPTIONS.map(([options, reply]): Step => [`SET k new ${options}`, reply]),
      ['GET k', '"old"'],
      ['TTL k', ':-1'],
    ],
  },
  {
    name: 'SET has no conditions',
    onlyHere: NO_CONDITIONS,
    steps: [
      ['SET k old', '+OK'],
      ...['NX', 'XX', 'GET', 'KEEPTTL', 'EX 10 NX', 'XX PX 10'].map(
        (options): Step => [`SET k new ${options}`, SYNTAX],
      ),
      ['GET k', '"old"'],
    ],
  },
  {
    name: 'an expiry after the year 2109 is refused',
    onlyHere: 'times have 42 bits of milliseconds',
    steps: [
      ['SET k v PXAT 4398046511104', '+OK'],
      ['PEXPIRETIME k', ':4398046511104'],
      ['SET k v PXAT 4398046511105', NO_TIME],
      ['SET k v EXAT 4398046512', NO_TIME],
      ['SET k v EX 4398046512', NO_TIME],
    ],
  },
  {
    name: 'there is nothing that reads a value to change it',
    onlyHere: NO_CONDITIONS,
    steps: [
      'INCR k',
      'INCRBY k 1',
      'APPEND k v',
      'SETNX k v',
      'GETSET k v',
      'GETDEL k',
      'SETRANGE k 0 v',
    ].map((command): Step => [command, /^-ERR unknown command '[A-Z]+', with args beginning with: 'k' /]),
  },
];

t.test('strings', (t) =>
  onEachServer(t, async (t, server) => {
    await runCases(t, server, CASES);
    await t.test('values of any bytes come back through every connection', (t) => roundTrips(t, server));
    await t.test('parts are those that a model gives', (t) => ranges(t, server));
    await t.test('thousands of keys in one MSET and one MGET', (t) => many(t, server));
  }),
);

async function roundTrips(t: Test, server: Server): Promise<void> {
  const random = new SeededRandom(SEED);
  const clients = await openEmptied(t, server);
  for (let i = 0; i < ROUND_TRIPS; i++) {
    const length = i % 20 === 0 ? random.below(200_000) : random.below(300);
    const value = randomBytes(random, length);
    const key = Buffer.concat([Buffer.from([i]), randomBytes(random, random.below(40))]);
    await clients[i % clients.length]!.command('SET', key, value);
    const reply = await clients[(i + 1) % clients.length]!.command('GET', key);
    if (!isBulk(reply, value)) t.fail(`${length} bytes came back otherwise`, { key: key.toString('hex') });
  }
  t.pass(`${ROUND_TRIPS} values`);
}

async function ranges(t: Test, server: Server): Promise<void> {
  const random = new SeededRandom(SEED);
  const clients = await openEmptied(t, server);
  const value = randomBytes(random, 1000);
  await clients[0]!.command('SET', 'range', value);
  for (let i = 0; i < RANGES; i++) {
    const [first, last] = [random.below(2400) - 1200, random.below(2400) - 1200];
    const reply = await clients[i % clients.length]!.command('GETRANGE', 'range', first, last);
    if (!isBulk(reply, partOf(value, first, last))) t.fail(`${first} to ${last}: ${show(reply)}`);
  }
  t.pass(`${RANGES} ranges`);
}

/** Each byte by itself: is it in the range? Where both ends are before the value, Redis gives its first byte. */
function partOf(value: Buffer, first: number, last: number): Buffer {
  if (first < 0 && last < 0 && first > last) return Buffer.alloc(0);
  const from = first < 0 ? value.length + first : first;
  const to = last < 0 ? Math.max(0, value.length + last) : last;
  return Buffer.from([...value].filter((_, i) => i >= from && i <= to));
}

async function many(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  const numbers = Array.from({ length: 4000 }, (_, i) => i);
  const pairs = numbers.flatMap((i) => [`many:${i}`, `${i}`]);
  t.equal(show(await clients[0]!.command('MSET', ...pairs)), '+OK');
  const reply = await clients.at(-1)!.command('MGET', ...numbers.map((i) => `many:${i}`));
  t.equal(show(reply), `[${numbers.map((i) => `"${i}"`).join(', ')}]`);
  t.equal(show(await clients[0]!.command('EXISTS', ...numbers.map((i) => `many:${i}`))), ':4000');
}

function isBulk(reply: Reply, value: Buffer): boolean {
  return reply.kind === 'bulk' && reply.bytes.equals(value);
}
