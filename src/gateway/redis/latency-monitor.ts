/**
 * Moments at which commands took long, by kind of event: for LATENCY. The events are those of Redis that this store has:
 * `command`, and `fast-command` for commands that should never take long.
 */
import type { RuntimeConfig } from './runtime-config.js';

/** Samples kept of each event, as in Redis. */
const SAMPLES_MAX = 160;

export type LatencyEventName = 'command' | 'fast-command';

export interface LatencySample {
  /** Since 1970. */
  readonly unixSeconds: number;
  /** The longest of that second. */
  readonly ms: number;
}

export interface LatencyEvent {
  readonly name: LatencyEventName;
  /** The oldest first; never none. */
  readonly samples: readonly LatencySample[];
  /** The longest since the start or the last reset, also when its sample is gone. */
  readonly worstMs: number;
}

interface Recorded {
  readonly samples: LatencySample[];
  worstMs: number;
}

export class LatencyMonitor {
  readonly #config: RuntimeConfig;
  readonly #events = new Map<LatencyEventName, Recorded>();

  constructor(config: RuntimeConfig) {
    this.#config = config;
  }

  /** Whether a command that took so long is to be recorded. Called for each command: compares, and nothing more. */
  wants(elapsedMs: number): boolean {
    const { latencyThresholdMs } = this.#config;
    return latencyThresholdMs > 0 && elapsedMs >= latencyThresholdMs;
  }

  /** @param wallMs since 1970. */
  add(name: LatencyEventName, elapsedMs: number, wallMs: number): void {
    const event = this.#event(name);
    const sample = { unixSeconds: Math.floor(wallMs / 1000), ms: Math.floor(elapsedMs) };
    event.worstMs = Math.max(event.worstMs, sample.ms);
    const last = event.samples.at(-1);
    if (last?.unixSeconds === sample.unixSeconds) {
      if (sample.ms > last.ms) event.samples[event.samples.length - 1] = sample;
      return;
    }
    event.samples.push(sample);
    if (event.samples.length > SAMPLES_MAX) event.samples.shift();
  }

  /** Those that have happened. */
  events(): LatencyEvent[] {
    return [...this.#events].map(([name, { samples, worstMs }]) => ({ name, samples, worstMs }));
  }

  find(name: string): LatencyEvent | undefined {
    return this.events().find((event) => event.name === name);
  }

  /** Forgets an event; whether it had happened. */
  reset(name: string): boolean {
    return this.#events.delete(name as LatencyEventName);
  }

  #event(name: LatencyEventName): Recorded {
    let event = this.#events.get(name);
    if (event === undefined) {
      event = { samples: [], worstMs: 0 };
      this.#events.set(name, event);
    }
    return event;
  }
}
