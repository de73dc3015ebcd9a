/**
 * A record: what one version says about a key. One layout serves storage, replica messages and the cache, so that
 * bytes are copied, not re-encoded:
 *
 *     u32 crc · u64 time · u32 node · u8 flags · [u64 expiry, milliseconds since 1970] · value
 *
 * The CRC-32 covers everything after it, seeded with the low half of the key's hash. It is computed once, by the
 * coordinator, and travels with the record to the replicas' disks.
 */
import { readU64, viewOf, writeU64 } from '../base/bytes.js';
import { crc32 } from '../base/crc32.js';
import { EXPIRY_MS_MAX } from '../base/limits.js';
import { EXPIRED_BIT, VERSION_TIME_MAX, type Version } from './version.js';

export const RECORD_TIME_OFFSET = 4;
export const RECORD_NODE_OFFSET = 12;
export const RECORD_FLAGS_OFFSET = 16;
export const RECORD_EXPIRY_OFFSET = 17;

/** Bytes before the value of a record without expiry; also the size of a tombstone. */
export const RECORD_HEADER_BYTES = 17;
/** Bytes before the value of a record with expiry. */
export const RECORD_HEADER_BYTES_MAX = 25;

/** The record says that the key was deleted, or has expired. It has no value. */
export const FLAG_TOMBSTONE = 1;
/** The record has an expiry field. */
export const FLAG_EXPIRY = 2;
const FLAGS_KNOWN = FLAG_TOMBSTONE | FLAG_EXPIRY;

/** A record taken apart, for everything that is not the request path. `value` is a view into the record. */
export interface DecodedRecord {
  readonly version: Version;
  readonly tombstone: boolean;
  /** Milliseconds since 1970, or 0 for none. */
  readonly expiryMs: number;
  readonly value: Uint8Array;
}

/** What a new record is made of. `expiryMs` 0 means none. */
export interface RecordFields {
  readonly time: number;
  readonly node: number;
  readonly tombstone: boolean;
  readonly expiryMs: number;
  readonly value: Uint8Array;
}

/** Bytes that a record with these fields takes. */
export function recordBytes(valueBytes: number, expiryMs: number): number {
  return (expiryMs === 0 ? RECORD_HEADER_BYTES : RECORD_HEADER_BYTES_MAX) + valueBytes;
}

/** Where the value of a record with these flags begins. */
export function valueOffset(flags: number): number {
  return flags & FLAG_EXPIRY ? RECORD_HEADER_BYTES_MAX : RECORD_HEADER_BYTES;
}

/** A new, sealed record. */
export function encodeRecord(fields: RecordFields, hashLo: number): Uint8Array {
  const bytes = new Uint8Array(recordBytes(fields.value.length, fields.expiryMs));
  const view = viewOf(bytes);
  const flags = (fields.tombstone ? FLAG_TOMBSTONE : 0) | (fields.expiryMs === 0 ? 0 : FLAG_EXPIRY);
  writeU64(view, RECORD_TIME_OFFSET, fields.time);
  view.setUint32(RECORD_NODE_OFFSET, fields.node);
  view.setUint8(RECORD_FLAGS_OFFSET, flags);
  if (fields.expiryMs !== 0) writeU64(view, RECORD_EXPIRY_OFFSET, fields.expiryMs);
  bytes.set(fields.value, valueOffset(flags));
  sealRecord(bytes, hashLo);
  return bytes;
}

/** Computes the CRC of a complete record and puts it in its place. */
export function sealRecord(record: Uint8Array, hashLo: number): void {
  const crc = crc32(record.subarray(RECORD_TIME_OFFSET), hashLo);
  record[0] = crc >>> 24;
  record[1] = crc >>> 16;
  record[2] = crc >>> 8;
  record[3] = crc;
}

/** Whether the CRC matches, for the key whose hash has this low half. Also false for what is too short to be a record. */
export function checkRecord(record: Uint8Array, hashLo: number): boolean {
  if (record.length < RECORD_HEADER_BYTES) return false;
  const stored = ((record[0]! << 24) | (record[1]! << 16) | (record[2]! << 8) | record[3]!) >>> 0;
  return crc32(record.subarray(RECORD_TIME_OFFSET), hashLo) === stored;
}

/**
 * Whether bytes from a peer have the shape of a record: known flags, fields in range, no value on a tombstone.
 * Does not check the CRC.
 */
export function isRecordShape(view: DataView, offset: number, length: number): boolean {
  if (length < RECORD_HEADER_BYTES) return false;
  const flags = view.getUint8(offset + RECORD_FLAGS_OFFSET);
  if ((flags & ~FLAGS_KNOWN) !== 0 || length < valueOffset(flags)) return false;
  if (flags & FLAG_TOMBSTONE && length !== valueOffset(flags)) return false;
  const time = readU64(view, offset + RECORD_TIME_OFFSET);
  if (time === 0 || time > VERSION_TIME_MAX) return false;
  return (flags & FLAG_EXPIRY) === 0 || readU64(view, offset + RECORD_EXPIRY_OFFSET) <= EXPIRY_MS_MAX;
}

/** Takes a record apart. The bytes must have the shape of one. */
export function decodeRecord(record: Uint8Array): DecodedRecord {
  const view = viewOf(record);
  const flags = view.getUint8(RECORD_FLAGS_OFFSET);
  return {
    version: { time: readU64(view, RECORD_TIME_OFFSET), node: view.getUint32(RECORD_NODE_OFFSET) },
    tombstone: (flags & FLAG_TOMBSTONE) !== 0,
    expiryMs: flags & FLAG_EXPIRY ? readU64(view, RECORD_EXPIRY_OFFSET) : 0,
    value: record.subarray(valueOffset(flags)),
  };
}

/** Whether the record at `offset` has an expiry that `nowMs` has reached. Tombstones have none. */
export function isExpired(view: DataView, offset: number, nowMs: number): boolean {
  const flags = view.getUint8(offset + RECORD_FLAGS_OFFSET);
  return flags === FLAG_EXPIRY && readU64(view, offset + RECORD_EXPIRY_OFFSET) <= nowMs;
}

/** The expired form of a record: the tombstone that every replica derives from it in the same way. */
export function expiredForm(time: number, node: number, hashLo: number): Uint8Array {
  const fields = {
    time,
    node: (node | EXPIRED_BIT) >>> 0,
    tombstone: true,
    expiryMs: 0,
    value: new Uint8Array(0),
  };
  return encodeRecord(fields, hashLo);
}
