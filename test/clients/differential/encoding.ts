/**
 * Commands as bytes otherwise than an array of bulk strings: as lines that a person would type, with the quotes and escapes
 * that Redis reads there, and as what no server should take.
 */
import type { Random } from '../../../src/ports/random.js';
import { oneIn, pick } from './random-words.js';

const LINE_BYTES_MAX = 64 * 1024;
const INLINE_BYTES_MAX = 10_000;
const ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\b': '\\b',
  '\x07': '\\a',
  '"': '\\"',
  '\\': '\\\\',
};

/** A line is taken for an array when it begins like one, and for nothing when it is empty. */
export function canBeInline(words: readonly Buffer[]): boolean {
  const bytes = words.reduce((sum, word) => sum + word.length, 0);
  return bytes < INLINE_BYTES_MAX && words[0]!.length > 0 && /^[\w|-]/.test(words[0]!.toString('latin1'));
}

/** The words in one line, each bare or in quotes, as its bytes allow. */
export function encodeInline(random: Random, words: readonly Buffer[]): Buffer {
  const [name, ...others] = words;
  const line = [bareOrQuoted(random, name!), ...others.map((word) => bareOrQuoted(random, word))];
  const spaces = pick(random, [' ', ' ', '  ', '\t']);
  return Buffer.from(
    line.join(spaces) + pick(random, ['', '', ' ']) + pick(random, ['\r\n', '\n']),
    'latin1',
  );
}

/** Bytes at whose last one, and not before, a connection must end. */
export function randomMalformed(random: Random): Buffer {
  return Buffer.from(pick(random, MALFORMED), 'latin1');
}

/** The same, but a line that has not ended yet. */
export function randomEndless(random: Random): Buffer {
  return pick(random, ENDLESS)();
}

const MALFORMED: readonly string[] = [
  '*abc\r\n',
  '*\r\n',
  '*+1\r\n',
  '*01\r\n',
  '* 1\r\n',
  '*1 \r\n',
  '*2147483648\r\n',
  '*99999999999999999999\r\n',
  '*1\r\n+OK\r\n',
  '*1\r\n*1\r\n',
  '*1\r\nPING\r\n',
  '*1\r\n:1\r\n',
  '*1\r\n\r\n',
  '*1\r\n$\r\n',
  '*1\r\n$-1\r\n',
  '*1\r\n$abc\r\n',
  '*1\r\n$+4\r\n',
  '*1\r\n$4 \r\n',
  '*1\r\n$536870913\r\n',
  '*1\r\n$99999999999999999999\r\n',
  '*2\r\n$4\r\nECHO\r\n$-2\r\n',
  '*2\r\n$4\r\nECHO\r\n#1\r\n',
  'SET "key:1\r\n',
  "SET 'key:1\r\n",
  'SET "key:1"x value\r\n',
  "SET key:1 'value'x\r\n",
  'GET "\\x4\r\n',
  'GET "key:1\\"\r\n',
  '"\r\n',
];

/** Lines that do not end, one byte longer than they may be. */
const ENDLESS: readonly (() => Buffer)[] = [
  () => Buffer.alloc(LINE_BYTES_MAX + 1, 'a'),
  () => Buffer.concat([Buffer.from('*'), Buffer.alloc(LINE_BYTES_MAX, '1')]),
  () => Buffer.concat([Buffer.from('*1\r\n$'), Buffer.alloc(LINE_BYTES_MAX, '1')]),
];

function bareOrQuoted(random: Random, word: Buffer): string {
  const text = word.toString('latin1');
  const ways: string[] = [doubleQuoted(random, text)];
  // Bytes that end a word, or would be taken for the beginning of a quoted one.
  if (text.length > 0 && !/[\s"'\0]/.test(text)) ways.push(text, text, text);
  if (!/[\r\n\0\\]/.test(text)) ways.push(`'${text.replaceAll("'", "\\'")}'`);
  return pick(random, ways);
}

function doubleQuoted(random: Random, text: string): string {
  const isEscaped = (char: string) => char in ESCAPES || char < ' ' || (char > '~' && oneIn(random, 2));
  const hex = (char: string) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
  const shown = [...text].map((char) => (isEscaped(char) ? (ESCAPES[char] ?? hex(char)) : char));
  return `"${shown.join('')}"`;
}
