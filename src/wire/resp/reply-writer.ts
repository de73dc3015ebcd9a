/**
 * Writes replies as Redis does, in version 2 or 3 of its protocol: what version 2 has no type for becomes what Redis
 * sends instead. Replies go straight into the bytes that will leave; the usual ones take one reservation, and no strings.
 */
import { copyRange } from '../frame.js';
import { decimalLength, writeDecimalBefore } from './decimal.js';
import { doubleText } from './double-text.js';
import { type ReplyValue, type TypedContent, TypedReply } from './reply-value.js';

export type { ReplyValue } from './reply-value.js';

/** Where replies are written: an outbox, or a buffer for replies that are ready before their turn. */
export interface ByteSink {
  readonly bytes: Uint8Array;
  /** Makes room for `size` more bytes; returns where they go. Read `bytes` after it, and write them before the next call. */
  reserve(size: number): number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
const ZERO = 0x30;
const STATUS = 0x2b; // +
const ERROR = 0x2d; // -
const INTEGER = 0x3a; // :
const BULK = 0x24; // $
const ARRAY = 0x2a; // *
const MAP = 0x25; // %
const SET = 0x7e; // ~
const PUSH = 0x3e; // >
const DOUBLE = 0x2c; // ,
const BIG_NUMBER = 0x28; // (
const VERBATIM = 0x3d; // =

const encoder = new TextEncoder();
const OK = encoder.encode('+OK\r\n');
const NIL = encoder.encode('$-1\r\n');
const NIL_ARRAY = encoder.encode('*-1\r\n');
const NIL_3 = encoder.encode('_\r\n');
const TRUE_3 = encoder.encode('#t\r\n');
const FALSE_3 = encoder.encode('#f\r\n');
/** The kind of text that a verbatim string names first: plain. */
const VERBATIM_KIND = 'txt:';
const BYTE_MAX = 0xff;
const ASCII_MAX = 0x7f;
/** Longer text is encoded by the platform. */
const TEXT_LOOP_MAX = 64;
const INT64_BITS = 64;

/** Fails on a writer that was not told where to write. */
const NOWHERE: ByteSink = {
  bytes: new Uint8Array(0),
  reserve: () => {
    throw new Error('a reply writer has no sink');
  },
};

export class ReplyWriter {
  /** The version of the protocol that the client has chosen with HELLO. */
  protocol: 2 | 3 = 2;
  sink: ByteSink;

  constructor(sink: ByteSink = NOWHERE) {
    this.sink = sink;
  }

  /** A word such as `OK`. Line ends in it become spaces. */
  status(text: string): void {
    if (text === 'OK') this.#constant(OK);
    else this.#line(STATUS, text);
  }

  /** An error: its text with the code in front, as `ERR syntax error`. Line ends in it become spaces. */
  error(text: string): void {
    this.#line(ERROR, text);
  }

  /** A safe integer. */
  integer(n: number): void {
    this.#header(INTEGER, n);
  }

  /** `length` bytes of `bytes` at `start`. */
  bulk(bytes: Uint8Array, start: number, length: number): void {
    const at = this.#beginBulk(BULK, length);
    copyRange(this.sink.bytes, at, bytes, start, length);
  }

  /** A bulk string of the text in UTF-8. */
  text(text: string): void {
    const length = utf8Length(text);
    const at = this.#beginBulk(BULK, length);
    writeUtf8(this.sink.bytes, at, text, length);
  }

  /** Nothing, where a string could be. */
  nil(): void {
    this.#constant(this.protocol === 3 ? NIL_3 : NIL);
  }

  /** Nothing, where an array could be. */
  nilArray(): void {
    this.#constant(this.protocol === 3 ? NIL_3 : NIL_ARRAY);
  }

  /** `n` replies follow. */
  array(n: number): void {
    this.#header(ARRAY, n);
  }

  /** `pairs` times a key and a value follow. */
  map(pairs: number): void {
    if (this.protocol === 3) this.#header(MAP, pairs);
    else this.#header(ARRAY, pairs * 2);
  }

  /** `n` replies follow, in no order. */
  set(n: number): void {
    this.#header(this.protocol === 3 ? SET : ARRAY, n);
  }

  /** `n` replies follow that answer no command. */
  push(n: number): void {
    this.#header(this.protocol === 3 ? PUSH : ARRAY, n);
  }

  /** See {@link doubleText} for the form. */
  double(x: number): void {
    if (this.protocol === 3) this.#line(DOUBLE, doubleText(x));
    else this.text(doubleText(x));
  }

  boolean(b: boolean): void {
    if (this.protocol === 3) this.#constant(b ? TRUE_3 : FALSE_3);
    else this.integer(b ? 1 : 0);
  }

  /** Text for people, which is shown as it is. */
  verbatim(text: string): void {
    if (this.protocol === 2) return this.text(text);
    const length = utf8Length(text);
    const at = this.#beginBulk(VERBATIM, VERBATIM_KIND.length + length);
    writeUtf8(this.sink.bytes, at, VERBATIM_KIND, VERBATIM_KIND.length);
    writeUtf8(this.sink.bytes, at + VERBATIM_KIND.length, text, length);
  }

  /** An integer of any length, in digits. */
  bigNumber(text: string): void {
    if (this.protocol === 3) this.#line(BIG_NUMBER, text);
    else this.text(text);
  }

  /** A reply of any shape; see {@link ReplyValue}. */
  value(value: ReplyValue): void {
    if (typeof value === 'string') this.text(value);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'bigint') this.#bigint(value);
    else if (typeof value === 'boolean') this.boolean(value);
    else if (value === null || value === undefined) this.nil();
    else if (value instanceof Uint8Array) this.bulk(value, 0, value.length);
    else if (value instanceof TypedReply) this.#typed(value.content);
    else this.#collection(value);
  }

  #number(value: number): void {
    if (Number.isSafeInteger(value)) this.integer(value);
    else this.double(value);
  }

  #bigint(value: bigint): void {
    if (BigInt.asIntN(INT64_BITS, value) === value) this.#line(INTEGER, String(value));
    else this.bigNumber(String(value));
  }

  #typed(content: TypedContent): void {
    switch (content.type) {
      case 'status':
        return this.status(content.text);
      case 'error':
        return this.error(content.text);
      case 'verbatim':
        return this.verbatim(content.text);
      case 'bigNumber':
        return this.bigNumber(content.text);
      case 'double':
        return this.double(content.number);
      case 'nilArray':
        return this.nilArray();
      case 'push':
        this.push(content.items.length);
        for (const item of content.items) this.value(item);
    }
  }

  #collection(value: Extract<ReplyValue, object>): void {
    if (Array.isArray(value)) {
      this.array(value.length);
      for (const item of value as readonly ReplyValue[]) this.value(item);
    } else if (value instanceof Set) {
      this.set(value.size);
      for (const item of value as ReadonlySet<ReplyValue>) this.value(item);
    } else if (value instanceof Map) {
      this.#pairs([...(value as ReadonlyMap<ReplyValue, ReplyValue>)]);
    } else {
      const entries = Object.entries(value as Readonly<Record<string, ReplyValue>>);
      this.#pairs(entries.filter(([, field]) => field !== undefined));
    }
  }

  #pairs(pairs: readonly (readonly [ReplyValue, ReplyValue])[]): void {
    this.map(pairs.length);
    for (const [key, field] of pairs) {
      this.value(key);
      this.value(field);
    }
  }

  #constant(constant: Uint8Array): void {
    const at = this.sink.reserve(constant.length);
    const bytes = this.sink.bytes;
    for (let i = 0; i < constant.length; i++) bytes[at + i] = constant[i]!;
  }

  /** A type and a number on a line. */
  #header(type: number, n: number): void {
    const digits = decimalLength(n);
    const at = this.sink.reserve(digits + 3);
    writeHeader(this.sink.bytes, at, type, n, digits);
  }

  /** The line with the length, and the line end after `length` bytes, which the caller writes where it returns. */
  #beginBulk(type: number, length: number): number {
    const digits = decimalLength(length);
    const at = this.sink.reserve(digits + length + 5);
    const bytes = this.sink.bytes;
    writeHeader(bytes, at, type, length, digits);
    const contentAt = at + digits + 3;
    bytes[contentAt + length] = CARRIAGE_RETURN;
    bytes[contentAt + length + 1] = LINE_FEED;
    return contentAt;
  }

  /**
   * A type and text on a line. Characters up to U+00FF are a byte each, so that what a client sent, as `text` of
   * RequestArguments gives it, goes back as it came; text with others is UTF-8.
   */
  #line(type: number, text: string): void {
    if (!hasOnlyBytes(text)) return this.#utf8Line(type, text);
    const at = this.sink.reserve(text.length + 3);
    const bytes = this.sink.bytes;
    bytes[at] = type;
    for (let i = 0; i < text.length; i++) bytes[at + 1 + i] = withoutLineEnd(text.charCodeAt(i));
    bytes[at + 1 + text.length] = CARRIAGE_RETURN;
    bytes[at + 2 + text.length] = LINE_FEED;
  }

  #utf8Line(type: number, text: string): void {
    const encoded = encoder.encode(`${text.replace(/[\r\n]/g, ' ')}\r\n`);
    const at = this.sink.reserve(1 + encoded.length);
    this.sink.bytes[at] = type;
    this.sink.bytes.set(encoded, at + 1);
  }
}

/** Five positional parameters: it is called for every reply. */
function writeHeader(bytes: Uint8Array, at: number, type: number, n: number, digits: number): void {
  bytes[at] = type;
  if (digits === 1) bytes[at + 1] = ZERO + n;
  else writeDecimalBefore(bytes, at + 1 + digits, n);
  bytes[at + 1 + digits] = CARRIAGE_RETURN;
  bytes[at + 2 + digits] = LINE_FEED;
}

function withoutLineEnd(code: number): number {
  return code === LINE_FEED || code === CARRIAGE_RETURN ? SPACE : code;
}

function hasOnlyBytes(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > BYTE_MAX) return false;
  return true;
}

/** Bytes of `text` in UTF-8; half of a surrogate pair counts as U+FFFD, which it becomes. */
function utf8Length(text: string): number {
  let length = text.length;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= ASCII_MAX) continue;
    length += code < 0x800 ? 1 : 2;
    // A pair is four bytes for two characters.
    const isPair = (code & 0xfc00) === 0xd800 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00;
    if (isPair) i++;
  }
  return length;
}

/** `length` as {@link utf8Length} gives it: equal to the number of characters when all are ASCII. */
function writeUtf8(bytes: Uint8Array, at: number, text: string, length: number): void {
  if (length === text.length && length <= TEXT_LOOP_MAX) {
    for (let i = 0; i < length; i++) bytes[at + i] = text.charCodeAt(i);
  } else {
    encoder.encodeInto(text, bytes.subarray(at, at + length));
  }
}
