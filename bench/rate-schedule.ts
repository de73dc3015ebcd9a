/**
 * The schedule of an open loop: operation i is meant to start at `startMs + i / rate`, whatever became of those before.
 * Latencies counted from that moment include the wait behind a stall, which a closed loop leaves out ("coordinated
 * omission", Gil Tene). A backlog needs no queue: it is what is due and not taken yet.
 */
export class RateSchedule {
  readonly #startMs: number;
  readonly #intervalMs: number;
  #taken = 0;
  #nextMs: number;

  /** @param ratePerSecond operations per second, above 0. */
  constructor(ratePerSecond: number, startMs: number) {
    this.#startMs = startMs;
    this.#intervalMs = 1000 / ratePerSecond;
    this.#nextMs = startMs;
  }

  /** The moment at which the next operation is meant to start. */
  get nextMs(): number {
    return this.#nextMs;
  }

  /** Takes the next operation; returns the moment at which it is meant to start. */
  take(): number {
    const intendedMs = this.#nextMs;
    this.#taken++;
    // From the index, not by adding up: the rounding errors of millions of additions would bend the rate.
    this.#nextMs = this.#startMs + this.#taken * this.#intervalMs;
    return intendedMs;
  }

  /** How many operations are due at `nowMs` and not taken. */
  overdue(nowMs: number): number {
    if (nowMs < this.#nextMs) return 0;
    return Math.floor((nowMs - this.#nextMs) / this.#intervalMs) + 1;
  }
}
