/**
 * Random words of commands: keys of a small space that survives between rounds, values, numbers in range and out of it,
 * patterns, and bytes that nobody expects. Everything follows from the random numbers it is given.
 */
import type { Random } from '../../../src/ports/random.js';

/** One of a list. */
export function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.below(list.length)]!;
}

/** True once in so many times. */
export function oneIn(random: Random, times: number): boolean {
  return random.below(times) === 0;
}

const PLAIN_KEYS = 24;

/** Keys with every kind of byte, of which a pattern or a parser may make too much. */
const ODD_KEYS: readonly Buffer[] = [
  Buffer.from('a b'),
  Buffer.from('\r\n'),
  Buffer.from('$3\r\nGET\r\n'),
  Buffer.from([0]),
  Buffer.from([0xff, 0xfe, 0x00, 0x80]),
  Buffer.from('ключ'),
  Buffer.from('[a-z]*?'),
  Buffer.from('\\'),
  Buffer.from('"quoted"'),
  Buffer.from("'"),
  Buffer.from('%s%n'),
  Buffer.from('-1'),
  Buffer.alloc(8192, 'k'),
];

/** A key of 1 to 8192 bytes. */
export function randomKey(random: Random): Buffer {
  if (oneIn(random, 6)) return pick(random, ODD_KEYS);
  return Buffer.from(`key:${random.below(PLAIN_KEYS)}`);
}

export function randomBytes(random: Random, length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, () => random.below(256)));
}

const VALUES: readonly string[] = [
  '',
  '0',
  '-1',
  '12345',
  '9223372036854775807',
  '9223372036854775808',
  '01',
  '1.5',
  'hello',
  'Hello World',
  'x'.repeat(44),
  'x'.repeat(45),
  '+OK\r\n',
  '*1\r\n$4\r\nPING\r\n',
];

/** A value: mostly short, seldom some ten thousand bytes. */
export function randomValue(random: Random): Buffer {
  if (oneIn(random, 40)) return Buffer.alloc(random.below(70_000), `${random.below(10)}`);
  if (oneIn(random, 4)) return randomBytes(random, random.below(60));
  return Buffer.from(pick(random, VALUES));
}

/** What is no integer for Redis, or none of 64 bits. */
export const NO_INTEGERS: readonly string[] = [
  '',
  ' ',
  'abc',
  '1x',
  ' 1',
  '1 ',
  '+1',
  '01',
  '-',
  '-0',
  '1.0',
  '1e3',
  '0x10',
  '9223372036854775808',
  '-9223372036854775809',
  '18446744073709551616',
  '99999999999999999999999999',
];

/** An index into a string, mostly sensible. */
export function randomIndex(random: Random): string {
  if (oneIn(random, 8)) return pick(random, NO_INTEGERS);
  if (oneIn(random, 8)) return pick(random, ['9223372036854775807', '-9223372036854775808', '4294967296']);
  return String(random.below(30) - 12);
}

const PATTERNS: readonly string[] = [
  '*',
  '**',
  'key:*',
  'key:?',
  'key:1?',
  'key:[0-5]',
  'key:[^0-5]',
  'key:[5-0]*',
  'key:1[',
  'key:\\*',
  '\\',
  '',
  'nothing',
  '*:*',
  'k*e*y*1',
  '[k]ey:[1-2]*',
  '[^k]*',
  '[]*',
  '\\[a-z]\\*\\?',
  'KEY:*',
];

export function randomPattern(random: Random): string {
  return pick(random, PATTERNS);
}

/** The name in upper, lower or mixed case. */
export function anyCase(random: Random, name: string): string {
  const way = random.below(4);
  if (way === 0) return name.toUpperCase();
  if (way === 1) return name.toLowerCase();
  if (way === 2) return name;
  return [...name].map((char) => (oneIn(random, 2) ? char.toUpperCase() : char.toLowerCase())).join('');
}
