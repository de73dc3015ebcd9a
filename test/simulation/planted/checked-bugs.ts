/** One bug for each checker of the simulator that looks at more than histories: it finds the bug by itself. */
import { Peers } from '../../../src/node/peers.js';
import { AntiEntropy } from '../../../src/replication/anti-entropy/schedule.js';
import { Hints } from '../../../src/replication/hints.js';
import { ReadQuorum } from '../../../src/replication/read-quorum.js';
import type { Request } from '../../../src/replication/request.js';
import { RequestTable } from '../../../src/replication/request-table.js';
import { SlotCollection } from '../../../src/replication/slot-collection.js';
import { UnsyncedSlots } from '../../../src/replication/unsynced-slots.js';
import { EngineReopener } from '../../../src/storage/engine-reopener.js';
import { GroupCommitter } from '../../../src/storage/group-committer.js';
import { RecordStore } from '../../../src/storage/record-store.js';
import type { GivenOptions } from '../options.js';
import { lostDiskKeptName } from '../scenarios/lost-disk-kept-name.js';
import { strangerInTheDataDirectory } from '../scenarios/stranger-in-the-data-directory.js';
import { tombstonesWaitForAll } from '../scenarios/tombstones-wait-for-all.js';
import { expiryNotSettled } from './durability-bugs.js';
import { type PlantedBug, patch, playing, simulated } from './planted-bug.js';
import { nothingWrittenBack, readsAskOne } from './quorum-bugs.js';

/** Three nodes and busy clients, for a short time. */
const SHORT: GivenOptions = {
  nodes: 3,
  replicas: 3,
  clients: 6,
  hotKeys: 2,
  coldKeys: 20,
  stillKeys: 10,
  expiringKeys: 0,
  thinkMs: 50,
  cacheBytes: 1024 * 1024,
  delayMs: [0.1, 10],
  virtualSeconds: 6,
  faults: [],
};

const versionsGoBack: PlantedBug = {
  ...readsAskOne,
  name: 'reads ask one replica, and versions go back',
  run: simulated('version order', { ...SHORT, faults: ['one-way', 'slow-link'], faultEveryMs: 400 }),
  seedsMax: 3,
};

const expiredComesBack: PlantedBug = {
  ...expiryNotSettled,
  name: 'expiry is judged by the clock of each reader, and values come back',
  run: simulated('stay away', {
    ...SHORT,
    expiringKeys: 2,
    thinkMs: 20,
    faults: ['skew'],
    faultEveryMs: 500,
  }),
  seedsMax: 5,
};

/** Replicas miss what was written meanwhile. */
const MISSING: GivenOptions = {
  ...SHORT,
  faults: ['isolate', 'crash'],
  faultEveryMs: 800,
  faultForMs: 1500,
};

const nothingHeals: PlantedBug = {
  name: 'nobody compares replicas, and nobody keeps hints',
  run: simulated('convergence', MISSING),
  seedsMax: 3,
  plant() {
    const leaveRounds = patch(AntiEntropy.prototype, { onTick() {} });
    const leaveHints = patch(Hints.prototype, { keep() {} });
    return () => {
      leaveHints();
      leaveRounds();
    };
  },
};

const replicasDiffer: PlantedBug = {
  name: 'nor do reads repair anything, and replicas stay different',
  run: simulated('replicas', MISSING),
  seedsMax: 3,
  plant() {
    const leaveHealing = nothingHeals.plant();
    const leaveDecision = nothingWrittenBack.plant();
    const leaveRepairs = patch(ReadQuorum.prototype, { needsRepair: () => false });
    return () => {
      leaveRepairs();
      leaveDecision();
      leaveHealing();
    };
  },
};

const votesFromMemory: PlantedBug = {
  name: 'a replica that has lost its data votes at once',
  run: playing(lostDiskKeptName),
  seedsMax: 1,
  plant: () => patch(UnsyncedSlots.prototype, { has: () => false }),
};

const strangersVote: PlantedBug = {
  name: 'whatever is opened after a failure is taken for the own storage',
  run: playing(strangerInTheDataDirectory),
  seedsMax: 1,
  plant: () => patch(GroupCommitter.prototype, { recogniseBy() {} }),
};

const collectedAlone: PlantedBug = {
  name: 'tombstones are collected though a replica does not hold them',
  run: playing(tombstonesWaitForAll),
  seedsMax: 3,
  plant() {
    const { promise } = SlotCollection.prototype;
    return patch(SlotCollection.prototype, {
      async promise(slots, horizon) {
        await promise.call(this, slots, horizon);
        return slots.map(() => new Uint8Array(8));
      },
    });
  },
};

/** What a record says decides, so that all of its replicas lose it. Memory still has it, and answers. */
const neverLogged: PlantedBug = {
  name: 'some records are acknowledged and never reach the log',
  run: simulated('lost writes', SHORT),
  seedsMax: 3,
  plant() {
    const { put } = GroupCommitter.prototype;
    const elsewhere = new TextEncoder().encode('elsewhere');
    return patch(GroupCommitter.prototype, {
      put(key, record) {
        return put.call(this, record[0]! % 4 === 0 ? elsewhere : key, record);
      },
    });
  },
};

const runsEndEarly: PlantedBug = {
  name: 'a run of a scan leaves out its last record',
  run: simulated('scans', SHORT),
  seedsMax: 2,
  plant() {
    const { iterate } = RecordStore.prototype;
    return patch(RecordStore.prototype, {
      iterate(from) {
        const iterator = iterate.call(this, from);
        return {
          next: async (count) => (await iterator.next(count)).slice(0, -1),
          close: () => iterator.close(),
        };
      },
    });
  },
};

const neverReopened: PlantedBug = {
  name: 'a storage that has failed is never opened again',
  run: simulated('liveness', { ...SHORT, faults: ['full-disk', 'failed-write'], faultEveryMs: 500 }),
  seedsMax: 3,
  plant: () => patch(EngineReopener.prototype, { start() {} }),
};

const requestsStay: PlantedBug = {
  name: 'a request that has ended stays in the table',
  run: simulated('growth', { ...SHORT, thinkMs: 5 }),
  seedsMax: 1,
  plant() {
    const { remove } = RequestTable.prototype;
    const waitsForEver = { placeOf: () => -1, deadlineMs: Infinity, onSweep() {}, onDeadline() {} };
    return patch(RequestTable.prototype, {
      remove(request) {
        remove.call(this, request);
        this.add({ ...waitsForEver } as unknown as Request);
      },
    });
  },
};

const linksStayOpen: PlantedBug = {
  name: 'a node that stops leaves its links open',
  run: simulated('leftovers', SHORT),
  seedsMax: 1,
  plant: () => patch(Peers.prototype, { close() {} }),
};

export const CHECKED_BUGS: readonly PlantedBug[] = [
  versionsGoBack,
  expiredComesBack,
  nothingHeals,
  replicasDiffer,
  votesFromMemory,
  strangersVote,
  collectedAlone,
  neverLogged,
  runsEndEarly,
  neverReopened,
  requestsStay,
  linksStayOpen,
];
