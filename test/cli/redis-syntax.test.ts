/** How commands of Redis are written, from their entries in the table. */
import t from 'tap';
import { hintOf, namesText, redisCommands } from '../../cli/redis/command-docs.js';
import { syntaxOf } from '../../cli/redis/syntax.js';
import type { ArgumentDoc, Command } from '../../src/gateway/redis/command.js';

/** A command of which only what matters here is told. */
function command(name: string, parts: Partial<Command> = {}): Command {
  return {
    name,
    arity: 1,
    flags: [],
    group: 'generic',
    summary: '',
    since: '1.0.0',
    complexity: '',
    order: 'immediate',
    begin: () => {},
    ...parts,
  };
}

const KEY: ArgumentDoc = { name: 'key', type: 'key' };
const N: ArgumentDoc = { name: 'n', type: 'integer' };
const ON: ArgumentDoc = { name: 'on', type: 'pure-token', token: 'ON' };
const OFF: ArgumentDoc = { name: 'off', type: 'pure-token', token: 'OFF' };
const CHOICE: ArgumentDoc = { name: 'choice', type: 'oneof', arguments: [ON, { ...N, token: 'AT' }] };
const PAIR: ArgumentDoc = { name: 'pair', type: 'block', arguments: [KEY, N] };

const SYNTAX: readonly [args: ArgumentDoc[], syntax: string][] = [
  [[], 'X'],
  [[KEY, N], 'X key n'],
  [[{ ...N, optional: true }], 'X [n]'],
  [[{ ...KEY, multiple: true }], 'X key [key …]'],
  [[{ ...KEY, multiple: true, optional: true }], 'X [key [key …]]'],
  [[{ ...N, token: 'COUNT', optional: true }], 'X [COUNT n]'],
  [[{ ...N, token: 'ID', multiple: true }], 'X ID n [n …]'],
  [[ON], 'X ON'],
  [[{ ...ON, optional: true }], 'X [ON]'],
  [[CHOICE], 'X <ON | AT n>'],
  [[{ ...CHOICE, optional: true }], 'X [ON | AT n]'],
  [[{ ...CHOICE, token: 'BY' }], 'X BY <ON | AT n>'],
  [[{ ...CHOICE, token: 'BY', optional: true }], 'X [BY <ON | AT n>]'],
  [[{ ...CHOICE, multiple: true }], 'X <ON | AT n> …'],
  [[{ ...CHOICE, multiple: true, optional: true }], 'X [<ON | AT n> …]'],
  [[{ name: 'c', type: 'oneof', arguments: [{ ...N, optional: true }, OFF] }], 'X <n | OFF>'],
  [[{ name: 'c', type: 'oneof', arguments: [CHOICE, OFF] }], 'X <<ON | AT n> | OFF>'],
  [[PAIR], 'X key n'],
  [[{ ...PAIR, multiple: true }], 'X key n [key n …]'],
  [[{ ...PAIR, token: 'AUTH', optional: true }], 'X [AUTH key n]'],
];

t.test('the syntax of a command, by its arguments', async (t) => {
  for (const [args, syntax] of SYNTAX) t.equal(syntaxOf(command('x', { arguments: args })), syntax);
  t.equal(syntaxOf(command('get', { arguments: [KEY] }), command('object')), 'OBJECT GET key');
});

t.test('without arguments in the table, their number is told', async (t) => {
  t.equal(syntaxOf(command('x', { arity: 1 })), 'X');
  t.equal(syntaxOf(command('x', { arity: 3 })), 'X arg arg');
  t.equal(syntaxOf(command('x', { arity: -2 })), 'X arg [arg …]');
  t.equal(syntaxOf(command('y', { arity: 3 }), command('x')), 'X Y arg');
  const subcommands = [command('a'), command('b')];
  t.equal(syntaxOf(command('x', { arity: -2, subcommands })), 'X <A | B>');
  t.equal(syntaxOf(command('x', { arity: -1, subcommands })), 'X [A | B]');
});

t.test('the table itself', async (t) => {
  const commands = await redisCommands();
  const cases: [words: string, syntax: RegExp | string][] = [
    ['get', 'GET key'],
    ['SET k v', /^SET key value \[EX seconds \| PX milliseconds \| /],
    ['mset', 'MSET key value [key value …]'],
    ['Scan', 'SCAN cursor [MATCH pattern] [COUNT count] [TYPE type]'],
    ['client', /^CLIENT <.*\bKILL\b/],
    ['client nothing', /^CLIENT </],
    ['CLIENT reply', 'CLIENT REPLY <ON | OFF | SKIP>'],
    ['hello', 'HELLO [protover [AUTH username password] [SETNAME clientname]]'],
  ];
  for (const [words, syntax] of cases) {
    const hint = hintOf(words.split(' '), commands);
    if (typeof syntax === 'string') t.equal(hint?.syntax, syntax);
    else t.match(hint?.syntax, syntax);
    t.match(hint?.summary, /\.$/);
  }
  t.equal(hintOf(['nothing'], commands), undefined);
  t.equal(hintOf([], commands), undefined);
});

t.test('every command has a syntax that is balanced, and begins with its name', async (t) => {
  const commands = await redisCommands();
  const all = commands.flatMap((container) => [
    syntaxOf(container),
    ...(container.subcommands ?? []).map((subcommand) => syntaxOf(subcommand, container)),
  ]);
  t.ok(all.length > commands.length);
  for (const syntax of all) {
    t.match(syntax, /^[A-Z-]+( |$)/);
    t.notMatch(syntax, /undefined|\[\]|<>| {2}/);
    for (const pair of ['[]', '<>']) {
      const [opened, closed] = [...pair].map((sign) => syntax.split(sign).length);
      t.equal(opened, closed, syntax);
    }
  }
});

t.test('the names in lines, of which none is too long', async (t) => {
  const commands = await redisCommands();
  const text = namesText(commands);
  t.same(text.trim().split(/\s+/), commands.map(({ name }) => name.toUpperCase()).sort());
  for (const line of text.split('\n')) t.match(line, /^ {2}\S.{0,76}$/);
  t.equal(namesText([]), '');
});
