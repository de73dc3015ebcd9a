/** Checks the stored records that a scan comes by; one that fails its checksum is fetched from the peers. */
import { KeyRef } from '../replication/key-ref.js';
import type { Replica } from '../replication/replica.js';
import type { RecordCheck } from '../replication/scan-range.js';
import type { KeyHasher } from '../ring/hash.js';
import { keyOfEngineKey } from '../storage/keyspace.js';
import { checkRecord } from '../version/record.js';

export function recordCheck(hasher: KeyHasher, replica: Replica): RecordCheck {
  const ref = new KeyRef();
  return (engineKey, record) => {
    const key = keyOfEngineKey(engineKey);
    hasher.hash(key);
    if (checkRecord(record, hasher.lo)) return true;
    ref.set(key, 0, key.length, hasher.hi, hasher.lo);
    replica.onCorruptFound(ref);
    return false;
  };
}
