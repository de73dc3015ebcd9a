/**
 * A storage engine that lives in memory: for tests, the simulator's nodes, and `--storage memory`.
 *
 * Keys are grouped by their first two bytes, which in this store are the slot, so that sorting, and the copying that a
 * snapshot asks for, touch one slot and not the million keys beside it. An iterator shares the groups of its range with
 * the engine; the first change of a shared group copies it.
 *
 * A batch becomes visible when its callback is called, in the order of `write`, as on a disk. `close` keeps the data:
 * only a new engine is empty. Nothing here survives the process, and `sync` means nothing.
 */
import { definite, type KvError } from '../base/errors.js';
import type { Clock } from '../ports/clock.js';
import type {
  EngineBatch,
  EngineCallback,
  EngineEntry,
  EngineIterator,
  EngineRange,
  StorageEngine,
} from '../ports/storage-engine.js';

/**
 * Keys and values are strings of one char per byte. As keys they hash fast and compare as unsigned bytes do; as values
 * they take half the memory of Uint8Arrays, and the collector passes over them.
 */
interface Group {
  readonly entries: Map<string, string>;
  /** The keys in order; absent after a key came or went. */
  sorted: string[] | undefined;
  /** An iterator reads this group: copy it instead of changing it. */
  isShared: boolean;
}

export class MemoryEngine implements StorageEngine {
  readonly #clock: Clock;
  readonly #groups = new Map<string, Group>();
  #groupNames: string[] | undefined;
  #isOpen = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async open(): Promise<void> {
    this.#isOpen = true;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    return this.#get(stringOf(key));
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    this.#assertOpen();
    return keys.map((key) => this.#get(stringOf(key)));
  }

  batch(): EngineBatch {
    this.#assertOpen();
    return new MemoryBatch((keys, values, done) =>
      this.#clock.defer(() => done(this.#isOpen ? this.#apply(keys, values) : notOpen())),
    );
  }

  iterate(range: EngineRange): EngineIterator {
    this.#assertOpen();
    const from = stringOf(range.from);
    const to = range.to === undefined ? undefined : stringOf(range.to);
    const names = this.#sortedGroupNames();
    const groups: Group[] = [];
    for (let i = lowerBound(names, groupName(from)); i < names.length; i++) {
      const name = names[i]!;
      if (to !== undefined && name >= to) break;
      const group = this.#groups.get(name)!;
      group.isShared = true;
      groups.push(group);
    }
    return new MemoryIterator(groups, from, to, () => this.#assertOpen());
  }

  #get(key: string): Uint8Array | undefined {
    const value = this.#groups.get(groupName(key))?.entries.get(key);
    return value === undefined ? undefined : bytesOf(value);
  }

  #apply(keys: readonly string[], values: readonly (string | undefined)[]): undefined {
    for (let i = 0; i < keys.length; i++) {
      const value = values[i];
      if (value === undefined) this.#delete(keys[i]!);
      else this.#put(keys[i]!, value);
    }
  }

  #put(key: string, value: string): void {
    const group = this.#ownGroup(groupName(key));
    const countBefore = group.entries.size;
    group.entries.set(key, value);
    if (group.entries.size !== countBefore) group.sorted = undefined;
  }

  #delete(key: string): void {
    const name = groupName(key);
    if (!this.#groups.get(name)?.entries.has(key)) return;
    const group = this.#ownGroup(name);
    group.entries.delete(key);
    group.sorted = undefined;
    if (group.entries.size > 0) return;
    this.#groups.delete(name);
    this.#groupNames = undefined;
  }

  /** The group to change: a new one, or a copy of one that an iterator still reads. */
  #ownGroup(name: string): Group {
    const group = this.#groups.get(name);
    if (group !== undefined && !group.isShared) return group;
    if (group === undefined) this.#groupNames = undefined;
    const own = { entries: new Map(group?.entries), sorted: group?.sorted, isShared: false };
    this.#groups.set(name, own);
    return own;
  }

  #sortedGroupNames(): string[] {
    this.#groupNames ??= [...this.#groups.keys()].sort();
    return this.#groupNames;
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw notOpen();
  }
}

class MemoryBatch implements EngineBatch {
  readonly #write: (keys: string[], values: (string | undefined)[], done: EngineCallback) => void;
  readonly #keys: string[] = [];
  readonly #values: (string | undefined)[] = [];

  constructor(write: (keys: string[], values: (string | undefined)[], done: EngineCallback) => void) {
    this.#write = write;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#keys.push(stringOf(key));
    this.#values.push(stringOf(value));
  }

  delete(key: Uint8Array): void {
    this.#keys.push(stringOf(key));
    this.#values.push(undefined);
  }

  write(_sync: boolean, done: EngineCallback): void {
    this.#write(this.#keys, this.#values, done);
  }

  abandon(): void {
    this.#keys.length = 0;
    this.#values.length = 0;
  }
}

class MemoryIterator implements EngineIterator {
  readonly #groups: Group[];
  readonly #from: string;
  readonly #to: string | undefined;
  readonly #assertOpen: () => void;
  #group = 0;
  /** Where to go on in the current group; −1: not looked for yet. */
  #position = -1;
  #isClosed = false;

  constructor(groups: Group[], from: string, to: string | undefined, assertOpen: () => void) {
    this.#groups = groups;
    this.#from = from;
    this.#to = to;
    this.#assertOpen = assertOpen;
  }

  async next(count: number): Promise<EngineEntry[]> {
    this.#assertOpen();
    if (this.#isClosed) throw definite('STORAGE_FAILED', 'the iterator is closed');
    const entries: EngineEntry[] = [];
    while (entries.length < count && this.#group < this.#groups.length) {
      if (!this.#take(this.#groups[this.#group]!, entries, count)) break;
    }
    return entries;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#groups.length = 0;
  }

  /** Takes what fits from one group, and moves on at its end. False: the range has ended. */
  #take(group: Group, entries: EngineEntry[], count: number): boolean {
    group.sorted ??= [...group.entries.keys()].sort();
    const keys = group.sorted;
    if (this.#position < 0) this.#position = this.#group === 0 ? lowerBound(keys, this.#from) : 0;
    for (; this.#position < keys.length && entries.length < count; this.#position++) {
      const key = keys[this.#position]!;
      if (this.#to !== undefined && key >= this.#to) return false;
      entries.push([bytesOf(key), bytesOf(group.entries.get(key)!)]);
    }
    if (this.#position < keys.length) return true;
    this.#group++;
    this.#position = -1;
    return true;
  }
}

function notOpen(): KvError {
  return definite('STORAGE_FAILED', 'the memory engine is not open');
}

function stringOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function groupName(key: string): string {
  return key.slice(0, 2);
}

/** The index of the first name that is not below `name`. */
function lowerBound(names: readonly string[], name: string): number {
  let low = 0;
  let high = names.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (names[middle]! < name) low = middle + 1;
    else high = middle;
  }
  return low;
}
