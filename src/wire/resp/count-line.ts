/**
 * The lines of a multibulk request that hold a number: `*2` before its arguments, `$3` before each. They are read as
 * Redis reads them: a line ends at a carriage return and whatever byte follows it, and the number has no sign but a minus, no
 * leading zeros, no spaces, and 64 bits.
 */

/** The line has not ended yet. */
export const LINE_INCOMPLETE = -1;
/** The line has not ended within what a line may take. */
export const LINE_TOO_LONG = -2;
/** The line holds no number. */
export const LINE_INVALID = -3;
/** The line holds a number below 0. */
export const LINE_NEGATIVE = -4;

const CARRIAGE_RETURN = 0x0d;
const ZERO = 0x30;
/** Numbers of so many digits are exact; longer ones are over every limit, or no numbers of 64 bits. */
const DIGITS_QUICK = 9;
/** Characters of −2^63. */
const NUMBER_LENGTH_MAX = 20;
const NUMBER = /^(?:0|-?[1-9][0-9]*)$/;
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

export class CountLineReader {
  /** Where the next byte after the line is, when it has ended. */
  next = 0;
  readonly #lineBytesMax: number;
  /** How far from its start a line of few digits may end. */
  readonly #quickEnd: number;
  /** Bytes of an incomplete line that were looked at, so that none is looked at twice. */
  #scanned = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
    this.#quickEnd = Math.min(1 + DIGITS_QUICK, lineBytesMax);
  }

  /**
   * Reads the line at `at`; its first byte, the type, is not looked at. Returns its number, or one of the constants above.
   */
  read(bytes: Uint8Array, at: number, end: number): number {
    // The usual line: a few digits, all there. Anything else is for the slow way.
    const last = Math.min(at + this.#quickEnd, end - 2);
    let value = 0;
    let i = at + 1;
    while (i <= last) {
      const digit = bytes[i]! - ZERO;
      if (digit < 0 || digit > 9) break;
      value = value * 10 + digit;
      i++;
    }
    const hasLeadingZero = i > at + 2 && bytes[at + 1] === ZERO;
    if (i > last || i === at + 1 || bytes[i] !== CARRIAGE_RETURN || hasLeadingZero) {
      return this.#readSlowly(bytes, at, end);
    }
    this.#scanned = 0;
    this.next = i + 2;
    return value;
  }

  #readSlowly(bytes: Uint8Array, at: number, end: number): number {
    const limit = Math.min(end, at + this.#lineBytesMax + 1);
    let i = at + this.#scanned;
    while (i < limit && bytes[i] !== CARRIAGE_RETURN) i++;
    this.#scanned = i - at;
    if (i > at + this.#lineBytesMax) return LINE_TOO_LONG;
    if (i + 1 >= end) return LINE_INCOMPLETE;
    this.#scanned = 0;
    this.next = i + 2;
    return numberOf(bytes, at + 1, i);
  }
}

function numberOf(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > NUMBER_LENGTH_MAX) return LINE_INVALID;
  const text = String.fromCharCode(...bytes.subarray(from, to));
  if (!NUMBER.test(text)) return LINE_INVALID;
  const value = BigInt(text);
  if (value < INT64_MIN || value > INT64_MAX) return LINE_INVALID;
  return value < 0n ? LINE_NEGATIVE : Number(value);
}
