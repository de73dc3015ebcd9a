/**
 * Drives load over a set of connections until its source ends or it is stopped.
 *
 * Closed loop: every slot of every connection sends its next request when it has its answer. Open loop: requests leave
 * on a schedule; one that finds all slots taken leaves with the next answer, and its latency counts from the moment
 * that the schedule meant. To keep to the schedule between the ticks of a 1 ms timer, the open loop polls once per turn
 * of the event loop when its next request is near, and so keeps one core busy.
 */
import type { Clock, Timer } from '../src/ports/clock.js';
import type { ConnectionOwner, LoadConnection } from './connection.js';
import type { RateSchedule } from './rate-schedule.js';
import type { Kind, OperationSource } from './workload.js';

/** Closer than this the open loop polls: timers may be late by more than a millisecond. */
const POLL_WITHIN_MS = 2;

/** Who counts. Times are {@link Clock.monotonicMs}. */
export interface Tally {
  success(kind: Kind, startMs: number, nowMs: number): void;
  failure(code: string, key: number, nowMs: number): void;
  /** Open loop only: a request that was meant to leave at `intendedMs` left now. */
  sent(intendedMs: number, nowMs: number): void;
}

export interface DriverOptions {
  readonly clock: Clock;
  readonly connections: readonly LoadConnection[];
  readonly source: OperationSource;
  readonly tally: Tally;
  /** Present: an open loop. */
  readonly schedule?: RateSchedule;
}

export class LoadDriver implements ConnectionOwner {
  readonly #clock: Clock;
  readonly #connections: readonly LoadConnection[];
  readonly #source: OperationSource;
  readonly #tally: Tally;
  readonly #schedule: RateSchedule | undefined;
  #inFlight = 0;
  #stopped = false;
  #cursor = 0;
  #onIdle: (() => void) | undefined;
  readonly #pace = () => this.#keepPace();

  constructor(options: DriverOptions) {
    this.#clock = options.clock;
    this.#connections = options.connections;
    this.#source = options.source;
    this.#tally = options.tally;
    this.#schedule = options.schedule;
  }

  /** Requests that have no answer yet. */
  get inFlight(): number {
    return this.#inFlight;
  }

  start(): void {
    for (const connection of this.#connections) connection.owner = this;
    if (this.#schedule !== undefined) {
      this.#keepPace();
      return;
    }
    const nowMs = this.#clock.monotonicMs();
    for (const connection of this.#connections) {
      while (connection.canSend && this.#issue(connection, nowMs));
    }
  }

  /** Sends no more requests. Those in flight are still answered and counted. */
  stop(): void {
    this.#stopped = true;
  }

  /** Waits until nothing is in flight, at most `limitMs`; false when something still is. */
  idle(limitMs: number): Promise<boolean> {
    if (this.#inFlight === 0) return Promise.resolve(true);
    return new Promise((resolve) => {
      const finish = (isIdle: boolean) => {
        this.#onIdle = undefined;
        resolve(isIdle);
      };
      const timer: Timer = this.#clock.setTimer(limitMs, () => finish(false));
      this.#onIdle = () => {
        this.#clock.clearTimer(timer);
        finish(true);
      };
    });
  }

  onSuccess(connection: LoadConnection, kind: Kind, startMs: number, nowMs: number): void {
    this.#tally.success(kind, startMs, nowMs);
    this.#onAnswer(connection, nowMs);
  }

  onFailure(connection: LoadConnection, key: number, code: string, nowMs: number): void {
    this.#tally.failure(code, key, nowMs);
    this.#onAnswer(connection, nowMs);
  }

  #onAnswer(connection: LoadConnection, nowMs: number): void {
    this.#inFlight--;
    if (connection.canSend) {
      if (this.#schedule === undefined) this.#issue(connection, nowMs);
      else if (this.#schedule.nextMs <= nowMs) this.#issueScheduled(connection, this.#schedule, nowMs);
    }
    if (this.#inFlight === 0) this.#onIdle?.();
  }

  #issue(connection: LoadConnection, startMs: number): boolean {
    const source = this.#source;
    if (this.#stopped || !source.advance()) return false;
    this.#inFlight++;
    connection.send(source.kind, source.key, startMs);
    return true;
  }

  #issueScheduled(connection: LoadConnection, schedule: RateSchedule, nowMs: number): void {
    const intendedMs = schedule.nextMs;
    if (!this.#issue(connection, intendedMs)) return;
    schedule.take();
    this.#tally.sent(intendedMs, nowMs);
  }

  #keepPace(): void {
    const schedule = this.#schedule!;
    if (this.#stopped) return;
    const nowMs = this.#clock.monotonicMs();
    this.#sendDue(schedule, nowMs);
    const waitMs = schedule.nextMs - nowMs;
    if (waitMs <= 0)
      this.#clock.setTimer(1, this.#pace); // All slots are taken: the answers send what is due.
    else if (waitMs <= POLL_WITHIN_MS) this.#clock.defer(this.#pace);
    else this.#clock.setTimer(waitMs - POLL_WITHIN_MS, this.#pace);
  }

  /** Sends what is due, round the connections, as far as there are free slots. */
  #sendDue(schedule: RateSchedule, nowMs: number): void {
    let full = 0;
    while (schedule.nextMs <= nowMs && full < this.#connections.length) {
      const connection = this.#connections[this.#cursor]!;
      this.#cursor = (this.#cursor + 1) % this.#connections.length;
      if (connection.canSend) {
        this.#issueScheduled(connection, schedule, nowMs);
        full = 0;
      } else {
        full++;
      }
    }
  }
}
