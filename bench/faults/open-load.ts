/**
 * The open load: gets and sets at a constant rate through the client library, whatever becomes of those before. The
 * library is the driver on purpose, though the wire alone would be cheaper: what a user notices of a dead node is decided
 * by its reconnecting, its routing and its retries as much as by the nodes.
 *
 * Operations leave on the ticks of a timer of a millisecond, those that are due together. Polling for the exact moment,
 * as `driver.ts` does, would take one core of a machine that the nodes share; so up to about 1 ms of every latency is ours,
 * and the quiet phase shows how much.
 */
import { KvError } from '../../src/base/errors.js';
import type { Clock } from '../../src/ports/clock.js';
import type { Payload } from '../payload.js';
import { RateSchedule } from '../rate-schedule.js';
import { type OperationSource, READ } from '../workload.js';
import type { PhaseTally } from './phase-tally.js';

const TICK_MS = 1;
const POLL_MS = 50;

/** The part of the client library that is used. */
export interface LoadClient {
  getBuffer(key: Uint8Array): Promise<Uint8Array | null>;
  set(key: Uint8Array, value: Uint8Array): Promise<unknown>;
}

export interface OpenLoadOptions {
  readonly clock: Clock;
  readonly client: LoadClient;
  readonly source: OperationSource;
  readonly payload: Payload;
  /** Operations per second. */
  readonly rate: number;
  /** Counts until another one is put in its place. */
  readonly tally: PhaseTally;
}

export class OpenLoad {
  readonly #options: OpenLoadOptions;
  readonly #schedule: RateSchedule;
  readonly #tick = () => this.#keepPace();
  #tally: PhaseTally;
  #isStopped = false;

  /** Begins at once. */
  constructor(options: OpenLoadOptions) {
    this.#options = options;
    this.#tally = options.tally;
    this.#schedule = new RateSchedule(options.rate, options.clock.monotonicMs());
    this.#keepPace();
  }

  /** From now on, this one counts what is begun. */
  countWith(tally: PhaseTally): void {
    this.#sendDue(); // What was due before belongs to the phase before.
    this.#tally = tally;
  }

  /** Begins nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  #keepPace(): void {
    if (this.#isStopped) return;
    this.#sendDue();
    this.#options.clock.setTimer(TICK_MS, this.#tick);
  }

  #sendDue(): void {
    const { clock, source } = this.#options;
    const nowMs = clock.monotonicMs();
    while (this.#schedule.nextMs <= nowMs && source.advance()) {
      void this.#send(source.kind === READ, source.key, this.#schedule.take());
    }
  }

  async #send(isRead: boolean, key: number, intendedMs: number): Promise<void> {
    const { client, payload, clock } = this.#options;
    const tally = this.#tally;
    const sinceIntended = () => clock.monotonicMs() - intendedMs;
    tally.begin(sinceIntended());
    // The library does not copy, and the payload's buffers are used again.
    const keyBytes = payload.key(key).slice();
    try {
      let problem: string | undefined;
      if (isRead) problem = payload.problemOfValue(await client.getBuffer(keyBytes), key);
      else await client.set(keyBytes, payload.value(key).slice());
      if (problem === undefined) tally.success(sinceIntended());
      else tally.failure(problem, true, sinceIntended());
    } catch (error) {
      const isKnown = error instanceof KvError;
      tally.failure(isKnown ? error.code : 'INTERNAL', isKnown && error.definite, sinceIntended());
    }
  }
}

/** Waits until everything that these count has its outcome, at most `limitMs`. */
export async function settled(tallies: readonly PhaseTally[], clock: Clock, limitMs: number): Promise<void> {
  const deadlineMs = clock.monotonicMs() + limitMs;
  while (tallies.some(({ underWay }) => underWay > 0) && clock.monotonicMs() < deadlineMs) {
    await new Promise<void>((resolve) => clock.setTimer(POLL_MS, resolve));
  }
}
