/**
 * Whether a history of one register could have happened one operation at a time: the algorithm of Wing and Gong (1993)
 * with the memory of Lowe (2017), as in Porcupine. An operation takes effect at one moment between its call and its
 * return. One whose outcome is unknown may take effect at any moment after its call, or never.
 */

export interface Operation {
  readonly kind: 'read' | 'write';
  /** What was written or read; '' stands for absent. */
  readonly value: string;
  readonly calledAt: number;
  /** Infinity: the outcome is unknown. */
  readonly returnedAt: number;
  /** For people: who did it. */
  readonly by?: string;
}

interface Entry {
  /** Index of the operation. */
  readonly operation: number;
  readonly at: number;
  readonly isCall: boolean;
  /** Of a call: where the operation returns. */
  return: Entry | undefined;
  previous: Entry | undefined;
  next: Entry | undefined;
}

/** @returns true when some order of the operations explains the history, starting with an absent key. */
export function isLinearizable(history: readonly Operation[]): boolean {
  // A read whose outcome is unknown tells nothing.
  const operations = history.filter(({ kind, returnedAt }) => kind === 'write' || returnedAt !== Infinity);
  const head = linkedEntries(operations);
  const done = new Uint8Array(operations.length);
  const tried = new Set<string>();
  const taken: { call: Entry; before: string }[] = [];
  let value = '';
  let entry = head.next;
  while (head.next !== undefined) {
    if (entry === undefined) return true; // Only calls without a return are left: they never took effect.
    if (entry.isCall) {
      const { kind, value: said } = operations[entry.operation]!;
      const isPossible = kind === 'write' || said === value;
      if (isPossible) {
        done[entry.operation] = 1;
        const after = kind === 'write' ? said : value;
        const state = `${after} ${Buffer.from(done).toString('latin1')}`;
        if (!tried.has(state)) {
          tried.add(state);
          taken.push({ call: entry, before: value });
          value = after;
          lift(entry);
          entry = head.next;
          continue;
        }
        done[entry.operation] = 0;
      }
      entry = entry.next;
      continue;
    }
    // A return whose call has not taken effect: the last choice was wrong.
    const last = taken.pop();
    if (last === undefined) return false;
    value = last.before;
    done[last.call.operation] = 0;
    unlift(last.call);
    entry = last.call.next;
  }
  return true;
}

/** Calls and returns in the order of time; a call comes before a return of the same moment. */
function linkedEntries(operations: readonly Operation[]): Entry {
  const entries: Entry[] = [];
  for (const [operation, { calledAt, returnedAt }] of operations.entries()) {
    const blank = { operation, return: undefined, previous: undefined, next: undefined };
    const call: Entry = { ...blank, at: calledAt, isCall: true };
    entries.push(call);
    if (returnedAt === Infinity) continue;
    call.return = { ...blank, at: returnedAt, isCall: false };
    entries.push(call.return);
  }
  entries.sort((a, b) => a.at - b.at || Number(b.isCall) - Number(a.isCall));
  const head: Entry = {
    operation: -1,
    at: -1,
    isCall: true,
    return: undefined,
    previous: undefined,
    next: undefined,
  };
  let last = head;
  for (const entry of entries) {
    last.next = entry;
    entry.previous = last;
    last = entry;
  }
  return head;
}

/** Takes an operation's entries out of the list. */
function lift(call: Entry): void {
  unlink(call);
  if (call.return !== undefined) unlink(call.return);
}

function unlift(call: Entry): void {
  if (call.return !== undefined) relink(call.return);
  relink(call);
}

function unlink(entry: Entry): void {
  entry.previous!.next = entry.next;
  if (entry.next !== undefined) entry.next.previous = entry.previous;
}

function relink(entry: Entry): void {
  entry.previous!.next = entry;
  if (entry.next !== undefined) entry.next.previous = entry;
}
