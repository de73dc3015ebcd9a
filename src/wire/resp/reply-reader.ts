/**
 * Reads replies as a client does, in version 2 or 3 of the protocol: bytes go in as they come, whole replies come out.
 *
 * What is read is bounded: the depth of collections, the items and the bytes of a reply, the bytes of a line. Nothing is
 * kept free for items or bytes that were only announced. An attribute, which tells something about the reply after it, is
 * read and dropped. Streamed types, whose length is `?`, are no replies here: they were drafted for version 3 and no server
 * sends them.
 */
import { indefinite, type KvError } from '../../base/errors.js';
import { ReceiveBuffer } from './receive-buffer.js';

/** A reply. Numbers keep their text where a JavaScript number might not hold them. Bytes are copies. */
export type Reply =
  | { readonly type: 'status' | 'error' | 'string'; readonly bytes: Uint8Array }
  /** `kind` is what kind of text it is, in three characters: `txt` or `mkd`. */
  | { readonly type: 'verbatim'; readonly kind: string; readonly bytes: Uint8Array }
  | { readonly type: 'integer'; readonly value: bigint }
  | { readonly type: 'double' | 'bigNumber'; readonly text: string }
  | { readonly type: 'boolean'; readonly value: boolean }
  /** Nothing, in any of its three forms. */
  | { readonly type: 'nil' }
  | { readonly type: 'array' | 'set' | 'push'; readonly items: readonly Reply[] }
  /** The pairs in the order in which they came; keys may repeat. */
  | { readonly type: 'map'; readonly pairs: readonly (readonly [key: Reply, value: Reply])[] };

export interface ReplyLimits {
  /** Collections within each other. */
  readonly depthMax: number;
  /** Replies within one reply, at every depth. */
  readonly itemsMax: number;
  /** Bytes of one reply as it is sent. Bounds the receive buffer. */
  readonly replyBytesMax: number;
  /** Bytes of a line before its end: a status, an error, a number, or the line that holds a length. */
  readonly lineBytesMax: number;
}

export const REPLY_LIMITS: ReplyLimits = {
  depthMax: 64,
  itemsMax: 8 * 1024 * 1024,
  replyBytesMax: 512 * 1024 * 1024,
  lineBytesMax: 64 * 1024,
};

/** A collection of which some items are still to come. */
interface Open {
  readonly type: 'array' | 'set' | 'push' | 'map' | 'attribute';
  readonly items: Reply[];
  /** Items that it has when it is whole; two for each pair. */
  readonly count: number;
}

/** The string whose line was read, and whose bytes are still to come. */
interface Expected {
  readonly type: '$' | '!' | '=';
  readonly length: number;
}

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const LINE_END_BYTES = 2;
const NIL: Reply = { type: 'nil' };

const INTEGER = /^[+-]?\d{1,19}$/;
const LENGTH = /^(?:0|[1-9]\d{0,14})$/;
const DOUBLE = /^[+-]?(?:\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|inf|nan)$/i;
const BIG_NUMBER = /^[+-]?\d+$/;
const INT64_BITS = 64;
/** A kind of text and a colon begin a verbatim string. */
const VERBATIM_KIND = /^[^\r\n]{3}:$/;
const VERBATIM_KIND_BYTES = 4;

const COLLECTIONS: ReadonlyMap<string, Open['type']> = new Map([
  ['*', 'array'],
  ['~', 'set'],
  ['>', 'push'],
  ['%', 'map'],
  ['|', 'attribute'],
]);

export class ReplyReader {
  readonly #limits: ReplyLimits;
  readonly #buffer = new ReceiveBuffer();
  readonly #open: Open[] = [];
  #expected: Expected | undefined;
  /** Bytes of an incomplete line that hold no line end, so that none is looked at twice. */
  #scanned = 0;
  /** Of the reply that is being read. */
  #replyBytes = 0;
  #items = 0;
  #failure: KvError | undefined;

  constructor(limits: ReplyLimits = REPLY_LIMITS) {
    this.#limits = limits;
  }

  /** Whether a reply has begun that is not whole. */
  get isWithinReply(): boolean {
    return this.#replyBytes > 0 || this.#buffer.length > 0;
  }

  /**
   * Takes the next bytes of the stream, in pieces of any size; they may be reused afterwards.
   * @returns the replies that these bytes complete, in their order.
   * @throws KvError `PROTOCOL`, indefinite, for what is no reply or over a limit, and from then on at every call. Replies
   *   before it in the same piece are returned; then the next call throws.
   */
  read(bytes: Uint8Array): Reply[] {
    if (this.#failure !== undefined) throw this.#failure;
    // Never reached: replies are taken off as they become whole, and a longer one is an error.
    const sizeMax = this.#limits.replyBytesMax + bytes.length;
    this.#buffer.append(bytes, 0, bytes.length, sizeMax);
    const replies: Reply[] = [];
    try {
      for (let reply = this.#next(); reply !== undefined; reply = this.#next()) {
        const whole = this.#add(reply);
        if (whole !== undefined) replies.push(whole);
      }
    } catch (error) {
      if (error !== this.#failure || replies.length === 0) throw error;
    }
    return replies;
  }

  /** The next reply that is no collection, or a collection without items; undefined: more must come first. */
  #next(): Reply | 'opened' | undefined {
    if (this.#expected !== undefined) return this.#string(this.#expected);
    const line = this.#line();
    if (line === undefined) return undefined;
    const type = line.charAt(0);
    const content = line.slice(1);
    const collection = COLLECTIONS.get(type);
    if (collection !== undefined) return this.#begin(collection, type, content);
    if (type !== '$' && type !== '!' && type !== '=') return this.#simple(type, content);
    if (type === '$' && content === '-1') return NIL;
    const length = this.#length(type, content);
    this.#reserve(length + LINE_END_BYTES);
    this.#expected = { type, length };
    return this.#string(this.#expected);
  }

  /** A reply that is one line. */
  #simple(type: string, content: string): Reply {
    switch (type) {
      case '+':
        return { type: 'status', bytes: Buffer.from(content, 'latin1') };
      case '-':
        return { type: 'error', bytes: Buffer.from(content, 'latin1') };
      case ':':
        return { type: 'integer', value: this.#integer(content) };
      case ',':
        return { type: 'double', text: this.#matching(DOUBLE, content, 'double') };
      case '(':
        return { type: 'bigNumber', text: this.#matching(BIG_NUMBER, content, 'big number') };
      case '#':
        return { type: 'boolean', value: this.#matching(/^[tf]$/, content, 'boolean') === 't' };
      case '_':
        this.#matching(/^$/, content, 'nil');
        return NIL;
      default:
        throw this.#fail(`${shown(type)} begins no reply`);
    }
  }

  #integer(content: string): bigint {
    const value = BigInt(this.#matching(INTEGER, content, 'integer').replace('+', ''));
    if (BigInt.asIntN(INT64_BITS, value) === value) return value;
    throw this.#fail(`an integer of more than 64 bits: ${content}`);
  }

  #begin(type: Open['type'], sign: string, content: string): Reply | 'opened' {
    if (type === 'array' && content === '-1') return NIL;
    const length = this.#length(sign, content);
    const count = type === 'map' || type === 'attribute' ? length * 2 : length;
    const { depthMax, itemsMax } = this.#limits;
    this.#items += count;
    if (this.#items > itemsMax) throw this.#fail(`a reply of more than ${itemsMax} items`);
    if (count > 0 && this.#open.length === depthMax) throw this.#fail(`more than ${depthMax} replies deep`);
    const open: Open = { type, items: [], count };
    if (count === 0 && type !== 'attribute') return collected(open);
    if (count > 0) this.#open.push(open);
    return 'opened';
  }

  /** The bytes of a string, and the line end after them. */
  #string({ type, length }: Expected): Reply | undefined {
    const { bytes, start } = this.#buffer;
    if (this.#buffer.length < length + LINE_END_BYTES) return undefined;
    const end = start + length;
    if (bytes[end] !== CARRIAGE_RETURN || bytes[end + 1] !== LINE_FEED) {
      throw this.#fail(`no line end after the ${length} bytes of a string`);
    }
    const content = bytes.slice(start, end);
    this.#expected = undefined;
    this.#buffer.dropTo(end + LINE_END_BYTES);
    if (type === '$') return { type: 'string', bytes: content };
    if (type === '!') return { type: 'error', bytes: content };
    const kind = Buffer.from(content.subarray(0, VERBATIM_KIND_BYTES)).toString('latin1');
    if (!VERBATIM_KIND.test(kind)) throw this.#fail('a verbatim string that does not say its kind');
    return { type: 'verbatim', kind: kind.slice(0, -1), bytes: content.subarray(VERBATIM_KIND_BYTES) };
  }

  /** The next line as latin1, without its end; undefined when it has not ended. */
  #line(): string | undefined {
    const { bytes, start, end } = this.#buffer;
    const { lineBytesMax } = this.#limits;
    const found = bytes.subarray(start + this.#scanned, end).indexOf(LINE_FEED);
    const length = found < 0 ? this.#buffer.length : this.#scanned + found - 1;
    // The first byte tells soonest what this is: something else may send no line end at all.
    if (this.#scanned === 0 && this.#buffer.length > 0) this.#checkType(bytes[start]!);
    if (length > lineBytesMax + (found < 0 ? 1 : 0))
      throw this.#fail(`a line of more than ${lineBytesMax} bytes`);
    if (found < 0) {
      this.#scanned = length;
      return undefined;
    }
    const line = Buffer.from(bytes.buffer, bytes.byteOffset + start, Math.max(length, 0)).toString('latin1');
    if (bytes[start + length] !== CARRIAGE_RETURN || line.includes('\r')) {
      throw this.#fail('a line that does not end as lines do, or holds a carriage return');
    }
    this.#scanned = 0;
    this.#reserve(length + LINE_END_BYTES);
    this.#buffer.dropTo(start + length + LINE_END_BYTES);
    return line;
  }

  #checkType(byte: number): void {
    const type = String.fromCharCode(byte);
    if (!'+-:$*_#,(!=%~>|'.includes(type)) throw this.#fail(`${shown(type)} begins no reply`);
  }

  /** Counts bytes of the current reply. */
  #reserve(size: number): void {
    this.#replyBytes += size;
    if (this.#replyBytes <= this.#limits.replyBytesMax) return;
    throw this.#fail(`a reply of more than ${this.#limits.replyBytesMax} bytes`);
  }

  /** Puts a reply where it belongs; the outermost one when it is whole. */
  #add(reply: Reply | 'opened'): Reply | undefined {
    if (reply === 'opened') return undefined;
    let whole = reply;
    for (;;) {
      const inner = this.#open.at(-1);
      if (inner === undefined) return this.#done(whole);
      inner.items.push(whole);
      if (inner.items.length < inner.count) return undefined;
      this.#open.pop();
      // What an attribute is about comes after it, and takes its place.
      if (inner.type === 'attribute') return undefined;
      whole = collected(inner);
    }
  }

  #done(reply: Reply): Reply {
    this.#replyBytes = 0;
    this.#items = 0;
    return reply;
  }

  #length(type: string, content: string): number {
    if (LENGTH.test(content)) return Number(content);
    throw this.#fail(`${shown(type + content)} holds no length`);
  }

  #matching(pattern: RegExp, content: string, what: string): string {
    if (pattern.test(content)) return content;
    throw this.#fail(`${shown(content)} is no ${what}`);
  }

  #fail(problem: string): KvError {
    this.#failure = indefinite('PROTOCOL', `what came is no reply of Redis: ${problem}`);
    this.#buffer.clear();
    this.#open.length = 0;
    return this.#failure;
  }
}

function collected({ type, items }: Open): Reply {
  if (type !== 'map' && type !== 'attribute') return { type, items };
  const pairs: (readonly [Reply, Reply])[] = [];
  for (let i = 0; i < items.length; i += 2) pairs.push([items[i]!, items[i + 1]!]);
  return { type: 'map', pairs };
}

const SHOWN_MAX = 40;

/** For messages: in quotes, with controls escaped, and cut when it is long. */
function shown(text: string): string {
  return JSON.stringify(text.length <= SHOWN_MAX ? text : `${text.slice(0, SHOWN_MAX)}…`);
}
