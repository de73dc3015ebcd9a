/**
 * How well this node itself is doing: Lifeguard's local health multiplier. A node that misses answers which it should
 * have had, that is accused by others, or whose timers come late, takes it that the fault may be its own: it gives
 * others more time. Every answered probe takes one step back.
 */
import { HEALTH_MAX } from './swim-timing.js';

export class LocalHealth {
  #multiplier = 1;

  /** 1: all is well; up to {@link HEALTH_MAX}. */
  get multiplier(): number {
    return this.#multiplier;
  }

  /** A probe was answered, directly or through others. */
  onAck(): void {
    this.#add(-1);
  }

  /** A probe was not answered, and nobody was there to say whether others got an answer. */
  onMissedAck(): void {
    this.#add(1);
  }

  /** So many helpers have said nothing at all, though they were asked to say that they got no answer. */
  onMissedNacks(missed: number): void {
    this.#add(missed);
  }

  /** Others took this node for failed: it answers too late. */
  onRefuted(): void {
    this.#add(1);
  }

  /** A timer came late: the event loop was blocked, or the process stood still. */
  onLate(): void {
    this.#add(1);
  }

  #add(steps: number): void {
    this.#multiplier = Math.min(HEALTH_MAX, Math.max(1, this.#multiplier + steps));
  }
}
