/** What both servers did in a round, side by side: the first answer that differs, and everything that led to it, in words. */
import { quoted } from '../resp-reply.js';
import type { Answer, Outcome } from './exchange.js';
import { toleranceFor } from './intended-differences.js';
import type { Round, Sent } from './round.js';

export interface Difference {
  readonly round: number;
  /** What was sent, answered differently; the place in the round's list. Its length when it is about the end. */
  readonly at: number;
  readonly sent: string;
  readonly redis: string;
  readonly quoral: string;
}

const BYTES_SHOWN = 160;
const COMMANDS_SHOWN = 12;

/** The first difference of a round that is not intended, if there is one. */
export function compare(round: Round, redis: Outcome, quoral: Outcome): Difference | undefined {
  return answerDifference(round, redis, quoral) ?? endDifference(round, redis, quoral);
}

/** The commands up to the difference, and both answers to the last. */
export function render(round: Round, difference: Difference): string {
  const before = round.sent.slice(0, difference.at);
  const shown = before.slice(-COMMANDS_SHOWN).map((sent) => `    ${describe(sent)}`);
  const hidden = before.length - shown.length;
  return [
    `round ${difference.round}, after ${before.length} commands${hidden > 0 ? ', of which the last are' : ''}`,
    ...shown,
    `  ${difference.sent}`,
    `    redis:  ${difference.redis}`,
    `    quoral: ${difference.quoral}`,
  ].join('\n');
}

function answerDifference(round: Round, redis: Outcome, quoral: Outcome): Difference | undefined {
  const answered = round.sent.flatMap((sent, at) => (sent.isSilent ? [] : [{ sent, at }]));
  for (const [i, { sent, at }] of answered.entries()) {
    const [a, b] = [redis.answers[i], quoral.answers[i]];
    if (a !== undefined && b !== undefined && isSame(sent, a, b)) continue;
    if (a === undefined && b === undefined) return undefined;
    return {
      round: round.number,
      at,
      sent: describe(sent),
      redis: shown(a, redis),
      quoral: shown(b, quoral),
    };
  }
  return undefined;
}

function isSame({ words, form }: Sent, redis: Answer, quoral: Answer): boolean {
  if (redis.bytes.equals(quoral.bytes)) return true;
  return form !== 'malformed' && toleranceFor(words, redis.reply, quoral.reply) !== undefined;
}

function endDifference(round: Round, redis: Outcome, quoral: Outcome): Difference | undefined {
  const end = { round: round.number, at: round.sent.length };
  const [a, b] = [redis, quoral].map(({ answers, ending }) => `${answers.length} answers, then ${ending}`);
  if (a !== b || redis.ending !== round.ending)
    return { ...end, sent: `the end, meant to be: ${round.ending}`, redis: a!, quoral: b! };
  for (const [i, options] of round.scans.entries()) {
    const [all, ours] = [redis.scans[i]!, quoral.scans[i]!];
    if (all === ours) continue;
    const sent = `SCAN to the end ${options.join(' ')}`;
    return { ...end, sent, redis: beyond(all, ours), quoral: beyond(ours, all) };
  }
  return undefined;
}

/** What only the first has. */
function beyond(mine: string, other: string): string {
  const others = new Set(other.split(' '));
  const own = mine.split(' ').filter((key) => !others.has(key));
  return `${mine.split(' ').length} keys; alone here: ${own.join(' ').slice(0, BYTES_SHOWN) || 'none'}`;
}

function shown(answer: Answer | undefined, outcome: Outcome): string {
  return answer === undefined ? `no answer: ${outcome.ending}` : abbreviated(answer.bytes);
}

function describe({ words, form, isSilent, bytes }: Sent): string {
  if (form === 'malformed') return `(malformed) ${abbreviated(bytes)}`;
  const line = words.map((word) => abbreviated(word)).join(' ');
  return `${isSilent ? '(silent) ' : ''}${form === 'inline' ? `(inline ${abbreviated(bytes)}) ` : ''}${line}`;
}

function abbreviated(bytes: Buffer): string {
  if (bytes.length <= BYTES_SHOWN) return quoted(bytes);
  return `${quoted(bytes.subarray(0, BYTES_SHOWN))}… (${bytes.length} bytes)`;
}
