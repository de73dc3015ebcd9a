/** Rules of quorums: how many must agree, and what their answers count for. */
import { ANSWER, ReadQuorum, SETTLE } from '../../../src/replication/read-quorum.js';
import { ReadRequest } from '../../../src/replication/read-request.js';
import { RESEND, WAIT, WriteQuorum } from '../../../src/replication/write-quorum.js';
import { WrittenBack } from '../../../src/replication/written-back.js';
import type { WorkloadOptions } from '../../support/workload.js';
import { type PlantedBug, patch, workload } from './planted-bug.js';

const BUSY: Partial<WorkloadOptions> = { durationMs: 4000, quietMs: 2000, keys: 1, thinkMs: 30 };

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
 * One node is not among the key's replicas. What it sends to two of them is late, while the third has it, and a read
 * there brings it to one of the two; then something higher comes to both. A coordinator that is a replica cannot get
 * into this: of three answers two are its own and the one of the replica that has it from the coordinator.
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

const readsAskOne: PlantedBug = {
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
  run: workload(BUSY),
  seedsMax: 40,
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

const nothingWrittenBack: PlantedBug = {
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
  run: workload(CONTENDED),
  seedsMax: 60,
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
  run: workload(CONTENDED),
  seedsMax: 60,
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
