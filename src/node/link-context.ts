/** What the links of a node share with it. */
import type { Member } from '../membership/cluster-config.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Network } from '../ports/network.js';
import type { Random } from '../ports/random.js';
import type { Coordinator } from '../replication/coordinator.js';
import type { Hints } from '../replication/hints.js';
import type { Replica } from '../replication/replica.js';
import type { HybridClock } from '../version/hybrid-clock.js';
import type { Body } from '../wire/body.js';
import type { Flusher } from '../wire/outbox.js';
import type { PeerLink } from './peer-link.js';

export interface LinkContext {
  /** This node's name. */
  readonly name: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly log: Log;
  readonly flusher: Flusher;
  readonly hybridClock: HybridClock;
  readonly coordinator: Coordinator;
  readonly replica: Replica;
  readonly hints: Hints;
  /** The epoch of this node's configuration. */
  epoch(): number;
  /** The body of a HELLO from this node to a peer. */
  hello(member: Member): Body;
  /** What is wrong with a peer's WELCOME, or undefined. */
  welcomeProblem(member: Member, body: Body | undefined): string | undefined;
  onLinkUp(link: PeerLink): void;
  /** A link that was up is not any more. */
  onLinkDown(link: PeerLink): void;
  /** A peer speaks under this epoch. */
  onPeerEpoch(link: PeerLink, epoch: number): void;
  /** Whether this type is a MessagePack request that somebody here answers. */
  answersCall(type: number): boolean;
  /** Answers a MessagePack request of a peer; rejects with a KvError to refuse it. */
  onCall(link: PeerLink, type: number, body: Body): Promise<Body>;
}
