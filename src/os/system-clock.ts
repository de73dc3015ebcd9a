/** The real clock behind the port. */
import type { Clock, Timer } from '../ports/clock.js';

export class SystemClock implements Clock {
  wallMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  setTimer(delayMs: number, callback: () => void): Timer {
    return { timer: setTimeout(callback, delayMs) };
  }

  clearTimer(timer: Timer): void {
    clearTimeout(timer.timer as NodeJS.Timeout);
  }

  defer(callback: () => void): void {
    setImmediate(callback);
  }
}
