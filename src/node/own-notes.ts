/** What a node notes of itself in its own storage, apart from records: who it is, how far its clock may be, its trees. */
import { readU64, viewOf, writeU64 } from '../base/bytes.js';
import type { StateStorage } from '../membership/cluster-state.js';
import type { StorageEngine } from '../ports/storage-engine.js';
import type { GroupCommitter } from '../storage/group-committer.js';
import { CLUSTER_KEY, IDENTITY_KEY } from '../storage/keyspace.js';

export function metaStorage(engine: StorageEngine, committer: GroupCommitter): StateStorage {
  const keyOf = { identity: IDENTITY_KEY, cluster: CLUSTER_KEY };
  return {
    read: (name) => engine.getSync(keyOf[name]),
    write: (name, value, done) => committer.putDurable(keyOf[name], value, done),
  };
}

/** The stored bound of the clock; 0: none. */
export function readBound(stored: Uint8Array | undefined): number {
  return stored === undefined || stored.length < 8 ? 0 : readU64(viewOf(stored), 0);
}

export function encodeBound(bound: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU64(viewOf(bytes), 0, bound);
  return bytes;
}
