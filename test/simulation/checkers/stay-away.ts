/**
 * What is gone stays away: once a value was known to be in place, and somebody has then seen the key without it, nobody
 * reads that value again. It holds for deleted, expired and replaced values alike, if every value is written once.
 */
import type { Operation } from '../../support/linearizability.js';

/** @returns a sentence for each read of a value that was known to be gone before the read was called. */
export function findReturned(key: string, history: readonly Operation[]): string[] {
  const inPlaceAt = new Map<string, number>();
  for (const { value, returnedAt } of history)
    if (value !== '') inPlaceAt.set(value, Math.min(returnedAt, inPlaceAt.get(value) ?? Infinity));
  const reads = history.filter(({ kind, returnedAt }) => kind === 'read' && returnedAt !== Infinity);
  const goneBy = goneSince(reads, inPlaceAt);
  return reads.flatMap(({ value, calledAt, by }) => {
    const other = goneBy.get(value);
    if (other === undefined || calledAt <= other.returnedAt) return [];
    const instead = other.value === '' ? 'absent' : other.value;
    return [
      `${key}: ${by} read ${value} at ${Math.round(calledAt)} ms, though ${other.by} had found ${instead} at ${Math.round(other.returnedAt)} ms`,
    ];
  });
}

/** For each value: the first read that ended among those that began with it in place and found something else. */
function goneSince(
  reads: readonly Operation[],
  inPlaceAt: ReadonlyMap<string, number>,
): Map<string, Operation> {
  const byCall = reads.toSorted((a, b) => a.calledAt - b.calledAt);
  const gone = new Map<string, Operation>();
  // From the last call to the first: the two reads of different values that end first, of all that begin later.
  const values = [...inPlaceAt].sort((a, b) => b[1] - a[1]);
  let [first, second]: (Operation | undefined)[] = [];
  let next = byCall.length - 1;
  for (const [value, placedAt] of values) {
    for (; next >= 0 && byCall[next]!.calledAt > placedAt; next--) {
      const read = byCall[next]!;
      if (first === undefined || read.returnedAt < first.returnedAt) {
        if (first !== undefined && first.value !== read.value) second = first;
        first = read;
      } else if (
        read.value !== first.value &&
        (second === undefined || read.returnedAt < second.returnedAt)
      ) {
        second = read;
      }
    }
    const other = first?.value === value ? second : first;
    if (other !== undefined) gone.set(value, other);
  }
  return gone;
}
