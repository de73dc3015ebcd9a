/**
 * Splits a line typed at the prompt into words, as a shell does: single quotes keep everything, double quotes know
 * `\n`, `\r`, `\t`, `\"` and `\\`, and outside of quotes a backslash keeps the next character.
 */

export interface Word {
  readonly text: string;
  /** Where it begins in the line, quotes included. */
  readonly start: number;
  readonly isQuoted: boolean;
}

export interface Tokens {
  readonly words: readonly Word[];
  /** The quote that was not closed, or a backslash at the very end. The last word goes up to the end of the line then. */
  readonly unclosed: '"' | "'" | '\\' | undefined;
}

const ESCAPES = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['"', '"'],
  ['\\', '\\'],
]);
const WHITE = /\s/;

export function tokenize(line: string): Tokens {
  const words: Word[] = [];
  let at = 0;
  while (at < line.length) {
    if (WHITE.test(line[at]!)) {
      at += 1;
      continue;
    }
    const read = readWord(line, at);
    words.push({ text: read.text, start: at, isQuoted: read.isQuoted });
    if (read.unclosed !== undefined) return { words, unclosed: read.unclosed };
    at = read.end;
  }
  return { words, unclosed: undefined };
}

/** A word, or a quoted part of one, and where it ends. */
interface Part {
  readonly text: string;
  readonly end: number;
  readonly unclosed?: '"' | "'" | '\\';
}

function readWord(line: string, start: number): Part & { readonly isQuoted: boolean } {
  let text = '';
  let isQuoted = false;
  let at = start;
  while (at < line.length && !WHITE.test(line[at]!)) {
    const part = readPart(line, at);
    isQuoted ||= line[at] === '"' || line[at] === "'";
    text += part.text;
    at = part.end;
    if (part.unclosed !== undefined) return { text, end: at, unclosed: part.unclosed, isQuoted };
  }
  return { text, end: at, isQuoted };
}

function readPart(line: string, at: number): Part {
  const first = line[at]!;
  if (first === "'") return readSingleQuoted(line, at + 1);
  if (first === '"') return readDoubleQuoted(line, at + 1);
  if (first !== '\\') return { text: first, end: at + 1 };
  if (at + 1 === line.length) return { text: '', end: line.length, unclosed: '\\' };
  return { text: line[at + 1]!, end: at + 2 };
}

function readSingleQuoted(line: string, start: number): Part {
  const close = line.indexOf("'", start);
  if (close === -1) return { text: line.slice(start), end: line.length, unclosed: "'" };
  return { text: line.slice(start, close), end: close + 1 };
}

function readDoubleQuoted(line: string, start: number): Part {
  let text = '';
  for (let at = start; at < line.length; at += 1) {
    const character = line[at]!;
    if (character === '"') return { text, end: at + 1 };
    const escaped = character === '\\' ? ESCAPES.get(line[at + 1] ?? '') : undefined;
    text += escaped ?? character;
    if (escaped !== undefined) at += 1;
  }
  return { text, end: line.length, unclosed: '"' };
}
