/**
 * Signals that ask a program to stop: the first asks to end in good order, a second one to end at once.
 *
 * One Ctrl-C often arrives twice within milliseconds: the terminal sends it to every process, and npm passes its own on.
 * So what follows the first within half a second is the same wish.
 */
import type { Clock } from '../../src/ports/clock.js';

const SAME_WISH_MS = 500;

/** The part of `process` that tells of signals. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: () => void): unknown;
  removeListener(signal: NodeJS.Signals, listener: () => void): unknown;
}

/** Calls `onStop` for the first of `signals`, and `onHurry` for each later one. Returns what stops listening. */
export function onStopSignals(options: {
  source: SignalSource;
  signals: readonly NodeJS.Signals[];
  clock: Clock;
  onStop: (signal: NodeJS.Signals) => void;
  onHurry: (signal: NodeJS.Signals) => void;
}): () => void {
  const { source, signals, clock, onStop, onHurry } = options;
  let firstMs: number | undefined;
  const listeners = signals.map((signal) => {
    const listener = () => {
      const nowMs = clock.monotonicMs();
      if (firstMs === undefined) {
        firstMs = nowMs;
        onStop(signal);
      } else if (nowMs - firstMs >= SAME_WISH_MS) onHurry(signal);
    };
    source.on(signal, listener);
    return { signal, listener };
  });
  return () => {
    for (const { signal, listener } of listeners) source.removeListener(signal, listener);
  };
}
