/**
 * A disk in memory that outlives the programs that write to it, and fails when it is told to.
 *
 * It behaves as LevelDB was seen to (DESIGN §7): a batch is all or nothing; a crash keeps what was acknowledged and may
 * keep what was not; after a failed write the handle is poisoned, and what it takes then is lost, though acknowledged.
 */
import { compareBytes } from '../../src/base/bytes.js';
import { definite } from '../../src/base/errors.js';
import type { Clock } from '../../src/ports/clock.js';
import type { Random } from '../../src/ports/random.js';
import type {
  EngineBatch,
  EngineCallback,
  EngineEntry,
  EngineIterator,
  EngineRange,
  StorageEngine,
} from '../../src/ports/storage-engine.js';

type Change = readonly [key: string, value: Uint8Array | undefined];

export class VirtualDisk {
  readonly #random: Random;
  /** Everything stored, by the bytes of the key as a latin1 string. */
  readonly content = new Map<string, Uint8Array>();
  /** Bounds of the time that one batch takes, in milliseconds. */
  writeMs: readonly [number, number] = [0.05, 0.5];
  /** While set, every write fails with it; a failed batch may be stored all the same. */
  failure: string | undefined;
  /** How much longer a batch takes that is synced, in milliseconds. */
  syncMs = 0;
  #pending: Change[] | undefined;
  #isOff = false;
  /** What is on the disk that was taken off, once an empty directory was opened in its place. */
  #off: Map<string, Uint8Array> | undefined;
  /** What each batch since the last sync has replaced: a loss of power undoes some of them, the last ones first. */
  #unsynced: Change[][] = [];

  constructor(random: Random) {
    this.#random = random;
  }

  /** An engine on this disk, for one run of a program. */
  engine(clock: Clock): StorageEngine {
    return new DiskEngine(this, clock);
  }

  /** The program is gone: the batch on its way may have been stored or not. */
  crash(): void {
    if (this.#pending !== undefined && this.#random.below(2) === 0) this.#store(this.#pending);
    this.#pending = undefined;
  }

  /** The power is gone: as {@link crash}, and of what was not synced only a part remains, from the beginning. */
  losePower(): void {
    this.crash();
    const kept = this.#random.below(this.#unsynced.length + 1);
    for (const replaced of this.#unsynced.splice(kept).reverse()) this.#restore(replaced);
    this.#unsynced = [];
  }

  /**
   * The file system goes away under a running program: what is open can be read on, every write fails, and once `failure` is
   * lifted whoever opens it finds an empty one.
   */
  takeOff(problem: string): void {
    this.#isOff = true;
    this.failure = problem;
  }

  /** It is there again, as it was; what was written in its place is gone. */
  putBack(): void {
    this.#isOff = false;
    if (this.#off === undefined) return;
    this.lose();
    for (const [key, value] of this.#off) this.content.set(key, value);
    this.#off = undefined;
  }

  /** It never comes back: the empty one is the disk from now on. */
  leaveOff(): void {
    this.#isOff = false;
    this.#off = undefined;
  }

  /** Somebody opens what is there. */
  onOpen(): void {
    if (!this.#isOff || this.#off !== undefined) return;
    this.#off = new Map(this.content);
    this.lose();
  }

  /** Another disk is in its place, an empty one. */
  lose(): void {
    this.content.clear();
    this.#pending = undefined;
    this.#unsynced = [];
  }

  /** Flips one bit of what is stored under a key. */
  corrupt(key: Uint8Array, byte: number): void {
    const stored = Uint8Array.from(this.content.get(latin1(key)) ?? []);
    stored[byte]! ^= 1;
    this.content.set(latin1(key), stored);
  }

  write(changes: Change[], sync: boolean, clock: Clock, isPoisoned: boolean, done: EngineCallback): void {
    const [min, max] = this.writeMs;
    this.#pending = isPoisoned ? undefined : changes;
    clock.setTimer(min + this.#random.next() * (max - min) + (sync ? this.syncMs : 0), () => {
      this.#pending = undefined;
      const isStored = this.failure === undefined || this.#random.below(2) === 0;
      if (isStored && !isPoisoned) this.#store(changes);
      if (sync && this.failure === undefined && !isPoisoned) this.#unsynced = [];
      done(this.failure === undefined ? undefined : new Error(this.failure));
    });
  }

  #store(changes: readonly Change[]): void {
    this.#unsynced.push(changes.map(([key]) => [key, this.content.get(key)] as const));
    this.#restore(changes);
  }

  #restore(changes: readonly Change[]): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.content.delete(key);
      else this.content.set(key, value);
    }
  }
}

class DiskEngine implements StorageEngine {
  readonly #disk: VirtualDisk;
  readonly #clock: Clock;
  #isOpen = false;
  #isPoisoned = false;

  constructor(disk: VirtualDisk, clock: Clock) {
    this.#disk = disk;
    this.#clock = clock;
  }

  async open(): Promise<void> {
    if (this.#disk.failure !== undefined) throw definite('STORAGE_FAILED', this.#disk.failure);
    this.#disk.onOpen();
    this.#isOpen = true;
    this.#isPoisoned = false;
  }

  async close(): Promise<void> {
    this.#isOpen = false;
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    this.#assertOpen();
    const stored = this.#disk.content.get(latin1(key));
    return stored === undefined ? undefined : Uint8Array.from(stored);
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return keys.map((key) => this.getSync(key));
  }

  batch(): EngineBatch {
    this.#assertOpen();
    const changes: Change[] = [];
    return {
      put: (key, value) => void changes.push([latin1(key), Uint8Array.from(value)]),
      delete: (key) => void changes.push([latin1(key), undefined]),
      abandon: () => void changes.splice(0),
      write: (sync, done) => {
        this.#disk.write(changes, sync, this.#clock, this.#isPoisoned, (error) => {
          if (error !== undefined) this.#isPoisoned = true;
          done(error);
        });
      },
    };
  }

  iterate(range: EngineRange): EngineIterator {
    this.#assertOpen();
    const entries = [...this.#disk.content]
      .map(([key, value]): EngineEntry => [Buffer.from(key, 'latin1'), Uint8Array.from(value)])
      .filter(
        ([key]) =>
          compareBytes(key, range.from) >= 0 && (range.to === undefined || compareBytes(key, range.to) < 0),
      )
      .sort(([a], [b]) => compareBytes(a, b));
    return {
      next: async (count) => entries.splice(0, count),
      close: async () => {},
    };
  }

  #assertOpen(): void {
    if (!this.#isOpen) throw definite('STORAGE_FAILED', 'the virtual disk is not open');
  }
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}
