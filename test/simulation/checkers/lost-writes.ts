/** No acknowledged write is lost: what is there in the end is the outcome of some order of all that was done. */
import { findViolation, type Operation } from '../../support/linearizability.js';

/**
 * @param histories what clients saw of each key.
 * @param finalValues what the replicas agree on in the end; '' for a key that is absent.
 * @returns a sentence for each key whose final value no order explains, though one explains its history.
 */
export function findLostWrites(
  histories: ReadonlyMap<string, readonly Operation[]>,
  finalValues: ReadonlyMap<string, string>,
): string[] {
  const problems: string[] = [];
  for (const [key, value] of finalValues) {
    const history = histories.get(key) ?? [];
    if (findViolation([...history, lastRead(history, value)]) === undefined) continue;
    // A history that is wrong by itself says nothing of what was lost.
    if (findViolation(history) !== undefined) continue;
    problems.push(`${key} is ${value || 'absent'} in the end, ${lastAcknowledged(history)}`);
  }
  return problems;
}

function lastRead(history: readonly Operation[], value: string): Operation {
  let endMs = 0;
  for (const { calledAt, returnedAt } of history)
    endMs = Math.max(endMs, returnedAt === Infinity ? calledAt : returnedAt);
  return { kind: 'read', value, calledAt: endMs + 1, returnedAt: endMs + 2, by: 'the end' };
}

function lastAcknowledged(history: readonly Operation[]): string {
  const done = history.filter(({ kind, returnedAt }) => kind === 'write' && returnedAt !== Infinity);
  if (done.length === 0) return 'and nothing was ever acknowledged';
  const { value, returnedAt, by } = done.reduce((last, each) =>
    each.returnedAt > last.returnedAt ? each : last,
  );
  return `though ${value === '' ? 'a delete' : value} was acknowledged last, at ${Math.round(returnedAt)} ms (${by})`;
}
