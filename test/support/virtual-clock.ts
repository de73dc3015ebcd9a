/**
 * A clock that moves only when a test says so. Wall and monotonic time advance together; the wall can also be set or
 * jump, both ways, which the monotonic time never notices. Timers run in the order of their due times, equal ones in the
 * order in which they were set; each sees the moment at which it was due.
 *
 * It refuses to run away: a timer or deferred call that keeps making new ones for ever fails the test.
 */
import { assert } from '../../src/base/errors.js';
import type { Clock, Timer } from '../../src/ports/clock.js';

/** Where a virtual wall clock starts: 2026-01-01T00:00:00Z. */
export const VIRTUAL_START_MS = 1767225600000;

/** Calls that one `advance` or `runDeferred`, or one moment, may take before it is taken for an endless loop. */
const CALLS_MAX = 1_000_000;
/** Steps that are run in one turn of the event loop. */
const STEPS_PER_TURN = 32;

interface PendingTimer {
  readonly timer: number;
  readonly dueMs: number;
  readonly callback: () => void;
}

export class VirtualClock implements Clock {
  #wallOffsetMs: number;
  #monotonicMs = 0;
  #nextTimer = 1;
  readonly #timers = new Map<number, PendingTimer>();
  /** A binary heap by due time, equal ones by number. Cleared timers stay in it until they come up. */
  readonly #heap: PendingTimer[] = [];
  #deferred: (() => void)[] = [];

  /** @param wallMs where the wall clock starts, in milliseconds since 1970. */
  constructor(wallMs: number = VIRTUAL_START_MS) {
    this.#wallOffsetMs = wallMs;
  }

  wallMs(): number {
    return this.#wallOffsetMs + this.#monotonicMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    const pending = { timer: this.#nextTimer++, dueMs: this.#monotonicMs + Math.max(0, delayMs), callback };
    this.#timers.set(pending.timer, pending);
    this.#push(pending);
    return pending;
  }

  clearTimer(timer: Timer): void {
    this.#timers.delete(timer.timer as number);
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  /** Sets the wall clock; timers do not notice. */
  setWall(wallMs: number): void {
    this.#wallOffsetMs = wallMs - this.#monotonicMs;
  }

  /** Moves the wall clock by `deltaMs`, back when it is negative; timers do not notice. */
  jumpWall(deltaMs: number): void {
    this.#wallOffsetMs += deltaMs;
  }

  /** Timers that have been set and have neither run nor been cleared. */
  get pendingTimers(): number {
    return this.#timers.size;
  }

  /** Calls of `defer` that have not run. */
  get pendingDeferred(): number {
    return this.#deferred.length;
  }

  /** Monotonic time at which the next timer is due; undefined when there is none. */
  get nextTimerMs(): number | undefined {
    return this.#next()?.dueMs;
  }

  /** Runs what was deferred, and what that defers in turn. */
  runDeferred(): void {
    for (let calls = 0; this.#deferred.length > 0; ) {
      const batch = this.#deferred;
      this.#deferred = [];
      calls += batch.length;
      assert(calls <= CALLS_MAX, 'deferred calls keep deferring for ever');
      for (const callback of batch) callback();
    }
  }

  /** Lets `ms` pass: runs what is deferred, then every timer that comes due, and what each of them defers. */
  advance(ms: number): void {
    const untilMs = this.#monotonicMs + ms;
    this.runDeferred();
    for (let calls = 0; this.#runTimer(untilMs); calls++) {
      assert(calls < CALLS_MAX, 'timers keep setting timers for ever');
      this.runDeferred();
    }
    this.#monotonicMs = untilMs;
  }

  /** Like {@link advance}, and lets the promises that each step settles run before the next. */
  async advanceAsync(ms: number): Promise<void> {
    const untilMs = this.#monotonicMs + ms;
    await this.runUntil(untilMs, () => false);
    this.#monotonicMs = untilMs;
  }

  /**
   * Runs what is deferred and every timer that is due by `untilMs`, with what follows from each, until `isOver` or none is
   * left. No time passes after the last one.
   */
  runUntil(untilMs: number, isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let calls = 0;
      let isDone = false;
      // One step at a time: between two of these callbacks all promise reactions run, however many they make.
      const step = (): void => {
        if (isDone) return;
        try {
          if (this.#deferred.length > 0) return this.runDeferred();
          const beforeMs = this.#monotonicMs;
          isDone = isOver() || !this.#runTimer(untilMs);
          if (isDone) return resolve();
          calls = this.#monotonicMs === beforeMs ? calls + 1 : 0;
          assert(calls < CALLS_MAX, 'timers keep setting timers for ever');
          this.runDeferred();
        } catch (error) {
          isDone = true;
          reject(error);
        }
      };
      // A turn of the event loop costs more than a step: so each turn has many of them.
      const turn = (): void => {
        if (isDone) return;
        for (let i = 0; i < STEPS_PER_TURN; i++) setImmediate(step);
        setImmediate(turn);
      };
      this.runDeferred();
      turn();
    });
  }

  /** Runs deferred calls and promise reactions until neither is left; no time passes. */
  async settle(): Promise<void> {
    do {
      this.runDeferred();
      // All microtasks run before the event loop's next turn, however many they make.
      await new Promise((resolve) => setImmediate(resolve));
    } while (this.#deferred.length > 0);
  }

  #runTimer(untilMs: number): boolean {
    const next = this.#next();
    if (next === undefined || next.dueMs > untilMs) return false;
    this.#pop();
    this.#timers.delete(next.timer);
    this.#monotonicMs = Math.max(this.#monotonicMs, next.dueMs);
    next.callback();
    return true;
  }

  /** The earliest timer that has not been cleared. */
  #next(): PendingTimer | undefined {
    while (this.#heap.length > 0 && !this.#timers.has(this.#heap[0]!.timer)) this.#pop();
    return this.#heap[0];
  }

  #push(pending: PendingTimer): void {
    const heap = this.#heap;
    let at = heap.length;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(pending, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = pending;
  }

  /** Takes the first one out. */
  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (let child = 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

function isBefore(a: PendingTimer, b: PendingTimer): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.timer < b.timer);
}
