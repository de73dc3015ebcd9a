/**
 * SCAN: its words, what it finds, and what it promises while keys come and go: each key that stays is found, by a node
 * exactly once, also when every page is asked for at another node.
 */
import t, { type Test } from 'tap';
import type { RespClient, Word } from '../resp-client.js';
import { show } from '../resp-reply.js';
import { type Case, itemsOf, onEachServer, openEmptied, runCases, type Server, textOf } from './tables.js';

const SYNTAX = '-ERR syntax error';
const STAYING = 1500;
const PAGES_MAX = 20_000;

const CASES: readonly Case[] = [
  {
    name: 'nothing to be found',
    steps: [
      ['SCAN 0', '["0", []]'],
      ['scan 0 match * count 100 type string', '["0", []]'],
      ['SCAN 0 COUNT 9223372036854775807', '["0", []]'],
    ],
  },
  {
    name: 'one key, with all that may be asked',
    steps: [
      ['SET key:1 v', '+OK'],
      ['SCAN 0 COUNT 1000', '["0", ["key:1"]]'],
      ['SCAN 0 MATCH key:? COUNT 1000', '["0", ["key:1"]]'],
      ['SCAN 0 COUNT 1000 MATCH key:2', '["0", []]'],
      ['SCAN 0 TYPE string COUNT 1000', '["0", ["key:1"]]'],
      ['SCAN 0 TYPE STRING COUNT 1000', '["0", ["key:1"]]'],
      ['SCAN 0 TYPE list COUNT 1000', '["0", []]'],
      ['SCAN 0 TYPE zset COUNT 1000', '["0", []]'],
      ['SCAN 0 COUNT 1 COUNT 1000 MATCH x MATCH *', '["0", ["key:1"]]'],
    ],
  },
  {
    name: 'what is refused',
    steps: [
      ['SCAN', "-ERR wrong number of arguments for 'scan' command"],
      ['SCAN x', '-ERR invalid cursor'],
      ['SCAN -x', '-ERR invalid cursor'],
      [['SCAN', ' 0'], '-ERR invalid cursor'],
      ['SCAN 99999999999999999999999', '-ERR invalid cursor'],
      ['SCAN 0 MATCH', SYNTAX],
      ['SCAN 0 COUNT', SYNTAX],
      ['SCAN 0 FOO', SYNTAX],
      ['SCAN 0 FOO 1', SYNTAX],
      ['SCAN 0 COUNT 0', SYNTAX],
      ['SCAN 0 COUNT -5', SYNTAX],
      ['SCAN 0 COUNT x', '-ERR value is not an integer or out of range'],
      ['SCAN 0 COUNT 1.0', '-ERR value is not an integer or out of range'],
      ['SCAN 0 COUNT 9223372036854775808', '-ERR value is not an integer or out of range'],
    ],
  },
];

/** Words after the cursor, and which of the keys `even:<i>` and `odd:<i>` they find. */
const CHOICES: readonly (readonly [words: readonly Word[], finds: RegExp])[] = [
  [[], /./],
  [['COUNT', 1], /./],
  [['COUNT', 3], /./],
  [['COUNT', 100], /./],
  [['COUNT', 100_000], /./],
  [['MATCH', 'even:*'], /^even/],
  [['MATCH', '*:1?7'], /:1\d7$/],
  [['MATCH', 'odd:[13]*', 'COUNT', 50], /^odd:[13]/],
  [['MATCH', 'nothing*'], /^nothing/],
  [['TYPE', 'string', 'COUNT', 20], /./],
  [['TYPE', 'hash', 'COUNT', 200], /^nothing/],
];

t.test('SCAN', (t) =>
  onEachServer(t, async (t, server) => {
    await runCases(t, server, CASES);
    await t.test('a whole scan finds what it is asked for', (t) => wholeScans(t, server));
    await t.test('keys that stay are found while others come and go', (t) => stayingKeys(t, server));
    await t.test('keys that are written again and again are found', (t) => rewrittenKeys(t, server));
    await t.test('a page may be asked for twice', (t) => repeatedPages(t, server));
  }),
);

async function wholeScans(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  const names = Array.from({ length: 400 }, (_, i) => `${i % 2 === 0 ? 'even' : 'odd'}:${i}`);
  await clients[0]!.command('MSET', ...names.flatMap((name) => [name, 'v']));
  for (const [words, finds] of CHOICES) {
    const found = await scanAll(clients, words);
    const wanted = names.filter((name) => finds.test(name));
    t.same(found.sort(), wanted.sort(), `SCAN ${words.join(' ')}`);
  }
}

async function stayingKeys(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  const staying = Array.from({ length: STAYING }, (_, i) => `stays:${i}`);
  await clients[0]!.command('MSET', ...staying.flatMap((name) => [name, 'v']));
  for (const count of [7, 100]) {
    let page = 0;
    const found = await scanAll(clients, ['COUNT', count], async () => {
      const client = clients[page % clients.length]!;
      const fresh = Array.from({ length: 20 }, (_, i) => `comes:${count}:${page}:${i}`);
      await client.command('MSET', ...fresh.flatMap((name) => [name, 'v']));
      if (page > 0) await client.command('DEL', ...fresh.map((_, i) => `comes:${count}:${page - 1}:${i}`));
      page++;
    });
    isEachFound(t, server, found, staying);
    t.ok(page > 1, `in ${page} pages`);
    t.same(
      found.filter((name) => !/^(stays|comes):/.test(name)),
      [],
      'and nothing that never was',
    );
  }
}

async function rewrittenKeys(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  const names = Array.from({ length: 600 }, (_, i) => `written:${i}`);
  await clients[0]!.command('MSET', ...names.flatMap((name) => [name, 'v']));
  let at = 0;
  const found = await scanAll(clients, ['COUNT', 10], async () => {
    const some = Array.from({ length: 30 }, () => names[at++ % names.length]!);
    await clients[at % clients.length]!.command('MSET', ...some.flatMap((name) => [name, `${at}`]));
  });
  isEachFound(t, server, found, names);
}

/** The same cursor brings the same keys while nothing changes. */
async function repeatedPages(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  const names = Array.from({ length: 300 }, (_, i) => `page:${i}`);
  await clients[0]!.command('MSET', ...names.flatMap((name) => [name, 'v']));
  let cursor = '0';
  let pages = 0;
  do {
    const replies = await Promise.all(clients.map((client) => client.command('SCAN', cursor)));
    const shown = replies.map((reply) => {
      const [next, keys] = itemsOf(reply);
      return `${show(next!)} ${itemsOf(keys!).map(show).sort()}`;
    });
    t.equal(new Set(shown).size, 1, `cursor ${cursor}`);
    cursor = textOf(itemsOf(replies[0]!)[0]!);
    pages++;
  } while (cursor !== '0' && pages < PAGES_MAX);
}

/** Redis may find a key more than once, a node finds it once. */
function isEachFound(t: Test, { isRedis }: Server, found: readonly string[], names: readonly string[]): void {
  const times = new Map(names.map((name) => [name, 0]));
  for (const name of found) if (times.has(name)) times.set(name, times.get(name)! + 1);
  const wrong = [...times].filter(([, count]) => (isRedis ? count < 1 : count !== 1));
  t.same(wrong, [], `each of ${names.length} keys is found${isRedis ? '' : ' once'}`);
}

/** A scan from the beginning to the end, each page through another client than the one before. */
async function scanAll(
  clients: readonly RespClient[],
  words: readonly Word[],
  between: () => Promise<void> = async () => {},
): Promise<string[]> {
  const found: string[] = [];
  let cursor = '0';
  for (let page = 0; page < PAGES_MAX; page++) {
    const reply = await clients[page % clients.length]!.command('SCAN', cursor, ...words);
    const [next, keys] = itemsOf(reply);
    found.push(...itemsOf(keys!).map(textOf));
    cursor = textOf(next!);
    if (cursor === '0') return found;
    await between();
  }
  throw new Error(`no end after ${PAGES_MAX} pages`);
}
