/** Commands on the node: what it says of itself, the time, the number of keys, and its end. */
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { wordAt } from '../arguments.js';
import { type Call, OK, type Reply } from '../call.js';
import { type Command, tokenDoc } from '../command.js';
import { SYNTAX_ERROR } from '../errors.js';
import type { KeyCount } from '../host.js';
import { infoSections, infoText, needsKeyCount } from '../info.js';
import { LATENCY_COMMANDS } from './latency.js';
import { MEMORY_COMMANDS } from './memory.js';
import { SLOW_LOG_COMMANDS } from './slow-log.js';

const SLEEP_SECONDS_MAX = 60;

export const SERVER_COMMANDS: readonly Command[] = [
  {
    name: 'info',
    arity: -1,
    flags: ['loading', 'stale'],
    group: 'server',
    summary: 'What the node says of itself, in lines.',
    since: '1.0.0',
    complexity: 'O(1), but for the number of keys',
    arguments: [{ name: 'section', type: 'string', optional: true, multiple: true }],
    // Behind the commands before it: what they have written is counted.
    order: 'alone',
    begin: info,
  },
  {
    name: 'time',
    arity: 1,
    flags: ['loading', 'stale', 'fast'],
    group: 'server',
    summary: 'The wall clock of the node: seconds since 1970, and microseconds.',
    since: '2.6.0',
    complexity: 'O(1)',
    order: 'immediate',
    begin: time,
  },
  {
    name: 'dbsize',
    arity: 1,
    flags: ['readonly', 'fast'],
    group: 'server',
    summary: 'How many keys the cluster holds; an estimate while they change.',
    since: '1.0.0',
    complexity: 'O(1), or O(N) where keys have to be told apart',
    order: 'alone',
    begin: (call) => call.answerWith(databaseSize(call)),
  },
  {
    name: 'debug',
    arity: -2,
    flags: ['admin', 'noscript', 'loading', 'stale'],
    group: 'server',
    summary: 'SLEEP: answers after so many seconds, for tests of clients.',
    since: '1.0.0',
    complexity: 'O(1)',
    arguments: [{ name: 'seconds', type: 'string', token: 'SLEEP' }],
    order: 'alone',
    begin: debug,
  },
  {
    name: 'shutdown',
    arity: -1,
    flags: ['admin', 'noscript', 'loading', 'stale', 'allow_busy'],
    group: 'server',
    summary: 'Ends the node in good order.',
    since: '1.0.0',
    complexity: 'O(1)',
    arguments: [
      {
        name: 'save-selector',
        type: 'oneof',
        optional: true,
        arguments: [tokenDoc('nosave'), tokenDoc('save')],
      },
      { ...tokenDoc('now'), optional: true },
      { ...tokenDoc('force'), optional: true },
      { ...tokenDoc('abort'), optional: true },
    ],
    order: 'alone',
    begin: shutdown,
  },
  ...MEMORY_COMMANDS,
  ...LATENCY_COMMANDS,
  ...SLOW_LOG_COMMANDS,
];

function info(call: Call, args: RequestArguments): void {
  const names: string[] = [];
  for (let i = 1; i < args.count; i++) names.push(args.text(i));
  const sections = infoSections(names);
  const reply =
    (keyCount: KeyCount | undefined): Reply =>
    (writer) =>
      writer.verbatim(infoText(call.host, sections, keyCount));
  if (!needsKeyCount(sections)) return call.answer(reply(undefined));
  // When too few nodes answer to count the keys, the rest is all the more wanted.
  call.answerWith(call.host.countKeys().then(reply, () => reply(undefined)));
}

function time(call: Call): void {
  const us = Math.floor(call.host.clock.wallMs() * 1000);
  call.answer((reply) => {
    reply.array(2);
    reply.text(String(Math.floor(us / 1_000_000)));
    reply.text(String(us % 1_000_000));
  });
}

async function databaseSize(call: Call): Promise<Reply> {
  const { keys } = await call.host.countKeys();
  return (reply) => reply.integer(keys);
}

function debug(call: Call, args: RequestArguments): void {
  const word = wordAt(args, 1);
  if (word === 'SLEEP' && args.count === 3) return sleep(call, args.text(2));
  if (word === 'HELP' && args.count === 2) {
    return call.answer((reply) => {
      const lines = ['DEBUG SLEEP <seconds>', `    Answers after so long, at most ${SLEEP_SECONDS_MAX} s.`];
      reply.array(lines.length);
      for (const line of lines) reply.status(line);
    });
  }
  const problem = `unknown subcommand or wrong number of arguments for '${args.text(1)}'`;
  call.fail(`ERR ${problem}. Try DEBUG HELP.`);
}

/** Only this connection waits: the commands behind this one stay where they are. */
function sleep(call: Call, text: string): void {
  // As Redis reads it: as far as it is a number.
  const seconds = Math.max(0, Number.parseFloat(text) || 0);
  if (seconds > SLEEP_SECONDS_MAX) {
    return call.fail(`ERR a sleep is a number of seconds from 0 to ${SLEEP_SECONDS_MAX}`);
  }
  const { session, host } = call;
  const { onEnded } = session;
  const timer = host.clock.setTimer(seconds * 1000, () => {
    session.onEnded = onEnded;
    call.answer(OK);
  });
  // A connection that has ended must not be held by its timer.
  session.onEnded = () => {
    host.clock.clearTimer(timer);
    onEnded();
  };
}

/** There is no reply: the end of the connection is one. A stop cannot be taken back, so there is never one to abort. */
function shutdown(call: Call, args: RequestArguments): void {
  const words = new Set<string>();
  for (let i = 1; i < args.count; i++) words.add(wordAt(args, i));
  const isKnown = [...words].every((word) => ['NOSAVE', 'SAVE', 'NOW', 'FORCE', 'ABORT'].includes(word));
  const isBoth = words.has('SAVE') && words.has('NOSAVE');
  const isMixed = words.has('ABORT') && words.size > 1;
  if (!isKnown || isBoth || isMixed) return call.fail(SYNTAX_ERROR);
  if (words.has('ABORT')) return call.fail('ERR No shutdown in progress.');
  call.host.log.warn('a Redis client asks this node to stop', { from: call.session.connection.remote });
  call.host.requestStop();
}
