/** One timer for many deadlines. It is set for the earliest only, and not at all when nobody waits: idle is free. */
import type { Clock, Timer } from '../ports/clock.js';

export class Alarm {
  readonly #clock: Clock;
  readonly #onDue: () => void;
  #timer: Timer | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  /** @param onDue called when the earliest moment has come; it asks again for what it still waits for. */
  constructor(clock: Clock, onDue: () => void) {
    this.#clock = clock;
    this.#onDue = onDue;
  }

  /** Rings at `atMs` of the monotonic clock, or earlier. */
  by(atMs: number, nowMs: number): void {
    if (atMs >= this.#atMs) return;
    this.cancel();
    this.#atMs = atMs;
    this.#timer = this.#clock.setTimer(Math.max(1, Math.ceil(atMs - nowMs)), () => {
      this.#timer = undefined;
      this.#atMs = Number.POSITIVE_INFINITY;
      this.#onDue();
    });
  }

  cancel(): void {
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#atMs = Number.POSITIVE_INFINITY;
  }
}
