/**
 * Everything in which a node may answer otherwise than Redis 7.0.15, and why. There are two lists: what is never sent to
 * both, since the answers have nothing in common; and pairs of replies that count as the same although their bytes differ.
 * Anything that is on neither list is a defect.
 */
import { EXPIRY_MS_MAX, KEY_BYTES_MAX } from '../../../src/base/limits.js';
import { type Reply, show } from '../resp-reply.js';

export interface NeverSent {
  readonly name: string;
  readonly reason: string;
  readonly matches: (words: readonly string[], raw: readonly Buffer[]) => boolean;
}

export interface Tolerance {
  readonly name: string;
  readonly reason: string;
  /** The commands it is about: their words, lower case, joined by a space, begin with this. */
  readonly commands: readonly string[];
  /** Whether the two replies say the same. */
  readonly isSame: (redis: Reply, quoral: Reply, words: readonly string[]) => boolean;
}

const TIME_TOLERANCE_MS = 5000;
const ABOUT_NOW_MS = 2n ** 41n;
const INTEGER_MAX = 2n ** 63n;
const SLEEP_SECONDS_MAX = 1;
const SOON_MS = 1_800_000;
const ONE_KEY = /^(get|set|strlen|getrange|substr|type|p?ttl|p?expiretime)$/;
const MANY_KEYS = /^(mget|del|unlink|exists|touch)$/;

export const NEVER_SENT: readonly NeverSent[] = [
  {
    name: 'keys of no bytes or of more than 8192',
    reason: 'A key has 1 to 8192 bytes here: a longer one is almost always a mistake.',
    matches: (words, raw) => keysOf(words, raw).some(({ length }) => length === 0 || length > KEY_BYTES_MAX),
  },
  {
    name: 'SET with NX, XX, GET or KEEPTTL',
    reason: 'There are no conditional writes; a node refuses them as a syntax error.',
    matches: ([name, ...words]) =>
      name === 'set' && words.slice(2).some((word) => /^(nx|xx|get|keepttl)$/.test(word)),
  },
  {
    name: 'SET with an expiry after the year 2109',
    reason: 'Expiries have 42 bits of milliseconds; Redis takes up to 63.',
    matches: ([name, ...words]) => name === 'set' && hasLateExpiry(words.slice(2)),
  },
  {
    name: 'SET with an expiry within minutes',
    reason: 'Whether such a key is gone is a matter of the moment at which each server looks.',
    matches: ([name, ...words]) => name === 'set' && hasSoonExpiry(words.slice(2)),
  },
  {
    name: 'CLIENT SETINFO and NO-TOUCH',
    reason: 'They came with Redis 7.2, and a node has them because clients of today send them.',
    matches: ([name, sub]) => name === 'client' && /^(setinfo|no-touch)$/.test(sub ?? ''),
  },
  {
    name: 'DEBUG SLEEP for more than a second',
    reason: 'A node refuses to sleep for more than a minute; Redis would sleep for hours, and answer nobody.',
    matches: ([name, sub, seconds = '']) =>
      name === 'debug' &&
      sub === 'sleep' &&
      (Number(seconds) > SLEEP_SECONDS_MAX || Number.parseFloat(seconds) > SLEEP_SECONDS_MAX),
  },
];

export const TOLERANCES: readonly Tolerance[] = [
  {
    name: 'times left',
    reason: 'The two servers take a command at different moments.',
    commands: ['ttl ', 'pttl ', 'expiretime ', 'pexpiretime '],
    isSame: (redis, quoral, [name]) => {
      const [a, b] = [positiveOf(redis), positiveOf(quoral)];
      const unitMs = name!.startsWith('p') ? 1 : 1000;
      return a !== undefined && b !== undefined && Math.abs(a - b) * unitMs <= TIME_TOLERANCE_MS;
    },
  },
  {
    name: 'order of keys',
    reason: 'Neither promises one.',
    commands: ['keys '],
    isSame: (redis, quoral) => isSameSet(itemsOf(redis), itemsOf(quoral)),
  },
  {
    name: 'pages of a scan',
    reason: 'Cursors and page sizes are each server’s own. Rounds compare what a whole scan brings.',
    commands: ['scan '],
    isSame: (redis, quoral) => {
      const [a, b] = [pageOf(redis), pageOf(quoral)];
      if (a === undefined || b === undefined) return false;
      return a.cursor !== '0' || b.cursor !== '0' || isSameSet(a.keys, b.keys);
    },
  },
  {
    name: 'which key RANDOMKEY names',
    reason: 'It is random.',
    commands: ['randomkey'],
    isSame: (redis, quoral) => redis.kind === 'bulk' && quoral.kind === 'bulk',
  },
  {
    name: 'DBSIZE',
    reason:
      'Redis counts keys that have expired until it comes across them; a node estimates while keys are written.',
    commands: ['dbsize'],
    isSame: (redis, quoral) => redis.kind === 'integer' && quoral.kind === 'integer',
  },
  {
    name: 'who answers HELLO',
    reason: 'A node says `quoral`, and each server numbers its own connections; everything else is the same.',
    commands: ['hello'],
    isSame: (redis, quoral) =>
      redis.kind === quoral.kind && show(withoutIdentity(redis)) === show(withoutIdentity(quoral)),
  },
  {
    name: 'numbers of connections',
    reason: 'Each server counts its own.',
    commands: ['client id'],
    isSame: (redis, quoral) => redis.kind === 'integer' && quoral.kind === 'integer',
  },
  {
    name: 'descriptions of connections',
    reason: 'Fields describe the server’s insides; both begin with the connection’s number.',
    commands: ['client list', 'client info'],
    isSame: (redis, quoral) => redis.kind === quoral.kind && [redis, quoral].every(isDescription),
  },
  {
    name: 'memory of a key',
    reason:
      'It is each server’s own; and Redis still counts a key that has expired, until it comes across it.',
    commands: ['memory usage '],
    isSame: (redis, quoral) => [redis, quoral].every(({ kind }) => kind === 'integer' || kind === 'null'),
  },
  {
    name: 'parameters that a pattern finds',
    reason: 'A node has a few of those of Redis. One that is asked for by its name has the same value.',
    commands: ['config get'],
    isSame: (redis, quoral, words) =>
      redis.kind === quoral.kind &&
      redis.kind !== 'error' &&
      words.slice(2).some((word) => /[*?[]/.test(word)),
  },
  {
    name: 'what a server says of itself',
    reason: 'Its sections, commands and measurements are its own; the type of the reply is the same.',
    commands: ['info', 'command', 'slowlog get', 'slowlog len', 'object help', 'time'],
    isSame: (redis, quoral, words) =>
      redis.kind === quoral.kind && redis.kind !== 'error' && words[1] !== 'getkeys',
  },
];

/** Whether this command is on the first list. */
export function isNeverSent(raw: readonly Buffer[]): boolean {
  const words = lowerCase(raw);
  return NEVER_SENT.some(({ matches }) => matches(words, raw));
}

/** The tolerance under which the two replies to a command say the same, if there is one. */
export function toleranceFor(raw: readonly Buffer[], redis: Reply, quoral: Reply): Tolerance | undefined {
  const words = lowerCase(raw);
  const line = `${words.join(' ')} `;
  return TOLERANCES.find(
    ({ commands, isSame }) =>
      commands.some((command) => line.startsWith(`${command.trim()} `)) && isSame(redis, quoral, words),
  );
}

function lowerCase(raw: readonly Buffer[]): string[] {
  return raw.map((word) => word.subarray(0, 200).toString('latin1').toLowerCase());
}

function keysOf([name]: readonly string[], raw: readonly Buffer[]): Buffer[] {
  const words = raw.slice(1);
  if (ONE_KEY.test(name!)) return words.slice(0, 1);
  if (MANY_KEYS.test(name!)) return words;
  if (name === 'mset') return words.filter((_, i) => i % 2 === 0);
  return name === 'object' || name === 'memory' ? words.slice(1, 2) : [];
}

/** Later than a node can store, and not so late that Redis refuses it too. */
function hasLateExpiry(options: readonly string[]): boolean {
  return options.some((option, i) => {
    const amount = options[i + 1] ?? '';
    if (!/^(ex|px)(at)?$/.test(option) || !/^\d{1,19}$/.test(amount)) return false;
    const ms = BigInt(amount) * (option.startsWith('ex') ? 1000n : 1n);
    const atMs = option.endsWith('at') ? ms : ms + ABOUT_NOW_MS;
    return atMs > BigInt(EXPIRY_MS_MAX) && atMs < INTEGER_MAX;
  });
}

function hasSoonExpiry(options: readonly string[]): boolean {
  return options.some((option, i) => {
    const amount = options[i + 1] ?? '';
    if (!/^(ex|px)$/.test(option) || !/^\d{1,15}$/.test(amount)) return false;
    const ms = Number(amount) * (option === 'ex' ? 1000 : 1);
    return ms > 0 && ms < SOON_MS;
  });
}

function positiveOf(reply: Reply): number | undefined {
  return reply.kind === 'integer' && Number(reply.text) > 0 ? Number(reply.text) : undefined;
}

function itemsOf(reply: Reply): readonly string[] | undefined {
  return reply.kind === 'array' ? reply.items.map(show) : undefined;
}

function isSameSet(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return [...a].sort().join() === [...b].sort().join();
}

function pageOf(reply: Reply): { cursor: string; keys: readonly string[] } | undefined {
  if (reply.kind !== 'array' || reply.items.length !== 2) return undefined;
  const [cursor, keys] = reply.items;
  if (cursor?.kind !== 'bulk' || !/^\d+$/.test(cursor.bytes.toString()) || keys?.kind !== 'array')
    return undefined;
  return { cursor: cursor.bytes.toString(), keys: keys.items.map(show) };
}

function withoutIdentity(reply: Reply): Reply {
  if (reply.kind !== 'map' && reply.kind !== 'array') return reply;
  const isOwn = (i: number) => i % 2 === 1 && /^"(server|id)"$/.test(show(reply.items[i - 1]!));
  const items = reply.items.map((item, i): Reply => (isOwn(i) ? { kind: 'null', text: '_' } : item));
  return { kind: reply.kind, items };
}

function isDescription(reply: Reply): boolean {
  if (reply.kind !== 'bulk' && reply.kind !== 'verbatim') return false;
  return /^(txt:)?(id=\d|$)/.test(reply.bytes.toString('latin1'));
}
