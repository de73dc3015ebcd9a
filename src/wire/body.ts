/**
 * MessagePack bodies, for everything off the request path. The only file that imports the codec.
 *
 * Decoding never throws: a body that is not what it should be is `undefined`, and the caller answers BAD_REQUEST.
 */
import { Decoder, Encoder } from '@msgpack/msgpack';
import { definite } from '../base/errors.js';
import { isBoundedBody } from './body-shape.js';
import type { Frame } from './frame.js';
import { copyRange } from './frame.js';
import type { Outbox } from './outbox.js';

const encoder = new Encoder({ ignoreUndefined: true });
const decoder = new Decoder();

/** A MessagePack map, not yet validated. */
export type Body = Readonly<Record<string, unknown>>;

/** The bytes of `value`, which the caller may keep. */
export function encodeBody(value: unknown): Uint8Array {
  return encoder.encode(value);
}

/** The map in `bytes`, or undefined when they are not exactly one MessagePack map. Byte strings are copies. */
export function decodeBody(bytes: Uint8Array): Body | undefined {
  if (!isBoundedBody(bytes)) return undefined;
  try {
    // The codec hands out byte strings as views; the receive buffer under them is reused.
    const value = decoder.decode(new Uint8Array(bytes));
    return isMap(value) ? value : undefined;
  } catch {
    return undefined; // Whatever is wrong with it, it is the sender's fault and the caller says so.
  }
}

/** The map in the frame's body; see {@link decodeBody}. */
export function frameBody(frame: Frame): Body | undefined {
  return decodeBody(frame.body());
}

/** Writes a frame with a MessagePack body and, optionally, a key. */
export function writeBody(outbox: Outbox, type: number, id: number, value: unknown, key?: Uint8Array): void {
  const body = encoder.encodeSharedRef(value);
  const keyBytes = key === undefined ? 0 : key.length;
  const at = outbox.begin(type, 0, id, keyBytes, body.length);
  if (key !== undefined) copyRange(outbox.bytes, at, key, 0, keyBytes);
  outbox.bytes.set(body, at + keyBytes);
}

function isMap(value: unknown): value is Body {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array)
  );
}

// Readers of single fields: the value when it has the right type, else undefined.

export function stringField(body: Body, name: string): string | undefined {
  const value = body[name];
  return typeof value === 'string' ? value : undefined;
}

/** A safe integer within [min, max]. */
export function integerField(body: Body, name: string, min: number, max: number): number | undefined {
  const value = body[name];
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max
    ? value
    : undefined;
}

export function bytesField(body: Body, name: string): Uint8Array | undefined {
  const value = body[name];
  return value instanceof Uint8Array ? value : undefined;
}

export function arrayField(body: Body, name: string): readonly unknown[] | undefined {
  const value = body[name];
  return Array.isArray(value) ? value : undefined;
}

export function mapField(body: Body, name: string): Body | undefined {
  const value = body[name];
  return isMap(value) ? value : undefined;
}

/**
 * Fences a request of another configuration.
 * @param epoch of the configuration here.
 * @throws KvError `EPOCH_MISMATCH`.
 */
export function requireEpoch(body: Body, epoch: number): void {
  if (integerField(body, 'epoch', 1, 0xffffffff) === epoch) return;
  throw definite('EPOCH_MISMATCH', `the configuration here has epoch ${epoch}`);
}
