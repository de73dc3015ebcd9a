/** A virtual clock that jumps to the next timer as soon as the program has nothing else to do. */
import type { Clock, Timer } from '../../src/ports/clock.js';

interface Entry extends Timer {
  readonly atMs: number;
  readonly callback: () => void;
}

export class AutoClock implements Clock {
  nowMs: number;
  readonly #startMs: number;
  #timers: Entry[] = [];
  #isScheduled = false;

  constructor(nowMs = Date.UTC(2030, 0, 1)) {
    this.nowMs = nowMs;
    this.#startMs = nowMs;
  }

  wallMs(): number {
    return this.nowMs;
  }

  monotonicMs(): number {
    return this.nowMs - this.#startMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const entry = { timer: undefined, atMs: this.nowMs + delayMs, callback };
    this.#timers.push(entry);
    this.#schedule();
    return entry;
  }

  clearTimer(timer: Timer): void {
    this.#timers = this.#timers.filter((entry) => entry !== timer);
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }

  /** Timers that have neither fired nor been cleared. */
  get pending(): number {
    return this.#timers.length;
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    // A few turns, so that whatever is ready comes first.
    setImmediate(() => setImmediate(() => setImmediate(() => this.#fire())));
  }

  #fire(): void {
    this.#isScheduled = false;
    const next = this.#timers.sort((a, b) => a.atMs - b.atMs).shift();
    if (next === undefined) return;
    this.nowMs = Math.max(this.nowMs, next.atMs);
    next.callback();
    if (this.#timers.length > 0) this.#schedule();
  }
}
