/** A scan gives every key that lived throughout once, no key twice, and none that did not live while it went on. */
import type { Operation } from '../../support/linearizability.js';

export interface Scan {
  readonly by: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly prefix: string;
  readonly keys: readonly string[];
}

/**
 * @param histories all that was done to each key, unknown outcomes as open operations.
 * @returns a sentence for each key that a scan should have given and did not, or the other way round.
 */
export function findScanProblems(scan: Scan, histories: ReadonlyMap<string, readonly Operation[]>): string[] {
  const what = `the scan of "${scan.prefix}" by ${scan.by} that ended at ${Math.round(scan.endedAt)} ms`;
  const found = new Set<string>();
  const problems: string[] = [];
  for (const key of scan.keys) {
    if (found.has(key)) problems.push(`${what} has ${key} twice`);
    found.add(key);
    if (!key.startsWith(scan.prefix)) problems.push(`${what} has ${key}, which was not asked for`);
    else if (!canHaveLived(histories.get(key) ?? [], scan))
      problems.push(`${what} has ${key}, which was not there while it went on`);
  }
  for (const [key, history] of histories) {
    if (key.startsWith(scan.prefix) && !found.has(key) && livedThroughout(history, scan))
      problems.push(`${what} misses ${key}, which was there throughout`);
  }
  return problems;
}

/** A value was in place before the scan began, and nothing that can take it away can have come after. */
function livedThroughout(history: readonly Operation[], { startedAt, endedAt }: Scan): boolean {
  const lastsFrom = lastBefore(history.filter(isLasting), startedAt);
  const endings = history.filter((each) => each.kind === 'write' && !isLasting(each));
  return (
    lastsFrom !== undefined &&
    !endings.some(({ calledAt, returnedAt }) => calledAt <= endedAt && returnedAt >= lastsFrom.calledAt)
  );
}

/** A value was written before the scan ended, and it is not certain that all such were gone when it began. */
function canHaveLived(history: readonly Operation[], { startedAt, endedAt }: Scan): boolean {
  const absent = lastBefore(
    history.filter(({ value }) => value === ''),
    startedAt,
  );
  return history.some(({ kind, value, calledAt, returnedAt }) => {
    const isValue = kind === 'write' && value !== '' && calledAt <= endedAt;
    return isValue && (absent === undefined || returnedAt >= absent.calledAt);
  });
}

function isLasting({ kind, value, mayExpire }: Operation): boolean {
  return kind === 'write' && value !== '' && mayExpire !== true;
}

/** Of the operations that had ended at a time: the one that was called last. */
function lastBefore(operations: readonly Operation[], at: number): Operation | undefined {
  let last: Operation | undefined;
  for (const operation of operations) {
    if (operation.returnedAt < at && (last === undefined || operation.calledAt > last.calledAt))
      last = operation;
  }
  return last;
}
