/**
 * Holds an exchange back to a number of records and of bytes per second, on the average. Whoever has moved something
 * pays for it afterwards by waiting; short waits are saved up.
 */
import type { Clock, Timer } from '../../ports/clock.js';

export interface Pace {
  readonly recordsPerSecond: number;
  readonly bytesPerSecond: number;
}

const PAUSE_MS_MIN = 5;

export class Pacer {
  readonly #clock: Clock;
  readonly #pace: Pace;
  #paidUntilMs = -Infinity;
  #timer: Timer | undefined;
  #endPause: (() => void) | undefined;
  #isStopped = false;

  constructor(clock: Clock, pace: Pace) {
    this.#clock = clock;
    this.#pace = pace;
  }

  /** Whether waiting makes no sense any more. */
  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** Waits until these records and bytes are paid for. */
  pay(records: number, bytes: number): Promise<void> {
    const { recordsPerSecond, bytesPerSecond } = this.#pace;
    const costMs = 1000 * Math.max(records / recordsPerSecond, bytes / bytesPerSecond);
    const now = this.#clock.monotonicMs();
    this.#paidUntilMs = Math.max(this.#paidUntilMs, now) + costMs;
    const waitMs = this.#paidUntilMs - now;
    return waitMs < PAUSE_MS_MIN ? Promise.resolve() : this.pause(waitMs);
  }

  /** Waits, but not beyond {@link stop}. One at a time. */
  pause(milliseconds: number): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      this.#endPause = resolve;
      this.#timer = this.#clock.setTimer(milliseconds, resolve);
    });
  }

  stop(): void {
    this.#isStopped = true;
    if (this.#timer !== undefined) this.#clock.clearTimer(this.#timer);
    this.#endPause?.();
  }
}
