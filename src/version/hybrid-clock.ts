/**
 * The hybrid logical clock (Kulkarni et al. 2014) that issues versions.
 *
 * It follows the wall clock when it can, runs ahead of it when messages from other nodes do, and never goes back. So
 * that a restart never issues a time again, it issues only times below a bound that is already durable: `persist` is
 * asked to store a new bound well before the old one is reached, and a restarted clock begins at the stored bound.
 */
import type { Clock } from '../ports/clock.js';
import { COUNTER_LIMIT, packTime, VERSION_TIME_MAX } from './version.js';

/** How far ahead of use the durable bound is put, in packed time (20 s). */
const RESERVE = 20_000 * COUNTER_LIMIT;

/** A new bound is stored when less than this is left (10 s). */
const RESERVE_LOW = 10_000 * COUNTER_LIMIT;

/** Past this no time is issued or believed (2089), so that every bound is still a safe integer. */
const TIME_MAX = VERSION_TIME_MAX - RESERVE;

export interface HybridClockOptions {
  readonly clock: Clock;
  /** The bound read from storage at start; 0 for a new node. */
  readonly storedBound: number;
  /**
   * Stores a bound durably (synced), then calls back; with an error if it could not. May be called again before that:
   * what is stored is then stored, and answered, in the order of the calls.
   */
  readonly persist: (bound: number, done: (error: Error | undefined) => void) => void;
}

export class HybridClock {
  readonly #clock: Clock;
  readonly #persist: HybridClockOptions['persist'];
  #time: number;
  #durableBound: number;
  #askedBound: number;

  constructor(options: HybridClockOptions) {
    this.#clock = options.clock;
    this.#persist = options.persist;
    // Nothing below the stored bound may be issued: the last run may have used all of it.
    this.#time = options.storedBound;
    this.#durableBound = options.storedBound;
    this.#askedBound = options.storedBound;
    this.#reserve();
  }

  /** The current packed time, for messages: at least everything issued and everything observed. */
  current(): number {
    const wall = packTime(this.#clock.wallMs());
    if (wall > this.#time) this.#time = wall;
    return this.#time;
  }

  /**
   * Takes a new time: above every earlier one of this node, above everything observed, and above `atLeast`.
   * @returns 0 when the durable bound is not far enough yet; a new one has been asked for then, and the caller
   *   answers `CLOCK_NOT_READY`. Also 0 when the time would be one that cannot be real.
   */
  issue(atLeast: number): number {
    const time = Math.max(this.current(), atLeast) + 1;
    if (time > TIME_MAX) return 0;
    if (time + RESERVE_LOW > this.#askedBound) this.#reserve(time);
    if (time >= this.#durableBound) return 0;
    this.#time = time;
    return time;
  }

  /** Advances past a time that another node speaks of. Times that cannot be real are ignored. */
  observe(time: number): void {
    if (time > this.#time && time < TIME_MAX) {
      this.#time = time;
      if (time + RESERVE_LOW > this.#askedBound) this.#reserve(time);
    }
  }

  /** Stores a new bound if the present one is near. Called on a timer, so that idle nodes are ready too. */
  tick(): void {
    if (this.current() + RESERVE_LOW > this.#askedBound) this.#reserve();
  }

  /** True once a version can be issued. */
  get ready(): boolean {
    return this.current() + 1 < this.#durableBound;
  }

  #reserve(time = this.current()): void {
    const bound = Math.min(Math.max(time, this.#askedBound) + RESERVE, VERSION_TIME_MAX);
    this.#askedBound = bound;
    this.#persist(bound, (error) => {
      if (error === undefined) this.#durableBound = Math.max(this.#durableBound, bound);
      // Forget that we asked, so that the next tick tries again.
      else if (this.#askedBound === bound) this.#askedBound = this.#durableBound;
    });
  }
}
