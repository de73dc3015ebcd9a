/**
 * Versions: the one order of everything that happens to a key.
 *
 * A version is `(time, node)`, compared in that order. `time` is a packed hybrid logical clock: milliseconds since
 * 2020-01-01 UTC × 4096 + counter, a safe integer until 2089. `node` is a u32 whose upper 31 bits come from the hash of
 * the node's name; its lowest bit is 0 in every version that a node issues. The version with that bit set is the
 * *expired form* of the record: a tombstone that comes right after the record it ends and before any other version, so
 * that the first reader who finds a record expired can settle that fact like any write (see `replication/`).
 *
 * Time 0 is "no version": it is below every issued one and stands for "I hold nothing for this key".
 */

/** 2020-01-01T00:00:00Z in milliseconds since 1970. */
export const VERSION_EPOCH_MS = 1577836800000;

/** Versions that one node can issue within one millisecond before its clock runs ahead. */
export const COUNTER_LIMIT = 4096;

/** The largest time that fits: every packed time is at most this. */
export const VERSION_TIME_MAX = Number.MAX_SAFE_INTEGER;

/** Bytes of a version in records and messages: u64 time, u32 node. */
export const VERSION_BYTES = 12;

/** The lowest bit of a version's node: set in the expired form of a record. */
export const EXPIRED_BIT = 1;

export interface Version {
  readonly time: number;
  readonly node: number;
}

/** What a replica that holds nothing for a key speaks of. */
export const NO_VERSION: Version = { time: 0, node: 0 };

/** Negative, zero or positive, in the order of versions. Takes numbers, not objects: it runs for every message. */
export function compareVersions(aTime: number, aNode: number, bTime: number, bNode: number): number {
  return aTime === bTime ? aNode - bNode : aTime - bTime;
}

/** Packs milliseconds since 1970 and a counter below {@link COUNTER_LIMIT}. Times before 2020 pack as 2020. */
export function packTime(wallMs: number, counter = 0): number {
  return Math.max(0, Math.floor(wallMs) - VERSION_EPOCH_MS) * COUNTER_LIMIT + counter;
}

/** The milliseconds since 1970 of a packed time. */
export function timeToWallMs(time: number): number {
  return Math.floor(time / COUNTER_LIMIT) + VERSION_EPOCH_MS;
}

/** The node field of versions issued by the node whose name has this 32-bit hash. */
export function versionNode(nameHash: number): number {
  return (nameHash & ~EXPIRED_BIT) >>> 0;
}

/** Reads like `2026-11-20T21:51:52.123Z+7@1a2b3c4d`. */
export function formatVersion(version: Version): string {
  if (version.time === 0) return 'none';
  const at = new Date(timeToWallMs(version.time)).toISOString();
  const expired = version.node & EXPIRED_BIT ? ' (expired)' : '';
  return `${at}+${version.time % COUNTER_LIMIT}@${versionNode(version.node).toString(16).padStart(8, '0')}${expired}`;
}
