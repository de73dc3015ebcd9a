/**
 * One probe of one member: directly, then through others, then judged. A value with its deadlines and the answers so far;
 * the failure detector acts on it.
 *
 * States: direct → indirect → over. A probe of a member to which there is no link begins as indirect, and goes direct
 * if the link comes up in time. Times are on the detector's own clock.
 */
import { probeIntervalMs, probeTimeoutMs } from './swim-timing.js';

export class Probe {
  readonly target: string;
  /** Whether the member itself has been asked. */
  isDirect = false;
  /** Helpers that were asked, those that have said that they got no answer, and those that are out for good. */
  asked = 0;
  nacks = 0;
  lost = 0;
  isIndirect = false;
  readonly #timeoutMs: number;
  readonly #startedMs: number;
  #directUntilMs: number;
  #untilMs: number;

  /**
   * @param health this node's health multiplier, which the times are stretched by.
   * @param isShort only as long as a direct probe: others suspect the member already, and all ways are tried at once.
   */
  constructor(target: string, nowMs: number, health: number, isShort = false) {
    this.target = target;
    this.#startedMs = nowMs;
    this.#timeoutMs = probeTimeoutMs(health);
    this.#directUntilMs = nowMs + this.#timeoutMs;
    this.#untilMs = nowMs + (isShort ? this.#timeoutMs : probeIntervalMs(health));
  }

  /** When something has to be done about it, if nobody answers before. */
  get dueMs(): number {
    return this.isIndirect ? this.#untilMs : this.#directUntilMs;
  }

  /** The member is asked itself, now. */
  onSent(nowMs: number): void {
    this.isDirect = true;
    this.#directUntilMs = nowMs + this.#timeoutMs;
    this.#untilMs = Math.max(this.#untilMs, this.#directUntilMs);
  }

  /** So many helpers are asked now. */
  onAsked(helpers: number): void {
    this.isIndirect = true;
    this.asked = helpers;
    this.#endEarly();
  }

  onNack(): void {
    this.nacks++;
    this.#endEarly();
  }

  onHelperLost(): void {
    this.lost++;
    this.#endEarly();
  }

  /**
   * With no link to ask over and no helper left that could still get an answer, there is nothing to wait for, except
   * that a link which only broke may come back at once.
   */
  #endEarly(): void {
    if (this.isDirect || this.nacks + this.lost < this.asked) return;
    this.#untilMs = Math.min(this.#untilMs, this.#startedMs + this.#timeoutMs);
  }
}
