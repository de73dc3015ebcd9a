/** Commands on keys whatever they hold: whether they are there, until when, how many, and deleting them. */
import { RECORD_FLAGS_OFFSET, valueOffset } from '../../../version/record.js';
import type { ReplyWriter } from '../../../wire/resp/reply-writer.js';
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { copiesAt, parseInteger, wordAt } from '../arguments.js';
import { type Call, OK, type Reply } from '../call.js';
import { type Command, type CommandFlag, keyPlaces } from '../command.js';
import { SYNTAX_ERROR } from '../errors.js';
import { allOf, expiryOf, isAbsent, KeyStore } from '../key-store.js';
import { helpCommand } from './help.js';
import { eachPage } from './scan.js';

const NO_KEY = -2;
const NO_EXPIRY = -1;

export const KEY_COMMANDS: readonly Command[] = [
  manyKeys('del', '1.0.0', ['write'], 'Deletes keys; counts those that were there.', (call, keys) =>
    del(call, keys),
  ),
  manyKeys('unlink', '4.0.0', ['write', 'fast'], 'Deletes keys, as DEL does.', (call, keys) =>
    del(call, keys),
  ),
  manyKeys('exists', '1.0.0', ['readonly', 'fast'], 'How many of the keys named are there.', (call, keys) =>
    countThere(call, keys),
  ),
  manyKeys(
    'touch',
    '3.2.1',
    ['readonly', 'fast'],
    'How many of the keys named are there; changes nothing.',
    (call, keys) => countThere(call, keys),
  ),
  oneKey(
    'type',
    '1.0.0',
    'The kind of value that a key holds: string, or none.',
    (reply, bytes, start, length) => reply.status(isAbsent(bytes, start, length) ? 'none' : 'string'),
  ),
  timeCommand('ttl', '1.0.0', 'Seconds until a key expires; −1: never, −2: there is none.', 1000, true),
  timeCommand('pttl', '2.6.0', 'Milliseconds until a key expires; −1: never, −2: there is none.', 1, true),
  timeCommand(
    'expiretime',
    '7.0.0',
    'When a key expires, in seconds since 1970; −1: never, −2: there is none.',
    1000,
    false,
  ),
  timeCommand(
    'pexpiretime',
    '7.0.0',
    'When a key expires, in ms since 1970; −1: never, −2: there is none.',
    1,
    false,
  ),
  {
    name: 'object',
    arity: -2,
    flags: ['readonly'],
    group: 'generic',
    summary: 'What a value looks like inside.',
    since: '2.2.3',
    complexity: 'depends on the subcommand',
    order: 'immediate',
    begin: () => {},
    subcommands: [
      {
        name: 'encoding',
        arity: 3,
        flags: ['readonly'],
        keys: { first: 2, last: 2, step: 1 },
        group: 'generic',
        summary: 'What Redis would store the value as: int, embstr or raw. Here all values are bytes.',
        since: '2.2.3',
        complexity: 'O(1)',
        arguments: [{ name: 'key', type: 'key' }],
        order: 'keys',
        begin: (call) => call.read(replyEncoding),
      },
      helpCommand('object', 'generic', '6.2.0', [
        ['ENCODING <key>', 'What Redis would store the value as: int, embstr or raw.'],
      ]),
    ],
  },
  flush('flushall', '1.0.0', 'Deletes all keys, one by one: those that are set meanwhile may stay.'),
  flush('flushdb', '1.0.0', 'As FLUSHALL: there is one database.'),
];

function manyKeys(
  name: string,
  since: string,
  flags: readonly CommandFlag[],
  summary: string,
  run: (call: Call, keys: readonly Uint8Array[]) => Promise<Reply>,
): Command {
  return {
    name,
    arity: -2,
    flags,
    keys: { first: 1, last: -1, step: 1 },
    group: 'generic',
    summary,
    since,
    complexity: 'O(N) where N is the number of keys',
    arguments: [{ name: 'key', type: 'key', multiple: true }],
    order: 'keys',
    begin: (call, args) => call.answerWith(run(call, copiesAt(args, keyPlaces(call.command!, args.count)))),
  };
}

function oneKey(
  name: string,
  since: string,
  summary: string,
  reply: (reply: ReplyWriter, bytes: Uint8Array, start: number, length: number) => void,
): Command {
  return {
    name,
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1, last: 1, step: 1 },
    group: 'generic',
    summary,
    since,
    complexity: 'O(1)',
    arguments: [{ name: 'key', type: 'key' }],
    order: 'keys',
    begin: (call) => call.read(reply),
  };
}

/** A command that tells when a key expires: in units of so many ms, from now on or since 1970. */
function timeCommand(name: string, since: string, summary: string, unitMs: number, isLeft: boolean): Command {
  const command = oneKey(name, since, summary, () => {});
  return {
    ...command,
    begin: (call) =>
      call.read((reply, bytes, start, length) => {
        if (isAbsent(bytes, start, length)) return reply.integer(NO_KEY);
        const expiryMs = expiryOf(bytes, start);
        if (expiryMs === 0) return reply.integer(NO_EXPIRY);
        const ms = isLeft ? Math.max(0, expiryMs - call.host.clock.wallMs()) : expiryMs;
        // Rounded to the nearest second, as in Redis.
        reply.integer(Math.floor((ms + unitMs / 2) / unitMs));
      }),
  };
}

/**
 * Each key is looked at, and deleted if it is there: so a key that is not leaves no tombstone, and the count is what was seen.
 */
async function del(call: Call, keys: readonly Uint8Array[]): Promise<Reply> {
  const store = new KeyStore(call);
  const wereThere = await allOf(distinct(keys), async (key) => {
    if ((await store.get(key)) === undefined) return false;
    await store.delete(key);
    return true;
  });
  const count = wereThere.filter(Boolean).length;
  return (reply) => reply.integer(count);
}

async function countThere(call: Call, keys: readonly Uint8Array[]): Promise<Reply> {
  const store = new KeyStore(call);
  const values = await allOf(keys, (key) => store.get(key));
  const count = values.filter((value) => value !== undefined).length;
  return (reply) => reply.integer(count);
}

function distinct(keys: readonly Uint8Array[]): Uint8Array[] {
  return [...new Map(keys.map((key) => [Buffer.from(key).toString('latin1'), key])).values()];
}

/** Up to so many bytes Redis keeps a value in one piece with its key's entry. */
const EMBEDDED_BYTES_MAX = 44;

function replyEncoding(reply: ReplyWriter, bytes: Uint8Array, start: number, length: number): void {
  if (isAbsent(bytes, start, length)) return reply.nil();
  const at = start + valueOffset(bytes[start + RECORD_FLAGS_OFFSET]!);
  const size = start + length - at;
  if (parseInteger(bytes, at, size) !== undefined) return reply.text('int');
  reply.text(size <= EMBEDDED_BYTES_MAX ? 'embstr' : 'raw');
}

function flush(name: string, since: string, summary: string): Command {
  return {
    name,
    arity: -1,
    flags: ['write'],
    group: 'server',
    summary,
    since,
    complexity: 'O(N) where N is the number of keys',
    arguments: [
      {
        name: 'flush-type',
        type: 'oneof',
        optional: true,
        arguments: [
          { name: 'async', type: 'pure-token', token: 'ASYNC' },
          { name: 'sync', type: 'pure-token', token: 'SYNC' },
        ],
      },
    ],
    order: 'alone',
    begin: (call, args) => {
      if (!isFlushType(args)) return call.fail(SYNTAX_ERROR);
      call.answerWith(flushAll(call));
    },
  };
}

function isFlushType(args: RequestArguments): boolean {
  return args.count === 1 || (args.count === 2 && ['ASYNC', 'SYNC'].includes(wordAt(args, 1)));
}

async function flushAll(call: Call): Promise<Reply> {
  const store = new KeyStore(call);
  for await (const keys of eachPage(call)) await allOf(keys, (key) => store.delete(key));
  return OK;
}
