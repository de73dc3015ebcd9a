/**
 * Brings a failed storage engine back: close, open, and write a probe to disk, again and again until all three succeed.
 *
 * LevelDB takes writes again after an error as if nothing had happened, and then loses them; only a new handle can be
 * believed, and only once it has written and synced something. Each attempt replays the log, so attempts back off, and
 * an engine that fails again soon after it came back (a disk that is nearly full) goes on where the back-off was.
 *
 * What is opened again must be what was open before: a directory that was removed, or a disk that is not mounted any more, looks like
 * an empty store. It stays failed then, until the right one is there again.
 */
import { messageOf } from '../base/errors.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { StorageEngine } from '../ports/storage-engine.js';
import { SYNC_KEY } from './keyspace.js';

/** Pause before the first attempt, in milliseconds; it doubles with each that fails. */
export const REOPEN_DELAY_MS = 250;
/** Longest pause; also how long an engine must have worked before its next failure counts as a new one. */
export const REOPEN_DELAY_MS_MAX = 10_000;

export interface EngineReopenerOptions {
  readonly engine: StorageEngine;
  readonly clock: Clock;
  readonly log: Log;
  /** What is wrong with the content of the engine that was just opened, or undefined. */
  readonly contentProblem: () => string | undefined;
  /** The engine works again. */
  readonly onReopen: () => void;
}

export class EngineReopener {
  readonly #options: EngineReopenerOptions;
  #timer: Timer | undefined;
  #attempt: Promise<void> | undefined;
  #isStopped = false;
  #delayMs = REOPEN_DELAY_MS;
  #reopenedAtMs = -Infinity;
  #lastProblem: string | undefined;

  constructor(options: EngineReopenerOptions) {
    this.#options = options;
  }

  /** The engine has failed: starts trying, after a pause. */
  start(): void {
    if (this.#isStopped) return;
    const workedForMs = this.#options.clock.monotonicMs() - this.#reopenedAtMs;
    if (workedForMs >= REOPEN_DELAY_MS_MAX) this.#delayMs = REOPEN_DELAY_MS;
    this.#schedule();
  }

  /** Stops trying, and waits for an attempt that is under way. The engine may be left open or closed. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    await this.#attempt;
  }

  #schedule(): void {
    this.#timer = this.#options.clock.setTimer(this.#delayMs, () => {
      this.#timer = undefined;
      this.#attempt = this.#try();
    });
    this.#delayMs = Math.min(this.#delayMs * 2, REOPEN_DELAY_MS_MAX);
  }

  async #try(): Promise<void> {
    const { engine, clock, log, contentProblem, onReopen } = this.#options;
    try {
      await engine.close();
      await engine.open();
      const problem = contentProblem();
      if (problem !== undefined && problem !== this.#lastProblem) log.error(problem);
      this.#lastProblem = problem;
      if (problem !== undefined) throw new Error(problem);
      await this.#probe();
    } catch (error) {
      log.debug('the storage cannot be reopened yet', { error: messageOf(error) });
      if (!this.#isStopped) this.#schedule();
      return;
    }
    this.#reopenedAtMs = clock.monotonicMs();
    if (!this.#isStopped) onReopen();
  }

  #probe(): Promise<void> {
    return new Promise((resolve, reject) => {
      const batch = this.#options.engine.batch();
      batch.put(SYNC_KEY, new Uint8Array(0));
      batch.write(true, (error) => (error === undefined ? resolve() : reject(error)));
    });
  }
}
