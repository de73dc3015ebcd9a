/** Where the replicas of each slot are, as the coordinator wants to know it: from the ring and the links to the members. */
import {
  type ClusterConfig,
  effectiveReadQuorum,
  effectiveWriteQuorum,
} from '../membership/cluster-config.js';
import type { Placement, ReplicaPeer } from '../replication/peer.js';
import type { Ring } from '../ring/ring.js';
import { SLOT_COUNT } from '../ring/slot.js';

/** Before the node is a member: no slot has a replica, and every request is refused. */
export const NOWHERE: Placement = { epoch: 0, readQuorum: 1, writeQuorum: 1, owners: () => [] };
/** @param members what each member of the configuration is to this node, in its order. */
export function placementOf(config: ClusterConfig, ring: Ring, members: readonly ReplicaPeer[]): Placement {
  // Slots with equal preference lists share one array.
  const lists = new Map<readonly number[], readonly ReplicaPeer[]>();
  const bySlot: (readonly ReplicaPeer[])[] = [];
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const indexes = ring.owners(slot);
    let list = lists.get(indexes);
    if (list === undefined) {
      list = indexes.map((index) => members[index]!);
      lists.set(indexes, list);
    }
    bySlot.push(list);
  }
  return {
    epoch: config.epoch,
    readQuorum: effectiveReadQuorum(config),
    writeQuorum: effectiveWriteQuorum(config),
    owners: (slot) => bySlot[slot]!,
  };
}
