/**
 * TypeScript source with what is not code blanked out, so that plain patterns can search it. Every line and column stays
 * where it was.
 */
export interface SourceText {
  readonly path: string;
  readonly raw: string;
  /** Without comments. */
  readonly code: string;
  /** Without comments, and without what is inside of strings, templates and regular expressions. */
  readonly bare: string;
}

type Kind = 'code' | 'comment' | 'literal';

/** A slash begins a regular expression after these, and a division after anything else. */
const BEFORE_REGEX =
  /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of|delete|void|throw|new|else|do|await|yield))$/;

export function readSource(path: string, raw: string): SourceText {
  const kinds = new Scanner(raw).scan();
  const keep = (wanted: readonly Kind[]) =>
    [...kinds].map((kind, i) => (raw[i] === '\n' || wanted.includes(kind) ? raw[i] : ' ')).join('');
  return { path, raw, code: keep(['code', 'literal']), bare: keep(['code']) };
}

/** The line of an offset, from 1. */
export function lineAt(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** Says of every character what it belongs to. Quotes and slashes that enclose a literal count as code. */
class Scanner {
  readonly #text: string;
  readonly #kinds: Kind[] = [];
  /** Depths of braces at which a template goes on. */
  readonly #templates: number[] = [];
  #depth = 0;
  #at = 0;
  /** The last code on the way here, to tell a regular expression from a division. */
  #before = '';

  constructor(text: string) {
    this.#text = text;
  }

  scan(): readonly Kind[] {
    while (this.#at < this.#text.length) this.#step();
    return this.#kinds;
  }

  #step(): void {
    const char = this.#text[this.#at]!;
    const two = this.#text.slice(this.#at, this.#at + 2);
    if (two === '//') this.#until('\n', 'comment');
    else if (two === '/*') this.#until('*/', 'comment');
    else if (char === '"' || char === "'") this.#quoted(char);
    else if (char === '`') this.#template();
    else if (char === '}' && this.#templates.at(-1) === this.#depth) this.#resumeTemplate();
    else if (char === '/' && BEFORE_REGEX.test(this.#before.trimEnd())) this.#regex();
    else this.#plain(char);
  }

  #plain(char: string): void {
    if (char === '{') this.#depth++;
    if (char === '}') this.#depth--;
    this.#take('code');
  }

  #take(kind: Kind): void {
    const char = this.#text[this.#at++]!;
    this.#kinds.push(kind);
    if (kind === 'code') this.#before = (this.#before + char).slice(-20);
  }

  #until(end: string, kind: Kind): void {
    const found = this.#text.indexOf(end, this.#at + 2);
    const stop = found < 0 ? this.#text.length : found + (end === '\n' ? 0 : end.length);
    while (this.#at < stop) this.#take(kind);
  }

  #quoted(quote: string): void {
    this.#take('code');
    while (this.#at < this.#text.length && this.#text[this.#at] !== quote) this.#escapable();
    if (this.#at < this.#text.length) this.#take('code');
  }

  #escapable(): void {
    if (this.#text[this.#at] === '\\') this.#take('literal');
    if (this.#at < this.#text.length) this.#take('literal');
  }

  #template(): void {
    this.#take('code');
    while (this.#at < this.#text.length && !/^(?:`|\$\{)/.test(this.#text.slice(this.#at, this.#at + 2))) {
      this.#escapable();
    }
    if (this.#text[this.#at] === '$') {
      this.#templates.push(this.#depth);
      this.#take('code');
    }
    if (this.#at < this.#text.length) this.#take('code');
  }

  /** The brace that ends an expression within a template: the text goes on. */
  #resumeTemplate(): void {
    this.#templates.pop();
    this.#template();
  }

  #regex(): void {
    this.#take('code');
    for (let isInClass = false; this.#at < this.#text.length; ) {
      const char = this.#text[this.#at]!;
      if (char === '\n' || (char === '/' && !isInClass)) break;
      if (char === '[') isInClass = true;
      if (char === ']') isInClass = false;
      this.#escapable();
    }
    if (this.#text[this.#at] === '/') this.#take('code');
  }
}
