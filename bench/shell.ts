/** What the load generator needs of the world, so that tests can give it another one. */
import type { Clock } from '../src/ports/clock.js';
import type { Network } from '../src/ports/network.js';

/** CPU time of this process so far, in microseconds. */
export interface CpuTime {
  readonly userUs: number;
  readonly systemUs: number;
}

export interface Shell {
  readonly clock: Clock;
  readonly network: Network;
  ownCpu(): CpuTime;
  /** Tells the user how far we are; not part of the report. */
  say(line: string): void;
}

export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => {
    clock.setTimer(ms, resolve);
  });
}
