/** Commands on string values: GET and SET, which are the request path, and what reads parts of a value or many values. */
import { EXPIRY_MS_MAX } from '../../../base/limits.js';
import { RECORD_FLAGS_OFFSET, valueOffset } from '../../../version/record.js';
import type { ReplyWriter } from '../../../wire/resp/reply-writer.js';
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { copiesAt, integerAt, wordAt } from '../arguments.js';
import { type Call, OK, type Reply } from '../call.js';
import { type ArgumentDoc, type Command, keyPlaces } from '../command.js';
import { errorTextOf, NOT_AN_INTEGER, ReplyError, SYNTAX_ERROR, wrongArguments } from '../errors.js';
import { allOf, forEachKey, isAbsent, KeyStore } from '../key-store.js';

const KEY: ArgumentDoc = { name: 'key', type: 'key' };
export const EXPIRY: ArgumentDoc = {
  name: 'expiration',
  type: 'oneof',
  optional: true,
  arguments: [
    { name: 'seconds', type: 'integer', token: 'EX' },
    { name: 'milliseconds', type: 'integer', token: 'PX' },
    { name: 'unix-time-seconds', type: 'unix-time', token: 'EXAT' },
    { name: 'unix-time-milliseconds', type: 'unix-time', token: 'PXAT' },
  ],
};

/** Values of one MGET together: what is over that is asked for in several commands. */
const MGET_BYTES_MAX = 256 * 1024 * 1024;

export const STRING_COMMANDS: readonly Command[] = [
  {
    name: 'get',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1, last: 1, step: 1 },
    group: 'string',
    summary: 'The value of a key.',
    since: '1.0.0',
    complexity: 'O(1)',
    arguments: [KEY],
    order: 'keys',
    begin: (call) => call.read(replyValue),
  },
  {
    name: 'set',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: { first: 1, last: 1, step: 1 },
    group: 'string',
    summary: 'Sets a key to a value, which may expire.',
    since: '1.0.0',
    complexity: 'O(1)',
    arguments: [KEY, { name: 'value', type: 'string' }, EXPIRY],
    order: 'keys',
    begin: (call, args) => set(call, args, 1, args.count),
  },
  {
    name: 'mget',
    arity: -2,
    flags: ['readonly', 'fast'],
    keys: { first: 1, last: -1, step: 1 },
    group: 'string',
    summary: 'The values of several keys, each read by itself.',
    since: '1.0.0',
    complexity: 'O(N) where N is the number of keys',
    arguments: [{ ...KEY, multiple: true }],
    order: 'keys',
    begin: (call, args) => call.answerWith(mget(call, args)),
  },
  {
    name: 'mset',
    arity: -3,
    flags: ['write', 'denyoom'],
    keys: { first: 1, last: -1, step: 2 },
    group: 'string',
    summary: 'Sets several keys; each is set by itself, not all at once.',
    since: '1.0.1',
    complexity: 'O(N) where N is the number of keys',
    arguments: [
      { name: 'data', type: 'block', multiple: true, arguments: [KEY, { name: 'value', type: 'string' }] },
    ],
    order: 'alone',
    begin: (call, args) => {
      if (args.count % 2 === 0) return call.fail(wrongArguments('mset'));
      call.answerWith(mset(call, args));
    },
  },
  {
    name: 'strlen',
    arity: 2,
    flags: ['readonly', 'fast'],
    keys: { first: 1, last: 1, step: 1 },
    group: 'string',
    summary: 'The length of a value in bytes; 0 when the key is absent.',
    since: '2.2.0',
    complexity: 'O(1)',
    arguments: [KEY],
    order: 'keys',
    begin: (call) => call.read(replyLength),
  },
  rangeCommand(
    'getrange',
    '2.4.0',
    'Part of a value, by its first and last byte; negative ones count from the end.',
  ),
  rangeCommand('substr', '1.0.0', 'The older name of GETRANGE.'),
];

/** The value of a record, or nil. */
export function replyValue(reply: ReplyWriter, bytes: Uint8Array, start: number, length: number): void {
  if (isAbsent(bytes, start, length)) return reply.nil();
  const before = valueOffset(bytes[start + RECORD_FLAGS_OFFSET]!);
  reply.bulk(bytes, start + before, length - before);
}

/** SET from its key at `keyPlace` on, up to `end`. */
export function set(call: Call, args: RequestArguments, keyPlace: number, end: number, w?: number): void {
  const value = keyPlace + 1;
  let expiryMs = 0;
  if (end > value + 1) {
    const expiry = expiryFrom(call, args, value + 1, end);
    if (typeof expiry === 'string') return call.fail(expiry);
    expiryMs = expiry;
  }
  if (expiryMs > 0 && expiryMs <= call.host.clock.wallMs()) return call.remove(w);
  call.write(args.bytes, args.start(value), args.length(value), expiryMs, w);
}

/**
 * The moment that the options of a SET name, in milliseconds since 1970 (0: none), or the text of an error. As in Redis, an
 * option that is given twice counts as the last one says, and two different ones exclude each other.
 */
function expiryFrom(call: Call, args: RequestArguments, from: number, end: number): number | string {
  const word = wordAt(args, from);
  const unit = EXPIRY_UNITS.get(word);
  if (unit === undefined || (end - from) % 2 !== 0) return SYNTAX_ERROR;
  for (let i = from + 2; i < end; i += 2) if (wordAt(args, i) !== word) return SYNTAX_ERROR;
  const number = integerAt(args, end - 1);
  if (number === undefined) return NOT_AN_INTEGER;
  const base = unit.isMoment ? 0 : call.host.clock.wallMs();
  const expiryMs = base + number * unit.ms;
  const isValid = number > 0 && expiryMs <= EXPIRY_MS_MAX;
  return isValid ? expiryMs : `ERR invalid expire time in '${call.command?.name ?? 'set'}' command`;
}

const EXPIRY_UNITS: ReadonlyMap<string, { readonly ms: number; readonly isMoment: boolean }> = new Map([
  ['EX', { ms: 1000, isMoment: false }],
  ['PX', { ms: 1, isMoment: false }],
  ['EXAT', { ms: 1000, isMoment: true }],
  ['PXAT', { ms: 1, isMoment: true }],
]);

async function mget(call: Call, args: RequestArguments): Promise<Reply> {
  const keys = copiesAt(args, keyPlaces(call.command!, args.count));
  const store = new KeyStore(call);
  let bytes = 0;
  const values = await allOf(keys, async (key) => {
    const stored = await store.get(key);
    bytes += stored?.value.length ?? 0;
    if (bytes > MGET_BYTES_MAX)
      throw new ReplyError(`ERR the values exceed ${MGET_BYTES_MAX} bytes; ask for fewer keys`);
    return stored;
  });
  return (reply) => {
    reply.array(values.length);
    for (const stored of values) {
      if (stored === undefined) reply.nil();
      else reply.bulk(stored.value, 0, stored.value.length);
    }
  };
}

async function mset(call: Call, args: RequestArguments): Promise<Reply> {
  // A key that is named twice takes its last value; the writes run beside each other.
  const values = new Map<string, [key: Uint8Array, value: Uint8Array]>();
  for (let i = 1; i < args.count; i += 2) values.set(args.text(i), [args.copy(i), args.copy(i + 1)]);
  const store = new KeyStore(call);
  const results = await forEachKey([...values.values()], ([key, value]) => store.set(key, value, 0));
  const failed = results.filter((result) => result.status === 'rejected');
  if (failed.length === 0) return OK;
  const first = errorTextOf(failed[0]!.reason, call.host.log);
  throw new ReplyError(
    results.length === 1 ? first : `${first} (${failed.length} of ${results.length} keys failed)`,
  );
}

function replyLength(reply: ReplyWriter, bytes: Uint8Array, start: number, length: number): void {
  if (isAbsent(bytes, start, length)) return reply.integer(0);
  reply.integer(length - valueOffset(bytes[start + RECORD_FLAGS_OFFSET]!));
}

function rangeCommand(name: string, since: string, summary: string): Command {
  return {
    name,
    arity: 4,
    flags: ['readonly'],
    keys: { first: 1, last: 1, step: 1 },
    group: 'string',
    summary,
    since,
    complexity: 'O(N) where N is the length of the part',
    arguments: [KEY, { name: 'start', type: 'integer' }, { name: 'end', type: 'integer' }],
    order: 'keys',
    begin: getRange,
  };
}

function getRange(call: Call, args: RequestArguments): void {
  const first = integerAt(args, 2);
  const last = integerAt(args, 3);
  if (first === undefined || last === undefined) return call.fail(NOT_AN_INTEGER);
  call.read((reply, bytes, start, length) => {
    if (isAbsent(bytes, start, length)) return reply.bulk(bytes, start, 0);
    const at = start + valueOffset(bytes[start + RECORD_FLAGS_OFFSET]!);
    const [from, to] = rangeWithin(first, last, start + length - at);
    reply.bulk(bytes, at + from, to - from);
  });
}

/** The part from byte `first` to byte `last` of so many bytes, as [from, to). Negative ones count from the end. */
export function rangeWithin(first: number, last: number, length: number): [from: number, to: number] {
  if (first < 0 && last < 0 && first > last) return [0, 0];
  const from = Math.max(0, first < 0 ? length + first : first);
  const to = Math.min(length - 1, Math.max(0, last < 0 ? length + last : last));
  return from > to || length === 0 ? [0, 0] : [from, to + 1];
}
