/**
 * Splits an inline request, as a person types it, into arguments: words between spaces, with quotes as Redis' own
 * `sdssplitargs` has them. In double quotes `\xHH`, `\n`, `\r`, `\t`, `\b`, `\a` are escapes, and a backslash before any
 * other byte stands for that byte; in single quotes only `\'` is one. A closing quote ends the argument, so a space or
 * the end must follow.
 *
 * One difference: there a zero byte ends the line, here it is a byte like any other.
 */
import type { RequestArguments } from './request-arguments.js';

const TAB = 0x09;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const DOUBLE_QUOTE = 0x22;
const SINGLE_QUOTE = 0x27;
const BACKSLASH = 0x5c;
const SMALL_X = 0x78;

/** What a letter after a backslash stands for in double quotes. */
const ESCAPED: ReadonlyMap<number, number> = new Map([
  [0x6e, LINE_FEED],
  [0x72, CARRIAGE_RETURN],
  [0x74, TAB],
  [0x62, 0x08],
  [0x61, 0x07],
]);

/**
 * Adds the arguments of `line`, which has no line end, to `args`. Returns the bytes that their windows lie in: `line`, or a new array
 * when quotes had to be taken off; undefined when the quotes are unbalanced.
 */
export function splitInlineArguments(line: Uint8Array, args: RequestArguments): Uint8Array | undefined {
  if (line.includes(DOUBLE_QUOTE) || line.includes(SINGLE_QUOTE)) return new QuotedLine(line).split(args);
  let at = skipBlanks(line, 0);
  while (at < line.length) {
    const start = at;
    while (at < line.length && !endsWord(line[at]!)) at++;
    args.add(start, at - start);
    at = skipBlanks(line, at);
  }
  return line;
}

/** A line with quotes, copied without them: what is left of it is never longer. */
class QuotedLine {
  readonly #line: Uint8Array;
  readonly #unquoted: Uint8Array;
  #at = 0;
  #length = 0;

  constructor(line: Uint8Array) {
    this.#line = line;
    this.#unquoted = new Uint8Array(line.length);
  }

  split(args: RequestArguments): Uint8Array | undefined {
    this.#at = skipBlanks(this.#line, 0);
    while (this.#at < this.#line.length) {
      const start = this.#length;
      if (!this.#takeArgument()) return undefined;
      args.add(start, this.#length - start);
      this.#at = skipBlanks(this.#line, this.#at);
    }
    return this.#unquoted;
  }

  /** False: unbalanced. A quote may open within a word, and then ends it when it closes. */
  #takeArgument(): boolean {
    while (this.#at < this.#line.length) {
      const byte = this.#line[this.#at]!;
      if (endsWord(byte)) return true;
      this.#at++;
      if (byte === DOUBLE_QUOTE || byte === SINGLE_QUOTE) return this.#takeQuoted(byte);
      this.#put(byte);
    }
    return true;
  }

  #takeQuoted(quote: number): boolean {
    const line = this.#line;
    while (this.#at < line.length) {
      const byte = line[this.#at++]!;
      if (byte === quote) return this.#at === line.length || isBlank(line[this.#at]!);
      if (byte !== BACKSLASH || this.#at === line.length) this.#put(byte);
      else if (quote === DOUBLE_QUOTE) this.#takeEscape();
      else this.#put(line[this.#at] === SINGLE_QUOTE ? line[this.#at++]! : byte);
    }
    return false;
  }

  #takeEscape(): void {
    const byte = this.#line[this.#at++]!;
    if (byte === SMALL_X && this.#at + 2 <= this.#line.length) {
      const high = hexValue(this.#line[this.#at]!);
      const low = hexValue(this.#line[this.#at + 1]!);
      if (high >= 0 && low >= 0) {
        this.#at += 2;
        return this.#put(high * 16 + low);
      }
    }
    this.#put(ESCAPED.get(byte) ?? byte);
  }

  #put(byte: number): void {
    this.#unquoted[this.#length++] = byte;
  }
}

function skipBlanks(line: Uint8Array, from: number): number {
  let at = from;
  while (at < line.length && isBlank(line[at]!)) at++;
  return at;
}

/** As `isspace` of C: tab, line feed, vertical tab, form feed, carriage return, space. */
function isBlank(byte: number): boolean {
  return byte === SPACE || (byte >= TAB && byte <= CARRIAGE_RETURN);
}

/** Vertical tabs and form feeds separate words, but do not end one: so it is in Redis. */
function endsWord(byte: number): boolean {
  return byte === SPACE || byte === TAB || byte === LINE_FEED || byte === CARRIAGE_RETURN;
}

/** The value of a hexadecimal digit, or −1. */
function hexValue(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30;
  const lower = byte | 0x20;
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}
