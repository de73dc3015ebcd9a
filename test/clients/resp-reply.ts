/**
 * Replies of the Redis protocol, RESP2 and RESP3, as trees that keep their bytes, and as one line of text for tables and
 * messages. It takes what a server may send, and throws at anything else: a reply that cannot be read is a finding.
 */

export type Reply =
  | { readonly kind: 'simple' | 'error' | 'integer' | 'double' | 'bignum'; readonly text: string }
  | { readonly kind: 'bulk' | 'verbatim' | 'blob-error'; readonly bytes: Buffer }
  | { readonly kind: 'null'; readonly text: '$-1' | '*-1' | '_' }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'array' | 'set' | 'push' | 'map'; readonly items: readonly Reply[] };

export interface Parsed {
  readonly reply: Reply;
  /** Where the next reply begins. */
  readonly end: number;
}

type ListKind = 'array' | 'set' | 'push' | 'map';

const LISTS: Readonly<Record<string, ListKind>> = { '*': 'array', '~': 'set', '>': 'push', '%': 'map' };
const LINES = { '+': 'simple', '-': 'error', ':': 'integer', ',': 'double', '(': 'bignum' } as const;
const BLOBS = { $: 'bulk', '=': 'verbatim', '!': 'blob-error' } as const;
const NEWLINE = '\r\n';
const DEPTH_MAX = 32;

/**
 * The reply that begins at `start`, or undefined while it is not complete.
 * @throws Error for what is no reply.
 */
export function parseReply(bytes: Buffer, start = 0, depth = 0): Parsed | undefined {
  if (depth > DEPTH_MAX) throw new Error(`replies within replies ${depth} deep`);
  const lineEnd = bytes.indexOf(NEWLINE, start, 'latin1');
  if (lineEnd < 0) return undefined;
  const sigil = String.fromCharCode(bytes[start]!);
  const text = bytes.toString('latin1', start + 1, lineEnd);
  const end = lineEnd + NEWLINE.length;
  if (isKey(LINES, sigil)) return lineReply(LINES[sigil], text, end);
  if (sigil === '_' && text === '') return { reply: { kind: 'null', text: '_' }, end };
  if (sigil === '#' && /^[tf]$/.test(text)) return { reply: { kind: 'boolean', value: text === 't' }, end };
  if (text === '-1' && (sigil === '$' || sigil === '*'))
    return { reply: { kind: 'null', text: `${sigil}-1` }, end };
  if (isKey(BLOBS, sigil)) return blobReply(bytes, BLOBS[sigil], lengthOf(sigil, text), end);
  const list = LISTS[sigil];
  if (list === undefined) throw new Error(`no reply begins with ${JSON.stringify(sigil + text)}`);
  return listReply(bytes, list, lengthOf(sigil, text), end, depth);
}

/** All complete replies, and the bytes of each. */
export function parseReplies(bytes: Buffer): { replies: Reply[]; slices: Buffer[]; rest: Buffer } {
  const replies: Reply[] = [];
  const slices: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    const parsed = parseReply(bytes, at);
    if (parsed === undefined) break;
    replies.push(parsed.reply);
    slices.push(bytes.subarray(at, parsed.end));
    at = parsed.end;
  }
  return { replies, slices, rest: bytes.subarray(at) };
}

/**
 * A reply in one line: `+OK`, `-ERR …`, `:1`, `"bulk"`, `$-1`, `*-1`, `_`, `["a", :1]`, `~[…]`, `>[…]`, `{"k": :1}`,
 * `,1.5`, `#t`, `="txt:…"`. Bytes that are no ASCII text are shown as `\xff`.
 */
export function show(reply: Reply): string {
  switch (reply.kind) {
    case 'simple':
      return `+${reply.text}`;
    case 'error':
      return `-${reply.text}`;
    case 'integer':
      return `:${reply.text}`;
    case 'double':
      return `,${reply.text}`;
    case 'bignum':
      return `(${reply.text}`;
    case 'null':
      return reply.text;
    case 'boolean':
      return reply.value ? '#t' : '#f';
    case 'bulk':
      return quoted(reply.bytes);
    case 'verbatim':
      return `=${quoted(reply.bytes)}`;
    case 'blob-error':
      return `!${quoted(reply.bytes)}`;
    case 'map':
      return `{${pairs(reply.items).join(', ')}}`;
    default: {
      const sigil = { array: '', set: '~', push: '>' }[reply.kind];
      return `${sigil}[${reply.items.map(show).join(', ')}]`;
    }
  }
}

/** Bytes as a quoted string of printable ASCII. */
export function quoted(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const escaped = text.replace(/[\\"]|[^ -~]/g, (char) => ESCAPES[char] ?? hexEscape(char));
  return `"${escaped}"`;
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '"': '\\"',
  '\r': '\\r',
  '\n': '\\n',
  '\t': '\\t',
};

function hexEscape(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`;
}

function pairs(items: readonly Reply[]): string[] {
  const shown: string[] = [];
  for (let i = 0; i + 1 < items.length; i += 2) shown.push(`${show(items[i]!)}: ${show(items[i + 1]!)}`);
  return shown;
}

function lineReply(kind: (typeof LINES)[keyof typeof LINES], text: string, end: number): Parsed {
  if (kind === 'integer' && !/^-?\d+$/.test(text)) throw new Error(`:${text} is no integer`);
  return { reply: { kind, text }, end };
}

function blobReply(
  bytes: Buffer,
  kind: (typeof BLOBS)[keyof typeof BLOBS],
  length: number,
  start: number,
): Parsed | undefined {
  const end = start + length + NEWLINE.length;
  if (bytes.length < end) return undefined;
  if (bytes.toString('latin1', start + length, end) !== NEWLINE)
    throw new Error('a bulk string longer than its length');
  return { reply: { kind, bytes: bytes.subarray(start, start + length) }, end };
}

function listReply(
  bytes: Buffer,
  kind: ListKind,
  length: number,
  start: number,
  depth: number,
): Parsed | undefined {
  const items: Reply[] = [];
  let end = start;
  for (let left = kind === 'map' ? 2 * length : length; left > 0; left--) {
    const item = parseReply(bytes, end, depth + 1);
    if (item === undefined) return undefined;
    items.push(item.reply);
    end = item.end;
  }
  return { reply: { kind, items }, end };
}

function lengthOf(sigil: string, text: string): number {
  if (!/^\d{1,10}$/.test(text)) throw new Error(`${JSON.stringify(text)} is no length after ${sigil}`);
  return Number(text);
}

function isKey<T extends object>(table: T, key: string): key is string & keyof T {
  return Object.hasOwn(table, key);
}
