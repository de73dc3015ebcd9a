/**
 * The protocol itself: replies byte for byte, requests in every form and however they are cut, what ends a connection, and
 * pipelines.
 */
import t, { type Test } from 'tap';
import { VALUE_BYTES_MAX } from '../../../src/base/limits.js';
import { encodeCommand, RespClient } from '../resp-client.js';
import { show } from '../resp-reply.js';
import { onEachServer, openAs, openEach, openEmptied, PROTOCOLS, type Server } from './tables.js';

const PIPELINED = 10_000;
const LINE_BYTES_MAX = 64 * 1024;

type Exact = readonly [sent: string, inResp2: string, inResp3?: string];

/** Bytes that are sent, and the bytes that come back. */
const EXACT: readonly Exact[] = [
  ['*1\r\n$4\r\nPING\r\n', '+PONG\r\n'],
  ['*2\r\n$4\r\nping\r\n$2\r\nhi\r\n', '$2\r\nhi\r\n'],
  ['*2\r\n$4\r\nECHO\r\n$0\r\n\r\n', '$0\r\n\r\n'],
  ['*3\r\n$3\r\nSET\r\n$1\r\na\r\n$4\r\na\r\nb\r\n', '+OK\r\n'],
  ['*2\r\n$3\r\nGET\r\n$1\r\na\r\n', '$4\r\na\r\nb\r\n'],
  ['*2\r\n$3\r\nGET\r\n$1\r\nb\r\n', '$-1\r\n', '_\r\n'],
  [
    '*3\r\n$4\r\nMGET\r\n$1\r\na\r\n$1\r\nb\r\n',
    '*2\r\n$4\r\na\r\nb\r\n$-1\r\n',
    '*2\r\n$4\r\na\r\nb\r\n_\r\n',
  ],
  ['*2\r\n$6\r\nEXISTS\r\n$1\r\na\r\n', ':1\r\n'],
  ['*2\r\n$4\r\nTYPE\r\n$1\r\na\r\n', '+string\r\n'],
  ['*2\r\n$4\r\nKEYS\r\n$1\r\nx\r\n', '*0\r\n'],
  [
    '*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$4\r\nsave\r\n',
    '*2\r\n$4\r\nsave\r\n$0\r\n\r\n',
    '%1\r\n$4\r\nsave\r\n$0\r\n\r\n',
  ],
  ['*3\r\n$6\r\nCONFIG\r\n$3\r\nGET\r\n$1\r\nx\r\n', '*0\r\n', '%0\r\n'],
  ['*1\r\n$3\r\nGET\r\n', "-ERR wrong number of arguments for 'get' command\r\n"],
  ['*1\r\n$3\r\nFOO\r\n', "-ERR unknown command 'FOO', with args beginning with: \r\n"],
  ['*2\r\n$3\r\nFOO\r\n$3\r\nbar\r\n', "-ERR unknown command 'FOO', with args beginning with: 'bar' \r\n"],
  [
    '*2\r\n$4\r\nF\r\nO\r\n$4\r\nb\r\nr\r\n',
    "-ERR unknown command 'F  O', with args beginning with: 'b  r' \r\n",
  ],
  ['*0\r\n', ''],
  ['*-10\r\n', ''],
  ['\r\n', ''],
  ['\n', ''],
  ['   \t\r\n', ''],
];

/** Lines as a person types them, and the reply to each. */
const LINES: readonly (readonly [line: string, reply: string])[] = [
  ['PING\r\n', '+PONG'],
  ['PING\n', '+PONG'],
  ['  ping \t hello  \r\n', '"hello"'],
  ['ECHO "hello you"\r\n', '"hello you"'],
  ["ECHO 'hello you'\r\n", '"hello you"'],
  ['ECHO ""\r\n', '""'],
  ["ECHO ''\r\n", '""'],
  ['ECHO "\\x41\\x0d\\n\\t\\"\\\\\\q"\r\n', '"A\\r\\n\\t\\"\\\\q"'],
  ['ECHO "\\xzz"\r\n', '"xzz"'],
  ["ECHO 'it\\'s \\n'\r\n", '"it\'s \\\\n"'],
  ['ECHO \\x41\r\n', '"\\\\x41"'],
  ['"PING"\r\n', '+PONG'],
  ['SET "line key" "line value"\r\n', '+OK'],
  ["GET 'line key'\r\n", '"line value"'],
  ['FOO bar\r\n', "-ERR unknown command 'FOO', with args beginning with: 'bar' "],
  ['GET\r\n', "-ERR wrong number of arguments for 'get' command"],
];

/** What cannot be followed: its error, after which the connection ends. */
const BROKEN: readonly (readonly [sent: string, problem: string])[] = [
  ['*x\r\n', 'invalid multibulk length'],
  ['*3000000000\r\n', 'invalid multibulk length'],
  ['*1\r\nfoo\r\n', "expected '$', got 'f'"],
  ['*1\r\n:1\r\n', "expected '$', got ':'"],
  ['*1\r\n$x\r\n', 'invalid bulk length'],
  ['*1\r\n$-1\r\n', 'invalid bulk length'],
  ['*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$-10\r\n', 'invalid bulk length'],
  ['*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$2000000000\r\n', 'invalid bulk length'],
  ['*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$blabla\r\n', 'invalid bulk length'],
  ['SET x "y\r\n', 'unbalanced quotes in request'],
  ["SET x 'y\r\n", 'unbalanced quotes in request'],
  ['SET "x"y z\r\n', 'unbalanced quotes in request'],
  ['x'.repeat(LINE_BYTES_MAX + 1), 'too big inline request'],
  [`*${'1'.repeat(LINE_BYTES_MAX)}`, 'too big mbulk count string'],
  [`*1\r\n$${'1'.repeat(LINE_BYTES_MAX)}`, 'too big bulk count string'],
];

t.test('protocol', (t) =>
  onEachServer(t, async (t, server) => {
    await t.test('replies, byte for byte', (t) => exact(t, server));
    await t.test('lines', (t) => lines(t, server));
    await t.test('what cannot be followed ends the connection', (t) => broken(t, server));
    await t.test('requests may be cut anywhere', (t) => cutAnywhere(t, server));
    await t.test('big values in many pieces', (t) => manyPieces(t, server));
    await t.test(`${PIPELINED} commands in a pipeline`, (t) => pipeline(t, server));
    await t.test('errors keep their place in a pipeline', (t) => errorsInOrder(t, server));
    await t.test('QUIT', (t) => quit(t, server));
    await t.test('a request of many words', (t) => manyWords(t, server));
    await t.test('a client that goes away in the middle', (t) => goesAway(t, server));
  }),
);

/** Each is followed by a PING, so that nothing may come where nothing is expected. */
async function exact(t: Test, server: Server): Promise<void> {
  const [mine] = await openEmptied(t, server);
  mine!.close();
  for (const protocol of PROTOCOLS) {
    const client = await openAs(t, server.addresses[0]!, protocol);
    for (const [sent, inResp2, inResp3 = inResp2] of EXACT) {
      const expected = `${protocol === 3 ? inResp3 : inResp2}+PONG\r\n`;
      client.send(`${sent}PING\r\n`);
      await client.waitFor('all bytes', () => client.unread.length >= expected.length || undefined);
      t.equal(client.unread.toString(), expected, JSON.stringify(sent));
      client.discard(client.unread.length);
    }
  }
}

async function lines(t: Test, server: Server): Promise<void> {
  const [client] = await openEmptied(t, server);
  for (const [line, reply] of LINES) {
    client!.send(line);
    t.equal(show(await client!.reply()), reply, JSON.stringify(line));
  }
}

/** What was before is answered, what comes after is not carried out. */
async function broken(t: Test, server: Server): Promise<void> {
  await openEmptied(t, server);
  for (const [i, [sent, problem]] of BROKEN.entries()) {
    const client = await RespClient.open(t, server.addresses[i % server.addresses.length]!);
    client.send(`PING\r\n${sent}`);
    const name = JSON.stringify(sent.slice(0, 60));
    t.equal(show(await client.reply()), '+PONG', `before ${name}`);
    t.equal(show(await client.reply()), `-ERR Protocol error: ${problem}`, name);
    await client.closed();
    t.equal(client.unread.length, 0, 'and nothing else');
  }
  const after = await RespClient.open(t, server.addresses[0]!);
  after.send('*1\r\n$x\r\n*3\r\n$3\r\nSET\r\n$5\r\nafter\r\n$1\r\nv\r\n');
  await after.closed();
  const [client] = await openEach(t, server.addresses);
  t.equal(show(await client!.command('EXISTS', 'after')), ':0');
}

/** A stream with requests of each form, in two pieces, cut at every place; and byte by byte. */
async function cutAnywhere(t: Test, server: Server): Promise<void> {
  await openEmptied(t, server);
  const stream = Buffer.concat([
    encodeCommand(['SET', 'cut', 'a\r\nb']),
    Buffer.from('\r\nGET cut\r\nECHO "x y"\n'),
    encodeCommand(['MGET', 'cut', 'nothing']),
    Buffer.from('*0\r\n'),
    encodeCommand(['PING']),
  ]);
  const wanted = ['+OK', '"a\\r\\nb"', '"x y"', '["a\\r\\nb", $-1]', '+PONG'];
  const client = await RespClient.open(t, server.addresses.at(-1)!);
  for (let place = 1; place <= stream.length; place++) {
    client.send(stream.subarray(0, place));
    await new Promise(setImmediate);
    client.send(stream.subarray(place));
    const shown = (await client.replies(wanted.length)).map(show);
    if (shown.join() !== wanted.join()) t.same(shown, wanted, `cut at ${place}`);
  }
  for (const byte of stream) {
    client.send(Buffer.from([byte]));
    await new Promise(setImmediate);
  }
  t.same((await client.replies(wanted.length)).map(show), wanted, 'byte by byte');
}

async function manyPieces(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  const value = Buffer.from(Array.from({ length: 3_000_000 }, (_, i) => (i * 7 + (i >>> 8)) & 255));
  const bytes = encodeCommand(['SET', 'pieces', value]);
  for (const size of [997, 65_536, 1_000_003]) {
    for (let at = 0; at < bytes.length; at += size) {
      clients[0]!.send(bytes.subarray(at, at + size));
      if (at % 16 === 0) await new Promise(setImmediate);
    }
    t.equal(show(await clients[0]!.reply()), '+OK', `pieces of ${size} bytes`);
    const reply = await clients.at(-1)!.command('GET', 'pieces');
    t.ok(reply.kind === 'bulk' && reply.bytes.equals(value), 'it is what was sent');
    await clients[0]!.command('DEL', 'pieces');
  }
  t.ok(value.length < VALUE_BYTES_MAX);
}

/** Some keys again and again, so that the order of the commands on each key shows. */
async function pipeline(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  for (const client of clients) {
    const commands: Buffer[] = [];
    const wanted: string[] = [];
    for (let i = 0; i < PIPELINED / 2; i++) {
      commands.push(encodeCommand(['SET', `p:${i % 50}`, `${i}`]), encodeCommand(['GET', `p:${i % 50}`]));
      wanted.push('+OK', `"${i}"`);
    }
    client.send(Buffer.concat(commands));
    const shown = (await client.replies(wanted.length)).map(show);
    t.equal(
      shown.findIndex((reply, i) => reply !== wanted[i]),
      -1,
      'every reply is in its place',
    );
  }
}

async function errorsInOrder(t: Test, server: Server): Promise<void> {
  const [client] = await openEmptied(t, server);
  const parts: Buffer[] = [];
  const wanted: RegExp[] = [];
  for (let i = 0; i < 200; i++) {
    const commands = [
      ['SET', `o:${i}`, `${i}`],
      ['FOO'],
      ['GET'],
      ['ECHO', `${i}`],
      ['SET', `o:${i}`, 'x', 'EX', '0'],
    ];
    parts.push(...commands.map(encodeCommand), encodeCommand(['GET', `o:${i}`]), Buffer.from('PING\r\n'));
    wanted.push(/^\+OK$/, /^-ERR unknown/, /^-ERR wrong/, new RegExp(`^"${i}"$`), /^-ERR invalid expire/);
    wanted.push(new RegExp(`^"${i}"$`), /^\+PONG$/);
  }
  client!.send(Buffer.concat(parts));
  const shown = (await client!.replies(wanted.length)).map(show);
  t.same(
    shown.filter((reply, i) => !wanted[i]!.test(reply)),
    [],
  );
}

async function quit(t: Test, server: Server): Promise<void> {
  await openEmptied(t, server);
  const client = await RespClient.open(t, server.addresses[0]!);
  client.send('SET q 1\r\nGET q\r\nQUIT\r\nSET q 2\r\n');
  t.same((await client.replies(3)).map(show), ['+OK', '"1"', '+OK']);
  await client.closed();
  t.equal(client.unread.length, 0);
  const [other] = await openEach(t, server.addresses);
  t.equal(show(await other!.command('GET', 'q')), '"1"', 'what follows QUIT is not carried out');
}

async function manyWords(t: Test, server: Server): Promise<void> {
  const [client] = await openEmptied(t, server);
  const keys = Array.from({ length: 10_000 }, (_, i) => `w:${i % 10}`);
  t.equal(show(await client!.command('SET', 'w:3', 'v')), '+OK');
  t.equal(show(await client!.command('EXISTS', ...keys)), ':1000');
  t.equal(show(await client!.command('DEL', ...keys)), ':1');
  t.match(show(await client!.command('PING', ...keys)), /^-ERR wrong number of arguments for 'ping'/);
}

/** Whole requests count, the one that was cut off does not, and the server is none the worse. */
async function goesAway(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  for (let i = 0; i < 20; i++) {
    const client = await RespClient.connect(server.addresses[i % server.addresses.length]!);
    client.send(encodeCommand(['SET', `away:${i}`, 'v']));
    t.equal(show(await client.reply()), '+OK');
    client.send(encodeCommand(['SET', `away:${i}`, 'w'.repeat(1000)]).subarray(0, 500));
    client.close();
  }
  const keys = Array.from({ length: 20 }, (_, i) => `away:${i}`);
  const shown = show(await clients.at(-1)!.command('MGET', ...keys));
  t.equal(shown, `[${keys.map(() => '"v"').join(', ')}]`);
}
