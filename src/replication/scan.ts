/**
 * The coordinator's side of a scan: one page of the cluster's keys.
 *
 * Every live member gives a run of its records from the cursor on; what is complete in all of them is merged, the
 * newest version of a key counts, and the cursor goes on from there. A slot must have been heard from R of its owners,
 * so a key that a majority has held throughout is seen, once: positions only grow.
 */
import { compareBytes, viewOf } from '../base/bytes.js';
import { definite, type KvError, messageOf } from '../base/errors.js';
import type { Clock } from '../ports/clock.js';
import { SLOT_COUNT } from '../ring/slot.js';
import { keyOfEngineKey, slotOfEngineKey } from '../storage/keyspace.js';
import { type DecodedRecord, decodeRecord, isRecordShape, RECORD_HEADER_BYTES } from '../version/record.js';
import { compareVersions } from '../version/version.js';
import type { Placement, ReplicaPeer } from './peer.js';
import type { ScanRangeRequest, ScanRangeResult } from './scan-range.js';

export interface ScanPageRequest {
  /** Engine key to go on from; undefined: the beginning. */
  readonly cursor: Uint8Array | undefined;
  readonly prefix: Uint8Array;
  /** About how many keys are wanted. */
  readonly limit: number;
  readonly values: boolean;
  /** R; 0 for the default. */
  readonly r: number;
}

export interface ScanPageEntry {
  readonly key: Uint8Array;
  /** Milliseconds since 1970, 0 for none. */
  readonly expiryMs: number;
  readonly value: Uint8Array;
}

export interface ScanPage {
  readonly entries: readonly ScanPageEntry[];
  /** Where the next page begins; undefined after the last. A page may be empty and yet not the last. */
  readonly cursor: Uint8Array | undefined;
}

export interface ScanContext {
  readonly clock: Clock;
  readonly placement: Placement;
  /** All members that own data, this node included. */
  readonly members: readonly ReplicaPeer[];
  /** Asks one of them, this node included, for a run of its records. */
  readonly ask: (member: ReplicaPeer, request: ScanRangeRequest) => Promise<ScanRangeResult>;
}

/** Bytes of records that one member gives for one page. */
const BYTES_MAX = 1024 * 1024;

/** @throws KvError `QUORUM_UNAVAILABLE` when a slot in the page was not heard from R of its owners. */
export async function scanPage(request: ScanPageRequest, context: ScanContext): Promise<ScanPage> {
  const from = request.cursor ?? new Uint8Array(2);
  const { prefix, limit, values } = request;
  const asked = context.members.filter((member) => member.isLive);
  const range = { from, prefix, limit, bytesMax: BYTES_MAX, values };
  const answers = await Promise.allSettled(asked.map((member) => context.ask(member, range)));
  const heard = new Map<ReplicaPeer, ScanRangeResult>();
  let problem = '';
  for (const [i, answer] of answers.entries()) {
    if (answer.status === 'fulfilled') heard.set(asked[i]!, answer.value);
    else problem = `; ${asked[i]!.name}: ${messageOf(answer.reason)}`;
  }
  const end = earliest([...heard.values()].map(({ upTo }) => upTo));
  requireQuorum(request, context, heard, from, end, problem);
  return cutPage(merge(heard, context, end), end);
}

/** The position up to which every run is complete; undefined: to the end. */
function earliest(positions: readonly (Uint8Array | null)[]): Uint8Array | undefined {
  let first: Uint8Array | undefined;
  for (const position of positions) {
    if (position !== null && (first === undefined || compareBytes(position, first) < 0)) first = position;
  }
  return first;
}

function requireQuorum(
  request: ScanPageRequest,
  { placement }: ScanContext,
  heard: ReadonlyMap<ReplicaPeer, ScanRangeResult>,
  from: Uint8Array,
  end: Uint8Array | undefined,
  problem: string,
): void {
  const needed = request.r === 0 ? placement.readQuorum : request.r;
  const last = end === undefined ? SLOT_COUNT - 1 : slotOfEngineKey(end);
  for (let slot: number = slotOfEngineKey(from); slot <= last; slot++) {
    const owners = placement.owners(slot);
    const answered = owners.reduce((count, owner) => count + (heard.has(owner) ? 1 : 0), 0);
    if (answered >= needed) continue;
    const message = `a scan needs ${needed} replicas of every slot; slot ${slot} has ${answered} of ${owners.length}${problem}`;
    throw definite('QUORUM_UNAVAILABLE', message);
  }
}

/** Each run is bounded, but not all of them together: the page ends where it has grown too large. */
function cutPage(records: readonly Newest[], end: Uint8Array | undefined): ScanPage {
  const entries: ScanPageEntry[] = [];
  let bytes = 0;
  for (const { engineKey, record } of records) {
    bytes += engineKey.length + record.value.length;
    if (bytes > BYTES_MAX && entries.length > 0) return { entries, cursor: engineKey };
    entries.push({ key: keyOfEngineKey(engineKey), expiryMs: record.expiryMs, value: record.value });
  }
  return { entries, cursor: end };
}

interface Newest {
  readonly engineKey: Uint8Array;
  readonly record: DecodedRecord;
}

/** The newest records before `end`, in order, without those that are deleted or expired. */
function merge(
  heard: ReadonlyMap<ReplicaPeer, ScanRangeResult>,
  context: ScanContext,
  end: Uint8Array | undefined,
): Newest[] {
  const newest = new Map<string, Newest>();
  for (const [member, { entries }] of heard) {
    for (const [engineKey, bytes] of entries) {
      if (end !== undefined && compareBytes(engineKey, end) >= 0) break;
      // Records of slots that are not the member's own any more do not count.
      if (!context.placement.owners(slotOfEngineKey(engineKey)).includes(member)) continue;
      const record = decodeRecord(bytes);
      const id = Buffer.from(engineKey.buffer, engineKey.byteOffset, engineKey.length).toString('latin1');
      const known = newest.get(id)?.record.version;
      const { time, node } = record.version;
      if (known !== undefined && compareVersions(time, node, known.time, known.node) <= 0) continue;
      newest.set(id, { engineKey, record });
    }
  }
  const nowMs = context.clock.wallMs();
  return [...newest.values()]
    .filter(({ record }) => !record.tombstone && (record.expiryMs === 0 || record.expiryMs > nowMs))
    .sort((a, b) => compareBytes(a.engineKey, b.engineKey));
}

/** A peer's answer to REPLICA_SCAN, validated. */
export function checkScanRange(entries: readonly unknown[] | undefined, upTo: unknown): ScanRangeResult {
  if (entries === undefined || !(upTo === null || (upTo instanceof Uint8Array && upTo.length >= 2)))
    throw malformed();
  const checked = entries.map((entry): [Uint8Array, Uint8Array] => {
    const [key, record] = Array.isArray(entry) ? (entry as unknown[]) : [];
    if (!(key instanceof Uint8Array && record instanceof Uint8Array)) throw malformed();
    if (key.length < 3 || record.length < RECORD_HEADER_BYTES) throw malformed();
    if (slotOfEngineKey(key) >= SLOT_COUNT || !isRecordShape(viewOf(record), 0, record.length))
      throw malformed();
    return [key, record];
  });
  return { entries: checked, upTo };
}

function malformed(): KvError {
  return definite('PROTOCOL', 'the answer to a scan is malformed');
}
