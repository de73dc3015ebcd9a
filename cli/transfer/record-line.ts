/**
 * One record of an export as one line of JSON:
 *
 *     {"key":"user:7","value":"Ada"}
 *     {"key":"session:1","value":"x","expiresAt":1900000000000}
 *     {"keyBase64":"/wA=","valueBase64":"iVBORw=="}
 *
 * `key` and `value` are text; where the bytes are no UTF-8, `keyBase64` or `valueBase64` stands instead. `expiresAt` is
 * milliseconds since 1970, left out when the record does not expire. What is written reads back as the same bytes.
 */
import { messageOf } from '../../src/base/errors.js';
import { EXPIRY_MS_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../../src/base/limits.js';
import { fromBase64, jsonBytes, textOf, utf8Of } from '../text/byte-encoding.js';
import { formatCount } from '../text/quantity.js';

export interface RecordLine {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** Milliseconds since 1970, or null for never. */
  readonly expiresAtMs: number | null;
}

/** A line that is no record. The message says why, without the line number. */
export class MalformedLine extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'MalformedLine';
  }
}

const FIELDS = ['key', 'keyBase64', 'value', 'valueBase64', 'expiresAt'];

/** The record as a line without its newline. */
export function formatRecord({ key, value, expiresAtMs }: RecordLine): string {
  const expiry = expiresAtMs === null ? {} : { expiresAt: expiresAtMs };
  return JSON.stringify({ ...jsonBytes('key', key), ...jsonBytes('value', value), ...expiry });
}

/**
 * The record on a line.
 * @throws MalformedLine also for unknown fields: a mistyped `expiresAt` would make data immortal without a word.
 */
export function parseRecord(line: Uint8Array): RecordLine {
  const fields = parseObject(line);
  for (const name of Object.keys(fields)) {
    if (FIELDS.includes(name)) continue;
    throw new MalformedLine(`unknown field ${JSON.stringify(name)}; allowed are ${FIELDS.join(', ')}`);
  }
  const key = parseBytes(fields, 'key', KEY_BYTES_MAX);
  if (key.length === 0) throw new MalformedLine('the key is empty');
  const value = parseBytes(fields, 'value', VALUE_BYTES_MAX);
  return { key, value, expiresAtMs: parseExpiry(fields.expiresAt) };
}

function parseObject(line: Uint8Array): Readonly<Record<string, unknown>> {
  const text = textOf(line);
  if (text === undefined) throw new MalformedLine('not UTF-8');
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (error) {
    throw new MalformedLine(`not JSON: ${messageOf(error)}`, error);
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw new MalformedLine('not a JSON object such as {"key":"k","value":"v"}');
  }
  return parsed as Record<string, unknown>;
}

function parseBytes(fields: Readonly<Record<string, unknown>>, name: string, bytesMax: number): Uint8Array {
  const text = fields[name];
  const base64 = fields[`${name}Base64`];
  if ((text === undefined) === (base64 === undefined)) {
    const both = text === undefined ? 'neither' : 'both';
    throw new MalformedLine(`${both} "${name}" and "${name}Base64"; give one of them`);
  }
  const bytes = text === undefined ? base64Field(base64, name) : textField(text, name);
  if (bytes.length <= bytesMax) return bytes;
  throw new MalformedLine(
    `the ${name} has ${formatCount(bytes.length)} bytes, more than ${formatCount(bytesMax)}`,
  );
}

function textField(text: unknown, name: string): Uint8Array {
  if (typeof text !== 'string') throw new MalformedLine(`"${name}" is ${kindOf(text)}, not a string`);
  const bytes = utf8Of(text);
  if (bytes === undefined) throw new MalformedLine(`"${name}" holds half a surrogate pair, which is no text`);
  return bytes;
}

function base64Field(base64: unknown, name: string): Uint8Array {
  const bytes = typeof base64 === 'string' ? fromBase64(base64) : undefined;
  if (bytes === undefined) throw new MalformedLine(`"${name}Base64" is not base64`);
  return bytes;
}

function parseExpiry(expiresAt: unknown): number | null {
  if (expiresAt === undefined) return null;
  if (Number.isInteger(expiresAt) && (expiresAt as number) > 0 && (expiresAt as number) <= EXPIRY_MS_MAX) {
    return expiresAt as number;
  }
  throw new MalformedLine('"expiresAt" is not a moment in milliseconds since 1970');
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}
