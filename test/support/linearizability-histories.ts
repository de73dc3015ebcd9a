/** Histories of a register that exists: what clients of it see, and the same with one thing wrong. */
import type { Random } from '../../src/ports/random.js';
import type { Operation } from './linearizability.js';

export interface HistoryOptions {
  readonly operations: number;
  /** Clients, and so the most operations that overlap. */
  readonly clients: number;
  /** Parts of the whole: writes, deletes and writes with an expiry among them, unknown outcomes. The rest are reads. */
  readonly writes?: number;
  readonly deletes?: number;
  readonly expiries?: number;
  readonly unknown?: number;
}

/** What a register answers to clients that each do one operation after the other. Always legal. */
export function registerHistory(random: Random, options: HistoryOptions): Operation[] {
  const { operations, clients, writes = 0.5, deletes = 0.1, expiries = 0, unknown = 0.02 } = options;
  const freeAt = new Array<number>(clients).fill(0);
  const drawn = Array.from({ length: operations }, (_, i) => {
    const client = i % clients;
    const calledAt = freeAt[client]! + random.next();
    const effectAt = calledAt + random.next() * 2;
    const returnedAt = effectAt + random.next() * 2;
    freeAt[client] = returnedAt;
    const isWrite = random.next() < writes;
    const isDelete = isWrite && random.next() < deletes;
    const mayExpire = isWrite && !isDelete && random.next() < expiries;
    const isUnknown = random.next() < unknown;
    // Of an unknown outcome: it may take effect much later, or never.
    const lateBy = isUnknown ? random.next() * 40 : 0;
    const isLost = isUnknown && random.next() < 0.4;
    const value = isDelete || !isWrite ? '' : `v${i}`;
    return {
      isWrite,
      value,
      mayExpire,
      calledAt,
      effectAt: effectAt + lateBy,
      returnedAt,
      isUnknown,
      isLost,
    };
  });
  const expiresAt = new Map(drawn.map(({ value, effectAt }) => [value, effectAt + random.next() * 4]));
  let value = '';
  let valueExpiresAt = Infinity;
  const history: Operation[] = [];
  for (const each of drawn.toSorted((a, b) => a.effectAt - b.effectAt)) {
    if (valueExpiresAt <= each.effectAt) value = '';
    const { calledAt, mayExpire } = each;
    const returnedAt = each.isUnknown ? Infinity : each.returnedAt;
    if (!each.isWrite) {
      history.push({ kind: 'read', value, calledAt, returnedAt });
      continue;
    }
    history.push({ kind: 'write', value: each.value, calledAt, returnedAt, ...(mayExpire && { mayExpire }) });
    if (each.isLost) continue;
    value = each.value;
    valueExpiresAt = mayExpire ? expiresAt.get(value)! : Infinity;
  }
  return history.sort((a, b) => a.calledAt - b.calledAt);
}

export const MUTATIONS = ['stale read', 'lost write', 'foreign value', 'back from the dead'] as const;
export type Mutation = (typeof MUTATIONS)[number];

/** The history with one thing changed, somewhere after its first half, so that no order explains it any more. */
export function broken(history: readonly Operation[], mutation: Mutation, random: Random): Operation[] {
  const reads = history.filter(
    ({ kind, value, returnedAt }) => kind === 'read' && value !== '' && returnedAt !== Infinity,
  );
  const read = reads[(reads.length >> 1) + random.below(reads.length >> 1)]!;
  const write = history.find(({ kind, value }) => kind === 'write' && value === read.value)!;
  const by = 'planted';
  const lastMs = history.reduce(
    (last, { returnedAt }) => (returnedAt < Infinity ? Math.max(last, returnedAt) : last),
    0,
  );
  switch (mutation) {
    case 'stale read': {
      // Something that had been read, and replaced, long before.
      const over = reads.filter(({ returnedAt }) => returnedAt < write.calledAt - 60);
      const old = over[random.below(over.length)]!;
      return history.map((each) => (each === read ? { ...read, value: old.value, by } : each));
    }
    case 'foreign value':
      return history.map((each) => (each === read ? { ...read, value: 'nobody wrote this', by } : each));
    case 'lost write':
      return [...history, ...added('written last, and lost', read.value, lastMs, by)];
    case 'back from the dead':
      return [...history, ...added('', read.value, lastMs, by)];
  }
}

/** A write after everything, and a read after it that returns something older. */
function added(written: string, value: string, lastMs: number, by: string): Operation[] {
  return [
    { kind: 'write', value: written, calledAt: lastMs + 1, returnedAt: lastMs + 2, by },
    { kind: 'read', value, calledAt: lastMs + 3, returnedAt: lastMs + 4, by },
  ];
}
