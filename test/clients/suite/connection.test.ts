/** Connections: greeting, names, the list of them, ending them, and replies that are not wanted. */
import t, { type Test } from 'tap';
import { until } from '../../process/program.js';
import { encodeCommand, RespClient } from '../resp-client.js';
import { show } from '../resp-reply.js';
import {
  type Case,
  onEachServer,
  openAs,
  openEmptied,
  PROTOCOLS,
  runCases,
  type Server,
  textOf,
} from './tables.js';

const SYNTAX = '-ERR syntax error';
const BAD_NAME = '-ERR Client names cannot contain spaces, newlines or special characters.';
const SINCE_7_2 = 'it came with Redis 7.2; the libraries of today send it';
const NO_CLUSTER = '-ERR This instance has cluster support disabled';

const CASES: readonly Case[] = [
  {
    name: 'the name of a connection',
    steps: [
      ['CLIENT GETNAME', '$-1', '_'],
      ['CLIENT SETNAME me-and-you', '+OK'],
      ['client getname', '"me-and-you"'],
      [['CLIENT', 'SETNAME', 'two words'], BAD_NAME],
      [['CLIENT', 'SETNAME', 'new\nline'], BAD_NAME],
      ['CLIENT GETNAME', '"me-and-you"'],
      [['CLIENT', 'SETNAME', ''], '+OK'],
      ['CLIENT GETNAME', '$-1', '_'],
    ],
  },
  {
    name: 'HELLO refuses, and then changes nothing',
    steps: [
      ['HELLO 1', '-NOPROTO unsupported protocol version'],
      ['HELLO 4', '-NOPROTO unsupported protocol version'],
      ['HELLO x', '-ERR Protocol version is not an integer or out of range'],
      ['HELLO 3 FOO', "-ERR Syntax error in HELLO option 'FOO'"],
      ['HELLO 3 SETNAME', "-ERR Syntax error in HELLO option 'SETNAME'"],
      ['HELLO 3 AUTH default', "-ERR Syntax error in HELLO option 'AUTH'"],
      ['HELLO 2 AUTH nobody x', '-WRONGPASS invalid username-password pair or user is disabled.'],
      [['HELLO', '3', 'SETNAME', 'two words'], BAD_NAME],
      ['GET nothing', '$-1', '_'],
    ],
  },
  {
    name: 'HELLO with a name and a user',
    steps: [
      [
        'HELLO 3 AUTH default secret SETNAME me',
        /^\{"server": "\w+", "version": "7\.0\.15", "proto": :3, "id": :\d+, /,
      ],
      ['CLIENT GETNAME', '"me"'],
      ['HELLO', /, "proto": :3, .*, "mode": "standalone", "role": "master", "modules": \[\]\}$/],
      ['HELLO 2', /^\["server", "\w+", "version", "7\.0\.15", "proto", :2, .*, "modules", \[\]\]$/],
      ['GET nothing', '$-1'],
    ],
  },
  {
    name: 'AUTH, without a password',
    steps: [
      ['AUTH secret', /^-ERR AUTH <password> called without any password configured for the default user\./],
      ['AUTH default secret', '+OK'],
      ['AUTH nobody secret', '-WRONGPASS invalid username-password pair or user is disabled.'],
      ['AUTH a b c', SYNTAX],
    ],
  },
  {
    name: 'RESET makes it as it was',
    steps: [
      ['CLIENT SETNAME me', '+OK'],
      ['HELLO 3', /^\{/],
      ['RESET', '+RESET'],
      ['CLIENT GETNAME', '$-1'],
      ['RESET x', "-ERR wrong number of arguments for 'reset' command"],
    ],
  },
  {
    name: 'PING and ECHO',
    steps: [
      ['PING', '+PONG'],
      [['PING', ''], '""'],
      ['PING hello', '"hello"'],
      ['PING a b', "-ERR wrong number of arguments for 'ping' command"],
      [['ECHO', '\r\n'], '"\\r\\n"'],
      ['ECHO', "-ERR wrong number of arguments for 'echo' command"],
    ],
  },
  {
    name: 'the words of CLIENT',
    steps: [
      ['CLIENT', "-ERR wrong number of arguments for 'client' command"],
      ['CLIENT FOO', "-ERR unknown subcommand 'FOO'. Try CLIENT HELP."],
      ['CLIENT HELP', /^\[\+CLIENT <subcommand> /],
      ['CLIENT ID', /^:[1-9]\d*$/],
      ['CLIENT ID x', "-ERR wrong number of arguments for 'client|id' command"],
      ['CLIENT NO-EVICT on', '+OK'],
      ['CLIENT NO-EVICT off', '+OK'],
      ['CLIENT NO-EVICT x', SYNTAX],
      ['CLIENT REPLY x', SYNTAX],
      ['CLIENT LIST FOO', SYNTAX],
      ['CLIENT LIST ID', SYNTAX],
      ['CLIENT LIST ID x', '-ERR Invalid client ID'],
      ['CLIENT LIST ID 999999999', '""', '="txt:"'],
      ['CLIENT LIST TYPE foo', "-ERR Unknown client type 'foo'"],
      ['CLIENT LIST TYPE pubsub', '""', '="txt:"'],
      ['CLIENT KILL', "-ERR wrong number of arguments for 'client|kill' command"],
      ['CLIENT KILL 000.123.321.567:0000', '-ERR No such client'],
      ['CLIENT KILL ID x', '-ERR client-id should be greater than 0'],
      ['CLIENT KILL ID 0', '-ERR client-id should be greater than 0'],
      ['CLIENT KILL ID 999999999', ':0'],
      ['CLIENT KILL ADDR 000.123.321.567:0000', ':0'],
      ['CLIENT KILL LADDR 000.123.321.567:0000', ':0'],
      ['CLIENT KILL USER nobody', "-ERR No such user 'nobody'"],
      ['CLIENT KILL TYPE foo', "-ERR Unknown client type 'foo'"],
      ['CLIENT KILL TYPE pubsub', ':0'],
      ['CLIENT KILL SKIPME foo', SYNTAX],
      ['CLIENT KILL SKIPME yes ID', SYNTAX],
      ['CLIENT KILL FOO bar', SYNTAX],
    ],
  },
  {
    name: 'there is no Redis Cluster',
    steps: [
      ['CLUSTER INFO', NO_CLUSTER],
      ['CLUSTER SLOTS', NO_CLUSTER],
      ['READONLY', NO_CLUSTER],
      ['READWRITE', NO_CLUSTER],
      ['ASKING', NO_CLUSTER],
      ['CLUSTER', "-ERR wrong number of arguments for 'cluster' command"],
    ],
  },
  {
    name: 'CLIENT SETINFO',
    onlyHere: SINCE_7_2,
    steps: [
      ['CLIENT SETINFO LIB-NAME my-lib', '+OK'],
      ['client setinfo lib-ver 1.2.3', '+OK'],
      ['CLIENT INFO', / lib-name=my-lib lib-ver=1\.2\.3\\n"$/],
      [['CLIENT', 'SETINFO', 'LIB-NAME', 'my lib'], /^-ERR lib-name cannot contain spaces, newlines/],
      ['CLIENT SETINFO FOO x', "-ERR Unrecognized option 'FOO'"],
      ['CLIENT SETINFO LIB-NAME', "-ERR wrong number of arguments for 'client|setinfo' command"],
      ['RESET', '+RESET'],
      ['CLIENT INFO', / lib-name=my-lib lib-ver=1\.2\.3\\n"$/],
    ],
  },
  {
    name: 'CLIENT NO-TOUCH',
    onlyHere: SINCE_7_2,
    steps: [
      ['CLIENT NO-TOUCH on', '+OK'],
      ['CLIENT INFO', / flags=T /],
      ['CLIENT NO-TOUCH off', '+OK'],
      ['CLIENT INFO', / flags=N /],
      ['CLIENT NO-TOUCH x', SYNTAX],
    ],
  },
  {
    name: 'CLIENT KILL MAXAGE',
    onlyHere: 'it came with Redis 7.4',
    steps: [
      ['CLIENT KILL MAXAGE 1000000', ':0'],
      ['CLIENT KILL MAXAGE x', '-ERR maxage is not an integer or out of range'],
    ],
  },
];

t.test('connections', (t) =>
  onEachServer(t, async (t, server) => {
    await runCases(t, server, CASES, { ownConnection: true });
    await t.test('CLIENT LIST and INFO describe connections', (t) => described(t, server));
    await t.test('ids of connections only grow', (t) => idsGrow(t, server));
    await t.test('CLIENT KILL ends those that are meant', (t) => killed(t, server));
    await t.test('CLIENT KILL of oneself is answered first', (t) => killsItself(t, server));
    await t.test('CLIENT REPLY', (t) => repliesUnwanted(t, server));
  }),
);

async function described(t: Test, server: Server): Promise<void> {
  const address = server.addresses[0]!;
  for (const protocol of PROTOCOLS) {
    const mine = await openAs(t, address, protocol);
    const other = await RespClient.open(t, address);
    await mine.command('CLIENT', 'SETNAME', 'mine');
    await other.command('CLIENT', 'SETNAME', 'other');
    const id = textOf(await mine.command('CLIENT', 'ID'));
    const info = describedAs(textOf(await mine.command('CLIENT', 'INFO')));
    t.match(info, { id, name: 'mine', laddr: address, flags: 'N', db: '0', user: 'default', multi: '-1' });
    t.match(info, { cmd: 'client|info', sub: '0', psub: '0', redir: '-1', resp: String(protocol) });
    t.equal(info.addr, addressOf(mine));
    for (const name of ['age', 'idle', 'qbuf', 'qbuf-free', 'obl', 'oll', 'omem', 'tot-mem'])
      t.match(info[name], /^\d+$/, name);
    const lines = textOf(await mine.command('CLIENT', 'LIST'))
      .trimEnd()
      .split('\n')
      .map(describedAs);
    t.match(
      lines.find(({ name }) => name === 'mine'),
      { id, cmd: 'client|list' },
    );
    t.match(
      lines.find(({ name }) => name === 'other'),
      { addr: addressOf(other), cmd: 'client|setname' },
    );
    t.equal(
      textOf(await mine.command('CLIENT', 'LIST', 'TYPE', 'normal')).split('\n').length,
      lines.length + 1,
    );
    const otherId = textOf(await other.command('CLIENT', 'ID'));
    const chosen = textOf(await mine.command('CLIENT', 'LIST', 'ID', otherId, '999999999', id));
    t.same(
      chosen
        .trimEnd()
        .split('\n')
        .map((line) => describedAs(line).name)
        .sort(),
      ['mine', 'other'],
    );
    other.close();
    mine.close();
  }
}

async function idsGrow(t: Test, server: Server): Promise<void> {
  let last = 0;
  for (let i = 0; i < 5; i++) {
    const client = await RespClient.open(t, server.addresses[0]!);
    const id = Number(textOf(await client.command('CLIENT', 'ID')));
    t.ok(id > last, `${id} after ${last}`);
    t.equal(show(await client.command('CLIENT', 'ID')), `:${id}`);
    last = id;
    client.close();
  }
}

async function killed(t: Test, server: Server): Promise<void> {
  const address = server.addresses[0]!;
  const mine = await RespClient.open(t, address);
  const ways: readonly ((victim: RespClient, id: string) => readonly string[])[] = [
    (victim) => [addressOf(victim)],
    (_, id) => ['ID', id],
    (victim) => ['ADDR', addressOf(victim)],
    (_, id) => ['ID', id, 'TYPE', 'normal', 'LADDR', address, 'SKIPME', 'yes'],
    (_, id) => ['USER', 'default', 'ID', id],
  ];
  for (const way of ways) {
    const victim = await RespClient.open(t, address);
    const bystander = await RespClient.open(t, address);
    const id = textOf(await victim.command('CLIENT', 'ID'));
    const words = way(victim, id);
    const wanted = words.length === 1 ? '+OK' : ':1';
    t.equal(show(await mine.command('CLIENT', 'KILL', ...words)), wanted, words.join(' '));
    await victim.closed();
    t.equal(victim.unread.length, 0);
    t.equal(show(await bystander.command('PING')), '+PONG');
    bystander.close();
    await until('it is not in the list', async () => {
      return !new RegExp(`^id=${id} `, 'm').test(textOf(await mine.command('CLIENT', 'LIST')));
    });
  }
  const victims = await Promise.all([1, 2, 3].map(() => RespClient.open(t, address)));
  for (const victim of victims) await victim.command('PING');
  t.match(show(await mine.command('CLIENT', 'KILL', 'TYPE', 'normal')), /^:[3-9]$/);
  for (const victim of victims) await victim.closed();
  t.equal(show(await mine.command('PING')), '+PONG', 'the one that asked is spared');
}

async function killsItself(t: Test, server: Server): Promise<void> {
  const words = [
    (client: RespClient) => [addressOf(client)],
    (client: RespClient) => ['ADDR', addressOf(client), 'SKIPME', 'no'],
  ];
  for (const wordsOf of words) {
    const client = await RespClient.open(t, server.addresses[0]!);
    t.match(show(await client.command('CLIENT', 'KILL', ...wordsOf(client))), /^(\+OK|:1)$/);
    await client.closed();
    t.equal(client.unread.length, 0);
  }
}

/** What is not answered is carried out all the same. */
async function repliesUnwanted(t: Test, server: Server): Promise<void> {
  const [, ...others] = await openEmptied(t, server);
  const watcher = others.at(-1) ?? (await RespClient.open(t, server.addresses[0]!));
  const client = await RespClient.open(t, server.addresses[0]!);
  const send = (...commands: readonly string[]) =>
    client.send(Buffer.concat(commands.map((command) => encodeCommand(command.split(' ')))));
  send(
    'CLIENT REPLY OFF',
    'SET off 1',
    'FOO',
    'PING',
    'CLIENT REPLY SKIP',
    'PING',
    'CLIENT REPLY ON',
    'PING',
  );
  t.same((await client.replies(2)).map(show), ['+OK', '+PONG'], 'OFF');
  send('PING', 'CLIENT REPLY SKIP', 'SET skipped 2', 'GET skipped', 'CLIENT REPLY SKIP', 'FOO', 'ECHO end');
  t.same((await client.replies(3)).map(show), ['+PONG', '"2"', '"end"'], 'SKIP');
  t.equal(show(await watcher.command('MGET', 'off', 'skipped')), '["1", "2"]');
  t.equal(client.unread.length, 0);
}

function describedAs(line: string): Readonly<Record<string, string>> {
  const fields = line.trimEnd().split(' ');
  return Object.fromEntries(
    fields.map((field) => [field.split('=')[0]!, field.slice(field.indexOf('=') + 1)]),
  );
}

/** Where the server sees this client. */
function addressOf({ socket }: RespClient): string {
  return `${socket.localAddress}:${socket.localPort}`;
}
