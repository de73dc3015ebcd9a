/**
 * The fixed bodies between nodes: reading and applying records on replicas. Field by field in FORMAT.md.
 *
 * Every request begins with the sender's clock, the epoch of its configuration and the hash of the key, which is
 * computed once per request, by the coordinator; every reply begins with the sender's clock. Positional numbers
 * throughout: these run several times per request.
 */
import { readU64, writeU64 } from '../base/bytes.js';
import { VERSION_BYTES } from '../version/version.js';
import { copyRange, type Frame } from './frame.js';
import {
  APPLIED,
  FLAG_MISSED,
  FLAG_REPAIR,
  FLAG_VERSION_ONLY,
  PING,
  PONG,
  READ_RECORD,
  READ_SAME,
  READ_VERSION,
  REPLICA_APPLY,
  REPLICA_READ,
  STALE,
  UNSURE,
} from './message-type.js';
import type { Outbox } from './outbox.js';

/** Replica requests: u64 clock · u32 epoch · u64 hash of the key. */
export const REPLICA_PREFIX_BYTES = 20;
/** REPLICA_READ: the prefix · the version that the coordinator holds (time 0: none). */
export const REPLICA_READ_BYTES = REPLICA_PREFIX_BYTES + VERSION_BYTES;
/** Replies: u64 clock. */
export const REPLY_PREFIX_BYTES = 8;
/** PING and PONG: u64 clock · u32 epoch · u64 wall time in ms. */
export const PING_BYTES = 20;

const EPOCH_OFFSET = 8;
const HASH_OFFSET = 12;

/** What every replica request of a node says first. Reused: filled in once per request. */
export interface ReplicaPrefix {
  clock: number;
  epoch: number;
  hashHi: number;
  hashLo: number;
}

function writePrefix(outbox: Outbox, body: number, prefix: ReplicaPrefix): void {
  const { view } = outbox;
  writeU64(view, body, prefix.clock);
  view.setUint32(body + EPOCH_OFFSET, prefix.epoch);
  view.setUint32(body + HASH_OFFSET, prefix.hashHi);
  view.setUint32(body + HASH_OFFSET + 4, prefix.hashLo);
}

export function writeReplicaRead(
  outbox: Outbox,
  id: number,
  prefix: ReplicaPrefix,
  key: Uint8Array,
  keyLength: number,
  haveTime: number,
  haveNode: number,
  versionOnly: boolean,
): void {
  const flags = versionOnly ? FLAG_VERSION_ONLY : 0;
  const at = outbox.begin(REPLICA_READ, flags, id, keyLength, REPLICA_READ_BYTES);
  copyRange(outbox.bytes, at, key, 0, keyLength);
  const body = at + keyLength;
  writePrefix(outbox, body, prefix);
  writeU64(outbox.view, body + REPLICA_PREFIX_BYTES, haveTime);
  outbox.view.setUint32(body + REPLICA_PREFIX_BYTES + 8, haveNode);
}

/** @param missed places of the owners (a bit for each) that the receiver is asked to keep a hint for. */
export function writeReplicaApply(
  outbox: Outbox,
  id: number,
  prefix: ReplicaPrefix,
  key: Uint8Array,
  keyLength: number,
  record: Uint8Array,
  recordLength: number,
  repair: boolean,
  missed = 0,
): void {
  const bodyBytes = REPLICA_PREFIX_BYTES + recordLength;
  const flags = (repair ? FLAG_REPAIR : 0) | (missed << 1);
  const at = outbox.begin(REPLICA_APPLY, flags, id, keyLength, bodyBytes);
  copyRange(outbox.bytes, at, key, 0, keyLength);
  writePrefix(outbox, at + keyLength, prefix);
  copyRange(outbox.bytes, at + keyLength + REPLICA_PREFIX_BYTES, record, 0, recordLength);
}

/** The sender's clock, first in every message between nodes. */
export function readClockField(frame: Frame): number {
  return readU64(frame.view, frame.bodyStart);
}

/** The places of the owners that a REPLICA_APPLY asks to keep a hint for: bit i is the owner at place i. */
export function missedPlaces(frame: Frame): number {
  return (frame.flags & FLAG_MISSED) >>> 1;
}

export function readEpochField(frame: Frame): number {
  return frame.view.getUint32(frame.bodyStart + EPOCH_OFFSET);
}

export function readHashHiField(frame: Frame): number {
  return frame.view.getUint32(frame.bodyStart + HASH_OFFSET);
}

export function readHashLoField(frame: Frame): number {
  return frame.view.getUint32(frame.bodyStart + HASH_OFFSET + 4);
}

/** Time of the version in a REPLICA_READ. */
export function readHaveTimeField(frame: Frame): number {
  return readU64(frame.view, frame.bodyStart + REPLICA_PREFIX_BYTES);
}

/** Node of the version in a REPLICA_READ. */
export function readHaveNodeField(frame: Frame): number {
  return frame.view.getUint32(frame.bodyStart + REPLICA_PREFIX_BYTES + 8);
}

/** Time of the version in a READ_VERSION or STALE. */
export function readReplyTimeField(frame: Frame): number {
  return readU64(frame.view, frame.bodyStart + REPLY_PREFIX_BYTES);
}

/** Node of the version in a READ_VERSION or STALE. */
export function readReplyNodeField(frame: Frame): number {
  return frame.view.getUint32(frame.bodyStart + REPLY_PREFIX_BYTES + 8);
}

export function writeReadSame(outbox: Outbox, id: number, clock: number): void {
  writeClockReply(outbox, READ_SAME, 0, id, clock);
}

export function writeReadVersion(
  outbox: Outbox,
  id: number,
  clock: number,
  time: number,
  node: number,
): void {
  writeVersionReply(outbox, READ_VERSION, id, clock, time, node);
}

export function writeReadRecord(
  outbox: Outbox,
  id: number,
  clock: number,
  record: Uint8Array,
  from: number,
  length: number,
): void {
  const at = beginReply(outbox, READ_RECORD, 0, id, length);
  writeU64(outbox.view, at, clock);
  copyRange(outbox.bytes, at + REPLY_PREFIX_BYTES, record, from, length);
}

export function writeApplied(outbox: Outbox, id: number, clock: number, flags: number): void {
  writeClockReply(outbox, APPLIED, flags, id, clock);
}

export function writeStale(outbox: Outbox, id: number, clock: number, time: number, node: number): void {
  writeVersionReply(outbox, STALE, id, clock, time, node);
}

export function writeUnsure(outbox: Outbox, id: number, clock: number): void {
  writeClockReply(outbox, UNSURE, 0, id, clock);
}

/** The outbox may have another view after `begin`: it is read only then. */
function writeClockReply(outbox: Outbox, type: number, flags: number, id: number, clock: number): void {
  const at = beginReply(outbox, type, flags, id, 0);
  writeU64(outbox.view, at, clock);
}

function beginReply(outbox: Outbox, type: number, flags: number, id: number, bodyBytes: number): number {
  return outbox.begin(type, flags, id, 0, REPLY_PREFIX_BYTES + bodyBytes);
}

function writeVersionReply(
  outbox: Outbox,
  type: number,
  id: number,
  clock: number,
  time: number,
  node: number,
): void {
  const at = beginReply(outbox, type, 0, id, VERSION_BYTES);
  writeU64(outbox.view, at, clock);
  writeU64(outbox.view, at + REPLY_PREFIX_BYTES, time);
  outbox.view.setUint32(at + REPLY_PREFIX_BYTES + 8, node);
}

/** A heartbeat, and the answer to one: how far the sender's clocks and configuration are. */
export function writePing(
  outbox: Outbox,
  id: number,
  clock: number,
  epoch: number,
  wallMs: number,
  answer: boolean,
  flags = 0,
): void {
  const at = outbox.begin(answer ? PONG : PING, flags, id, 0, PING_BYTES);
  writeU64(outbox.view, at, clock);
  outbox.view.setUint32(at + EPOCH_OFFSET, epoch);
  writeU64(outbox.view, at + HASH_OFFSET, wallMs);
}

/** The wall time of a PING or PONG, in milliseconds since 1970. */
export function readPingWallField(frame: Frame): number {
  return readU64(frame.view, frame.bodyStart + HASH_OFFSET);
}
