/** Keys, whatever they hold: which are there, counting, finding and deleting them, and emptying the key space. */
import t, { type Test } from 'tap';
import { until } from '../../process/program.js';
import type { RespClient } from '../resp-client.js';
import { show } from '../resp-reply.js';
import {
  type Case,
  itemsOf,
  onEachServer,
  openEmptied,
  runCases,
  type Server,
  type Step,
  textOf,
} from './tables.js';

const SYNTAX = '-ERR syntax error';
const KEYS = 500;

/** Keys that patterns choose from. */
const NAMES = ['hello', 'hallo', 'hbllo', 'hxllo', 'hllo', 'heeeello', 'h*llo', 'h[a]llo', 'Hello', 'h\\llo'];

const PATTERNS: readonly (readonly [pattern: string, found: readonly string[]])[] = [
  ['*', NAMES],
  ['h?llo', ['hello', 'hallo', 'hbllo', 'hxllo', 'h*llo', 'h\\llo']],
  ['h*llo', NAMES.filter((name) => name !== 'Hello')],
  ['h[ae]llo', ['hello', 'hallo']],
  ['h[^e]llo', ['hallo', 'hbllo', 'hxllo', 'h*llo', 'h\\llo']],
  ['h[a-b]llo', ['hallo', 'hbllo']],
  ['h[b-a]llo', ['hallo', 'hbllo']],
  ['h\\*llo', ['h*llo']],
  ['h\\[a\\]llo', ['h[a]llo']],
  ['h\\\\llo', ['h\\llo']],
  ['hello', ['hello']],
  ['HELLO', []],
  ['[Hh]ello', ['hello', 'Hello']],
  ['*e*', ['hello', 'heeeello', 'Hello']],
  ['**l**o**', NAMES],
  ['', []],
  ['hell', []],
  ['h[', []],
  ['?', []],
];

const CASES: readonly Case[] = [
  {
    name: 'DEL and UNLINK count what they deleted',
    steps: ['DEL', 'UNLINK'].flatMap((name): Step[] => [
      ['MSET a 1 b 2 c 3', '+OK'],
      [`${name} nothing`, ':0'],
      [`${name} a`, ':1'],
      ['GET a', '$-1', '_'],
      [`${name} a b nothing c`, ':2'],
      ['EXISTS a b c', ':0'],
      ['SET a 4', '+OK'],
      [`${name} a a a`, ':1'],
      [name, `-ERR wrong number of arguments for '${name.toLowerCase()}' command`],
    ]),
  },
  {
    name: 'EXISTS and TOUCH count a key as often as it is named',
    steps: ['EXISTS', 'TOUCH'].flatMap((name): Step[] => [
      ['MSET a 1 b 2', '+OK'],
      [`${name} a`, ':1'],
      [`${name} nothing`, ':0'],
      [`${name} a nothing b a`, ':3'],
      [name, `-ERR wrong number of arguments for '${name.toLowerCase()}' command`],
    ]),
  },
  {
    name: 'an empty value is a value',
    steps: [
      [['SET', 'k', ''], '+OK'],
      ['EXISTS k', ':1'],
      ['DEL k', ':1'],
    ],
  },
  {
    name: 'TYPE is string or none',
    steps: [
      ['TYPE k', '+none'],
      ['SET k 1', '+OK'],
      ['TYPE k', '+string'],
      ['DEL k', ':1'],
      ['TYPE k', '+none'],
      ['TYPE', "-ERR wrong number of arguments for 'type' command"],
    ],
  },
  {
    name: 'OBJECT',
    steps: [
      ['OBJECT ENCODING nothing', '$-1', '_'],
      ['OBJECT ENCODING', "-ERR wrong number of arguments for 'object|encoding' command"],
      ['OBJECT', "-ERR wrong number of arguments for 'object' command"],
      ['OBJECT FOO k', "-ERR unknown subcommand 'FOO'. Try OBJECT HELP."],
      ['OBJECT HELP', /^\[\+OBJECT <subcommand> .*\+ENCODING <key>/],
    ],
  },
  {
    name: 'MEMORY USAGE',
    steps: [
      ['MEMORY USAGE nothing', '$-1', '_'],
      ['SET k v', '+OK'],
      ['MEMORY USAGE k', /^:[1-9]\d*$/],
      ['MEMORY USAGE k SAMPLES 0', /^:[1-9]\d*$/],
      ['MEMORY USAGE k SAMPLES', SYNTAX],
      ['MEMORY USAGE k SAMPLES x', '-ERR value is not an integer or out of range'],
      ['MEMORY USAGE k SAMPLES -1', SYNTAX],
      ['MEMORY USAGE k FOO 1', SYNTAX],
      [['SET', 'k', 'v'.repeat(5000)], '+OK'],
      ['MEMORY USAGE k', /^:[5-9]\d\d\d$/],
      ['MEMORY FOO', "-ERR unknown subcommand 'FOO'. Try MEMORY HELP."],
    ],
  },
  {
    name: 'RANDOMKEY without a key, and with one',
    steps: [
      ['RANDOMKEY', '$-1', '_'],
      ['SET only 1', '+OK'],
      ['RANDOMKEY', '"only"'],
      ['DEL only', ':1'],
      ['RANDOMKEY', '$-1', '_'],
    ],
  },
  {
    name: 'KEYS of nothing, and of keys with any bytes',
    steps: [
      ['KEYS *', '[]'],
      [['SET', Buffer.from([0, 13, 10, 255]), 'v'], '+OK'],
      ['KEYS *', '["\\x00\\r\\n\\xff"]'],
      [['KEYS', Buffer.from([0, 63, 10, 63])], '["\\x00\\r\\n\\xff"]'],
      ['KEYS', "-ERR wrong number of arguments for 'keys' command"],
    ],
  },
  {
    name: 'emptying the key space',
    steps: ['FLUSHALL', 'FLUSHDB', 'FLUSHALL ASYNC', 'flushdb sync'].flatMap((command): Step[] => [
      ['MSET a 1 b 2', '+OK'],
      [command, '+OK'],
      ['MGET a b', '[$-1, $-1]', '[_, _]'],
      ['KEYS *', '[]'],
    ]),
  },
  {
    name: 'which is refused with words that it does not know',
    steps: [
      ['SET a 1', '+OK'],
      ['FLUSHALL NOW', SYNTAX],
      ['FLUSHDB ASYNC SYNC', SYNTAX],
      ['GET a', '"1"'],
    ],
  },
  {
    name: 'there is one database',
    steps: [
      ['SELECT 0', '+OK'],
      ['SELECT 1', '-ERR DB index is out of range'],
      ['SELECT -1', '-ERR DB index is out of range'],
      ['SELECT x', '-ERR value is not an integer or out of range'],
    ],
  },
];

t.test('keys', (t) =>
  onEachServer(t, async (t, server) => {
    await runCases(t, server, CASES);
    await t.test('KEYS finds what a pattern matches', (t) => patterns(t, server));
    await t.test('DBSIZE becomes exact on every node', (t) => counts(t, server));
    await t.test('RANDOMKEY names keys that are there, and not always the same', (t) =>
      randomKeys(t, server),
    );
  }),
);

async function patterns(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  for (const name of NAMES) await clients[0]!.command('SET', name, 'v');
  for (const [i, [pattern, found]] of PATTERNS.entries()) {
    const reply = await clients[i % clients.length]!.command('KEYS', pattern);
    t.same(itemsOf(reply).map(textOf).sort(), [...found].sort(), `KEYS ${pattern}`);
  }
}

async function counts(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  const counted = async (expected: number) => {
    for (const client of clients) await hasSize(client, expected);
  };
  await counted(0);
  for (let i = 0; i < KEYS; i++) await clients[i % clients.length]!.command('SET', `size:${i}`, 'v');
  await counted(KEYS);
  for (let i = 0; i < KEYS; i += 2) await clients[i % clients.length]!.command('SET', `size:${i}`, 'w');
  await counted(KEYS);
  for (let i = 0; i < KEYS; i += 5) await clients[i % clients.length]!.command('DEL', `size:${i}`);
  await counted((KEYS * 4) / 5);
  t.equal(show(await clients[0]!.command('FLUSHALL')), '+OK');
  await counted(0);
  t.pass('as many as there are');
}

async function hasSize(client: RespClient, expected: number): Promise<void> {
  await until(`DBSIZE is ${expected}`, async () => {
    const shown = show(await client.command('DBSIZE'));
    if (shown !== `:${expected}`) throw new Error(shown);
    return true;
  });
}

async function randomKeys(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  const names = new Set(Array.from({ length: 40 }, (_, i) => `random:${i}`));
  for (const name of names) await clients[0]!.command('SET', name, 'v');
  const drawn = new Set<string>();
  for (let i = 0; i < 120; i++) drawn.add(textOf(await clients[i % clients.length]!.command('RANDOMKEY')));
  t.ok(drawn.size > 3, `${drawn.size} of ${names.size}`);
  t.same(
    [...drawn].filter((name) => !names.has(name)),
    [],
  );
}
