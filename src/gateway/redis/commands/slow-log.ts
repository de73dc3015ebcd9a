/** SLOWLOG: the last commands that took long. */
import type { ReplyWriter } from '../../../wire/resp/reply-writer.js';
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { integerAt } from '../arguments.js';
import { type Call, OK } from '../call.js';
import type { Command } from '../command.js';
import type { SlowEntry } from '../slow-log.js';
import { helpCommand } from './help.js';

const COUNT_DEFAULT = 10;
const ALL = -1;

export const SLOW_LOG_COMMANDS: readonly Command[] = [
  {
    name: 'slowlog',
    arity: -2,
    flags: [],
    group: 'server',
    summary: 'The last commands that took long on this node.',
    since: '2.2.12',
    complexity: 'depends on the subcommand',
    order: 'immediate',
    begin: () => {},
    subcommands: [
      subcommand({
        name: 'get',
        arity: -2,
        summary: 'The newest entries: id, time, microseconds, command, client, its name.',
        complexity: 'O(N) where N is the number of entries',
        arguments: [{ name: 'count', type: 'integer', optional: true }],
        begin: get,
      }),
      subcommand({
        name: 'len',
        arity: 2,
        summary: 'How many entries there are.',
        complexity: 'O(1)',
        begin: (call) => call.answer((reply) => reply.integer(call.host.slowLog.length)),
      }),
      subcommand({
        name: 'reset',
        arity: 2,
        summary: 'Forgets all entries.',
        complexity: 'O(N) where N is the number of entries',
        begin: (call) => {
          call.host.slowLog.clear();
          call.answer(OK);
        },
      }),
      helpCommand('slowlog', 'server', '6.2.0', [
        ['GET [<count>]', `The newest entries, ${COUNT_DEFAULT} unless told; -1: all.`],
        ['LEN', 'How many entries there are.'],
        ['RESET', 'Forgets all entries.'],
      ]),
    ],
  },
];

function subcommand(
  parts: Pick<Command, 'name' | 'arity' | 'summary' | 'complexity' | 'begin'> & Partial<Command>,
): Command {
  return {
    flags: ['admin', 'loading', 'stale'],
    group: 'server',
    since: '2.2.12',
    order: 'immediate',
    ...parts,
  };
}

function get(call: Call, args: RequestArguments): void {
  if (args.count > 3)
    return call.fail("ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.");
  const { slowLog } = call.host;
  const count = args.count === 3 ? integerAt(args, 2) : COUNT_DEFAULT;
  if (count === undefined || count < ALL) {
    return call.fail('ERR count should be greater than or equal to -1');
  }
  const entries = slowLog.latest(count === ALL ? slowLog.length : count);
  call.answer((reply) => {
    reply.array(entries.length);
    for (const entry of entries) replyEntry(reply, entry);
  });
}

function replyEntry(reply: ReplyWriter, entry: SlowEntry): void {
  const { id, wallMs, elapsedMs, command, key, address, clientName } = entry;
  const words = command.split('|');
  reply.array(6);
  reply.integer(id);
  reply.integer(Math.floor(wallMs / 1000));
  reply.integer(Math.round(elapsedMs * 1000));
  reply.array(words.length + (key === undefined ? 0 : 1));
  for (const word of words) reply.text(word);
  if (key !== undefined) reply.bulk(key, 0, key.length);
  reply.text(address);
  reply.text(clientName);
}
