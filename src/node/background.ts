/**
 * What a node does without being asked, beside serving requests. Each piece is made here from the parts of the node and
 * told of what happens to it; none has a timer of its own that outlives `stop`.
 */
import { antiEntropyOf } from './anti-entropy.js';
import { FailureDetection } from './failure-detection.js';
import { hintedHandoff } from './hinted-handoff.js';
import type { NodeOptions } from './options.js';
import type { PeerLink } from './peer-link.js';
import { type PullSlots, ReplicaSync } from './replica-sync.js';
import type { NodePorts, Running } from './running.js';
import { TombstoneCollector } from './tombstone-collector.js';

export interface BackgroundWork {
  /** The node is a member of a cluster from now on. */
  start?(): void;
  /** Every heartbeat interval. `ownLagMs`: how late our own timer came, which says more of us than of others. */
  onTick?(nowMs: number, ownLagMs: number): void;
  /** Members, epoch or placement have changed. */
  onClusterChange?(): void;
  onLinkUp?(link: PeerLink): void;
  onLinkDown?(link: PeerLink): void;
  /** Resolves when nothing of it is under way any more. The storage is still open. */
  stop?(): Promise<void> | void;
}

/** Everything that runs in the background of one node, in the order of starting. */
export function backgroundWork(running: Running, ports: NodePorts, options: NodeOptions): BackgroundWork[] {
  const { clock, engine, log } = ports;
  const { name } = options;
  const antiEntropy = antiEntropyOf(running, ports);
  running.antiEntropy = antiEntropy;
  const pull: PullSlots = async (peer, slots) =>
    (await antiEntropy.exchange(peer, slots, { direction: 'pull', unbuilt: 'list' })).completed;
  const sync = new ReplicaSync({ running, name, clock, engine, log, pull });
  running.sync = sync;
  const { tombstoneGraceMs: graceMs } = options;
  const collector = new TombstoneCollector({ running, clock, log, hasher: ports.hasher, graceMs });
  running.collector = collector;
  const detection = new FailureDetection(running, ports, name);
  running.detection = detection;
  return [detection, antiEntropy, sync, collector, hintedHandoff(running, ports)];
}
