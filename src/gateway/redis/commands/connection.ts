/** Commands on the connection itself: the version of the protocol, who the client is, and whether anybody is there. */
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { integerAt, shownAt, wordAt } from '../arguments.js';
import { type Call, OK } from '../call.js';
import { CLIENT_NAME_ERROR, isFieldText } from '../client-text.js';
import type { Command, CommandFlag } from '../command.js';
import { NOT_AN_INTEGER, SYNTAX_ERROR, wrongArguments } from '../errors.js';
import { REDIS_VERSION, SERVER_NAME } from '../redis-version.js';

const NO_PASSWORD =
  'ERR AUTH <password> called without any password configured for the default user. ' +
  'Are you sure your configuration is correct?';
const WRONG_PASSWORD = 'WRONGPASS invalid username-password pair or user is disabled.';
const NO_CLUSTER = 'ERR This instance has cluster support disabled';
/** The only user there is; any password will do. */
const DEFAULT_USER = 'default';
const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const QUICK: readonly CommandFlag[] = ['noscript', 'loading', 'stale', 'fast'];
const BEFORE_AUTH: readonly CommandFlag[] = [...QUICK, 'no_auth', 'allow_busy'];

export const CONNECTION_COMMANDS: readonly Command[] = [
  {
    name: 'ping',
    arity: -1,
    flags: ['fast'],
    group: 'connection',
    summary: 'Answers PONG, or the message that it was sent.',
    since: '1.0.0',
    complexity: 'O(1)',
    arguments: [{ name: 'message', type: 'string', optional: true }],
    order: 'immediate',
    begin: ping,
  },
  {
    name: 'echo',
    arity: 2,
    flags: ['loading', 'stale', 'fast'],
    group: 'connection',
    summary: 'Answers the message that it was sent.',
    since: '1.0.0',
    complexity: 'O(1)',
    arguments: [{ name: 'message', type: 'string' }],
    order: 'immediate',
    begin: (call, args) => echo(call, args, 1),
  },
  {
    name: 'hello',
    arity: -1,
    flags: BEFORE_AUTH,
    group: 'connection',
    summary: 'Chooses the version of the protocol; tells who the server is.',
    since: '6.0.0',
    complexity: 'O(1)',
    arguments: [
      {
        name: 'arguments',
        type: 'block',
        optional: true,
        arguments: [
          { name: 'protover', type: 'integer' },
          {
            name: 'auth',
            type: 'block',
            token: 'AUTH',
            optional: true,
            arguments: [
              { name: 'username', type: 'string' },
              { name: 'password', type: 'string' },
            ],
          },
          { name: 'clientname', type: 'string', token: 'SETNAME', optional: true },
        ],
      },
    ],
    order: 'alone',
    begin: hello,
  },
  {
    name: 'auth',
    arity: -2,
    flags: BEFORE_AUTH,
    group: 'connection',
    summary: 'Names the user: there is one, called default, who needs no password.',
    since: '1.0.0',
    complexity: 'O(1)',
    arguments: [
      { name: 'username', type: 'string', optional: true },
      { name: 'password', type: 'string' },
    ],
    order: 'immediate',
    begin: auth,
  },
  {
    name: 'select',
    arity: 2,
    flags: ['loading', 'stale', 'fast'],
    group: 'connection',
    summary: 'Chooses the database: there is one, with the number 0.',
    since: '1.0.0',
    complexity: 'O(1)',
    arguments: [{ name: 'index', type: 'integer' }],
    order: 'immediate',
    begin: select,
  },
  {
    name: 'quit',
    arity: -1,
    flags: BEFORE_AUTH,
    group: 'connection',
    summary: 'Ends the connection, after the replies that are still to come.',
    since: '1.0.0',
    complexity: 'O(1)',
    order: 'immediate',
    begin: (call) => {
      call.answer(OK);
      call.session.closeAfterReplies();
    },
  },
  {
    name: 'reset',
    arity: 1,
    flags: BEFORE_AUTH,
    group: 'connection',
    summary: 'Makes the connection as it was when it began.',
    since: '6.2.0',
    complexity: 'O(1)',
    order: 'alone',
    begin: (call) => {
      call.session.reset();
      call.isSilent = false;
      call.answer((reply) => reply.status('RESET'));
    },
  },
  replicaMode('readonly', 'Lets a connection read from replicas of a Redis cluster.'),
  replicaMode('readwrite', 'Takes READONLY back.'),
];

function replicaMode(name: string, summary: string): Command {
  return {
    name,
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    group: 'cluster',
    summary: `${summary} Refused: every node takes every command.`,
    since: '3.0.0',
    complexity: 'O(1)',
    order: 'immediate',
    begin: (call) => call.fail(NO_CLUSTER),
  };
}

function ping(call: Call, args: RequestArguments): void {
  if (args.count > 2) return call.fail(wrongArguments('ping'));
  if (args.count === 2) return echo(call, args, 1);
  call.answer((reply) => reply.status('PONG'));
}

function echo(call: Call, args: RequestArguments, i: number): void {
  call.answer((reply) => reply.bulk(args.bytes, args.start(i), args.length(i)));
}

/** As in Redis, a name holds also when a later option is wrong; the protocol does not. */
function hello(call: Call, args: RequestArguments): void {
  const { session } = call;
  let { protocol } = session;
  if (args.count > 1) {
    const version = integerAt(args, 1);
    if (version === undefined) return call.fail('ERR Protocol version is not an integer or out of range');
    if (version !== 2 && version !== 3) return call.fail('NOPROTO unsupported protocol version');
    protocol = version;
  }
  for (let i = 2; i < args.count; ) {
    const option = wordAt(args, i);
    if (option === 'AUTH' && i + 2 < args.count) {
      if (args.text(i + 1) !== DEFAULT_USER) return call.fail(WRONG_PASSWORD);
      i += 3;
    } else if (option === 'SETNAME' && i + 1 < args.count) {
      const name = args.text(i + 1);
      if (!isFieldText(name)) return call.fail(CLIENT_NAME_ERROR);
      session.name = name;
      i += 2;
    } else {
      return call.fail(`ERR Syntax error in HELLO option '${shownAt(args, i)}'`);
    }
  }
  session.protocol = protocol;
  call.answer((reply) =>
    reply.value({
      server: SERVER_NAME,
      version: REDIS_VERSION,
      proto: protocol,
      id: session.id,
      mode: 'standalone',
      role: 'master',
      modules: [],
    }),
  );
}

function auth(call: Call, args: RequestArguments): void {
  if (args.count > 3) return call.fail(SYNTAX_ERROR);
  if (args.count === 2) return call.fail(NO_PASSWORD);
  if (args.text(1) !== DEFAULT_USER) return call.fail(WRONG_PASSWORD);
  call.answer(OK);
}

function select(call: Call, args: RequestArguments): void {
  const index = integerAt(args, 1);
  if (index === undefined) return call.fail(NOT_AN_INTEGER);
  if (index < INT32_MIN || index > INT32_MAX) {
    return call.fail(`ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`);
  }
  if (index !== 0) return call.fail('ERR DB index is out of range');
  call.answer(OK);
}
