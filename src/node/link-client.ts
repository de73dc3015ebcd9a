/** Writes this node's replica's answers to a peer as frames. */
import type { ErrorCode } from '../base/errors.js';
import { ReplicaClient } from '../replication/replica-client.js';
import type { HybridClock } from '../version/hybrid-clock.js';
import { writeError } from '../wire/error-message.js';
import { FLAG_EXISTED } from '../wire/message-type.js';
import type { Outbox } from '../wire/outbox.js';
import {
  writeApplied,
  writeReadRecord,
  writeReadSame,
  writeReadVersion,
  writeStale,
  writeUnsure,
} from '../wire/replica-messages.js';

export class LinkClient extends ReplicaClient {
  readonly #outbox: Outbox;
  readonly #clock: HybridClock;

  constructor(outbox: Outbox, clock: HybridClock) {
    super();
    this.#outbox = outbox;
    this.#clock = clock;
  }

  override onSame(id: number): void {
    writeReadSame(this.#outbox, id, this.#clock.current());
  }

  override onVersion(id: number, time: number, node: number): void {
    writeReadVersion(this.#outbox, id, this.#clock.current(), time, node);
  }

  override onRecord(id: number, bytes: Uint8Array, start: number, length: number): void {
    writeReadRecord(this.#outbox, id, this.#clock.current(), bytes, start, length);
  }

  override onApplied(id: number, existed: boolean): void {
    writeApplied(this.#outbox, id, this.#clock.current(), existed ? FLAG_EXISTED : 0);
  }

  override onStale(id: number, time: number, node: number): void {
    writeStale(this.#outbox, id, this.#clock.current(), time, node);
  }

  override onUnsure(id: number): void {
    writeUnsure(this.#outbox, id, this.#clock.current());
  }

  override onRefused(id: number, code: ErrorCode, message: string): void {
    writeError(this.#outbox, id, code, message, true);
  }

  override onLost(id: number): void {
    writeError(this.#outbox, id, 'STORAGE_FAILED', 'the log of this replica failed while writing', false);
  }
}
