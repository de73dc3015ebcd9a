/** Rules of the log, of the clock's bound and of expiry: what may be said before it is certain. */
import { ANSWER, ReadQuorum } from '../../../src/replication/read-quorum.js';
import { GroupCommitter } from '../../../src/storage/group-committer.js';
import { CLOCK_KEY } from '../../../src/storage/keyspace.js';
import { COMMITTED, QUEUED, RecordStore } from '../../../src/storage/record-store.js';
import type { WorkloadOptions } from '../../support/workload.js';
import { runFallBack } from './fall-back.js';
import { type PlantedBug, patch, workload } from './planted-bug.js';

/** Slow disks, and now and then the power fails everywhere. */
const POWER_CUTS: Partial<WorkloadOptions> = {
  durationMs: 2500,
  quietMs: 2000,
  keys: 1,
  thinkMs: 10,
  diskMs: [5, 60],
  faults: ['crash-all'],
};

const acknowledgedBeforeLog: PlantedBug = {
  name: 'writes are acknowledged when they are queued',
  run: workload(POWER_CUTS),
  seedsMax: 3,
  plant() {
    return patch(GroupCommitter.prototype, {
      wait(_seq, listener, a, b) {
        queueMicrotask(() => listener.onCommit(a, b, true));
      },
    });
  },
};

const readFromQueue: PlantedBug = {
  name: 'reads are answered from queued records',
  run: workload(POWER_CUTS),
  seedsMax: 8,
  plant() {
    const { findForRead } = RecordStore.prototype;
    return patch(RecordStore.prototype, {
      findForRead(hashHi, hashLo, key, keyStart, keyLength) {
        const state = findForRead.call(this, hashHi, hashLo, key, keyStart, keyLength);
        return state === QUEUED ? COMMITTED : state;
      },
    });
  },
};

const boundNotStored: PlantedBug = {
  name: 'the bound of the clock is not stored',
  run: runFallBack,
  seedsMax: 10,
  plant() {
    const { putDurable } = GroupCommitter.prototype;
    return patch(GroupCommitter.prototype, {
      putDurable(key, value, done) {
        if (Buffer.compare(key, CLOCK_KEY) === 0) queueMicrotask(() => done(undefined));
        else putDurable.call(this, key, value, done);
      },
    });
  },
};

export const expiryNotSettled: PlantedBug = {
  name: 'expiry is judged by the clock of each reader',
  run: workload({ durationMs: 4000, quietMs: 2000, keys: 2, ttlMs: 2000, faults: ['skew'] }),
  seedsMax: 3,
  plant() {
    const { adopt, decide, needsRepair, reset } = ReadQuorum.prototype;
    const hasAdopted = new WeakSet<ReadQuorum>();
    return patch(ReadQuorum.prototype, {
      reset(replicas, needed, linearizable) {
        hasAdopted.delete(this);
        reset.call(this, replicas, needed, linearizable);
      },
      adopt(time, node) {
        hasAdopted.add(this);
        adopt.call(this, time, node);
      },
      decide() {
        return hasAdopted.has(this) ? ANSWER : decide.call(this);
      },
      needsRepair(index) {
        return !hasAdopted.has(this) && needsRepair.call(this, index);
      },
    });
  },
};

export const DURABILITY_BUGS: readonly PlantedBug[] = [
  acknowledgedBeforeLog,
  readFromQueue,
  boundNotStored,
  expiryNotSettled,
];
