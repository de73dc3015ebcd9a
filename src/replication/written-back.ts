/**
 * Which versions this replica has accepted from a read's write-back, a hint or an exchange, for as long as the write
 * that made them can live.
 *
 * The coordinator of such a write may still send its version here. If something higher has replaced it meanwhile, the
 * answer must be "accepted", not STALE: the version may be settled with our vote, and STALE would let the coordinator
 * send it again as new. Versions that a coordinator itself brought need no memory: it sends each version to a replica
 * at most once.
 */
import { REQUEST_TIMEOUT_MS_MAX } from '../base/limits.js';
import type { Clock } from '../ports/clock.js';

/** More than this are not kept; the replica is unsure about all of them then. */
const ENTRIES_MAX = 100_000;

export class WrittenBack {
  readonly #clock: Clock;
  /** Version of a key → when it may be forgotten (monotonic), in the order of arrival. */
  readonly #entries = new Map<string, number>();
  #unsureUntilMs: number;

  /** @param hasPast whether an earlier run of this replica may have accepted versions that are not remembered. */
  constructor(clock: Clock, hasPast: boolean) {
    this.#clock = clock;
    this.#unsureUntilMs = hasPast ? clock.monotonicMs() + REQUEST_TIMEOUT_MS_MAX : 0;
  }

  remember(hashHi: number, hashLo: number, time: number, node: number): void {
    const now = this.#clock.monotonicMs();
    this.#forgetBefore(now);
    if (this.#entries.size >= ENTRIES_MAX) {
      this.#unsureUntilMs = now + REQUEST_TIMEOUT_MS_MAX;
      return;
    }
    const id = entryId(hashHi, hashLo, time, node);
    this.#entries.delete(id); // Refreshed: it goes to the end of the order.
    this.#entries.set(id, now + REQUEST_TIMEOUT_MS_MAX);
  }

  has(hashHi: number, hashLo: number, time: number, node: number): boolean {
    return this.#entries.size > 0 && this.#entries.has(entryId(hashHi, hashLo, time, node));
  }

  /** Whether there may have been versions that are not remembered. */
  get isUnsure(): boolean {
    return this.#unsureUntilMs > 0 && this.#clock.monotonicMs() < this.#unsureUntilMs;
  }

  /** The log has failed: what is remembered may never have reached it. */
  forgetAll(): void {
    this.#entries.clear();
    this.#unsureUntilMs = this.#clock.monotonicMs() + REQUEST_TIMEOUT_MS_MAX;
  }

  get size(): number {
    return this.#entries.size;
  }

  #forgetBefore(now: number): void {
    for (const [id, until] of this.#entries) {
      if (until > now) return;
      this.#entries.delete(id);
    }
  }
}

function entryId(hashHi: number, hashLo: number, time: number, node: number): string {
  return `${hashHi}:${hashLo}:${time}:${node}`;
}
