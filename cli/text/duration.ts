/** Durations as people type them (`90`, `10s`, `5m`, `1.5h`) and as they like to read them. */
import { UsageError } from '../usage-error.js';

const UNIT_MS = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);
const PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/;

/**
 * Milliseconds, at least 1. `bareUnit` is what a number without a unit counts; `what` names the option in the error.
 * @throws UsageError
 */
export function parseDurationMs(text: string, bareUnit: 'ms' | 's', what: string): number {
  const match = PATTERN.exec(text.trim());
  const unitMs = UNIT_MS.get(match?.[2] ?? bareUnit) ?? 1;
  const durationMs = Math.round(Number(match?.[1] ?? 'NaN') * unitMs);
  if (durationMs >= 1 && Number.isSafeInteger(durationMs)) return durationMs;
  const bare = bareUnit === 's' ? 'seconds' : 'milliseconds';
  throw new UsageError(
    `${what} is ${bare} above zero, or a number with a unit (500ms, 10s, 5m, 2h, 1d), not "${text}"`,
  );
}

/** The two largest units that matter: `350 ms`, `9.5 s`, `2m 5s`, `3h 20m`, `12d 4h`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 10_000) return `${(Math.floor(durationMs / 100) / 10).toFixed(1)} s`;
  const seconds = Math.floor(durationMs / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m ${seconds % 60}s`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)}h ${Math.floor((seconds % 3600) / 60)}m`;
  return `${Math.floor(seconds / 86_400)}d ${Math.floor((seconds % 86_400) / 3600)}h`;
}
