/**
 * The fixed bodies between clients and nodes: GET, SET, DELETE and their replies. Field by field in FORMAT.md.
 *
 * Writers are for both sides' request paths: positional numbers, no objects. Readers return the body's fields as
 * numbers from a {@link Frame} whose body the caller has found to be at least as long as the message's fixed part.
 */
import { readU64, writeU64 } from '../base/bytes.js';
import { RECORD_FLAGS_OFFSET, RECORD_TIME_OFFSET, valueOffset } from '../version/record.js';
import { VERSION_BYTES } from '../version/version.js';
import { copyRange, type Frame } from './frame.js';
import {
  ABSENT,
  DELETE,
  DONE,
  FLAG_EXPIRY_ABSOLUTE,
  FLAG_NO_VALUE,
  GET,
  SET,
  VALUE,
} from './message-type.js';
import type { Outbox } from './outbox.js';

/** GET and DELETE: u8 quorum (0: the cluster's default) · u8 reserved · u16 time budget in ms (0: the default). */
export const ASK_BODY_BYTES = 4;
/** SET: the same four bytes · u64 time to live in ms (or a moment; 0: none) · value. */
export const SET_BODY_BYTES = 12;
/** VALUE: a record without its CRC. */
export const VALUE_BODY_BYTES_MIN = 13;

export function writeGet(
  outbox: Outbox,
  id: number,
  key: Uint8Array,
  r: number,
  budgetMs: number,
  noValue: boolean,
): void {
  const at = outbox.begin(GET, noValue ? FLAG_NO_VALUE : 0, id, key.length, ASK_BODY_BYTES);
  writeAsk(outbox, at, key, r, budgetMs);
}

export function writeDelete(outbox: Outbox, id: number, key: Uint8Array, w: number, budgetMs: number): void {
  const at = outbox.begin(DELETE, 0, id, key.length, ASK_BODY_BYTES);
  writeAsk(outbox, at, key, w, budgetMs);
}

/** What a SET says beside key and value. */
export interface SetFields {
  /** Write quorum; 0 for the cluster's default. */
  readonly w: number;
  /** Time budget in milliseconds; 0 for the node's default. */
  readonly budgetMs: number;
  /** Milliseconds to live, or since 1970 when `absolute`; 0 for no expiry. */
  readonly expiry: number;
  readonly absolute: boolean;
}

export function writeSet(
  outbox: Outbox,
  id: number,
  key: Uint8Array,
  value: Uint8Array,
  fields: SetFields,
): void {
  const flags = fields.absolute ? FLAG_EXPIRY_ABSOLUTE : 0;
  const at = outbox.begin(SET, flags, id, key.length, SET_BODY_BYTES + value.length);
  const body = writeAsk(outbox, at, key, fields.w, fields.budgetMs);
  writeU64(outbox.view, body + 4, fields.expiry);
  copyRange(outbox.bytes, body + SET_BODY_BYTES, value, 0, value.length);
}

function writeAsk(outbox: Outbox, at: number, key: Uint8Array, quorum: number, budgetMs: number): number {
  copyRange(outbox.bytes, at, key, 0, key.length);
  const body = at + key.length;
  outbox.view.setUint8(body, quorum);
  outbox.view.setUint8(body + 1, 0);
  outbox.view.setUint16(body + 2, budgetMs);
  return body;
}

/** The quorum of a GET, SET or DELETE. */
export function readQuorumField(frame: Frame): number {
  return frame.view.getUint8(frame.bodyStart);
}

/** The time budget of a GET, SET or DELETE, in milliseconds; 0 for the default. */
export function readBudgetField(frame: Frame): number {
  return frame.view.getUint16(frame.bodyStart + 2);
}

/** The expiry field of a SET; may be beyond 2^53 in a malformed one. */
export function readExpiryField(frame: Frame): number {
  return readU64(frame.view, frame.bodyStart + 4);
}

/** Answers a GET with the record in `record[from, from + length)`, or with its fields only. */
export function writeValue(
  outbox: Outbox,
  id: number,
  record: Uint8Array,
  from: number,
  length: number,
  noValue: boolean,
): void {
  const end = noValue ? valueOffset(record[from + RECORD_FLAGS_OFFSET]!) : length;
  const bytes = end - RECORD_TIME_OFFSET;
  const at = outbox.begin(VALUE, noValue ? FLAG_NO_VALUE : 0, id, 0, bytes);
  copyRange(outbox.bytes, at, record, from + RECORD_TIME_OFFSET, bytes);
}

export function writeAbsent(outbox: Outbox, id: number): void {
  outbox.begin(ABSENT, 0, id, 0, 0);
}

/** Answers a SET or DELETE with the version that was written. */
export function writeDone(outbox: Outbox, id: number, time: number, node: number, flags: number): void {
  const at = outbox.begin(DONE, flags, id, 0, VERSION_BYTES);
  writeU64(outbox.view, at, time);
  outbox.view.setUint32(at + 8, node);
}
