/**
 * Replies as people know them from redis-cli: with types and numbers at a terminal, and nothing but what was said when
 * they are redirected. Nothing that could harm a terminal reaches one.
 */
import type { Reply } from '../../src/wire/resp/reply-reader.js';
import { isSafeOnTerminal, jsonBytes, showBytes } from '../text/byte-encoding.js';

type Collection = Extract<Reply, { items: unknown } | { pairs: unknown }>;

const EMPTY: Readonly<Record<Collection['type'], string>> = {
  array: '(empty array)',
  map: '(empty hash)',
  set: '(empty set)',
  push: '(empty push)',
};
/** What follows the number of an item. */
const SIGN: Readonly<Record<Collection['type'], string>> = { array: ')', map: '#', set: '~', push: ')' };

/** Text for a terminal, without a newline at its end. `isPlain`: a string is text for people, and is not quoted. */
export function replyText(reply: Reply, { isPlain = false } = {}): string {
  return isPlain && reply.type === 'string' ? lines(reply.bytes) : indented(reply, '');
}

/** `indent` stands before every line but the first, which follows what the reply is part of. */
function indented(reply: Reply, indent: string): string {
  switch (reply.type) {
    case 'status':
      return showBytes(reply.bytes, 'text');
    case 'error':
      return `(error) ${showBytes(reply.bytes, 'text')}`;
    case 'string':
      return `"${showBytes(reply.bytes, 'text').replaceAll('"', '\\"')}"`;
    case 'verbatim':
      return lines(reply.bytes);
    case 'integer':
      return `(integer) ${reply.value}`;
    case 'double':
      return `(double) ${reply.text}`;
    case 'bigNumber':
      return `(big number) ${reply.text}`;
    case 'boolean':
      return reply.value ? '(true)' : '(false)';
    case 'nil':
      return '(nil)';
    default:
      return collection(reply, indent);
  }
}

function collection(reply: Collection, indent: string): string {
  const count = sizeOf(reply);
  if (count === 0) return EMPTY[reply.type];
  const width = String(count).length;
  // What is within stands under the first character after the number.
  const inner = `${indent}${' '.repeat(width + 2)}`;
  const item = (i: number) =>
    reply.type === 'map'
      ? reply.pairs[i]!.map((part) => indented(part, inner)).join(' => ')
      : indented(reply.items[i]!, inner);
  const rows = Array.from(
    { length: count },
    (_, i) => `${i === 0 ? '' : indent}${String(i + 1).padStart(width)}${SIGN[reply.type]} ${item(i)}`,
  );
  return rows.join('\n');
}

function sizeOf(reply: Collection): number {
  return reply.type === 'map' ? reply.pairs.length : reply.items.length;
}

/** Text of several lines as it is, with what is unsafe escaped. */
function lines(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('latin1').replaceAll('\r\n', '\n').replace(/\n+$/, '');
  const shown = text.split('\n').map((line) => {
    const lineBytes = Buffer.from(line, 'latin1');
    return isSafeOnTerminal(lineBytes) ? lineBytes.toString('utf8') : showBytes(lineBytes, 'text');
  });
  return shown.join('\n');
}

const NEWLINE = Buffer.from('\n');
const SPACE = Buffer.from(' ');

/** The bytes for a file or a pipe: strings as they are, items a line each, keys before their values; a newline at the end. */
export function replyBytes(reply: Reply): Uint8Array {
  const parts: Uint8Array[] = [];
  collect(reply, parts);
  return Buffer.concat([...parts, NEWLINE]);
}

function collect(reply: Reply, parts: Uint8Array[]): void {
  switch (reply.type) {
    case 'status':
    case 'error':
    case 'string':
    case 'verbatim':
      parts.push(reply.bytes);
      return;
    case 'integer':
      parts.push(Buffer.from(String(reply.value)));
      return;
    case 'double':
    case 'bigNumber':
      parts.push(Buffer.from(reply.text));
      return;
    case 'boolean':
      parts.push(Buffer.from(reply.value ? '(true)' : '(false)'));
      return;
    case 'nil':
      return;
    case 'map':
      for (const [i, [key, value]] of reply.pairs.entries()) {
        if (i > 0) parts.push(NEWLINE);
        collect(key, parts);
        parts.push(SPACE);
        collect(value, parts);
      }
      return;
    default:
      for (const [i, item] of reply.items.entries()) {
        if (i > 0) parts.push(NEWLINE);
        collect(item, parts);
      }
  }
}

/**
 * A reply as JSON: strings as text, or `{"valueBase64": …}` for bytes that are not UTF-8, as elsewhere in kvcli; numbers that
 * JSON or its readers might not hold as text; maps as objects when all their keys are different texts, and otherwise as
 * an array of pairs.
 */
export function replyJson(reply: Reply): unknown {
  switch (reply.type) {
    case 'status':
    case 'string':
    case 'verbatim':
      return stringJson(reply.bytes);
    case 'error':
      return { error: showBytes(reply.bytes, 'text') };
    case 'integer':
      return numberJson(String(reply.value), Number.isSafeInteger);
    case 'double':
      return numberJson(reply.text, Number.isFinite);
    case 'bigNumber':
      return reply.text;
    case 'boolean':
      return reply.value;
    case 'nil':
      return null;
    case 'map':
      return mapJson(reply.pairs.map(([key, value]) => [replyJson(key), replyJson(value)]));
    default:
      return reply.items.map(replyJson);
  }
}

function stringJson(bytes: Uint8Array): unknown {
  const { value, ...encoded } = jsonBytes('value', bytes);
  return value ?? encoded;
}

function numberJson(text: string, isExact: (n: number) => boolean): number | string {
  return isExact(Number(text)) ? Number(text) : text;
}

function mapJson(pairs: readonly (readonly [unknown, unknown])[]): unknown {
  const keys = new Set(pairs.map(([key]) => key).filter((key) => typeof key === 'string'));
  return keys.size === pairs.length ? Object.fromEntries(pairs as [string, unknown][]) : pairs;
}
