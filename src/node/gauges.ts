/** How full a node's queues and tables are at this moment: what must not grow for ever. For tests and for whoever looks closer. */
import { SLOT_COUNT } from '../ring/slot.js';
import type { Running } from './running.js';

/** @param inboundBytes what waits to leave on the connections that others have opened. */
export function gaugesOf(running: Running, inboundBytes: number): Readonly<Record<string, number>> {
  const { coordinator, replica, committer, peers, state, unsynced } = running;
  let [outboxBytes, pendingCalls] = [inboundBytes, 0];
  for (const link of peers.links()) {
    pendingCalls += link.calls.waiting;
    // An accepted link is inbound, and has been counted.
    if (link.isUp && !link.isAccepted) outboxBytes += link.outbox.pendingBytes;
  }
  return {
    requestsInFlight: coordinator.inFlight,
    requestBytes: coordinator.bytesInFlight,
    rememberedVersions: replica.rememberedVersions,
    answersWaiting: replica.answersWaiting,
    commitsQueued: committer.queuedOperations,
    outboxBytes,
    pendingCalls,
    // A node that is in no cluster yet has no vote on anything.
    slotsWithoutVote: state.config === undefined ? SLOT_COUNT : unsynced.count,
  };
}
