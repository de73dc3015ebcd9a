/**
 * An ordered byte store as a port: classic-level on disk, the memory engine in tests, an emulated disk in the
 * simulator. Keys are compared as unsigned bytes. `test/contract/storage-engine.ts` says in tests what each must do.
 */

/** Called once; `error` is undefined on success. */
export type EngineCallback = (error: Error | undefined) => void;

/** A batch under construction. Bytes are taken at `put`: the caller may reuse its arrays at once. */
export interface EngineBatch {
  put(key: Uint8Array, value: Uint8Array): void;
  delete(key: Uint8Array): void;
  /**
   * Writes all or nothing, in the order of `put` and `delete`.
   * @param sync true: on disk (fdatasync) before the callback. False: in the log, which survives kill −9.
   */
  write(sync: boolean, done: EngineCallback): void;
  /** Drops a batch that was not written. */
  abandon(): void;
}

/** `[key, value]`; both are the caller's to keep. */
export type EngineEntry = [key: Uint8Array, value: Uint8Array];

export interface EngineRange {
  /** First key, included. */
  readonly from: Uint8Array;
  /** Where to stop, not included; absent: the end. */
  readonly to?: Uint8Array;
}

export interface EngineIterator {
  /** Up to `count` entries in key order, of a snapshot taken when the iterator was made; fewer (or none) at the end only. */
  next(count: number): Promise<EngineEntry[]>;
  close(): Promise<void>;
}

export interface StorageEngine {
  /** @throws KvError `STORAGE_FAILED` when the data cannot be opened (locked by another process, damaged, no space). */
  open(): Promise<void>;
  /** Opening had to leave out a damaged part of the log: what was acknowledged may be missing. Absent: no. */
  readonly hasDroppedWrites?: boolean;
  /** The stored value, owned by the caller. Only for a few keys per turn: it may read the disk. */
  getSync(key: Uint8Array): Uint8Array | undefined;
  /** The stored values in the order of `keys`, read off the main thread. */
  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
  batch(): EngineBatch;
  iterate(range: EngineRange): EngineIterator;
  close(): Promise<void>;
}
