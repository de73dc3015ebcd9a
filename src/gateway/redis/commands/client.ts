/** CLIENT: what a connection says of itself, who else is connected, and ending connections. */
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { integerAt, wordAt } from '../arguments.js';
import { type Call, OK } from '../call.js';
import {
  type ClientContext,
  type ClientType,
  clientLine,
  clientTypeOf,
  isChosen,
  type KillFilter,
} from '../client-list.js';
import { CLIENT_NAME_ERROR, fieldTextError, isFieldText } from '../client-text.js';
import { type ArgumentDoc, type Command, type CommandFlag, tokenDoc } from '../command.js';
import { SYNTAX_ERROR } from '../errors.js';
import type { RedisSession } from '../session.js';
import { helpCommand } from './help.js';

const PLAIN: readonly CommandFlag[] = ['noscript', 'loading', 'stale'];
const ADMIN: readonly CommandFlag[] = ['admin', ...PLAIN];
const CLIENT_TYPE: ArgumentDoc = {
  name: 'client-type',
  type: 'oneof',
  token: 'TYPE',
  optional: true,
  arguments: ['normal', 'master', 'replica', 'pubsub'].map(tokenDoc),
};
const ON_OFF: ArgumentDoc = { name: 'enabled', type: 'oneof', arguments: ['on', 'off'].map(tokenDoc) };

export const CLIENT_COMMANDS: readonly Command[] = [
  {
    name: 'client',
    arity: -2,
    flags: [],
    group: 'connection',
    summary: 'Connections: this one, and those of others.',
    since: '2.4.0',
    complexity: 'depends on the subcommand',
    order: 'immediate',
    begin: () => {},
    subcommands: [
      subcommand({
        name: 'id',
        arity: 2,
        summary: 'The number of this connection, which no other ever has on this node.',
        since: '5.0.0',
        begin: (call) => call.answer((reply) => reply.integer(call.session.id)),
      }),
      subcommand({
        name: 'getname',
        arity: 2,
        summary: 'What this connection calls itself.',
        since: '2.6.9',
        begin: (call) =>
          call.answer((reply) => (call.session.name === '' ? reply.nil() : reply.text(call.session.name))),
      }),
      subcommand({
        name: 'setname',
        arity: 3,
        summary: 'Gives this connection a name, for CLIENT LIST and the slow log.',
        since: '2.6.9',
        arguments: [{ name: 'connection-name', type: 'string' }],
        begin: setName,
      }),
      subcommand({
        name: 'setinfo',
        arity: 4,
        summary: 'Names the library that this connection is used with, and its version.',
        since: '7.2.0',
        arguments: [
          {
            name: 'attr',
            type: 'oneof',
            arguments: [
              { name: 'libname', type: 'string', token: 'LIB-NAME' },
              { name: 'libver', type: 'string', token: 'LIB-VER' },
            ],
          },
        ],
        begin: setInfo,
      }),
      subcommand({
        name: 'info',
        arity: 2,
        summary: 'This connection, as CLIENT LIST shows it.',
        since: '6.2.0',
        begin: (call) => {
          const line = clientLine(call.session, contextOf(call));
          call.answer((reply) => reply.verbatim(line));
        },
      }),
      subcommand({
        name: 'list',
        arity: -2,
        flags: ADMIN,
        summary: 'The Redis clients that are connected to this node, a line for each.',
        since: '2.4.0',
        complexity: 'O(N) where N is the number of connections',
        arguments: [
          CLIENT_TYPE,
          { name: 'client-id', type: 'integer', token: 'ID', optional: true, multiple: true },
        ],
        begin: list,
      }),
      subcommand({
        name: 'kill',
        arity: -3,
        flags: ADMIN,
        summary: 'Ends connections: the one from an address, or all that filters hold for.',
        since: '2.4.0',
        complexity: 'O(N) where N is the number of connections',
        arguments: [
          {
            name: 'filter',
            type: 'oneof',
            arguments: [
              { name: 'old-format', type: 'string' },
              {
                name: 'new-format',
                type: 'oneof',
                multiple: true,
                arguments: [
                  { name: 'client-id', type: 'integer', token: 'ID', optional: true },
                  CLIENT_TYPE,
                  { name: 'username', type: 'string', token: 'USER', optional: true },
                  { name: 'addr', type: 'string', token: 'ADDR', optional: true },
                  { name: 'laddr', type: 'string', token: 'LADDR', optional: true },
                  { name: 'skipme', type: 'string', token: 'SKIPME', optional: true },
                  { name: 'maxage', type: 'integer', token: 'MAXAGE', optional: true },
                ],
              },
            ],
          },
        ],
        begin: kill,
      }),
      subcommand({
        name: 'reply',
        arity: 3,
        summary: 'Whether the commands that follow are answered: all, none, or all but the next.',
        since: '3.2.0',
        arguments: [{ name: 'on-off-skip', type: 'oneof', arguments: ['on', 'off', 'skip'].map(tokenDoc) }],
        begin: replyMode,
      }),
      subcommand({
        name: 'no-evict',
        arity: 3,
        flags: ADMIN,
        summary: 'Kept for CLIENT LIST; no connection is ended to save memory.',
        since: '7.0.0',
        arguments: [ON_OFF],
        begin: (call, args) => onOff(call, args, (session, isOn) => (session.isNoEvict = isOn)),
      }),
      subcommand({
        name: 'no-touch',
        arity: 3,
        summary: 'Kept for CLIENT LIST; reading a key does not change it here.',
        since: '7.2.0',
        arguments: [ON_OFF],
        begin: (call, args) => onOff(call, args, (session, isOn) => (session.isNoTouch = isOn)),
      }),
      helpCommand('client', 'connection', '5.0.0', [
        ['ID', 'The number of this connection.'],
        ['GETNAME', 'What this connection calls itself.'],
        ['SETNAME <name>', 'Gives this connection a name.'],
        ['SETINFO (LIB-NAME|LIB-VER) <value>', 'Names the library in use.'],
        ['INFO', 'This connection, as in the list.'],
        ['LIST [TYPE <type>] [ID <id> [<id> ...]]', 'The connections of Redis clients to this node.'],
        ['KILL <address>', 'Ends the connection from an address.'],
        [
          'KILL <filter> <value> [<filter> <value> ...]',
          'Ends connections; filters: ID, TYPE, ADDR, LADDR, USER, MAXAGE, SKIPME (yes unless told).',
        ],
        ['REPLY (ON|OFF|SKIP)', 'Whether the commands that follow are answered.'],
        ['NO-EVICT (ON|OFF)', 'Only shown in the list.'],
        ['NO-TOUCH (ON|OFF)', 'Only shown in the list.'],
      ]),
    ],
  },
];

type SubcommandParts = Pick<Command, 'name' | 'arity' | 'summary' | 'since' | 'begin'> & Partial<Command>;

function subcommand(parts: SubcommandParts): Command {
  return { flags: PLAIN, group: 'connection', complexity: 'O(1)', order: 'immediate', ...parts };
}

function contextOf({ host }: Call): ClientContext {
  return { nowMs: host.clock.monotonicMs(), localAddress: host.address() };
}

function setName(call: Call, args: RequestArguments): void {
  const name = args.text(2);
  if (!isFieldText(name)) return call.fail(CLIENT_NAME_ERROR);
  call.session.name = name;
  call.answer(OK);
}

function setInfo(call: Call, args: RequestArguments): void {
  const option = wordAt(args, 2);
  if (option !== 'LIB-NAME' && option !== 'LIB-VER') {
    return call.fail(`ERR Unrecognized option '${args.text(2)}'`);
  }
  const value = args.text(3);
  if (!isFieldText(value)) return call.fail(fieldTextError(option.toLowerCase()));
  if (option === 'LIB-NAME') call.session.libraryName = value;
  else call.session.libraryVersion = value;
  call.answer(OK);
}

function list(call: Call, args: RequestArguments): void {
  const chosen = chosenForList(call, args);
  if (typeof chosen === 'string') return call.fail(chosen);
  const context = contextOf(call);
  const lines = chosen.map((session) => clientLine(session, context)).join('');
  call.answer((reply) => reply.verbatim(lines));
}

/** The clients that are to be listed, or the text of an error. */
function chosenForList({ host }: Call, args: RequestArguments): RedisSession[] | string {
  if (args.count === 2) return host.clients.all();
  const filter = wordAt(args, 2);
  if (filter === 'TYPE' && args.count === 4) {
    const type = clientTypeOf(args.text(3));
    if (type === undefined) return unknownType(args.text(3));
    return type === 'normal' ? host.clients.all() : [];
  }
  if (filter !== 'ID' || args.count === 3) return SYNTAX_ERROR;
  const chosen: RedisSession[] = [];
  for (let i = 3; i < args.count; i++) {
    const id = integerAt(args, i);
    if (id === undefined) return 'ERR Invalid client ID';
    const session = host.clients.find(id);
    if (session !== undefined) chosen.push(session);
  }
  return chosen;
}

function unknownType(word: string): string {
  return `ERR Unknown client type '${word}'`;
}

function kill(call: Call, args: RequestArguments): void {
  const isOldForm = args.count === 3;
  const filter = isOldForm ? { address: args.text(2), skipMe: false } : killFilter(args);
  if (typeof filter === 'string') return call.fail(filter);
  const { session: me, host } = call;
  const context = contextOf(call);
  const chosen = host.clients.all().filter((session) => isChosen(session, filter, me, context));
  if (isOldForm && chosen.length === 0) return call.fail('ERR No such client');
  for (const session of chosen) if (session !== me) session.kill();
  call.answer(isOldForm ? OK : (reply) => reply.integer(chosen.length));
  // The client that ends itself still gets its answer.
  if (chosen.includes(me)) me.closeAfterReplies();
}

/** The filters of the newer form, or the text of an error. */
function killFilter(args: RequestArguments): KillFilter | string {
  const filter: {
    id?: number;
    type?: ClientType;
    address?: string;
    localAddress?: string;
    ageMinSeconds?: number;
    skipMe: boolean;
  } = { skipMe: true };
  for (let i = 2; i < args.count; i += 2) {
    if (i + 1 === args.count) return SYNTAX_ERROR;
    const value = args.text(i + 1);
    switch (wordAt(args, i)) {
      case 'ID': {
        const id = integerAt(args, i + 1);
        if (id === undefined || id < 1) return 'ERR client-id should be greater than 0';
        filter.id = id;
        break;
      }
      case 'TYPE': {
        const type = clientTypeOf(value);
        if (type === undefined) return unknownType(value);
        filter.type = type;
        break;
      }
      case 'ADDR':
        filter.address = value;
        break;
      case 'LADDR':
        filter.localAddress = value;
        break;
      case 'USER':
        // All clients are this user, so it filters nothing.
        if (value !== 'default') return `ERR No such user '${value}'`;
        break;
      case 'MAXAGE': {
        const seconds = integerAt(args, i + 1);
        if (seconds === undefined || seconds < 1) return 'ERR maxage is not an integer or out of range';
        filter.ageMinSeconds = seconds;
        break;
      }
      case 'SKIPME': {
        const word = value.toLowerCase();
        if (word !== 'yes' && word !== 'no') return SYNTAX_ERROR;
        filter.skipMe = word === 'yes';
        break;
      }
      default:
        return SYNTAX_ERROR;
    }
  }
  return filter;
}

function replyMode(call: Call, args: RequestArguments): void {
  const { session } = call;
  const mode = wordAt(args, 2);
  if (mode !== 'ON' && mode !== 'OFF' && mode !== 'SKIP') return call.fail(SYNTAX_ERROR);
  // To skip the next reply changes nothing where none are sent.
  if (mode === 'ON') session.replyMode = 'on';
  else if (mode === 'OFF' || session.replyMode === 'off') session.replyMode = 'off';
  else session.replyMode = 'skip';
  call.isSilent = mode !== 'ON';
  call.answer(OK);
}

function onOff(
  call: Call,
  args: RequestArguments,
  set: (session: RedisSession, isOn: boolean) => void,
): void {
  const word = wordAt(args, 2);
  if (word !== 'ON' && word !== 'OFF') return call.fail(SYNTAX_ERROR);
  set(call.session, word === 'ON');
  call.answer(OK);
}
