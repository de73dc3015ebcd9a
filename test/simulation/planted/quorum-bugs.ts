/** Rules of quorums: how many must agree, and what their answers count for. */
import { ANSWER, ReadQuorum, SETTLE } from '../../../src/replication/read-quorum.js';
import { ReadRequest } from '../../../src/replication/read-request.js';
import { RESEND, WAIT, WriteQuorum } from '../../../src/replication/write-quorum.js';
import { WrittenBack } from '../../../src/replication/written-back.js';
import type { WorkloadOptions } from '../../support/workload.js';
import { type PlantedBug, patch, workload } from './planted-bug.js';

const BUSY: Partial<WorkloadOptions> = { durationMs: 4000, quietMs: 2000, keys: 1, thinkMs: 30 };

/** Clocks that are hours apart, and coordinators that are no replicas and do not hear of all that goes on. */
const DIVIDED: Partial<WorkloadOptions> = {
  ...BUSY,
  nodes: ['a', 'b', 'c', 'd', 'e'],
  faults: ['skew', 'cut', 'slow'],
  faultEveryMs: 200,
};

/** Long delays, one key and busy clients: many writes overtake each other. */
const CONTENDED: Partial<WorkloadOptions> = {
  delayMs: [0.1, 60],
  clients: 9,
  keys: 1,
  thinkMs: 4,
  durationMs: 3000,
  quietMs: 2000,
  faults: ['skew', 'slow', 'one-way', 'reset'],
};

/**
 * Links become slow one by one, and one of four nodes is not among the key's three replicas: what it writes comes late
 * to some of them, after a read's write-back, or after something higher. A replica's memory of write-backs matters only
 * to such a coordinator: of the three answers to one that is a replica, two come from those that have it from itself.
 */
const LATE_APPLIES: Partial<WorkloadOptions> = {
  nodes: ['a', 'b', 'c', 'd'],
  delayMs: [0.1, 10],
  clients: 12,
  keys: 1,
  thinkMs: 20,
  durationMs: 3000,
  quietMs: 500,
  faults: ['slow'],
  faultEveryMs: 100,
};

export const readsAskOne: PlantedBug = {
  name: 'reads ask one replica',
  run: workload(BUSY),
  seedsMax: 5,
  plant() {
    const { reset } = ReadQuorum.prototype;
    return patch(ReadQuorum.prototype, {
      reset(replicas) {
        reset.call(this, replicas, 1, true);
      },
    });
  },
};

const writesWaitForOne: PlantedBug = {
  name: 'writes wait for one replica',
  run: workload(BUSY),
  seedsMax: 15,
  plant() {
    const { reset } = WriteQuorum.prototype;
    return patch(WriteQuorum.prototype, {
      reset(replicas, _needed, sent, careful) {
        reset.call(this, replicas, 1, sent, careful);
      },
    });
  },
};

const staleIsAccepted: PlantedBug = {
  name: 'STALE counts as accepted',
  run: workload(DIVIDED),
  seedsMax: 5,
  plant() {
    const { decide } = WriteQuorum.prototype;
    return patch(WriteQuorum.prototype, {
      decide() {
        this.accepted += this.stale;
        this.stale = 0;
        return decide.call(this);
      },
    });
  },
};

export const nothingWrittenBack: PlantedBug = {
  name: 'reads write nothing back',
  run: workload(CONTENDED),
  seedsMax: 25,
  plant() {
    const { decide } = ReadQuorum.prototype;
    return patch(ReadQuorum.prototype, {
      decide() {
        const decision = decide.call(this);
        return decision === SETTLE ? ANSWER : decision;
      },
    });
  },
};

const olderAfterStale: PlantedBug = {
  name: 'a reader keeps the older record after a STALE write-back',
  run: workload(LATE_APPLIES),
  seedsMax: 15,
  plant() {
    return patch(ReadRequest.prototype, {
      onStale(replica) {
        this.onApplied(replica);
      },
    });
  },
};

const resentAtFirstStale: PlantedBug = {
  name: 'a write is sent again at the first STALE',
  run: workload(LATE_APPLIES),
  seedsMax: 40,
  plant() {
    const { decide } = WriteQuorum.prototype;
    return patch(WriteQuorum.prototype, {
      decide() {
        const decision = decide.call(this);
        return decision === WAIT && this.stale > 0 ? RESEND : decision;
      },
    });
  },
};

const writtenBackForgotten: PlantedBug = {
  name: 'replicas forget which versions a write-back had brought',
  run: workload(LATE_APPLIES),
  seedsMax: 20,
  plant: () => patch(WrittenBack.prototype, { has: () => false }),
};

export const QUORUM_BUGS: readonly PlantedBug[] = [
  readsAskOne,
  writesWaitForOne,
  staleIsAccepted,
  nothingWrittenBack,
  olderAfterStale,
  resentAtFirstStale,
  writtenBackForgotten,
];
