/**
 * Whether a history of one register could have happened one operation at a time (Herlihy and Wing 1990). An operation
 * takes effect at one moment between its call and its return. One whose outcome is unknown may take effect at any moment
 * after its call, or never.
 *
 * What can be said of a single value is looked at first, because it makes the best message; the rest is done by
 * {@link LinearizabilitySearch}.
 */
import { LinearizabilitySearch } from './linearizability-search.js';

export interface Operation {
  /** `exists` reads whether there is a value at all. `expire` makes the key absent, but only while it has this value. */
  readonly kind: 'read' | 'write' | 'exists' | 'expire';
  /** What was written or read; '' stands for absent. */
  readonly value: string;
  readonly calledAt: number;
  /** Infinity: the outcome is unknown. */
  readonly returnedAt: number;
  /** Of a write: the value has an expiry, so that the key may become absent by itself. Nobody else may write that value. */
  readonly mayExpire?: boolean;
  /** For people: who did it. */
  readonly by?: string;
}

/** Why no order explains a history. */
export interface Violation {
  readonly reason: string;
  /** Operations of which no order can be made, in the order of their calls. */
  readonly operations: readonly Operation[];
}

/** @returns true when some order of the operations explains the history, starting with an absent key. */
export function isLinearizable(history: readonly Operation[]): boolean {
  return findViolation(history) === undefined;
}

/**
 * @returns undefined when some order of the operations explains the history, starting with an absent key. Of an `exists`
 *   that found the key, only this is asked: was there, at its time, a value that it can have found?
 */
export function findViolation(history: readonly Operation[]): Violation | undefined {
  const operations = tellingOperations(history);
  return (
    findImpossibleRead(operations) ??
    findImpossiblePresence(history) ??
    new LinearizabilitySearch(operations).run()
  );
}

/** Leaves out what explains nothing and forbids nothing: unknown reads, and unknown writes that nobody has seen. */
function tellingOperations(history: readonly Operation[]): Operation[] {
  const seen = new Set<string>();
  for (const { kind, value, returnedAt } of history)
    if (kind !== 'write' && returnedAt !== Infinity) seen.add(value);
  const operations: Operation[] = [];
  for (const operation of history) {
    const { kind, value, returnedAt, mayExpire } = operation;
    if (kind === 'exists') {
      // Not to find a key is to read its absence.
      if (value === '' && returnedAt !== Infinity) operations.push({ ...operation, kind: 'read' });
    } else if (returnedAt !== Infinity) operations.push(operation);
    else if (kind === 'write' && (seen.has(value) || (mayExpire === true && seen.has(''))))
      operations.push(operation);
  }
  return operations;
}

/** A read of what nobody had written, or begun to write, when it returned. */
function findImpossibleRead(operations: readonly Operation[]): Violation | undefined {
  const firstWrites = new Map<string, Operation>();
  for (const operation of operations) {
    const { kind, value, calledAt } = operation;
    if (kind === 'read') continue;
    const first = firstWrites.get(value);
    if (first === undefined || calledAt < first.calledAt) firstWrites.set(value, operation);
  }
  for (const read of operations) {
    if (read.kind === 'write' || read.value === '') continue;
    const write = firstWrites.get(read.value);
    if (write === undefined) return { reason: `nobody wrote ${read.value}`, operations: [read] };
    if (write.calledAt > read.returnedAt)
      return { reason: `${read.value} was read before anybody wrote it`, operations: [read, write] };
  }
  return undefined;
}

/** A key that was found though it was known to be absent, and nothing can have been written since. */
function findImpossiblePresence(history: readonly Operation[]): Violation | undefined {
  const found = history.filter(({ kind, value, returnedAt }) => {
    return kind === 'exists' && value !== '' && returnedAt !== Infinity;
  });
  if (found.length === 0) return undefined;
  const absences = history.filter(({ value, returnedAt }) => value === '' && returnedAt !== Infinity);
  const values = history.filter(({ kind, value }) => kind === 'write' && value !== '');
  // The absence that began last among those over at a time, and the write that can have been placed last.
  const lastAbsence = running(absences, 'returnedAt', 'calledAt');
  const lastValue = running(values, 'calledAt', 'returnedAt');
  for (const presence of found) {
    const value = lastValue(presence.returnedAt, true);
    if (value === undefined)
      return { reason: 'a key was found that nobody had written', operations: [presence] };
    const absence = lastAbsence(presence.calledAt, false);
    if (absence !== undefined && value.returnedAt < absence.calledAt)
      return { reason: 'a key was found after it had gone', operations: [value, absence, presence] };
  }
  return undefined;
}

type Moment = 'calledAt' | 'returnedAt';

/** @returns a function that finds, among the operations whose `by` is before a time, the one with the greatest `most`. */
function running(
  operations: readonly Operation[],
  by: Moment,
  most: Moment,
): (before: number, inclusive: boolean) => Operation | undefined {
  const sorted = operations.toSorted((a, b) => (a[by] === b[by] ? 0 : a[by] - b[by]));
  const best: Operation[] = [];
  for (const operation of sorted) {
    const last = best.at(-1);
    best.push(last === undefined || operation[most] > last[most] ? operation : last);
  }
  return (before, inclusive) => {
    let [low, high] = [0, sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = sorted[middle]![by];
      if (at < before || (inclusive && at === before)) low = middle + 1;
      else high = middle;
    }
    return best[low - 1];
  };
}
