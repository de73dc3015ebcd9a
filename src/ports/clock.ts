/** Time as a port: the real one in `os/`, a virtual one in the simulator. All times are milliseconds. */

/** A running timer. Opaque; give it back to {@link Clock.clearTimer}. */
export type Timer = { readonly timer: unknown };

export interface Clock {
  /** Wall time since 1970-01-01 UTC. May jump both ways. */
  wallMs(): number;
  /** Time since some fixed moment, with fractions. Never goes back. For intervals and deadlines. */
  monotonicMs(): number;
  /** Calls `callback` once after `delayMs`. */
  setTimer(delayMs: number, callback: () => void): Timer;
  clearTimer(timer: Timer): void;
  /** Calls `callback` after the input that is ready in this turn of the event loop has been handled. */
  defer(callback: () => void): void;
}
