/**
 * One node's view of the virtual clock: the same monotonic time, a wall clock of its own, and an end: after `kill`
 * nothing that the node had planned happens any more.
 */
import type { Clock, Timer } from '../../src/ports/clock.js';

export class NodeClock implements Clock {
  readonly #clock: Clock;
  readonly #skewMs: () => number;
  #isDead = false;

  /** @param skewMs how far this node's wall clock is ahead. */
  constructor(clock: Clock, skewMs: () => number) {
    this.#clock = clock;
    this.#skewMs = skewMs;
  }

  kill(): void {
    this.#isDead = true;
  }

  wallMs(): number {
    return this.#clock.wallMs() + this.#skewMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return this.#clock.setTimer(delayMs, () => {
      if (!this.#isDead) callback();
    });
  }

  clearTimer(timer: Timer): void {
    this.#clock.clearTimer(timer);
  }

  defer(callback: () => void): void {
    this.#clock.defer(() => {
      if (!this.#isDead) callback();
    });
  }
}
