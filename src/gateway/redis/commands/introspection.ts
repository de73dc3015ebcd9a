/**
 * COMMAND: which commands there are, for clients that ask before they send, and for hints while typing. The table is given
 * as a function, because these commands are part of it.
 */
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { CATEGORIES, type Category, categoriesOf } from '../acl-categories.js';
import { wordAt } from '../arguments.js';
import type { Call } from '../call.js';
import { type Command, type CommandFlag, fullName, keyPlaces, takesArguments } from '../command.js';
import { replyDocs, replyInfo } from '../command-replies.js';
import { SYNTAX_ERROR } from '../errors.js';
import { globMatches } from '../glob.js';
import { helpCommand } from './help.js';

const FLAGS: readonly CommandFlag[] = ['loading', 'stale'];
/** Where the command begins that COMMAND GETKEYS is asked about. */
const INNER = 2;

/** A command, and the container that it is in. */
interface Entry {
  readonly command: Command;
  readonly container?: Command;
  readonly name: string;
}

/** @param table all commands of the server, these included. */
export function introspectionCommands(table: () => readonly Command[]): readonly Command[] {
  return [
    {
      name: 'command',
      arity: -1,
      flags: FLAGS,
      group: 'server',
      summary: 'All commands, with where their keys are.',
      since: '2.8.13',
      complexity: 'O(N) where N is the number of commands',
      order: 'immediate',
      begin: (call) => replyAll(call, table()),
      subcommands: [
        subcommand({
          name: 'count',
          arity: 2,
          summary: 'How many commands there are.',
          since: '2.8.13',
          begin: (call) => call.answer((reply) => reply.integer(table().length)),
        }),
        subcommand({
          name: 'info',
          arity: -2,
          summary: 'Some commands, with where their keys are; all unless named.',
          since: '2.8.13',
          arguments: [{ name: 'command-name', type: 'string', optional: true, multiple: true }],
          begin: (call, args) => info(call, args, table()),
        }),
        subcommand({
          name: 'docs',
          arity: -2,
          summary: 'What some commands are for; all unless named.',
          since: '7.0.0',
          arguments: [{ name: 'command-name', type: 'string', optional: true, multiple: true }],
          begin: (call, args) => docs(call, args, table()),
        }),
        subcommand({
          name: 'list',
          arity: -2,
          summary: 'The names of all commands, or of those in a category or of a pattern.',
          since: '7.0.0',
          arguments: [
            {
              name: 'filterby',
              type: 'oneof',
              token: 'FILTERBY',
              optional: true,
              arguments: [
                { name: 'module-name', type: 'string', token: 'MODULE' },
                { name: 'category', type: 'string', token: 'ACLCAT' },
                { name: 'pattern', type: 'pattern', token: 'PATTERN' },
              ],
            },
          ],
          begin: (call, args) => list(call, args, table()),
        }),
        subcommand({
          name: 'getkeys',
          arity: -4,
          summary: 'Which arguments of a command are keys.',
          since: '2.8.13',
          arguments: [
            { name: 'command', type: 'string' },
            { name: 'arg', type: 'string', optional: true, multiple: true },
          ],
          begin: (call, args) => getKeys(call, args, table()),
        }),
        helpCommand('command', 'server', '5.0.0', [
          ['(no subcommand)', 'All commands.'],
          ['COUNT', 'How many there are.'],
          ['INFO [<name> ...]', 'Some commands: arity, flags, places of keys.'],
          ['DOCS [<name> ...]', 'Some commands: what they are for, and their arguments.'],
          ['LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]', 'Names of commands.'],
          ['GETKEYS <command> <arg> [<arg> ...]', 'The keys among the arguments of a command.'],
        ]),
      ],
    },
  ];
}

function subcommand(
  parts: Pick<Command, 'name' | 'arity' | 'summary' | 'since' | 'begin'> & Partial<Command>,
): Command {
  return {
    flags: FLAGS,
    group: 'server',
    complexity: 'O(N) where N is the number of commands',
    order: 'immediate',
    ...parts,
  };
}

function replyAll(call: Call, commands: readonly Command[]): void {
  call.answer((reply) => {
    reply.array(commands.length);
    for (const command of commands) replyInfo(reply, command);
  });
}

function info(call: Call, args: RequestArguments, commands: readonly Command[]): void {
  if (args.count === 2) return replyAll(call, commands);
  const entries = namedFrom(args, commands);
  call.answer((reply) => {
    reply.array(entries.length);
    for (const entry of entries) {
      if (entry === undefined) reply.nil();
      else replyInfo(reply, entry.command, entry.container);
    }
  });
}

function docs(call: Call, args: RequestArguments, commands: readonly Command[]): void {
  const named = args.count === 2 ? topLevel(commands) : namedFrom(args, commands);
  const entries = named.filter((entry) => entry !== undefined);
  call.answer((reply) => {
    reply.map(entries.length);
    for (const { command, name } of entries) {
      reply.text(name);
      replyDocs(reply, command);
    }
  });
}

function list(call: Call, args: RequestArguments, commands: readonly Command[]): void {
  const matches = args.count === 2 ? () => true : listFilter(args);
  if (matches === undefined) return call.fail(SYNTAX_ERROR);
  const names = allEntries(commands)
    .filter(matches)
    .map(({ name }) => name);
  call.answer((reply) => reply.value(names));
}

/** Undefined: not as it should be. */
function listFilter(args: RequestArguments): ((entry: Entry) => boolean) | undefined {
  if (args.count !== 5 || wordAt(args, 2) !== 'FILTERBY') return undefined;
  switch (wordAt(args, 3)) {
    case 'MODULE':
      return () => false;
    case 'ACLCAT': {
      const category = CATEGORIES.find((one) => one === args.text(4).toLowerCase());
      return ({ command }) => isIn(command, category);
    }
    case 'PATTERN': {
      const pattern = Buffer.from(args.text(4).toLowerCase(), 'latin1');
      return ({ name }) => globMatches(pattern, Buffer.from(name));
    }
    default:
      return undefined;
  }
}

function isIn(command: Command, category: Category | undefined): boolean {
  return category !== undefined && categoriesOf(command).includes(category);
}

function getKeys(call: Call, args: RequestArguments, commands: readonly Command[]): void {
  const command = innerCommand(args, commands);
  if (command === undefined) return call.fail('ERR Invalid command specified');
  if (command.keys === undefined) return call.fail('ERR The command has no key arguments');
  const count = args.count - INNER;
  if (!takesArguments(command, count)) {
    return call.fail('ERR Invalid number of arguments specified for command');
  }
  const keys = keyPlaces(command, count).map((place) => args.copy(INNER + place));
  call.answer((reply) => reply.value(keys));
}

function innerCommand(args: RequestArguments, commands: readonly Command[]): Command | undefined {
  const name = args.text(INNER).toLowerCase();
  const command = commands.find((one) => one.name === name);
  if (command?.subcommands === undefined) return command;
  const word = args.text(INNER + 1).toLowerCase();
  return command.subcommands.find((one) => one.name === word);
}

/** Those that the arguments name, also as `container|name`; undefined where there is none of that name. */
function namedFrom(args: RequestArguments, commands: readonly Command[]): (Entry | undefined)[] {
  const byName = new Map(allEntries(commands).map((entry) => [entry.name, entry]));
  const entries: (Entry | undefined)[] = [];
  for (let i = 2; i < args.count; i++) entries.push(byName.get(args.text(i).toLowerCase()));
  return entries;
}

function topLevel(commands: readonly Command[]): Entry[] {
  return commands.map((command) => ({ command, name: command.name }));
}

/** Each command, and its subcommands behind it. */
function allEntries(commands: readonly Command[]): Entry[] {
  return commands.flatMap((container) => [
    { command: container, name: container.name },
    ...(container.subcommands ?? []).map((command) => ({
      command,
      container,
      name: fullName(command, container),
    })),
  ]);
}
