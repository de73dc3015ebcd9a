/**
 * The durable engine: LevelDB, through classic-level. The only file that imports it.
 *
 * What it relies on, and what LevelDB does not promise, is in `FORMAT.md`. After a failed write it must be closed and
 * opened again before anything it says about later writes can be believed; the group committer sees to that. Each
 * `open` makes a new handle, so nothing of a failed one survives.
 */
import {
  type ChainedBatch,
  type ChainedBatchWriteOptions,
  ClassicLevel,
  type Iterator as LevelIterator,
} from 'classic-level';
import { definite, indefinite, type KvError, messageOf } from '../base/errors.js';
import type {
  EngineBatch,
  EngineCallback,
  EngineEntry,
  EngineIterator,
  EngineRange,
  StorageEngine,
} from '../ports/storage-engine.js';

type Db = ClassicLevel<Uint8Array, Uint8Array>;

export interface LevelEngineOptions {
  /** The directory; made when it does not exist. One process at a time may open it. */
  readonly path: string;
  /** LevelDB's cache of uncompressed blocks, in bytes. 64 MiB unless told; more serves data sets that are read widely. */
  readonly cacheBytes?: number;
  /** Size at which the log becomes a table, in bytes. 8 MiB unless told; bigger ones stall the loop in compaction. */
  readonly writeBufferBytes?: number;
  /** Size of a table, in bytes. 4 MiB unless told; bigger ones make fewer files and longer compactions. */
  readonly fileBytesMax?: number;
  /** Reads a small text file; undefined when it cannot. LevelDB says only in a file of its own what it left out of a damaged log. */
  readonly readText?: (path: string) => string | undefined;
}

const MIB = 1024 * 1024;
/** The view encoding hands Uint8Arrays and Buffers through as they are; the buffer encoding wraps each Uint8Array. */
const VIEWS = { keyEncoding: 'view', valueEncoding: 'view' } as const;
/** classic-level ends a read early past this much, 16 KiB unless told, to keep turns of the event loop short. */
const READ_AHEAD_BYTES = 256 * 1024;
/** A record that is cut off at the end of the log, as by kill −9, is not reported: it was never acknowledged. */
const DROPPED = /: dropping \d+ bytes; Corruption/;
const SYNC: ChainedBatchWriteOptions = Object.freeze({ sync: true });
const NO_SYNC: ChainedBatchWriteOptions = Object.freeze({ sync: false });

export class LevelEngine implements StorageEngine {
  readonly #options: LevelEngineOptions;
  #db: Db | undefined;
  hasDroppedWrites = false;
  #wasOpen = false;

  constructor(options: LevelEngineOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    if (this.#db !== undefined) return;
    const { path, cacheBytes = 64 * MIB, writeBufferBytes = 8 * MIB, fileBytesMax = 4 * MIB } = this.#options;
    const tuning = { cacheSize: cacheBytes, writeBufferSize: writeBufferBytes, maxFileSize: fileBytesMax };
    const db: Db = new ClassicLevel<Uint8Array, Uint8Array>(path, { ...VIEWS, ...tuning });
    try {
      // A directory that is gone by now must not come back as an empty store.
      await db.open({ createIfMissing: !this.#wasOpen });
    } catch (error) {
      throw definite('STORAGE_FAILED', openMessage(path, error), error);
    }
    this.#db = db;
    this.#wasOpen = true;
    if (DROPPED.test(this.#options.readText?.(`${path}/LOG`) ?? '')) this.hasDroppedWrites = true;
  }

  async close(): Promise<void> {
    const db = this.#db;
    this.#db = undefined;
    try {
      await db?.close();
    } catch (error) {
      this.#db = db;
      throw this.#failed('cannot close', error);
    }
  }

  getSync(key: Uint8Array): Uint8Array | undefined {
    const db = this.#opened();
    try {
      return db.getSync(key);
    } catch (error) {
      throw this.#failed('cannot read from', error);
    }
  }

  async getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    const db = this.#opened();
    try {
      return await db.getMany(keys as Uint8Array[]);
    } catch (error) {
      throw this.#failed('cannot read from', error);
    }
  }

  batch(): EngineBatch {
    return new LevelBatch(this.#opened().batch(), this.#options.path);
  }

  iterate(range: EngineRange): EngineIterator {
    const bounds = range.to === undefined ? { gte: range.from } : { gte: range.from, lt: range.to };
    const iterator = this.#opened().iterator({ ...bounds, highWaterMarkBytes: READ_AHEAD_BYTES });
    return new LevelRangeIterator(iterator, (error) => this.#failed('cannot read from', error));
  }

  #opened(): Db {
    if (this.#db !== undefined) return this.#db;
    throw definite('STORAGE_FAILED', `the data in ${this.#options.path} is not open`);
  }

  #failed(action: string, error: unknown): KvError {
    return definite(
      'STORAGE_FAILED',
      `${action} the data in ${this.#options.path}: ${messageOf(error)}`,
      error,
    );
  }
}

/** A chained batch: its bytes are copied to LevelDB's own format at `put`, at a tenth of the array form's cost. */
class LevelBatch implements EngineBatch {
  readonly #batch: ChainedBatch<Db, Uint8Array, Uint8Array>;
  readonly #path: string;

  constructor(batch: ChainedBatch<Db, Uint8Array, Uint8Array>, path: string) {
    this.#batch = batch;
    this.#path = path;
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#batch.put(key, value);
  }

  delete(key: Uint8Array): void {
    this.#batch.del(key);
  }

  write(sync: boolean, done: EngineCallback): void {
    this.#batch.write(sync ? SYNC : NO_SYNC).then(
      () => done(undefined),
      (error: unknown) => done(this.#failed(error)),
    );
  }

  abandon(): void {
    this.#batch.close();
  }

  /** Part of the batch may have reached the log before the error, so whether it is there shows only after reopening. */
  #failed(error: unknown): KvError {
    const message = `cannot write to the data in ${this.#path}: ${messageOf(error)}`;
    return indefinite('STORAGE_FAILED', message, error);
  }
}

class LevelRangeIterator implements EngineIterator {
  readonly #iterator: LevelIterator<Db, Uint8Array, Uint8Array>;
  readonly #failed: (error: unknown) => KvError;

  constructor(iterator: LevelIterator<Db, Uint8Array, Uint8Array>, failed: (error: unknown) => KvError) {
    this.#iterator = iterator;
    this.#failed = failed;
  }

  async next(count: number): Promise<EngineEntry[]> {
    const entries: EngineEntry[] = [];
    try {
      while (entries.length < count) {
        const more = await this.#iterator.nextv(count - entries.length);
        if (more.length === 0) break;
        for (const entry of more) entries.push(entry);
      }
    } catch (error) {
      throw this.#failed(error);
    }
    return entries;
  }

  async close(): Promise<void> {
    await this.#iterator.close();
  }
}

function openMessage(path: string, error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if (codeOf(cause) === 'LEVEL_LOCKED') {
    return `cannot open ${path}: another process has it open; stop that node, or give this one another directory`;
  }
  const advice = codeOf(cause) === 'LEVEL_CORRUPTION' ? '; replace this node, or restore the directory' : '';
  return `cannot open ${path}: ${messageOf(cause)}${advice}`;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
