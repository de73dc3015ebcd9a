/** The limits of keys, values and requests, at and over them; and that nothing of an HTTP request is ever carried out. */
import t, { type Test } from 'tap';
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../../../src/base/limits.js';
import { encodeCommand, RespClient } from '../resp-client.js';
import { show } from '../resp-reply.js';
import {
  type Case,
  onEachServer,
  openEach,
  openEmptied,
  runCases,
  type Server,
  type Step,
} from './tables.js';

const OUR_KEYS = 'keys have 1 to 8192 bytes, those of Redis 0 to 512 MiB';
const LONGEST = Buffer.alloc(KEY_BYTES_MAX, 'k');
const TOO_LONG = Buffer.alloc(KEY_BYTES_MAX + 1, 'k');

const CASES: readonly Case[] = [
  {
    name: 'the longest key',
    steps: [
      [['SET', LONGEST, 'v'], '+OK'],
      [['GET', LONGEST], '"v"'],
      [['MGET', 'k', LONGEST], '[$-1, "v"]', '[_, "v"]'],
      [['KEYS', '*'], `["${LONGEST}"]`],
      [['EXISTS', LONGEST], ':1'],
      [['DEL', LONGEST], ':1'],
    ],
  },
  { name: 'a key that is too long', onlyHere: OUR_KEYS, steps: refusals(TOO_LONG) },
  { name: 'a key of no bytes', onlyHere: OUR_KEYS, steps: refusals(Buffer.alloc(0)) },
];

/** First lines that a browser or a program may send. */
const HTTP: readonly (readonly [start: string, isOurs: boolean])[] = [
  ['POST / HTTP/1.1\r\n', false],
  ['post / HTTP/1.1\n', false],
  ['POST\r\n', false],
  ['Host: 127.0.0.1\r\n', false],
  ['HOST: x\r\n', false],
  ['GET / HTTP/1.1\r\n', true],
  ['GET http://127.0.0.1/ HTTP/1.0\r\n', true],
  ['OPTIONS * HTTP/1.1\r\n', true],
  ['CONNECT 127.0.0.1:80 HTTP/1.1\r\n', true],
  ['SET / HTTP/1.1\r\n', true],
  ['Origin: http://x\r\n', true],
  ['Content-Length: 5\r\n', true],
];

t.test('limits', (t) =>
  onEachServer(t, async (t, server) => {
    await runCases(t, server, CASES);
    await t.test('the largest value', (t) => largestValue(t, server));
    await t.test('a value that is too large', (t) => tooLarge(t, server));
    if (!server.isRedis) await t.test('a request of too many words', (t) => tooManyWords(t, server));
    await t.test('HTTP', (t) => http(t, server));
  }),
);

function refusals(key: Buffer): readonly Step[] {
  const error = `ERR a key has 1 to ${KEY_BYTES_MAX} bytes, this one has ${key.length}`;
  const refused = new RegExp(`^-${error}`);
  return [
    [['SET', key, 'v'], refused],
    [['SET', key, 'v', 'EX', '10'], refused],
    [['GET', key], refused],
    [['MGET', 'other', key], refused],
    [['MSET', key, 'v'], refused],
    [['DEL', key], refused],
    [['EXISTS', 'other', key], refused],
    [['TTL', key], refused],
    [['TYPE', key], refused],
    [['STRLEN', key], refused],
    [['GETRANGE', key, '0', '-1'], refused],
    [['OBJECT', 'ENCODING', key], refused],
    [['MEMORY', 'USAGE', key], refused],
    ['DBSIZE', ':0'],
    ['PING', '+PONG'],
  ];
}

/** With the longest key: whatever goes between nodes is as large as it can get. */
async function largestValue(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  await limitRedis(server, clients[0]!);
  const value = Buffer.alloc(VALUE_BYTES_MAX, 'largest');
  t.equal(show(await clients[0]!.command('SET', LONGEST, value, 'EX', 1000)), '+OK');
  for (const client of clients) {
    const reply = await client.command('GET', LONGEST);
    t.ok(reply.kind === 'bulk' && reply.bytes.equals(value), 'through every node');
    t.equal(show(await client.command('STRLEN', LONGEST)), `:${VALUE_BYTES_MAX}`);
    t.equal(show(await client.command('GETRANGE', LONGEST, '-7', '-1')).length, '"largest"'.length);
  }
  t.equal(show(await clients[0]!.command('MSET', 'a', value)), '+OK');
  t.equal(show(await clients[0]!.command('DEL', LONGEST, 'a')), ':2');
}

/** Its length is refused before any of it has come. */
async function tooLarge(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  await limitRedis(server, clients[0]!);
  for (const address of server.addresses) {
    const client = await RespClient.open(t, address);
    t.equal(show(await client.command('SET', 'k', 'old')), '+OK');
    client.send(`*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$${VALUE_BYTES_MAX + 1}\r\n`);
    t.equal(show(await client.reply()), '-ERR Protocol error: invalid bulk length');
    await client.closed();
  }
  t.equal(show(await clients.at(-1)!.command('GET', 'k')), '"old"');
}

/** The same limit for Redis, whose own is 512 MiB. */
async function limitRedis({ isRedis }: Server, client: RespClient): Promise<void> {
  if (isRedis) await client.command('CONFIG', 'SET', 'proto-max-bulk-len', VALUE_BYTES_MAX);
}

/** Redis takes up to 2^31 since version 7; here it is 2^20, as before. */
async function tooManyWords(t: Test, server: Server): Promise<void> {
  const client = await RespClient.open(t, server.addresses[0]!);
  client.send(`*${2 ** 20 + 1}\r\n`);
  t.equal(show(await client.reply()), '-ERR Protocol error: invalid multibulk length');
  await client.closed();
}

/** What a form or a script of a web page could make of a request's headers and body. */
async function http(t: Test, server: Server): Promise<void> {
  await openEmptied(t, server);
  const attack = Buffer.concat([
    Buffer.from('\r\nSET http 1\r\n'),
    encodeCommand(['SET', 'http', '2']),
    Buffer.from('FLUSHALL\r\n'),
  ]);
  const [watcher] = await openEach(t, server.addresses);
  t.equal(show(await watcher!.command('SET', 'stays', 'v')), '+OK');
  for (const [i, [start, isOurs]] of HTTP.entries()) {
    if (isOurs && server.isRedis) continue;
    for (const between of ['', 'User-Agent: x\r\n']) {
      const client = await RespClient.open(t, server.addresses[i % server.addresses.length]!);
      client.send(Buffer.concat([Buffer.from(start + between), attack]));
      await client.closed();
      t.equal(client.unread.toString(), '', JSON.stringify(start + between));
    }
  }
  t.equal(show(await watcher!.command('MGET', 'http', 'stays')), '[$-1, "v"]', 'nothing was carried out');
}
