/** Expiry: times as they are set and told, what an expired key is for every command, and that all nodes see it end. */
import t, { type Test } from 'tap';
import { until } from '../../process/program.js';
import type { RespClient } from '../resp-client.js';
import { show } from '../resp-reply.js';
import { type Case, onEachServer, openEmptied, runCases, type Server, type Step } from './tables.js';

const SHORT_MS = 60;
const KEYS = 60;
const TIMES = ['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME'] as const;

const CASES: readonly Case[] = [
  {
    name: 'a key that is not there, and one that never expires',
    steps: TIMES.flatMap((name): Step[] => [
      ['DEL k', /^:[01]$/],
      [`${name} k`, ':-2'],
      ['SET k v', '+OK'],
      [`${name} k`, ':-1'],
      [name, `-ERR wrong number of arguments for '${name.toLowerCase()}' command`],
      [`${name} k k`, `-ERR wrong number of arguments for '${name.toLowerCase()}' command`],
    ]),
  },
  {
    name: 'a moment is told as it was set',
    steps: [
      ['SET k v PXAT 3999999999500', '+OK'],
      ['PEXPIRETIME k', ':3999999999500'],
      ['EXPIRETIME k', ':4000000000'],
      ['SET k v PXAT 3999999999499', '+OK'],
      ['EXPIRETIME k', ':3999999999'],
      ['SET k v EXAT 3999999999', '+OK'],
      ['PEXPIRETIME k', ':3999999999000'],
      ['GET k', '"v"'],
    ],
  },
  {
    name: 'time that is left',
    steps: [
      ['SET k v EX 100', '+OK'],
      ['TTL k', /^:(100|9\d)$/],
      ['PTTL k', /^:(100000|9\d{4})$/],
      ['SET k v PX 100000', '+OK'],
      ['TTL k', /^:(100|9\d)$/],
      ['SET k v EX 2000000000', '+OK'],
      ['TTL k', /^:(2000000000|19999999\d\d)$/],
    ],
  },
  {
    name: 'a moment that has passed deletes the key',
    steps: [
      ['SET k v', '+OK'],
      ['SET k w PXAT 1', '+OK'],
      ['GET k', '$-1', '_'],
      ['EXISTS k', ':0'],
      ['TTL k', ':-2'],
      ['DEL k', ':0'],
      ['SET k w EXAT 1000000000', '+OK'],
      ['TYPE k', '+none'],
      ['KEYS *', '[]'],
    ],
  },
  {
    name: 'a plain SET and MSET take the expiry away, a new one replaces it, DEL forgets it',
    steps: [
      ['SET k v EX 100', '+OK'],
      ['SET k w', '+OK'],
      ['TTL k', ':-1'],
      ['SET k v EX 100', '+OK'],
      ['MSET k w', '+OK'],
      ['TTL k', ':-1'],
      ['SET k v EX 100', '+OK'],
      ['SET k v EX 5000', '+OK'],
      ['TTL k', /^:(5000|4\d{3})$/],
      ['DEL k', ':1'],
      ['SET k v', '+OK'],
      ['TTL k', ':-1'],
    ],
  },
  {
    name: 'reading a key does not change when it expires',
    steps: [
      ['SET k v PXAT 4000000000123', '+OK'],
      ['GET k', '"v"'],
      ['TOUCH k', ':1'],
      ['EXISTS k', ':1'],
      ['STRLEN k', ':1'],
      ['PEXPIRETIME k', ':4000000000123'],
    ],
  },
  {
    name: 'a value with an expiry is the value',
    steps: [
      ['SET k Hello EX 100', '+OK'],
      ['STRLEN k', ':5'],
      ['GETRANGE k 1 3', '"ell"'],
      ['MGET k k', '["Hello", "Hello"]'],
      ['OBJECT ENCODING k', '"embstr"'],
      ['TYPE k', '+string'],
    ],
  },
  {
    name: 'an expiry cannot be changed without the value',
    onlyHere: 'what reads a value to change it would lose updates',
    steps: ['EXPIRE k 10', 'PEXPIRE k 10', 'EXPIREAT k 10', 'PERSIST k', 'GETEX k', 'SETEX k 10 v'].map(
      (command): Step => [command, /^-ERR unknown command '[A-Z]+', with args beginning with: 'k' /],
    ),
  },
];

/** What every command makes of the key `gone`, which has expired. */
const AFTERWARDS: readonly Step[] = [
  ['GET gone', '$-1', '_'],
  ['MGET gone stays', '[$-1, "v"]', '[_, "v"]'],
  ['EXISTS gone stays', ':1'],
  ['TOUCH gone', ':0'],
  ['STRLEN gone', ':0'],
  ['GETRANGE gone 0 -1', '""'],
  ['TYPE gone', '+none'],
  ['OBJECT ENCODING gone', '$-1', '_'],
  ['TTL gone', ':-2'],
  ['PTTL gone', ':-2'],
  ['EXPIRETIME gone', ':-2'],
  ['PEXPIRETIME gone', ':-2'],
  ['MEMORY USAGE gone', '$-1', '_'],
  ['KEYS *', '["stays"]'],
  ['SCAN 0 COUNT 1000', '["0", ["stays"]]'],
  ['RANDOMKEY', '"stays"'],
  ['DEL gone', ':0'],
  ['SET gone again', '+OK'],
  ['TTL gone', ':-1'],
  ['GET gone', '"again"'],
];

t.test('expiry', (t) =>
  onEachServer(t, async (t, server) => {
    await runCases(t, server, CASES);
    await t.test('once one node says that a key has expired, all do', (t) => seenExpired(t, server));
    for (const [i, words] of [
      ['PX', `${SHORT_MS}`],
      ['EX', '1'],
    ].entries()) {
      await t.test(`what a key with ${words.join(' ')} is afterwards`, (t) =>
        afterwards(t, server, i, words),
      );
    }
    await t.test('DBSIZE no longer counts what has expired', (t) => uncounted(t, server));
    await t.test('a key that is set again before it expires stays', (t) => setAgain(t, server));
  }),
);

/** Through whichever node it ended first, it has ended for the others. */
async function seenExpired(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  const wrong: string[] = [];
  for (let i = 0; i < KEYS; i++) {
    const [first, ...others] = [0, 1, 2].map((step) => clients[(i + step) % clients.length]!);
    await others[1]!.command('SET', `short:${i}`, 'v', 'PX', SHORT_MS / 3);
    await ended(first!, `short:${i}`);
    for (const other of others) {
      const shown = show(await other.command(i % 2 === 0 ? 'GET' : 'EXISTS', `short:${i}`));
      if (shown !== '$-1' && shown !== ':0') wrong.push(`short:${i} is ${shown} after it had expired`);
    }
  }
  t.same(wrong, []);
}

async function afterwards(t: Test, server: Server, first: number, words: readonly string[]): Promise<void> {
  const clients = await openEmptied(t, server);
  await clients[0]!.command('SET', 'stays', 'v');
  t.equal(show(await clients[0]!.command('SET', 'gone', 'v', ...words)), '+OK');
  await ended(clients[first % clients.length]!, 'gone');
  for (const [i, [command, expected]] of AFTERWARDS.entries()) {
    const client = clients[i % clients.length]!;
    t.equal(show(await client.command(...String(command).split(' '))), expected, String(command));
  }
}

async function uncounted(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  for (let i = 0; i < KEYS; i++) {
    const client = clients[i % clients.length]!;
    await client.command('SET', `counted:${i}`, 'v', ...(i % 3 === 0 ? [] : ['PX', SHORT_MS]));
  }
  for (const client of clients) {
    await until('only those that stay are counted', async () => {
      const shown = show(await client.command('DBSIZE'));
      if (shown !== `:${KEYS / 3}`) throw new Error(shown);
      return true;
    });
  }
  t.pass('counted');
}

async function setAgain(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  await clients[0]!.command('SET', 'other', 'v', 'PX', SHORT_MS);
  await clients[0]!.command('SET', 'again', 'v', 'PX', SHORT_MS);
  await clients.at(-1)!.command('SET', 'again', 'w');
  await ended(clients[0]!, 'other');
  for (const client of clients) t.equal(show(await client.command('GET', 'again')), '"w"');
}

async function ended(client: RespClient, key: string): Promise<void> {
  await until(`${key} has expired`, async () => show(await client.command('GET', key)) === '$-1');
}
