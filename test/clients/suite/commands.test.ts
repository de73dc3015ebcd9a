/** COMMAND: what the server says of its own commands, which clients use to find keys and to help people type. */
import t, { type Test } from 'tap';
import { show } from '../resp-reply.js';
import {
  type Case,
  fieldsOf,
  itemsOf,
  onEachServer,
  openAs,
  PROTOCOLS,
  runCases,
  type Server,
  textOf,
} from './tables.js';

/** Name, arity, and where the keys are: first, last, step. */
const SHAPES = [
  'get 2 1 1 1',
  'set -3 1 1 1',
  'mget -2 1 -1 1',
  'mset -3 1 -1 2',
  'strlen 2 1 1 1',
  'getrange 4 1 1 1',
  'substr 4 1 1 1',
  'del -2 1 -1 1',
  'unlink -2 1 -1 1',
  'exists -2 1 -1 1',
  'touch -2 1 -1 1',
  'type 2 1 1 1',
  'ttl 2 1 1 1',
  'pttl 2 1 1 1',
  'expiretime 2 1 1 1',
  'pexpiretime 2 1 1 1',
  'object -2 0 0 0',
  'object|encoding 3 2 2 1',
  'scan -2 0 0 0',
  'keys 2 0 0 0',
  'randomkey 1 0 0 0',
  'ping -1 0 0 0',
  'echo 2 0 0 0',
  'hello -1 0 0 0',
  'auth -2 0 0 0',
  'select 2 0 0 0',
  'quit -1 0 0 0',
  'reset 1 0 0 0',
  'client -2 0 0 0',
  'client|id 2 0 0 0',
  'client|getname 2 0 0 0',
  'client|setname 3 0 0 0',
  'client|info 2 0 0 0',
  'client|list -2 0 0 0',
  'client|kill -3 0 0 0',
  'client|reply 3 0 0 0',
  'client|no-evict 3 0 0 0',
  'flushall -1 0 0 0',
  'flushdb -1 0 0 0',
  'info -1 0 0 0',
  'time 1 0 0 0',
  'dbsize 1 0 0 0',
  'debug -2 0 0 0',
  'shutdown -1 0 0 0',
  'memory -2 0 0 0',
  'memory|usage -3 2 2 1',
  'latency -2 0 0 0',
  'latency|history 3 0 0 0',
  'latency|reset -2 0 0 0',
  'latency|histogram -2 0 0 0',
  'slowlog -2 0 0 0',
  'slowlog|get -2 0 0 0',
  'config -2 0 0 0',
  'config|get -3 0 0 0',
  'config|set -4 0 0 0',
  'command -1 0 0 0',
  'command|docs -2 0 0 0',
  'command|getkeys -4 0 0 0',
  'cluster -2 0 0 0',
  'readonly 1 0 0 0',
  'asking 1 0 0 0',
];

const CASES: readonly Case[] = [
  {
    name: 'COMMAND GETKEYS',
    steps: [
      ['COMMAND GETKEYS GET a', '["a"]'],
      ['command getkeys set a v EX 10', '["a"]'],
      ['COMMAND GETKEYS MSET a 1 b 2 a 3', '["a", "b", "a"]'],
      ['COMMAND GETKEYS MGET a b c', '["a", "b", "c"]'],
      ['COMMAND GETKEYS DEL a b a', '["a", "b", "a"]'],
      [['COMMAND', 'GETKEYS', 'EXISTS', '', '\r\n'], '["", "\\r\\n"]'],
      ['COMMAND GETKEYS MEMORY USAGE a', '["a"]'],
      ['COMMAND GETKEYS OBJECT ENCODING a', '["a"]'],
      ['COMMAND GETKEYS PING x', '-ERR The command has no key arguments'],
      ['COMMAND GETKEYS SCAN 0', '-ERR The command has no key arguments'],
      ['COMMAND GETKEYS FOO a', '-ERR Invalid command specified'],
      ['COMMAND GETKEYS GET a b', '-ERR Invalid number of arguments specified for command'],
      ['COMMAND GETKEYS SET a', '-ERR Invalid number of arguments specified for command'],
      ['COMMAND GETKEYS GET', "-ERR wrong number of arguments for 'command|getkeys' command"],
      ['COMMAND GETKEYS', "-ERR wrong number of arguments for 'command|getkeys' command"],
    ],
  },
  {
    name: 'COMMAND INFO of some',
    steps: [
      [
        'COMMAND INFO get',
        /^\[\["get", :2, \[\+readonly, \+fast\], :1, :1, :1, \[\+@read, \+@string, \+@fast\], \[\], \[\[/,
        /^\[\["get", :2, ~\[\+readonly, \+fast\], :1, :1, :1, ~\[\+@read, \+@string, \+@fast\], ~\[\], ~\[\{/,
      ],
      ['COMMAND INFO nothing', '[$-1]', '[_]'],
      ['COMMAND INFO GET nothing get', /^\[\["get", .*\], (\$-1|_), \["get", .*\]\]$/],
      ['COMMAND INFO config|get', /^\[\["config\|get", :-3, /],
      ['COMMAND INFO config|nothing', '[$-1]', '[_]'],
    ],
  },
  {
    name: 'COMMAND DOCS of some',
    steps: [
      ['COMMAND DOCS nothing', '[]', '{}'],
      [
        'COMMAND DOCS GET nothing',
        /^\["get", \["summary", ".+", "since", "1\.0\.0", "group", "string", .*"arguments", \[\["name", "key", "type", "key", /,
        /^\{"get": \{"summary": ".+", "since": "1\.0\.0", "group": "string", .*"arguments": \[\{"name": "key", "type": "key", /,
      ],
      ['COMMAND DOCS config|get', /^[[{]"config\|get"(,|:) /],
    ],
  },
  {
    name: 'COMMAND LIST with filters',
    steps: [
      ['COMMAND LIST FILTERBY PATTERN substr', '["substr"]'],
      ['COMMAND LIST FILTERBY PATTERN nothing*', '[]'],
      ['command list filterby pattern config|RESET*', '["config|resetstat"]'],
      ['COMMAND LIST FILTERBY MODULE nothing', '[]'],
      ['COMMAND LIST FILTERBY ACLCAT nothing', '[]'],
      ['COMMAND LIST FILTERBY', '-ERR syntax error'],
      ['COMMAND LIST FILTERBY PATTERN', '-ERR syntax error'],
      ['COMMAND LIST FILTERBY FOO x', '-ERR syntax error'],
      ['COMMAND LIST PATTERN x', '-ERR syntax error'],
    ],
  },
  {
    name: 'the words of COMMAND',
    steps: [
      ['COMMAND COUNT', /^:\d+$/],
      ['COMMAND COUNT x', "-ERR wrong number of arguments for 'command|count' command"],
      ['COMMAND FOO', "-ERR unknown subcommand 'FOO'. Try COMMAND HELP."],
      ['COMMAND HELP', /^\[\+COMMAND <subcommand> /],
    ],
  },
];

t.test('COMMAND', (t) =>
  onEachServer(t, async (t, server) => {
    await runCases(t, server, CASES);
    await t.test('each command has the arity and the keys that clients know', (t) => shapes(t, server));
    await t.test('all lists are of the same commands', (t) => lists(t, server));
  }),
);

async function shapes(t: Test, server: Server): Promise<void> {
  for (const protocol of PROTOCOLS) {
    const client = await openAs(t, server.addresses[0]!, protocol);
    const names = SHAPES.map((shape) => shape.split(' ')[0]!);
    const infos = itemsOf(await client.command('COMMAND', 'INFO', ...names));
    const found = infos.map((info) => {
      const items = itemsOf(info);
      t.equal(items.length, 10, 'ten fields');
      return [0, 1, 3, 4, 5].map((i) => textOf(items[i]!)).join(' ');
    });
    t.same(found, SHAPES);
  }
}

async function lists(t: Test, server: Server): Promise<void> {
  for (const protocol of PROTOCOLS) {
    const client = await openAs(t, server.addresses.at(-1)!, protocol);
    const all = itemsOf(await client.command('COMMAND')).map((info) => textOf(itemsOf(info)[0]!));
    t.equal(new Set(all).size, all.length);
    t.equal(show(await client.command('COMMAND', 'COUNT')), `:${all.length}`);
    t.equal(itemsOf(await client.command('COMMAND', 'INFO')).length, all.length);
    t.same([...fieldsOf(await client.command('COMMAND', 'DOCS')).keys()].sort(), [...all].sort());
    const listed = itemsOf(await client.command('COMMAND', 'LIST')).map(textOf);
    t.same(listed.filter((name) => !name.includes('|')).sort(), [...all].sort());
    const strings = itemsOf(await client.command('COMMAND', 'LIST', 'FILTERBY', 'ACLCAT', 'string'));
    for (const name of ['get', 'set', 'mget', 'mset', 'strlen', 'getrange', 'substr'])
      t.ok(strings.map(textOf).includes(name), name);
  }
}
