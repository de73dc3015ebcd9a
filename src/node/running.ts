/** The parts of a node and its surroundings, as its pieces see them. `node.ts` puts them together. */
import type { Admission } from '../membership/admission.js';
import type { ClusterState } from '../membership/cluster-state.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Network } from '../ports/network.js';
import type { Random } from '../ports/random.js';
import type { StorageEngine } from '../ports/storage-engine.js';
import type { Usage } from '../ports/usage.js';
import type { AntiEntropy } from '../replication/anti-entropy/schedule.js';
import type { Coordinator } from '../replication/coordinator.js';
import type { Hints } from '../replication/hints.js';
import type { Replica } from '../replication/replica.js';
import type { RecordCheck } from '../replication/scan-range.js';
import type { UnsyncedSlots } from '../replication/unsynced-slots.js';
import type { KeyHasher } from '../ring/hash.js';
import type { Ring } from '../ring/ring.js';
import type { GroupCommitter } from '../storage/group-committer.js';
import type { RecordStore } from '../storage/record-store.js';
import type { SlotFloors } from '../storage/slot-floors.js';
import type { SlotTrees } from '../storage/slot-trees.js';
import type { HybridClock } from '../version/hybrid-clock.js';
import type { FailureDetection } from './failure-detection.js';
import type { LinkContext } from './link-context.js';
import type { PeerCalls } from './peer-calls.js';
import type { Peers } from './peers.js';
import type { ReplicaSync } from './replica-sync.js';
import type { SelfPeer } from './self-peer.js';
import type { TombstoneCollector } from './tombstone-collector.js';
/** The surroundings of a node. */
export interface NodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly engine: StorageEngine;
  readonly log: Log;
  readonly hasher: KeyHasher;
  readonly usage: () => Usage;
  /** The same until the machine starts again. */
  readonly bootId: string;
}

/** The parts of a started node. */
export interface Running {
  readonly committer: GroupCommitter;
  readonly hybridClock: HybridClock;
  readonly store: RecordStore;
  readonly isSound: RecordCheck;
  readonly unsynced: UnsyncedSlots;
  /** What was acknowledged may be missing: the machine has lost its power, or the log is damaged. */
  readonly hasLostWrites: boolean;
  readonly floors: SlotFloors;
  readonly trees: SlotTrees;
  readonly replica: Replica;
  readonly hints: Hints;
  readonly self: SelfPeer;
  readonly coordinator: Coordinator;
  readonly state: ClusterState;
  readonly peers: Peers;
  readonly admission: Admission;
  readonly calls: PeerCalls;
  readonly links: LinkContext;
  /** Set when the background work is made, right after the other parts. */
  antiEntropy: AntiEntropy | undefined;
  sync: ReplicaSync | undefined;
  collector: TombstoneCollector | undefined;
  detection: FailureDetection | undefined;
  ring: { readonly ring: Ring; readonly epoch: number } | undefined;
}
