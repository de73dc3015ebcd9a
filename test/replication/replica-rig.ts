/** A replica with everything under it, on a virtual clock and disk, and a client that writes down what it is told. */

import type { ErrorCode } from '../../src/base/errors.js';
import { SeededRandom } from '../../src/base/seeded-random.js';
import type { StorageEngine } from '../../src/ports/storage-engine.js';
import { KeyRef } from '../../src/replication/key-ref.js';
import { Replica } from '../../src/replication/replica.js';
import { ReplicaClient } from '../../src/replication/replica-client.js';
import { UnsyncedSlots } from '../../src/replication/unsynced-slots.js';
import { WrittenBack } from '../../src/replication/written-back.js';
import type { Slot } from '../../src/ring/slot.js';
import { GroupCommitter } from '../../src/storage/group-committer.js';
import { engineKey } from '../../src/storage/keyspace.js';
import { RecordCache } from '../../src/storage/record-cache.js';
import { RecordStore } from '../../src/storage/record-store.js';
import { SlotFloors } from '../../src/storage/slot-floors.js';
import { SlotTrees } from '../../src/storage/slot-trees.js';
import { decodeRecord } from '../../src/version/record.js';
import { RecordedLog } from '../storage/fixtures/recorded-log.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { VirtualDisk } from '../support/virtual-disk.js';

/** Every key has this hash: one slot, and the seed of the records' checksums. */
export const HASH_HI = 0;
export const HASH_LO = 7;

/** What a replica answered, in words: `1 applied; 2 stale 10.2`. */
export class WordsClient extends ReplicaClient {
  #words: string[] = [];

  take(): string {
    const words = this.#words.join('; ');
    this.#words = [];
    return words;
  }

  override onSame(id: number): void {
    this.#words.push(`${id} same`);
  }

  override onVersion(id: number, time: number, node: number): void {
    this.#words.push(`${id} version ${time}.${node}`);
  }

  override onRecord(id: number, bytes: Uint8Array, start: number, length: number): void {
    const { version, value } = decodeRecord(bytes.subarray(start, start + length));
    this.#words.push(`${id} record ${version.time}.${version.node} ${new TextDecoder().decode(value)}`);
  }

  override onApplied(id: number, existed: boolean): void {
    this.#words.push(`${id} applied${existed ? ' existed' : ''}`);
  }

  override onStale(id: number, time: number, node: number): void {
    this.#words.push(`${id} stale ${time}.${node}`);
  }

  override onUnsure(id: number): void {
    this.#words.push(`${id} unsure`);
  }

  override onRefused(id: number, code: ErrorCode): void {
    this.#words.push(`${id} refused ${code}`);
  }

  override onLost(id: number): void {
    this.#words.push(`${id} lost`);
  }
}

export interface ReplicaRig {
  readonly clock: VirtualClock;
  readonly disk: VirtualDisk;
  readonly engine: StorageEngine;
  readonly cache: RecordCache;
  readonly store: RecordStore;
  readonly committer: GroupCommitter;
  readonly replica: Replica;
  readonly trees: SlotTrees;
  readonly unsynced: UnsyncedSlots;
  readonly floors: SlotFloors;
  readonly client: WordsClient;
  readonly log: RecordedLog;
  readonly corruptKeys: string[];
  key(text: string): KeyRef;
  /** Lets what is queued reach the log. */
  settle(): Promise<void>;
  /** From now on every write to the disk fails. */
  fail(): void;
  /** The disk works again; waits until it has been reopened. */
  recover(): Promise<void>;
  /** Flips a bit of what is stored, and makes the store forget what it has in memory. */
  corrupt(text: string): void;
}

export async function replicaRig(
  options: { hasPast?: boolean; cacheBytes?: number } = {},
): Promise<ReplicaRig> {
  const clock = new VirtualClock();
  const disk = new VirtualDisk(new SeededRandom(1));
  const log = new RecordedLog();
  const engine = disk.engine(clock);
  await engine.open();
  const writtenBack = new WrittenBack(clock, options.hasPast ?? false);
  const committer = new GroupCommitter({
    engine,
    clock,
    fsync: 'never',
    log,
    onStateChange: (state) => {
      if (state !== 'failed') return;
      store.forgetMemory();
      replica.onStorageFailed();
    },
  });
  const cache = new RecordCache({ bytes: options.cacheBytes ?? 65536 });
  const store: RecordStore = new RecordStore({ clock, engine, committer, cache, log });
  const corruptKeys: string[] = [];
  const onCorrupt = (key: KeyRef): void => void corruptKeys.push(new TextDecoder().decode(key.key()));
  const unsynced = new UnsyncedSlots();
  const floors = new SlotFloors();
  const trees = new SlotTrees();
  const replica: Replica = new Replica({
    clock,
    store,
    committer,
    writtenBack,
    unsynced,
    floors,
    trees,
    onCorrupt,
  });
  const settle = (): Promise<void> => clock.advanceAsync(5);
  return {
    clock,
    disk,
    engine,
    cache,
    store,
    committer,
    replica,
    unsynced,
    floors,
    trees,
    client: new WordsClient(),
    log,
    corruptKeys,
    settle,
    key: keyRef,
    fail: () => {
      disk.failure = 'no space left on device';
    },
    recover: async () => {
      disk.failure = undefined;
      while (committer.isFailed) await clock.advanceAsync(100);
    },
    corrupt: (text) => {
      disk.corrupt(engineKey(0 as Slot, new TextEncoder().encode(text)), 16 + 1);
      store.forgetMemory();
    },
  };
}

export function keyRef(text: string): KeyRef {
  const key = new KeyRef();
  const bytes = new TextEncoder().encode(text);
  key.set(bytes, 0, bytes.length, HASH_HI, HASH_LO);
  return key;
}
