/**
 * In the end all replicas of a key hold the same record, and nobody else holds one. Where tombstones are being collected some
 * hold one, and others nothing any more: that is the same.
 */
import type { DecodedRecord } from '../../../src/version/record.js';
import { formatVersion } from '../../../src/version/version.js';

/** What each node has stored, by key. */
export type StoredRecords = ReadonlyMap<string, ReadonlyMap<string, DecodedRecord>>;

/**
 * @param owners the names of each key's replicas.
 * @returns a sentence for each key that its replicas disagree on, or that somebody else has.
 */
export function findReplicaDifferences(
  stored: StoredRecords,
  owners: ReadonlyMap<string, readonly string[]>,
): string[] {
  const problems: string[] = [];
  for (const [key, names] of owners) {
    const records = names.map((name) => stored.get(name)?.get(key));
    const isGone = records.includes(undefined) && records.every((record) => record?.tombstone !== false);
    const held = isGone ? [] : records.map(describe);
    if (new Set(held).size > 1)
      problems.push(
        `replicas of ${key} differ: ${names.map((name, i) => `${name} has ${held[i]}`).join(', ')}`,
      );
    for (const [name, all] of stored) {
      if (all.has(key) && !names.includes(name))
        problems.push(`${name} has ${key}, and is none of its replicas (${names.join(', ')})`);
    }
  }
  return problems;
}

function describe(record: DecodedRecord | undefined): string {
  if (record === undefined) return 'nothing';
  const what = record.tombstone ? 'a tombstone' : `"${Buffer.from(record.value).toString('latin1')}"`;
  const until = record.expiryMs === 0 ? '' : ` until ${record.expiryMs}`;
  return `${what}${until} (${formatVersion(record.version)})`;
}
