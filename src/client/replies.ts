/**
 * Reads the replies to each kind of request. Undefined means that the reply is malformed or of another request's type;
 * results are copies, and `null` always means that the key is absent.
 */
import { readU64 } from '../base/bytes.js';
import { EXPIRY_MS_MAX } from '../base/limits.js';
import {
  FLAG_EXPIRY,
  RECORD_EXPIRY_OFFSET,
  RECORD_HEADER_BYTES,
  RECORD_TIME_OFFSET,
} from '../version/record.js';
import { VERSION_BYTES, VERSION_TIME_MAX, type Version } from '../version/version.js';
import { type Body, frameBody } from '../wire/body.js';
import { VALUE_BODY_BYTES_MIN } from '../wire/client-messages.js';
import type { Frame } from '../wire/frame.js';
import { ABSENT, DONE, FLAG_EXISTED, FLAG_NO_VALUE, RESULT, VALUE } from '../wire/message-type.js';

/** A value with what is known about it. */
export interface Entry {
  readonly value: Uint8Array;
  /** The version of the write that stored it; versions of one key grow. */
  readonly version: Version;
  /** Milliseconds since 1970, or null when it does not expire. */
  readonly expiresAtMs: number | null;
}

// A VALUE is a record without its CRC.
const NODE_OFFSET = 8;
const FLAGS_OFFSET = RECORD_HEADER_BYTES - RECORD_TIME_OFFSET - 1;
const EXPIRY_OFFSET = RECORD_EXPIRY_OFFSET - RECORD_TIME_OFFSET;
const EXPIRY_BYTES = 8;

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

export function readText(frame: Frame): string | null | undefined {
  if (frame.type === ABSENT) return null;
  const from = valueStart(frame, 0);
  if (from < 0) return undefined;
  return decoder.decode(frame.bytes.subarray(from, frame.bodyStart + frame.bodyLength));
}

export function readBytes(frame: Frame): Uint8Array | null | undefined {
  if (frame.type === ABSENT) return null;
  const from = valueStart(frame, 0);
  return from < 0 ? undefined : frame.bytes.slice(from, frame.bodyStart + frame.bodyLength);
}

export function readEntry(frame: Frame): Entry | null | undefined {
  if (frame.type === ABSENT) return null;
  const from = valueStart(frame, 0);
  if (from < 0) return undefined;
  const version = versionAt(frame.view, frame.bodyStart);
  const expiryMs = expiryOf(frame);
  if (version === undefined || expiryMs === undefined) return undefined;
  const value = frame.bytes.slice(from, frame.bodyStart + frame.bodyLength);
  return { value, version, expiresAtMs: expiryMs === 0 ? null : expiryMs };
}

/** For a GET without value: whether there is one. */
export function readPresence(frame: Frame): boolean | undefined {
  if (frame.type === ABSENT) return false;
  return valueStart(frame, FLAG_NO_VALUE) < 0 ? undefined : true;
}

/** For a GET without value: the expiry in ms since 1970, 0 for none, null for an absent key. */
export function readExpiry(frame: Frame): number | null | undefined {
  if (frame.type === ABSENT) return null;
  return valueStart(frame, FLAG_NO_VALUE) < 0 ? undefined : expiryOf(frame);
}

/** For a SET: the version that was written. */
export function readWritten(frame: Frame): Version | undefined {
  return isDone(frame) ? versionAt(frame.view, frame.bodyStart) : undefined;
}

/** For a DELETE: whether there was something to delete. */
export function readDeleted(frame: Frame): boolean | undefined {
  return isDone(frame) ? (frame.flags & FLAG_EXISTED) !== 0 : undefined;
}

/** For everything with a MessagePack answer: its map. */
export function readResult(frame: Frame): Body | undefined {
  return frame.type === RESULT ? frameBody(frame) : undefined;
}

/** Where the value of a VALUE begins; −1 when it is not one, or not with the `flags` that were asked for. */
function valueStart(frame: Frame, flags: number): number {
  if (frame.type !== VALUE || frame.bodyLength < VALUE_BODY_BYTES_MIN) return -1;
  if ((frame.flags & FLAG_NO_VALUE) !== flags) return -1;
  const recordFlags = frame.view.getUint8(frame.bodyStart + FLAGS_OFFSET);
  if (recordFlags === 0) return frame.bodyStart + EXPIRY_OFFSET;
  // Anything but an expiry, a tombstone above all, is no value.
  const isWhole = recordFlags === FLAG_EXPIRY && frame.bodyLength >= EXPIRY_OFFSET + EXPIRY_BYTES;
  return isWhole ? frame.bodyStart + EXPIRY_OFFSET + EXPIRY_BYTES : -1;
}

function expiryOf(frame: Frame): number | undefined {
  if (frame.view.getUint8(frame.bodyStart + FLAGS_OFFSET) !== FLAG_EXPIRY) return 0;
  const expiryMs = readU64(frame.view, frame.bodyStart + EXPIRY_OFFSET);
  return expiryMs <= EXPIRY_MS_MAX ? expiryMs : undefined;
}

function isDone(frame: Frame): boolean {
  return frame.type === DONE && frame.bodyLength === VERSION_BYTES;
}

function versionAt(view: DataView, at: number): Version | undefined {
  const time = readU64(view, at);
  return time <= VERSION_TIME_MAX ? { time, node: view.getUint32(at + NODE_OFFSET) } : undefined;
}
