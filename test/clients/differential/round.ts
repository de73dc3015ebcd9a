/**
 * One round: what is sent over one fresh connection, to both servers alike, as bytes and how they are cut. A round is a
 * function of its seed and its number.
 */
import { SeededRandom } from '../../../src/base/seeded-random.js';
import type { Random } from '../../../src/ports/random.js';
import { encodeCommand } from '../resp-client.js';
import { canBeInline, encodeInline, randomEndless, randomMalformed } from './encoding.js';
import { randomCommand, randomDataCommand } from './random-commands.js';
import { oneIn, pick, randomPattern } from './random-words.js';

/** One thing that is sent, and whether it is answered. */
export interface Sent {
  /** What the servers should make of it; for what is malformed, its bytes. */
  readonly words: readonly Buffer[];
  readonly bytes: Buffer;
  readonly form: 'array' | 'inline' | 'malformed';
  /** It gets no answer: `CLIENT REPLY` said so. */
  readonly isSilent: boolean;
}

export interface Round {
  readonly number: number;
  readonly sent: readonly Sent[];
  readonly chunks: readonly Buffer[];
  /** What tells that all answers have come: the reply to the last command, or the end of the connection. */
  readonly ending: 'marker' | 'closed';
  /** Words after `SCAN cursor`, with each of which both are scanned to the end afterwards. */
  readonly scans: readonly (readonly string[])[];
}

const COMMANDS_MIN = 10;
const COMMANDS_MAX = 60;
/** Longer streams are not sent byte by byte. */
const DRIP_BYTES_MAX = 1000;
/** The last words of a round; the answer tells that all others have come. */
export const MARKER = 'end-of-round';

export function makeRound(seed: number, number: number): Round {
  const random = new SeededRandom(seed * 1_000_003 + number);
  const sent: Sent[] = [];
  if (oneIn(random, 2)) sent.push(asArray(['HELLO', '3']));
  const count = COMMANDS_MIN + random.below(COMMANDS_MAX - COMMANDS_MIN + 1);
  while (sent.length < count) sent.push(...(oneIn(random, 40) ? unanswered(random) : [anyForm(random)]));
  const last = lastOf(random);
  const ending = last[0]!.words[0]!.equals(Buffer.from('ECHO')) ? 'marker' : 'closed';
  return {
    number,
    sent: [...sent, ...last],
    chunks: cut(random, [...sent, last[0]!], last.slice(1)),
    ending,
    scans: [[], ...(oneIn(random, 3) ? [randomScan(random)] : [])],
  };
}

/** What ends a round. After what ends the connection too, there may be more, which must not be carried out. */
function lastOf(random: Random): Sent[] {
  const way = random.below(10);
  if (way > 2) return [asArray(['ECHO', MARKER])];
  if (oneIn(random, 12)) return [malformed(randomEndless(random))];
  const end = way === 0 ? asArray(['QUIT']) : malformed(randomMalformed(random));
  return oneIn(random, 3) ? [end, asArray(['SET', 'key:1', 'not to be'], true)] : [end];
}

function asArray(words: readonly (string | Buffer)[], isSilent = false): Sent {
  const all = words.map((word) => Buffer.from(word));
  return { words: all, bytes: encodeCommand(all), form: 'array', isSilent };
}

function anyForm(random: Random): Sent {
  const words = randomCommand(random);
  if (oneIn(random, 4) && canBeInline(words))
    return { words, bytes: encodeInline(random, words), form: 'inline', isSilent: false };
  return asArray(words);
}

/** Commands that are carried out without an answer. */
function unanswered(random: Random): Sent[] {
  if (oneIn(random, 2))
    return [asArray(['CLIENT', 'REPLY', 'SKIP'], true), asArray(randomDataCommand(random), true)];
  const between = Array.from({ length: random.below(5) }, () => asArray(randomDataCommand(random), true));
  return [asArray(['CLIENT', 'REPLY', 'OFF'], true), ...between, asArray(['client', 'reply', 'on'])];
}

function malformed(bytes: Buffer): Sent {
  return { words: [bytes], bytes, form: 'malformed', isSilent: false };
}

function randomScan(random: Random): string[] {
  const words: string[] = [];
  if (oneIn(random, 2)) words.push('MATCH', randomPattern(random));
  if (oneIn(random, 2)) words.push('COUNT', pick(random, ['1', '3', '100', '100000']));
  if (oneIn(random, 4)) words.push('TYPE', pick(random, ['string', 'list']));
  return words;
}

/** The stream in pieces. What follows the end goes with its last byte: a later write would find the connection reset. */
function cut(random: Random, sent: readonly Sent[], after: readonly Sent[]): Buffer[] {
  const stream = bytesOf(sent);
  const whole = Buffer.concat([stream, bytesOf(after)]);
  const isDripping = stream.length < DRIP_BYTES_MAX && oneIn(random, 4);
  const places = isDripping
    ? Array.from({ length: stream.length }, (_, i) => i)
    : Array.from({ length: random.below(12) }, () => random.below(stream.length));
  const sorted = [...new Set([0, ...places, whole.length])].sort((a, b) => a - b);
  return sorted.slice(1).map((end, i) => whole.subarray(sorted[i], end));
}

function bytesOf(sent: readonly Sent[]): Buffer {
  return Buffer.concat(sent.map(({ bytes }) => bytes));
}
