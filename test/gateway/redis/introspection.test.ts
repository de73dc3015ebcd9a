import t from 'tap';
import { CATEGORIES, categoriesOf } from '../../../src/gateway/redis/acl-categories.js';
import type { ArgumentDoc, Command } from '../../../src/gateway/redis/command.js';
import { COMMANDS } from '../../../src/gateway/redis/commands/all.js';
import { Rig } from './rig.js';

/** As Redis 7.0.15 answers COMMAND INFO; of container commands and their tips we say less. */
const GET_INFO =
  '*10\r\n$3\r\nget\r\n:2\r\n~2\r\n+readonly\r\n+fast\r\n:1\r\n:1\r\n:1\r\n~3\r\n+@read\r\n+@string\r\n+@fast\r\n~0\r\n' +
  '~1\r\n%3\r\n$5\r\nflags\r\n~2\r\n+RO\r\n+access\r\n' +
  '$12\r\nbegin_search\r\n%2\r\n$4\r\ntype\r\n$5\r\nindex\r\n$4\r\nspec\r\n%1\r\n$5\r\nindex\r\n:1\r\n' +
  '$9\r\nfind_keys\r\n%2\r\n$4\r\ntype\r\n$5\r\nrange\r\n$4\r\nspec\r\n' +
  '%3\r\n$7\r\nlastkey\r\n:0\r\n$7\r\nkeystep\r\n:1\r\n$5\r\nlimit\r\n:0\r\n~0\r\n';

/** The same in the older protocol: sets are arrays, maps are twice as long ones. */
const asResp2 = (reply: string): string =>
  reply.replace(/^~/gm, '*').replace(/^%(\d+)/gm, (_, pairs) => `*${Number(pairs) * 2}`);

t.test('COMMAND INFO has ten fields for each command, and nil for one that is unknown', async (t) => {
  const client = new Rig().connect();
  t.equal(await client.line('COMMAND INFO GET foo'), `*2\r\n${asResp2(GET_INFO)}$-1\r\n`);
  await client.line('HELLO 3');
  t.equal(await client.line('COMMAND INFO GET foo'), `*2\r\n${GET_INFO}_\r\n`);
  t.equal(
    await client.line('COMMAND INFO client|id'),
    '*1\r\n*10\r\n$9\r\nclient|id\r\n:2\r\n~3\r\n+noscript\r\n+loading\r\n+stale\r\n:0\r\n:0\r\n:0\r\n' +
      '~2\r\n+@slow\r\n+@connection\r\n~0\r\n~0\r\n~0\r\n',
  );
  const mset = await client.line('COMMAND INFO mset');
  t.match(mset, /\r\n:1\r\n:-1\r\n:2\r\n/, 'first and last key, and the step');
  t.match(mset, /\+OW\r\n\+update\r\n/);
  t.match(mset, /lastkey\r\n:-1\r\n\$7\r\nkeystep\r\n:2\r\n/);
  const usage = await client.line('COMMAND INFO memory|usage');
  t.match(usage, /index\r\n:2\r\n/, 'a key behind a subcommand');
  t.match(usage, /lastkey\r\n:0\r\n/, 'told from the first key on');
});

t.test('a container lists its subcommands in full', async (t) => {
  const client = new Rig().connect();
  const reply = await client.line('COMMAND INFO memory');
  t.ok(
    reply.startsWith(
      '*1\r\n*10\r\n$6\r\nmemory\r\n:-2\r\n*0\r\n:0\r\n:0\r\n:0\r\n*1\r\n+@slow\r\n*0\r\n*0\r\n*2\r\n' +
        '*10\r\n$12\r\nmemory|usage\r\n:-3\r\n',
    ),
    reply.slice(0, 200),
  );
});

t.test('COMMAND is all of them, as COMMAND INFO without names', async (t) => {
  const client = new Rig().connect();
  const all = await client.line('COMMAND');
  t.ok(all.startsWith(`*${COMMANDS.commands.length}\r\n*10\r\n`));
  t.equal(await client.line('COMMAND INFO'), all);
  t.equal(await client.line('COMMAND COUNT'), `:${COMMANDS.commands.length}\r\n`);
});

t.test('COMMAND DOCS is a map of maps, with arguments and subcommands', async (t) => {
  const client = new Rig().connect();
  await client.line('HELLO 3');
  t.equal(await client.line('COMMAND DOCS foo'), '%0\r\n');
  const echo = await client.line('COMMAND DOCS Echo foo');
  const summary = 'Answers the message that it was sent.';
  t.equal(
    echo,
    `%1\r\n$4\r\necho\r\n%5\r\n$7\r\nsummary\r\n$${summary.length}\r\n${summary}\r\n$5\r\nsince\r\n$5\r\n1.0.0\r\n` +
      '$5\r\ngroup\r\n$10\r\nconnection\r\n$10\r\ncomplexity\r\n$4\r\nO(1)\r\n' +
      '$9\r\narguments\r\n*1\r\n%2\r\n$4\r\nname\r\n$7\r\nmessage\r\n$4\r\ntype\r\n$6\r\nstring\r\n',
  );
  const mset = await client.line('COMMAND DOCS mset');
  t.ok(
    mset.endsWith(
      '*1\r\n%4\r\n$4\r\nname\r\n$4\r\ndata\r\n$4\r\ntype\r\n$5\r\nblock\r\n$5\r\nflags\r\n~1\r\n+multiple\r\n' +
        '$9\r\narguments\r\n*2\r\n%3\r\n$4\r\nname\r\n$3\r\nkey\r\n$4\r\ntype\r\n$3\r\nkey\r\n' +
        '$14\r\nkey_spec_index\r\n:0\r\n%2\r\n$4\r\nname\r\n$5\r\nvalue\r\n$4\r\ntype\r\n$6\r\nstring\r\n',
    ),
  );
  t.match(
    await client.line('COMMAND DOCS memory'),
    /\$11\r\nsubcommands\r\n%2\r\n\$12\r\nmemory\|usage\r\n%5\r\n/,
  );
  t.match(await client.line('COMMAND DOCS client|id'), /^%1\r\n\$9\r\nclient\|id\r\n%4\r\n/);
  t.match(await client.line('COMMAND DOCS'), new RegExp(`^%${COMMANDS.commands.length}\r\n`));
});

t.test('COMMAND LIST filters', async (t) => {
  const client = new Rig().connect();
  const names = async (filter: string): Promise<string[]> =>
    (await client.line(`COMMAND LIST FILTERBY ${filter}`))
      .split('\r\n')
      .filter((line) => /^[a-z]/.test(line));
  t.same(await names('PATTERN HEL*'), ['hello']);
  t.same(await names('PATTERN memory*'), ['memory', 'memory|usage', 'memory|help']);
  t.same(await names('MODULE foo'), []);
  t.same(await names('ACLCAT foo'), []);
  const dangerous = await names('ACLCAT dangerous');
  t.ok(dangerous.includes('client|kill') && dangerous.includes('shutdown'));
  t.notOk(dangerous.includes('get') || dangerous.includes('client'));
  for (const line of ['FILTERBY', 'FOO', 'FILTERBY foo x', 'FILTERBY ACLCAT fast x']) {
    t.equal(await client.line(`COMMAND LIST ${line}`), '-ERR syntax error\r\n', line);
  }
});

t.test('COMMAND GETKEYS finds keys as the command itself would', async (t) => {
  const client = new Rig().connect();
  const cases: readonly (readonly [string, string])[] = [
    ['get a', '*1\r\n$1\r\na\r\n'],
    ['MSET a b c d', '*2\r\n$1\r\na\r\n$1\r\nc\r\n'],
    ['mget a b c', '*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n'],
    ['memory usage k', '*1\r\n$1\r\nk\r\n'],
    ['foo bar', '-ERR Invalid command specified\r\n'],
    ['memory foo', '-ERR Invalid command specified\r\n'],
    ['echo bar', '-ERR The command has no key arguments\r\n'],
    ['get a b', '-ERR Invalid number of arguments specified for command\r\n'],
    ['get', "-ERR wrong number of arguments for 'command|getkeys' command\r\n"],
  ];
  for (const [line, reply] of cases) t.equal(await client.line(`COMMAND GETKEYS ${line}`), reply, line);
});

t.test('categories follow from flags and group', async (t) => {
  const command: Command = {
    name: 'x',
    arity: 1,
    flags: [],
    group: 'server',
    summary: '',
    since: '1.0.0',
    complexity: '',
    order: 'immediate',
    begin: () => {},
  };
  t.same(categoriesOf(command), ['slow']);
  t.same(categoriesOf({ ...command, flags: ['fast', 'write'], group: 'string' }), [
    'write',
    'string',
    'fast',
  ]);
  t.same(categoriesOf({ ...command, flags: ['admin'] }), ['admin', 'slow', 'dangerous']);
  t.same(categoriesOf({ ...command, flags: ['readonly'], group: 'generic' }), ['keyspace', 'read', 'slow']);
  t.same(categoriesOf({ ...command, group: 'connection', subcommands: [command] }), ['slow']);
  t.equal(new Set(CATEGORIES).size, CATEGORIES.length);
});

/** Everything that the table says of a command, for what COMMAND and the README show of it. */
t.test('each entry of the table is complete', async (t) => {
  const seen = new Set<string>();
  const check = (command: Command, container = ''): void => {
    const name = `${container}${command.name}`;
    t.match(command.name, /^[a-z-]+$/, name);
    t.notOk(seen.has(name), `${name} is there once`);
    seen.add(name);
    t.match(command.summary, /^[A-Z].*\.$/, `the summary of ${name} is a sentence`);
    t.match(command.since, /^\d+\.\d+\.\d+$/, name);
    t.not(command.complexity, '', name);
    t.not(command.arity, 0, name);
    if (container !== '') t.ok(Math.abs(command.arity) >= 2, `${name} counts its container`);
    if (command.order === 'keys') t.ok(command.keys, `${name} has keys`);
    t.equal(
      hasKeyDoc(command.arguments),
      command.keys !== undefined,
      `the arguments of ${name} name its keys`,
    );
    for (const subcommand of command.subcommands ?? []) check(subcommand, `${command.name}|`);
  };
  for (const command of COMMANDS.commands) check(command);
});

function hasKeyDoc(args: readonly ArgumentDoc[] = []): boolean {
  return args.some((arg) => arg.type === 'key' || hasKeyDoc(arg.arguments));
}
