/** Numbers and words among the arguments of a command, read as Redis reads them. */
import type { RequestArguments } from '../../wire/resp/request-parser.js';

const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const DIGITS_SAFE = 15;
const INT64_DIGITS = 19;
const INT64_MAX = 2n ** 63n - 1n;

/**
 * The integer that is written in the whole argument, in the range of a signed 64-bit integer and without a sign, zeros or spaces
 * that do not belong there; undefined when it is none. Beyond 2^53 it is rounded.
 */
export function integerAt(args: RequestArguments, i: number): number | undefined {
  return parseInteger(args.bytes, args.start(i), args.length(i));
}

export function parseInteger(bytes: Uint8Array, start: number, length: number): number | undefined {
  const isNegative = length > 0 && bytes[start] === MINUS;
  const from = isNegative ? start + 1 : start;
  const digits = start + length - from;
  if (digits === 0 || digits > INT64_DIGITS) return undefined;
  if (bytes[from] === ZERO && (digits > 1 || isNegative)) return undefined;
  let value = 0;
  for (let i = from; i < start + length; i++) {
    const byte = bytes[i]!;
    if (byte < ZERO || byte > NINE) return undefined;
    value = value * 10 + (byte - ZERO);
  }
  if (digits > DIGITS_SAFE && !isInt64(bytes, from, digits, isNegative)) return undefined;
  return isNegative ? -value : value;
}

function isInt64(bytes: Uint8Array, from: number, digits: number, isNegative: boolean): boolean {
  if (digits < INT64_DIGITS) return true;
  const text = String.fromCharCode(...bytes.subarray(from, from + digits));
  return BigInt(text) <= INT64_MAX + (isNegative ? 1n : 0n);
}

/** An argument that is a word of the syntax, in upper case. */
export function wordAt(args: RequestArguments, i: number): string {
  return args.text(i).toUpperCase();
}

/** Owned copies of the arguments at these places. */
export function copiesAt(args: RequestArguments, places: readonly number[]): Uint8Array[] {
  return places.map((i) => args.copy(i));
}

/** An argument for the text of an error: as far as its first NUL, as Redis shows it. */
export function shownAt(args: RequestArguments, i: number): string {
  const text = args.text(i);
  const end = text.indexOf('\0');
  return end < 0 ? text : text.slice(0, end);
}
