/**
 * What a node does without being asked, beside serving requests. Each piece is made here from the parts of the node and
 * told of what happens to it; none has a timer of its own that outlives `stop`.
 */
import type { NodePorts, Running } from './node.js';
import type { NodeOptions } from './options.js';
import type { PeerLink } from './peer-link.js';

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
export function backgroundWork(
  _running: Running,
  _ports: NodePorts,
  _options: NodeOptions,
): BackgroundWork[] {
  return [];
}
