/** What a node counts of the commands of Redis clients: for INFO and LATENCY HISTOGRAM. */
import { LatencyHistogram } from './latency-histogram.js';

export type CommandOutcome = 'done' | 'failed' | 'rejected';

/** Of one command, since the start or CONFIG RESETSTAT. */
export interface CommandCounts {
  calls: number;
  /** From the arrival of the command until its reply was written, all together. */
  elapsedMs: number;
  /** Answered with an error after they had begun. */
  failed: number;
  /** Refused before they began: wrong arguments. */
  rejected: number;
  /** Of the calls. */
  readonly latency: LatencyHistogram;
}

/** Codes of errors that are counted one by one; a defect must not fill the memory with them. */
const ERROR_CODES_MAX = 128;
/** A rate over less than this says nothing. */
const RATE_WINDOW_MS = 100;

export class Statistics {
  commandsProcessed = 0;
  inputBytes = 0;
  errorReplies = 0;
  /** By full name, as `client|list`. */
  readonly commands = new Map<string, CommandCounts>();
  /** Error replies by their code, as `ERR`. */
  readonly errors = new Map<string, number>();
  #ratePerSecond = 0;
  #rateSinceMs = 0;
  #rateSinceCommands = 0;

  /** A command of a known name has ended. Called for each: allocates for the first of a name only. */
  onCommand(fullName: string, elapsedMs: number, outcome: CommandOutcome): void {
    this.commandsProcessed++;
    let counts = this.commands.get(fullName);
    if (counts === undefined) {
      counts = { calls: 0, elapsedMs: 0, failed: 0, rejected: 0, latency: new LatencyHistogram() };
      this.commands.set(fullName, counts);
    }
    if (outcome === 'rejected') {
      counts.rejected++;
      return;
    }
    counts.calls++;
    counts.elapsedMs += elapsedMs;
    counts.latency.record(elapsedMs);
    if (outcome === 'failed') counts.failed++;
  }

  /** An error reply, by its text with the code in front. */
  onError(text: string): void {
    this.errorReplies++;
    const end = text.indexOf(' ');
    const code = end < 0 ? text : text.slice(0, end);
    const count = this.errors.get(code);
    if (count !== undefined || this.errors.size < ERROR_CODES_MAX) this.errors.set(code, (count ?? 0) + 1);
  }

  /**
   * Commands a second since it was last asked, if that was not a moment ago: a node that nobody looks at needs no timer for
   * this.
   * @param nowMs monotonic.
   */
  commandsPerSecond(nowMs: number): number {
    const elapsedMs = nowMs - this.#rateSinceMs;
    if (elapsedMs < RATE_WINDOW_MS) return this.#ratePerSecond;
    this.#ratePerSecond = Math.round(((this.commandsProcessed - this.#rateSinceCommands) * 1000) / elapsedMs);
    this.#rateSinceMs = nowMs;
    this.#rateSinceCommands = this.commandsProcessed;
    return this.#ratePerSecond;
  }

  reset(): void {
    this.commandsProcessed = 0;
    this.inputBytes = 0;
    this.errorReplies = 0;
    this.commands.clear();
    this.errors.clear();
    this.#rateSinceCommands = 0;
  }
}
