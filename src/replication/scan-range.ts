/** The replica's side of a scan: a bounded run of its records in the order of slots and keys. */
import { compareBytes } from '../base/bytes.js';
import { definite } from '../base/errors.js';
import { keyOfEngineKey } from '../storage/keyspace.js';
import type { RecordStore } from '../storage/record-store.js';
import { RECORD_HEADER_BYTES_MAX } from '../version/record.js';

export interface ScanRangeRequest {
  /** Engine key (slot and key) of the first record that is wanted. */
  readonly from: Uint8Array;
  /** Only keys that start with this. */
  readonly prefix: Uint8Array;
  /** Most records, and about how many bytes of them, to answer with. */
  readonly limit: number;
  readonly bytesMax: number;
  /** False: the records' values are left out. */
  readonly values: boolean;
}

/** Engine key and record, as stored or without its value. */
export type ScanRangeEntry = [engineKey: Uint8Array, record: Uint8Array];

export interface ScanRangeResult {
  readonly entries: ScanRangeEntry[];
  /** Everything before this engine key has been looked at; null: everything there is. */
  readonly upTo: Uint8Array | null;
}

/** Whether a stored record passes its checksum. Whoever answers no sees to it that it is repaired. */
export type RecordCheck = (engineKey: Uint8Array, record: Uint8Array) => boolean;

const CHUNK = 256;
/** Records looked at in one run, whether they match or not: bounds the work of a scan by prefix. */
const EXAMINED_MAX = 16_384;

/** Speaks of committed records only: the engine has no others. */
export async function scanRange(
  store: RecordStore,
  request: ScanRangeRequest,
  isSound: RecordCheck,
): Promise<ScanRangeResult> {
  const iterator = store.iterate(request.from);
  const entries: ScanRangeEntry[] = [];
  let bytes = 0;
  try {
    for (let examined = 0; examined < EXAMINED_MAX; ) {
      const chunk = await iterator.next(Math.min(CHUNK, request.limit + 1));
      for (const [key, record] of chunk) {
        if (entries.length >= request.limit) return { entries, upTo: key };
        examined++;
        if (!hasPrefix(keyOfEngineKey(key), request.prefix)) continue;
        // About a corrupt record nothing can be said: the run ends before it, or has nothing to say.
        if (!isSound(key, record)) return { entries, upTo: requireProgress(request, key) };
        const shown = request.values ? record : record.subarray(0, RECORD_HEADER_BYTES_MAX);
        bytes += key.length + shown.length;
        // One record may be as large as a frame: then it comes alone.
        if (bytes > request.bytesMax && entries.length > 0) return { entries, upTo: key };
        entries.push([key, shown]);
      }
      if (chunk.length === 0) return { entries, upTo: null };
      if (examined >= EXAMINED_MAX) return { entries, upTo: after(chunk[chunk.length - 1]![0]) };
    }
    return { entries, upTo: null };
  } finally {
    await iterator.close();
  }
}

function requireProgress(request: ScanRangeRequest, key: Uint8Array): Uint8Array {
  if (compareBytes(key, request.from) > 0) return key;
  throw definite('STORAGE_FAILED', 'a stored record of this replica fails its checksum');
}

/** The smallest engine key after this one. */
export function after(engineKey: Uint8Array): Uint8Array {
  const next = new Uint8Array(engineKey.length + 1);
  next.set(engineKey);
  return next;
}

function hasPrefix(key: Uint8Array, prefix: Uint8Array): boolean {
  return prefix.length === 0 || compareBytes(key.subarray(0, prefix.length), prefix) === 0;
}
