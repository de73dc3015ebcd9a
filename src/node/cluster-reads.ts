/** What this node can say of the cluster's keys as a whole, for clients of both protocols: pages of a scan, replicas of a key. */
import { definite, type KvError } from '../base/errors.js';
import type { ReplicaPeer } from '../replication/peer.js';
import { checkScanRange, type ScanPage, type ScanPageRequest, scanPage } from '../replication/scan.js';
import { type ScanRangeRequest, type ScanRangeResult, scanRange } from '../replication/scan-range.js';
import { slotOf } from '../ring/slot.js';
import { arrayField, type Body } from '../wire/body.js';
import { REPLICA_SCAN } from '../wire/message-type.js';
import { hasNoVote } from './peer-calls.js';
import { PeerLink } from './peer-link.js';
import type { NodePorts, Running } from './running.js';

const SCAN_TIMEOUT_MS = 5000;

export class ClusterReads {
  readonly #running: Running;
  readonly #ports: NodePorts;

  constructor(running: Running, ports: NodePorts) {
    this.#running = running;
    this.#ports = ports;
  }

  /** A member by its name, this node included. */
  peer(name: string): ReplicaPeer {
    return this.#running.peers.get(name) ?? this.#running.self;
  }

  /** @throws KvError `NOT_A_MEMBER` or `QUORUM_UNAVAILABLE`. */
  async scan(request: ScanPageRequest): Promise<ScanPage> {
    const { state, coordinator } = this.#running;
    if (state.config === undefined) throw notAMember();
    const { members } = state.config;
    return scanPage(request, {
      clock: this.#ports.clock,
      placement: coordinator.placement,
      members: members.filter(({ weight }) => weight > 0).map(({ name }) => this.peer(name)),
      ask: (member, range) => this.#askRange(member, range),
    });
  }

  /** The slot of a key, its hash, and its replicas. @throws KvError `NOT_A_MEMBER`. */
  async owners(key: Uint8Array): Promise<Body> {
    const { state, ring } = this.#running;
    const { hasher } = this.#ports;
    hasher.hash(key);
    const { hi, lo } = hasher;
    const { config } = state;
    if (config === undefined || ring === undefined) throw notAMember();
    const slot = slotOf(hi);
    const owners = ring.ring.owners(slot).map((index) => {
      const { name, address } = config.members[index]!;
      return { name, address, live: this.peer(name).isLive };
    });
    return { slot, hash: hex32(hi) + hex32(lo), owners };
  }

  async #askRange(member: ReplicaPeer, range: ScanRangeRequest): Promise<ScanRangeResult> {
    const { unsynced, store, isSound, state } = this.#running;
    const isOwn = !(member instanceof PeerLink);
    if (isOwn && unsynced.count > 0) throw hasNoVote();
    if (isOwn) return scanRange(store, range, isSound);
    const answer = await member.call(REPLICA_SCAN, { ...range, epoch: state.epoch }, SCAN_TIMEOUT_MS);
    return checkScanRange(arrayField(answer, 'entries'), answer.upTo);
  }
}

function hex32(value: number): string {
  return value.toString(16).padStart(8, '0');
}

export function notAMember(): KvError {
  return definite('NOT_A_MEMBER', 'this node is still joining its cluster');
}
