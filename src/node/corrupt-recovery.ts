/**
 * Gets back records whose stored bytes fail their checksum: reads what the other replicas have settled, and puts it in
 * place. Until then the replica gives no vote on the key.
 */
import type { Clock } from '../ports/clock.js';
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

export class CorruptRecovery implements Responder {
  readonly #clock: Clock;
  #coordinator: Coordinator | undefined;
  #replica: Replica | undefined;
  readonly #keys = new Map<string, { key: KeyRef; token: number }>();
  readonly #byToken = new Map<number, string>();
  /** Keys that could not be fetched, until they may be tried again. */
  readonly #resting = new Map<string, number>();
  #nextToken = 1;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  attach(coordinator: Coordinator, replica: Replica): void {
    this.#coordinator = coordinator;
    this.#replica = replica;
  }

  /** Begins to fetch a key, unless that is under way. */
  begin(found: KeyRef): void {
    const id = Buffer.from(found.key()).toString('latin1');
    if (this.#coordinator === undefined || this.#keys.has(id) || this.#keys.size >= KEYS_MAX) return;
    if ((this.#resting.get(id) ?? 0) > this.#clock.monotonicMs()) return;
    this.#resting.delete(id);
    const key = new KeyRef();
    key.set(new Uint8Array(found.key()), 0, found.length, found.hashHi, found.hashLo);
    const token = this.#nextToken++;
    this.#keys.set(id, { key, token });
    this.#byToken.set(token, id);
    this.#coordinator.recover(key, this, token);
  }

  onRead(token: number, bytes: Uint8Array, start: number, length: number): void {
    // The others may hold nothing: then there is nothing to put in place.
    if (length === 0) return this.#failed(token);
    const key = this.#take(token);
    if (key === undefined) return;
    this.#replica!.restore(key, bytes.slice(start, start + length));
  }

  onWritten(): void {
    // Only reads are asked for.
  }

  onError(token: number): void {
    this.#failed(token);
  }

  #failed(token: number): void {
    const id = this.#byToken.get(token);
    this.#take(token);
    if (this.#resting.size >= KEYS_MAX) this.#resting.clear();
    if (id !== undefined) this.#resting.set(id, this.#clock.monotonicMs() + RETRY_MS);
  }

  #take(token: number): KeyRef | undefined {
    const id = this.#byToken.get(token);
    if (id === undefined) return undefined;
    const entry = this.#keys.get(id);
    this.#byToken.delete(token);
    this.#keys.delete(id);
    return entry?.key;
  }
}
