/**
 * Keys and values are bytes; people and JSON see text. This file is the one place where the two meet: reading what was
 * typed, showing bytes without harming the terminal, and naming bytes in JSON so that they come back unchanged.
 */
import { UsageError } from '../usage-error.js';

export type ByteEncoding = 'text' | 'hex' | 'base64';

// ignoreBOM keeps a leading U+FEFF: without it, three bytes would be lost on the way.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();
const LONE_SURROGATE = /\p{Surrogate}/u;
// Controls move the cursor or worse, and bidirectional overrides make text look like another one.
const UNSAFE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069\\]/gu;
const UNSAFE_ON_TERMINAL = /[^\P{Cc}\n\t]|[\u202a-\u202e\u2066-\u2069]/u;
const NAMED_ESCAPES = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\\', '\\\\'],
]);

/** The text that these bytes are the UTF-8 of, or undefined when they are none. */
export function textOf(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The UTF-8 of `text`, or undefined when it holds half a surrogate pair, which UTF-8 cannot express. */
export function utf8Of(text: string): Uint8Array | undefined {
  return LONE_SURROGATE.test(text) ? undefined : encoder.encode(text);
}

/** The bytes that `base64` stands for, or undefined unless it is exactly the base64 of some bytes. */
export function fromBase64(base64: string): Uint8Array | undefined {
  const bytes = Buffer.from(base64, 'base64');
  return bytes.toString('base64') === base64 ? bytes : undefined;
}

export function toBase64(bytes: Uint8Array): string {
  return bufferOf(bytes).toString('base64');
}

/**
 * The bytes of an argument. `what` names it in the error.
 * @throws UsageError when it is not of that encoding.
 */
export function decodeArgument(argument: string, encoding: ByteEncoding, what: string): Uint8Array {
  if (encoding === 'text') return encoder.encode(argument);
  if (encoding === 'base64') {
    const bytes = fromBase64(argument);
    if (bytes === undefined) throw new UsageError(`the ${what} is not base64: ${shorten(argument)}`);
    return bytes;
  }
  if (argument.length % 2 !== 0 || !/^[0-9A-Fa-f]*$/.test(argument)) {
    throw new UsageError(`the ${what} is not hexadecimal, two digits a byte: ${shorten(argument)}`);
  }
  return Buffer.from(argument, 'hex');
}

/** Bytes on one line, as `encoding`; as text with everything unsafe escaped, so that different bytes look different. */
export function showBytes(bytes: Uint8Array, encoding: ByteEncoding): string {
  return encoding === 'text' ? escapeBytes(bytes) : bufferOf(bytes).toString(encoding);
}

/** Whether these bytes can be written to a terminal as they are. */
export function isSafeOnTerminal(bytes: Uint8Array): boolean {
  const text = textOf(bytes);
  return text !== undefined && !UNSAFE_ON_TERMINAL.test(text);
}

/** `{ [name]: text }`, or `{ [name + 'Base64']: … }` for bytes that are not UTF-8: how JSON carries bytes here. */
export function jsonBytes(name: string, bytes: Uint8Array): Record<string, string> {
  const text = textOf(bytes);
  return text === undefined ? { [`${name}Base64`]: toBase64(bytes) } : { [name]: text };
}

/** A key for messages: escaped, and cut when it is long. */
export function shortKey(key: Uint8Array): string {
  return `"${shorten(escapeBytes(key.subarray(0, 200)))}"`;
}

function escapeBytes(bytes: Uint8Array): string {
  const text = textOf(bytes);
  if (text !== undefined) return text.replace(UNSAFE, escapeCharacter);
  let escaped = '';
  for (const byte of bytes) {
    const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
    escaped += isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return escaped;
}

function escapeCharacter(character: string): string {
  const named = NAMED_ESCAPES.get(character);
  if (named !== undefined) return named;
  const code = character.codePointAt(0) ?? 0;
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
}

function shorten(text: string): string {
  return text.length <= 60 ? text : `${text.slice(0, 59)}…`;
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
