/** Brings the answers of this node's own replica to its coordinator, as a link brings those of the others. */
import type { ErrorCode } from '../base/errors.js';
import type { Coordinator } from './coordinator.js';
import type { ReplicaPeer } from './peer.js';
import { ReplicaClient } from './replica-client.js';

export class LocalClient extends ReplicaClient {
  readonly #coordinator: Coordinator;
  readonly #self: ReplicaPeer;

  constructor(coordinator: Coordinator, self: ReplicaPeer) {
    super();
    this.#coordinator = coordinator;
    this.#self = self;
  }

  override onSame(id: number): void {
    this.#coordinator.onSame(this.#self, id);
  }

  override onVersion(id: number, time: number, node: number): void {
    this.#coordinator.onVersion(this.#self, id, time, node);
  }

  override onRecord(id: number, bytes: Uint8Array, start: number, length: number): void {
    this.#coordinator.onRecord(this.#self, id, bytes, start, length);
  }

  override onApplied(id: number, existed: boolean): void {
    this.#coordinator.onApplied(this.#self, id, existed);
  }

  override onStale(id: number, time: number, node: number): void {
    this.#coordinator.onStale(this.#self, id, time, node);
  }

  override onUnsure(id: number): void {
    this.#coordinator.onUnsure(this.#self, id);
  }

  override onRefused(id: number, code: ErrorCode, message: string): void {
    this.#coordinator.onRefused(this.#self, id, code, message);
  }

  override onLost(id: number): void {
    this.#coordinator.onLost(this.#self, id);
  }
}
