/** SHUTDOWN: one ends in good order, without a reply, and has all its data when it is started again. */
import t, { type Test } from 'tap';
import { encodeCommand, RespClient } from '../resp-client.js';
import { show } from '../resp-reply.js';
import { type Case, onEachServer, openEach, openEmptied, runCases, type Server } from './tables.js';

const SYNTAX = '-ERR syntax error';
const KEYS = 300;
const NAMES = Array.from({ length: KEYS }, (_, i) => `down:${i}`);

const CASES: readonly Case[] = [
  {
    name: 'what is refused',
    steps: [
      ['SHUTDOWN FOO', SYNTAX],
      ['SHUTDOWN SAVE NOSAVE', SYNTAX],
      ['SHUTDOWN ABORT NOW', SYNTAX],
      ['SHUTDOWN ABORT', '-ERR No shutdown in progress.'],
      ['PING', '+PONG'],
    ],
  },
];

t.test('SHUTDOWN', (t) =>
  onEachServer(t, async (t, server) => {
    await runCases(t, server, CASES);
    await t.test('one by one', (t) => oneByOne(t, server));
    await t.test('all of them, with writes just before', (t) => allAtOnce(t, server));
  }),
);

/** The others take writes meanwhile, which the one that was away has afterwards. */
async function oneByOne(t: Test, server: Server): Promise<void> {
  await openEmptied(t, server);
  for (const [i, address] of server.addresses.entries()) {
    const words = [['SHUTDOWN'], ['shutdown', 'nosave'], ['SHUTDOWN', 'NOW', 'FORCE']][i]!;
    await write(t, server.addresses[(i + 1) % server.addresses.length]!, `before:${i}`);
    await shutDown(t, server, i, words);
    const other = server.addresses[(i + 1) % server.addresses.length]!;
    if (other !== address) {
      await holds(t, other, `before:${i}`);
      await write(t, other, `meanwhile:${i}`);
    }
    await server.restart(i);
    await holds(t, address, `${other === address ? 'before' : 'meanwhile'}:${i}`);
  }
}

async function allAtOnce(t: Test, server: Server): Promise<void> {
  const clients = await openEmptied(t, server);
  const last = clients[0]!;
  last.send(Buffer.concat(NAMES.map((name) => encodeCommand(['SET', name, 'last']))));
  const shown = (await last.replies(KEYS)).map(show);
  t.same(
    shown.filter((reply) => reply !== '+OK'),
    [],
  );
  await Promise.all(server.addresses.map((_, i) => shutDown(t, server, i, ['SHUTDOWN'])));
  if (server.cluster === undefined) await server.restart(0);
  else {
    await server.cluster.restart(...server.cluster.nodes.map(({ name }) => name));
    await server.cluster.agree();
  }
  for (const address of server.addresses) await holds(t, address, 'last');
  for (const client of await openEach(t, server.addresses))
    t.equal(show(await client.command('EXISTS', ...NAMES)), `:${KEYS}`);
}

/** Other connections are ended too; none gets a reply. */
async function shutDown(t: Test, server: Server, index: number, words: readonly string[]): Promise<void> {
  const idle = await RespClient.open(t, server.addresses[index]!);
  const client = await RespClient.open(t, server.addresses[index]!);
  t.equal(show(await client.command('PING')), '+PONG');
  client.send(Buffer.concat([encodeCommand(words), encodeCommand(['SET', 'after', 'v'])]));
  await client.closed();
  await idle.closed();
  t.equal(client.unread.toString() + idle.unread.toString(), '', words.join(' '));
  await server.ended(index);
}

async function write(t: Test, address: string, value: string): Promise<void> {
  const client = await RespClient.open(t, address);
  t.equal(show(await client.command('MSET', ...NAMES.flatMap((name) => [name, value]))), '+OK');
}

async function holds(t: Test, address: string, value: string): Promise<void> {
  const client = await RespClient.open(t, address);
  const reply = show(await client.command('MGET', 'after', ...NAMES));
  t.equal(reply, `[$-1, ${NAMES.map(() => `"${value}"`).join(', ')}]`, `${value} is there`);
}
