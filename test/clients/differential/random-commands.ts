/**
 * Random commands of those that nodes offer: mostly as a client would send them, often enough with words that are wrong,
 * too many or too few. What a node is meant to answer otherwise than Redis is never drawn; see `intended-differences.ts`.
 */
import type { Random } from '../../../src/ports/random.js';
import { isNeverSent } from './intended-differences.js';
import {
  anyCase,
  NO_INTEGERS,
  oneIn,
  pick,
  randomBytes,
  randomIndex,
  randomKey,
  randomPattern,
  randomValue,
} from './random-words.js';

type Words = readonly (string | Buffer)[];
type Draw = (random: Random) => Words;

/** Far enough away that no key expires between the answers of two servers. */
const SOON_S = 1000;
const FAR_S = 4_000_000_000;
const NAMES_UNKNOWN: readonly (string | Buffer)[] = [
  'FOO',
  'GETT',
  'GE',
  '',
  ' ',
  'get ',
  ' get',
  'config|get',
  'client|id',
  '%s%n%d',
  "it's",
  '"',
  '\\',
  'a\r\nb',
  '-ERR',
  '$-1',
  'ключ',
  'x'.repeat(127),
  'x'.repeat(128),
  'x'.repeat(129),
  'y'.repeat(5000),
  Buffer.from([0xff, 0xfe, 0x80]),
  Buffer.from([0x07, 0x1b, 0x5b]),
];
const OPTION_WORDS = ['EX', 'PX', 'EXAT', 'PXAT', 'FOO', '', '0', '1', 'ex', 'MATCH', 'COUNT', 'ASYNC'];

const INTEGER_MAX = '9223372036854775807';
/** Integers of 64 bits, but no times of 64 bits. */
const OVERFLOWS: readonly Words[] = [
  ['EX', INTEGER_MAX],
  ['PX', INTEGER_MAX],
  ['EXAT', INTEGER_MAX],
  ['EX', '9223372036854776'],
  ['EXAT', '9223372036854776'],
];

/** How often each is drawn, relative to the others. */
const DRAWS: readonly (readonly [weight: number, draw: Draw])[] = [
  [12, (r) => ['SET', randomKey(r), randomValue(r), ...expiry(r)]],
  [8, (r) => ['GET', randomKey(r)]],
  [5, (r) => ['MSET', ...several(r, () => [randomKey(r), randomValue(r)])]],
  [5, (r) => ['MGET', ...several(r, () => [randomKey(r)])]],
  [5, (r) => [pick(r, ['DEL', 'UNLINK']), ...several(r, () => [randomKey(r)])]],
  [4, (r) => [pick(r, ['EXISTS', 'TOUCH']), ...several(r, () => [randomKey(r)])]],
  [3, (r) => ['STRLEN', randomKey(r)]],
  [4, (r) => [pick(r, ['GETRANGE', 'SUBSTR']), randomKey(r), randomIndex(r), randomIndex(r)]],
  [3, (r) => ['TYPE', randomKey(r)]],
  [5, (r) => [pick(r, ['TTL', 'PTTL', 'EXPIRETIME', 'PEXPIRETIME']), randomKey(r)]],
  [3, (r) => ['KEYS', randomPattern(r)]],
  [4, (r) => ['SCAN', cursor(r), ...scanOptions(r)]],
  [1, () => ['DBSIZE']],
  [1, () => ['RANDOMKEY']],
  [3, (r) => ['PING', ...(oneIn(r, 2) ? [randomValue(r)] : [])]],
  [2, (r) => ['ECHO', randomValue(r)]],
  [2, (r) => ['OBJECT', 'ENCODING', randomKey(r)]],
  [2, (r) => ['HELLO', ...hello(r)]],
  [2, (r) => ['CLIENT', ...client(r)]],
  [2, (r) => pick(r, ADMINISTRATION)],
  [1, (r) => ['COMMAND', ...command(r)]],
  [1, (r) => ['SELECT', oneIn(r, 3) ? pick(r, ['1', '-1', ...NO_INTEGERS]) : '0']],
  [1, (r) => ['AUTH', ...several(r, () => [pick(r, ['default', 'x', ''])])]],
  [4, (r) => [pick(r, NAMES_UNKNOWN), ...(oneIn(r, 2) ? several(r, () => [randomValue(r)]) : [])]],
];
const WEIGHTS = DRAWS.reduce((sum, [weight]) => sum + weight, 0);

/** Commands of operators, in the forms whose replies have something to compare. */
const ADMINISTRATION: readonly Words[] = [
  ['INFO'],
  ['INFO', 'server'],
  ['INFO', 'nothing'],
  ['CONFIG', 'GET', 'maxmemory'],
  ['CONFIG', 'GET', 'nothing-*'],
  ['CONFIG', 'SET', 'nothing', '1'],
  ['CONFIG', 'RESETSTAT'],
  ['CONFIG', 'NOTHING'],
  ['CONFIG'],
  ['SLOWLOG', 'GET'],
  ['SLOWLOG', 'LEN'],
  ['SLOWLOG', 'RESET'],
  ['SLOWLOG', 'GET', 'abc'],
  ['SLOWLOG', 'NOTHING'],
  ['LATENCY', 'LATEST'],
  ['LATENCY', 'RESET'],
  ['LATENCY', 'NOTHING'],
  ['MEMORY', 'USAGE', 'key:1'],
  ['MEMORY', 'USAGE', 'key:1', 'SAMPLES', '5'],
  ['MEMORY', 'USAGE', 'key:1', 'SAMPLES', 'x'],
  ['MEMORY', 'NOTHING'],
  ['OBJECT', 'HELP'],
  ['OBJECT', 'NOTHING', 'key:1'],
  ['OBJECT'],
  ['TIME'],
  ['TIME', 'x'],
  ['DEBUG', 'SLEEP', '0'],
  ['READONLY'],
  ['READWRITE'],
  ['CLUSTER', 'INFO'],
  ['CLUSTER', 'SLOTS'],
  ['CLUSTER', 'NOTHING'],
  ['CLUSTER'],
  ['RESET'],
  ['FLUSHALL'],
  ['FLUSHALL', 'ASYNC'],
  ['FLUSHDB', 'SYNC'],
  ['FLUSHALL', 'NOTHING'],
  ['FLUSHDB', 'SYNC', 'ASYNC'],
];

/** A command without what both servers answer differently on purpose. */
export function randomCommand(random: Random): Buffer[] {
  for (;;) {
    const words = misshapen(random, drawOne(random));
    const [name, ...others] = words.map((word) => (typeof word === 'string' ? Buffer.from(word) : word));
    const isText = /^[\w|-]+$/.test(name!.toString('latin1'));
    const all = [isText ? Buffer.from(anyCase(random, name!.toString())) : name!, ...others];
    if (!isNeverSent(all)) return all;
  }
}

/** A command that reads or writes keys, and always answers in one short reply. */
export function randomDataCommand(random: Random): Buffer[] {
  for (;;) {
    const words = pick(random, DRAWS.slice(0, 8))[1](random).map((word) => Buffer.from(word));
    if (!isNeverSent(words)) return words;
  }
}

function drawOne(random: Random): Words {
  let at = random.below(WEIGHTS);
  for (const [weight, draw] of DRAWS) {
    at -= weight;
    if (at < 0) return draw(random);
  }
  return ['PING'];
}

/** Mostly what it is given; else with words left out, added, or replaced. */
function misshapen(random: Random, words: Words): Words {
  const way = random.below(24);
  if (way === 0) return words.slice(0, Math.max(1, words.length - 1));
  if (way === 1) return words.slice(0, 1);
  if (way === 2) return [...words, pick(random, OPTION_WORDS)];
  if (way === 3) return [...words, randomKey(random), randomValue(random)];
  if (way === 4 && words.length > 2) return [...words.slice(0, -1), pick(random, NO_INTEGERS)];
  return words;
}

function several(random: Random, draw: () => Words): Words {
  const words: (string | Buffer)[] = [];
  for (let left = 1 + random.below(4); left > 0; left--) words.push(...draw());
  return words;
}

function expiry(random: Random): Words {
  const way = random.below(12);
  if (way > 5) return [];
  const option = anyCase(random, pick(random, ['EX', 'PX', 'EXAT', 'PXAT']));
  if (way === 0) return [option, pick(random, ['0', '-1', '-9223372036854775808', ...NO_INTEGERS])];
  if (way === 3) return pick(random, OVERFLOWS);
  if (way === 1)
    return pick(random, [[option], [option, '100000000', 'EX', '100000'], ['EX', 'PX'], [option, option]]);
  const scale = /^PX/i.test(option) ? 1000 : 1;
  if (way === 2 && /AT$/i.test(option)) return [option, `${1 + random.below(1_000_000_000)}`];
  const seconds = /AT$/i.test(option) ? FAR_S + random.below(1e8) : SOON_S + random.below(100_000);
  return [option, `${seconds * scale}`];
}

function cursor(random: Random): string {
  return oneIn(random, 4)
    ? pick(random, [...NO_INTEGERS.filter((text) => !/^[+-]?\d/.test(text)), 'x0'])
    : '0';
}

function scanOptions(random: Random): Words {
  const words: string[] = [];
  for (let left = random.below(3); left > 0; left--) {
    const way = random.below(6);
    if (way < 2) words.push('MATCH', randomPattern(random));
    else if (way < 4) words.push('COUNT', pick(random, ['1', '10', '1000', '0', '-1', ...NO_INTEGERS]));
    else if (way === 4) words.push('TYPE', pick(random, ['string', 'STRING', 'list', 'nothing', '']));
    else words.push(pick(random, ['MATCH', 'COUNT', 'TYPE', 'NOTHING', '']));
  }
  return words;
}

function hello(random: Random): Words {
  const version = pick(random, ['2', '3', '3', '1', '4', '-1', 'x', '']);
  const way = random.below(8);
  if (way === 0) return [];
  if (way === 1) return [version, 'SETNAME', pick(random, ['me', 'two words', ''])];
  if (way === 2) return [version, 'AUTH', pick(random, ['default', 'nobody']), 'secret'];
  if (way === 3)
    return [version, pick(random, ['AUTH', 'SETNAME', 'NOTHING']), ...several(random, () => ['x'])];
  return [version];
}

function client(random: Random): Words {
  const on = pick(random, ['ON', 'OFF', 'on', 'x']);
  const names = ['me', 'you-and-i', 'two words', 'new\nline', '', randomBytes(random, 3)];
  return pick<Words>(random, [
    ['ID'],
    ['GETNAME'],
    ['SETNAME', pick(random, names)],
    ['INFO'],
    ['LIST'],
    ['LIST', 'TYPE', pick(random, ['normal', 'pubsub', 'nothing'])],
    ['LIST', 'ID', pick(random, ['1', 'x', '0', '999999'])],
    ['LIST', 'NOTHING'],
    ['KILL', '127.0.0.1:1'],
    ['KILL', 'ID', pick(random, ['999999999', 'x', '0', '-1'])],
    ['KILL', 'ADDR', '127.0.0.1:1'],
    ['KILL', 'NOTHING', 'x'],
    ['REPLY', pick(random, ['ON', 'x', ''])],
    ['NO-EVICT', on],
    ['NOTHING'],
    [],
  ]);
}

function command(random: Random): Words {
  return pick<Words>(random, [
    ['COUNT'],
    ['INFO', 'get', 'nothing'],
    ['DOCS', 'get'],
    ['LIST'],
    ['GETKEYS', 'MSET', 'a', '1', 'b', '2'],
    ['GETKEYS', 'get', randomKey(random)],
    ['GETKEYS', 'DEL', 'a', 'b', 'a'],
    ['GETKEYS', 'PING'],
    ['GETKEYS', 'SET', 'a'],
    ['GETKEYS', 'NOTHING', 'a'],
    ['GETKEYS'],
    ['NOTHING'],
  ]);
}
