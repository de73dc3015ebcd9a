/**
 * One node's view of the virtual clock: the same monotonic time, a wall clock of its own, and an end: after `kill`
 * nothing that the node had planned happens any more. It can be paused, as by SIGSTOP: what comes due meanwhile
 * happens late, all at once; and it can be slow: then everything comes late by the same time.
 */
import type { Clock, Timer } from '../../src/ports/clock.js';

export class NodeClock implements Clock {
  readonly #clock: Clock;
  readonly #skewMs: () => number;
  /** Timers that have been set and have neither run nor been cleared. */
  readonly #timers = new Map<Timer, Timer>();
  #late: (() => void)[] = [];
  #isDead = false;
  #isPaused = false;
  /** By how much every timer comes late. */
  lagMs = 0;

  /** @param skewMs how far this node's wall clock is ahead. */
  constructor(clock: Clock, skewMs: () => number) {
    this.#clock = clock;
    this.#skewMs = skewMs;
  }

  get pendingTimers(): number {
    return this.#timers.size;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  kill(): void {
    this.#isDead = true;
    this.#late = [];
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const late = this.#late;
    this.#late = [];
    for (const callback of late) this.#clock.setTimer(0, () => this.#run(callback));
  }

  wallMs(): number {
    return Math.floor(this.#clock.wallMs() + this.#skewMs());
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const own: Timer = { timer: callback };
    const run = (): void => {
      if (this.#timers.delete(own)) callback();
    };
    this.#timers.set(
      own,
      this.#clock.setTimer(Math.max(0, delayMs) + this.lagMs, () => this.#run(run)),
    );
    return own;
  }

  clearTimer(timer: Timer): void {
    const inner = this.#timers.get(timer);
    this.#timers.delete(timer);
    if (inner !== undefined) this.#clock.clearTimer(inner);
  }

  defer(callback: () => void): void {
    this.#clock.defer(() => this.#run(callback));
  }

  #run(callback: () => void): void {
    if (this.#isDead) return;
    if (this.#isPaused) this.#late.push(callback);
    else callback();
  }
}
