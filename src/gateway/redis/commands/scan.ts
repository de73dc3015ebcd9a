/**
 * Commands that go through the keys of the whole cluster: SCAN, KEYS and RANDOMKEY.
 *
 * SCAN gives whole slots: a key that was there throughout is in one page, and in no other, whatever is added and deleted
 * meanwhile. A slot that holds very many keys is cut by their hashes, which costs reading it again for each part.
 */
import { SLOT_COUNT } from '../../../ring/slot.js';
import { SLOT_BYTES, slotOfEngineKey } from '../../../storage/keyspace.js';
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import { integerAt, wordAt } from '../arguments.js';
import type { Call, Reply } from '../call.js';
import type { Command } from '../command.js';
import { NOT_AN_INTEGER, ReplyError, SYNTAX_ERROR } from '../errors.js';
import { globMatches } from '../glob.js';
import { isPastEnd, keyPosition, parseCursor, slotAt, slotPosition } from '../scan-position.js';

const COUNT_DEFAULT = 10;
/** Keys of one slot that are given together; a slot that has more is cut. */
const PART_KEYS_MIN = 1000;
/** Keys asked for at a time. */
const PAGE_KEYS_MIN = 64;
const PAGE_KEYS_MAX = 10_000;
/** Keys of one KEYS together, in bytes. */
const KEYS_BYTES_MAX = 64 * 1024 * 1024;

const NO_PREFIX = new Uint8Array(0);

export const SCAN_COMMANDS: readonly Command[] = [
  {
    name: 'scan',
    arity: -2,
    flags: ['readonly'],
    group: 'generic',
    summary: 'Some of the keys of the cluster, and where to go on.',
    since: '2.8.0',
    complexity: 'O(1) for each call, O(N) for all keys',
    arguments: [
      { name: 'cursor', type: 'integer' },
      { name: 'pattern', type: 'pattern', token: 'MATCH', optional: true },
      { name: 'count', type: 'integer', token: 'COUNT', optional: true },
      { name: 'type', type: 'string', token: 'TYPE', optional: true },
    ],
    order: 'alone',
    begin: beginScan,
  },
  {
    name: 'keys',
    arity: 2,
    flags: ['readonly'],
    group: 'generic',
    summary: 'All keys of the cluster that match a pattern. Prefer SCAN.',
    since: '1.0.0',
    complexity: 'O(N) where N is the number of keys',
    arguments: [{ name: 'pattern', type: 'pattern' }],
    order: 'alone',
    begin: (call, args) => call.answerWith(keys(call, args.copy(1))),
  },
  {
    name: 'randomkey',
    arity: 1,
    flags: ['readonly'],
    group: 'generic',
    summary: 'Some key of the cluster.',
    since: '1.0.0',
    complexity: 'O(1)',
    order: 'alone',
    begin: (call) => call.answerWith(randomKey(call)),
  },
];

interface ScanRequest {
  /** Position to go on from. */
  readonly from: number;
  readonly count: number;
  readonly pattern: Uint8Array | undefined;
  /** False: no key has the type that is asked for. */
  readonly isTypeKnown: boolean;
}

function beginScan(call: Call, args: RequestArguments): void {
  const request = parseScan(args);
  if (typeof request === 'string') return call.fail(request);
  call.answerWith(scan(call, request));
}

/** The request, or the text of an error. */
function parseScan(args: RequestArguments): ScanRequest | string {
  const from = parseCursor(args.text(1));
  if (from === undefined) return 'ERR invalid cursor';
  let count = COUNT_DEFAULT;
  let pattern: Uint8Array | undefined;
  let isTypeKnown = true;
  for (let i = 2; i < args.count; i += 2) {
    const word = wordAt(args, i);
    if (i + 1 === args.count) return SYNTAX_ERROR;
    if (word === 'COUNT') {
      const asked = integerAt(args, i + 1);
      if (asked === undefined) return NOT_AN_INTEGER;
      if (asked < 1) return SYNTAX_ERROR;
      count = Math.min(asked, PAGE_KEYS_MAX);
    } else if (word === 'MATCH') pattern = args.copy(i + 1);
    else if (word === 'TYPE') isTypeKnown = wordAt(args, i + 1) === 'STRING';
    else return SYNTAX_ERROR;
  }
  return { from, count, pattern, isTypeKnown };
}

async function scan(call: Call, request: ScanRequest): Promise<Reply> {
  const { from, count, pattern, isTypeKnown } = request;
  const part = isPastEnd(from) ? { keys: [], next: 0 } : await readPart(call, from, count, prefixOf(pattern));
  const keys = part.keys.filter((key) => isTypeKnown && (pattern === undefined || globMatches(pattern, key)));
  return (reply) => {
    reply.array(2);
    reply.text(String(part.next));
    replyKeys(keys)(reply);
  };
}

interface Part {
  readonly keys: readonly Uint8Array[];
  /** Position of the next part; 0 after the last. */
  readonly next: number;
}

interface Found {
  readonly key: Uint8Array;
  readonly position: number;
}

/** Whole slots from a position on until there are `count` keys; the last one may be cut. */
async function readPart(call: Call, from: number, count: number, prefix: Uint8Array): Promise<Part> {
  const { host } = call;
  const limit = Math.min(Math.max(count, PAGE_KEYS_MIN), PAGE_KEYS_MAX);
  const found: Found[] = [];
  let cursor: Uint8Array | undefined = slotCursor(slotAt(from));
  let next = 0;
  for (;;) {
    const page = await host.scan({ cursor, prefix, limit, values: false, r: call.session.r });
    for (const { key } of page.entries) {
      host.hasher.hash(key);
      const position = keyPosition(host.hasher.hi, host.hasher.lo);
      if (position >= from) found.push({ key, position });
    }
    cursor = page.cursor;
    next = cursor === undefined ? 0 : slotPosition(slotOfEngineKey(cursor));
    if (cursor === undefined) break;
    // Of the slot in which the page ends nothing is given: it comes as a whole.
    const whole = found.filter(({ position }) => position < next);
    if (whole.length >= count || (whole.length > 0 && whole.length < found.length)) {
      return cutPart(whole, next, count);
    }
  }
  return cutPart(found, next, count);
}

/** Keeps so many keys that no call returns far more than it was asked for; the rest is for the next one. */
function cutPart(found: Found[], next: number, count: number): Part {
  const most = Math.max(count, PART_KEYS_MIN);
  if (found.length <= most) return { keys: found.map(({ key }) => key), next };
  found.sort((a, b) => a.position - b.position);
  // Keys at one position stay together.
  let kept = most;
  while (kept < found.length && found[kept]!.position === found[kept - 1]!.position) kept++;
  const rest = found[kept];
  return {
    keys: found.slice(0, kept).map(({ key }) => key),
    next: rest === undefined ? next : rest.position,
  };
}

function slotCursor(slot: number): Uint8Array {
  const cursor = new Uint8Array(SLOT_BYTES);
  cursor[0] = slot >>> 8;
  cursor[1] = slot;
  return cursor;
}

async function keys(call: Call, pattern: Uint8Array): Promise<Reply> {
  const matching: Uint8Array[] = [];
  let bytes = 0;
  for await (const page of eachPage(call, prefixOf(pattern))) {
    for (const key of page) {
      if (!globMatches(pattern, key)) continue;
      matching.push(key);
      bytes += key.length;
      if (bytes > KEYS_BYTES_MAX) throw new ReplyError('ERR too many keys for one reply; use SCAN');
    }
  }
  return replyKeys(matching);
}

/** All keys of the cluster, a page at a time. */
export async function* eachPage(call: Call, prefix: Uint8Array = NO_PREFIX): AsyncGenerator<Uint8Array[]> {
  let cursor: Uint8Array | undefined;
  do {
    const page = await call.host.scan({ cursor, prefix, limit: 1000, values: false, r: call.session.r });
    yield page.entries.map(({ key }) => key);
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** A key from the first part that has any, from a random slot on. */
async function randomKey(call: Call): Promise<Reply> {
  const { random } = call.host;
  const start = slotPosition(random.u32() % SLOT_COUNT);
  let part = await readPart(call, start, 1, NO_PREFIX);
  if (part.keys.length === 0) part = await readPart(call, 0, 1, NO_PREFIX);
  const key = part.keys[random.u32() % Math.max(1, part.keys.length)];
  return (reply) => (key === undefined ? reply.nil() : reply.bulk(key, 0, key.length));
}

function replyKeys(found: readonly Uint8Array[]): Reply {
  return (reply) => {
    reply.array(found.length);
    for (const key of found) reply.bulk(key, 0, key.length);
  };
}

/** What every key that matches a pattern begins with. */
export function prefixOf(pattern: Uint8Array | undefined): Uint8Array {
  if (pattern === undefined) return NO_PREFIX;
  const end = pattern.findIndex((byte) => SPECIAL.has(byte));
  return end < 0 ? pattern : pattern.subarray(0, end);
}

/** `*`, `?`, `[` and `\`. */
const SPECIAL: ReadonlySet<number> = new Set([0x2a, 0x3f, 0x5b, 0x5c]);
