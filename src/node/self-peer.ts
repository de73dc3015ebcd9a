/** This node among its own key's replicas. */
import type { ReplicaPeer } from '../replication/peer.js';
import type { Replica } from '../replication/replica.js';
import type { Outbox } from '../wire/outbox.js';

export class SelfPeer implements ReplicaPeer {
  readonly isSelf = true;
  readonly isSuspect = false;
  readonly name: string;
  readonly address: string;
  latencyMs = 0;
  unsureUntilMs = 0;
  readonly #replica: Replica;

  constructor(name: string, address: string, replica: Replica) {
    this.name = name;
    this.address = address;
    this.#replica = replica;
  }

  get isLive(): boolean {
    return this.#replica.isServing;
  }

  get outbox(): Outbox {
    throw new Error('a node sends itself no frames');
  }
}
