/**
 * Gets back records whose stored bytes fail their checksum: reads what the other replicas have settled, and puts it in
 * place. Until then the replica gives no vote on the key.
 *
 * It waits first until every request is over that may still count on what this replica has accepted and now cannot read:
 * such a write could be acknowledged, with one more replica, after the others were asked. From then on whatever was
 * acknowledged or returned to a reader is with one of the others that are asked; when they hold nothing, the record
 * was either never settled or is a tombstone that they have collected, and goes.
 */
import { copyBytes } from '../base/bytes.js';
import { REQUEST_TIMEOUT_MS_MAX } from '../base/limits.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Coordinator } from '../replication/coordinator.js';
import { KeyRef } from '../replication/key-ref.js';
import type { Responder } from '../replication/peer.js';
import type { Replica } from '../replication/replica.js';

/** Keys that are fetched at the same time; the others are found again by the next request for them. */
const KEYS_MAX = 64;
/**
 * Pause after a failure. The peers whose records of the key are corrupt too ask this node as it asks them: without it
 * they would keep each other busy for ever.
 */
const RETRY_MS = 1000;
/** From the moment in which a key is found corrupt until the others are asked. */
const WAIT_MS = REQUEST_TIMEOUT_MS_MAX + 1000;
/** Keys that are waited for; the others are found again later. */
const FOUND_MAX = 4096;

export class CorruptRecovery implements Responder {
  readonly #clock: Clock;
  readonly #log: Log;
  #coordinator: Coordinator | undefined;
  #replica: Replica | undefined;
  readonly #keys = new Map<string, { key: KeyRef; token: number }>();
  readonly #byToken = new Map<number, string>();
  /** Keys that were found corrupt, and when each may be fetched: it is found again by then. */
  readonly #found = new Map<string, number>();
  #nextToken = 1;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  attach(coordinator: Coordinator, replica: Replica): void {
    this.#coordinator = coordinator;
    this.#replica = replica;
  }

  /**
   * A key was found corrupt, once more perhaps: fetches it when its time has come, unless that is under way. Requests, the
   * builder of hash trees and exchanges find it again and again until it is mended.
   */
  onFound(found: KeyRef): void {
    const id = Buffer.from(found.key()).toString('latin1');
    if (this.#coordinator === undefined || this.#keys.has(id)) return;
    const nowMs = this.#clock.monotonicMs();
    const dueMs = this.#found.get(id);
    if (dueMs === undefined) {
      if (this.#found.size >= FOUND_MAX) return;
      this.#found.set(id, nowMs + WAIT_MS);
      const { hashHi, hashLo } = found;
      return this.#log.error('a stored record cannot be read; the other replicas are asked for it', {
        hashHi,
        hashLo,
      });
    }
    if (nowMs < dueMs || this.#keys.size >= KEYS_MAX) return;
    const key = new KeyRef();
    key.set(new Uint8Array(found.key()), 0, found.length, found.hashHi, found.hashLo);
    const token = this.#nextToken++;
    this.#keys.set(id, { key, token });
    this.#byToken.set(token, id);
    this.#coordinator.recover(key, this, token);
  }

  onRead(token: number, bytes: Uint8Array, start: number, length: number): void {
    const key = this.#take(token);
    if (key === undefined) return;
    this.#replica!.restore(key, length === 0 ? undefined : copyBytes(bytes.subarray(start, start + length)));
  }

  onWritten(): void {
    // Only reads are asked for.
  }

  onError(token: number): void {
    const id = this.#byToken.get(token);
    this.#take(token);
    if (id !== undefined) this.#found.set(id, this.#clock.monotonicMs() + RETRY_MS);
  }

  #take(token: number): KeyRef | undefined {
    const id = this.#byToken.get(token);
    if (id === undefined) return undefined;
    const entry = this.#keys.get(id);
    this.#byToken.delete(token);
    this.#keys.delete(id);
    this.#found.delete(id);
    return entry?.key;
  }
}
