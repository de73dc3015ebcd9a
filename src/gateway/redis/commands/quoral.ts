/** QUORAL: what only this store has: quorums for a connection or a command, replicas of a key, the status of the node. */
import { KEY_BYTES_MAX, keyLengthError } from '../../../base/limits.js';
import { REPLICAS_MAX } from '../../../membership/cluster-config.js';
import type { ReplyValue } from '../../../wire/resp/reply-writer.js';
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { integerAt, wordAt } from '../arguments.js';
import { type Call, OK, type Reply } from '../call.js';
import type { ArgumentDoc, Command } from '../command.js';
import { SYNTAX_ERROR } from '../errors.js';
import { helpCommand } from './help.js';
import { EXPIRY, replyValue, set } from './strings.js';

const KEY: ArgumentDoc = { name: 'key', type: 'key' };
const QUORUM_ERROR = `ERR a quorum is a number of replicas from 1 to ${REPLICAS_MAX}, or 0 for the default of the cluster`;

export const QUORAL_COMMANDS: readonly Command[] = [
  {
    name: 'quoral',
    arity: -2,
    flags: ['readonly'],
    group: 'quoral',
    summary: 'What only Quoral has: quorums, replicas, status.',
    since: '1.0.0',
    complexity: 'depends on the subcommand',
    order: 'immediate',
    begin: () => {},
    subcommands: [
      subcommand({
        name: 'level',
        arity: -2,
        flags: ['fast'],
        summary:
          'How many replicas the reads and writes of this connection wait for; 0: the default. Without numbers: shows them.',
        arguments: [
          { name: 'r', type: 'integer', optional: true },
          { name: 'w', type: 'integer', optional: true },
        ],
        order: 'alone',
        begin: level,
      }),
      subcommand({
        name: 'get',
        arity: 5,
        flags: ['readonly', 'fast'],
        keys: { first: 2, last: 2, step: 1 },
        summary: 'As GET, waiting for so many replicas.',
        arguments: [KEY, { name: 'r', type: 'integer', token: 'R' }],
        order: 'keys',
        begin: getWith,
      }),
      subcommand({
        name: 'set',
        arity: -6,
        flags: ['write'],
        keys: { first: 2, last: 2, step: 1 },
        summary: 'As SET, waiting for so many replicas.',
        arguments: [
          KEY,
          { name: 'value', type: 'string' },
          EXPIRY,
          { name: 'w', type: 'integer', token: 'W' },
        ],
        order: 'keys',
        begin: setWith,
      }),
      subcommand({
        name: 'owners',
        arity: 3,
        flags: ['readonly'],
        keys: { first: 2, last: 2, step: 1 },
        summary: 'The replicas of a key: names, addresses, and whether they are live.',
        arguments: [KEY],
        order: 'immediate',
        begin: owners,
      }),
      subcommand({
        name: 'status',
        arity: 2,
        flags: ['readonly', 'loading', 'stale'],
        summary: 'What this node says of itself and of the others.',
        order: 'immediate',
        begin: (call) => call.answer((reply) => reply.value(call.host.status() as ReplyValue)),
      }),
      helpCommand('quoral', 'quoral', '1.0.0', [
        [
          'LEVEL [<r> <w>]',
          'Replicas that reads and writes of this connection wait for; 0: the default of the cluster.',
        ],
        ['GET <key> R <n>', 'As GET, waiting for n replicas.'],
        [
          'SET <key> <value> [EX seconds | PX ms | EXAT time | PXAT ms-time] W <n>',
          'As SET, waiting for n replicas.',
        ],
        ['OWNERS <key>', 'The replicas of a key.'],
        ['STATUS', 'What this node says of itself and of the others.'],
      ]),
    ],
  },
];

function subcommand(parts: Omit<Command, 'group' | 'since' | 'complexity'>): Command {
  return { group: 'quoral', since: '1.0.0', complexity: 'O(1)', ...parts };
}

function level(call: Call, args: RequestArguments): void {
  const { session } = call;
  if (args.count === 2) {
    return call.answer((reply) => {
      reply.array(2);
      reply.integer(session.r);
      reply.integer(session.w);
    });
  }
  if (args.count !== 4) return call.fail(SYNTAX_ERROR);
  const [r, w] = [quorumAt(args, 2), quorumAt(args, 3)];
  if (r === undefined || w === undefined) return call.fail(QUORUM_ERROR);
  session.r = r;
  session.w = w;
  call.answer(OK);
}

function getWith(call: Call, args: RequestArguments): void {
  if (wordAt(args, 3) !== 'R') return call.fail(SYNTAX_ERROR);
  const r = quorumAt(args, 4);
  if (r === undefined) return call.fail(QUORUM_ERROR);
  call.read(replyValue, r);
}

function setWith(call: Call, args: RequestArguments): void {
  if (wordAt(args, args.count - 2) !== 'W') return call.fail(SYNTAX_ERROR);
  const w = quorumAt(args, args.count - 1);
  if (w === undefined) return call.fail(QUORUM_ERROR);
  set(call, args, 2, args.count - 2, w);
}

function owners(call: Call, args: RequestArguments): void {
  const key = args.copy(2);
  if (key.length === 0 || key.length > KEY_BYTES_MAX)
    return call.fail(`ERR ${keyLengthError(key.length).message}`);
  const answer = async (): Promise<Reply> => {
    const body = await call.host.owners(key);
    return (reply) => reply.value(body as ReplyValue);
  };
  call.answerWith(answer());
}

function quorumAt(args: RequestArguments, i: number): number | undefined {
  const quorum = integerAt(args, i);
  return quorum !== undefined && quorum >= 0 && quorum <= REPLICAS_MAX ? quorum : undefined;
}
