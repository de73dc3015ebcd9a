/**
 * The one writer of a node's storage engine. Writes that arrive while a batch is on its way to the log leave together
 * in the next one; a write alone leaves at the end of the turn of the event loop. So the log is written as often as the
 * disk allows and no oftener, and each write costs a place in a batch, not a promise.
 *
 * States: open → failed → open …, and closed. After any error nothing more is acknowledged until the engine has been
 * closed, reopened and probed (see `engine-reopener.ts`): on a full disk LevelDB takes later writes and loses them.
 * What a failed batch held may or may not be in the log. Sequence numbers go on after it, past numbers that never
 * committed: whoever remembers what was queued forgets it on `onStateChange('failed')`, which comes before its waiters
 * are called.
 *
 * It does not open the engine at the start, nor close it at the end.
 */
import { equalBytes } from '../base/bytes.js';
import { assert, definite, type KvError, messageOf } from '../base/errors.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { EngineCallback, StorageEngine } from '../ports/storage-engine.js';
import { CommitBatch, type CommitListener } from './commit-batch.js';
import { EngineReopener } from './engine-reopener.js';
import { SYNC_KEY } from './keyspace.js';

export type { CommitListener } from './commit-batch.js';

/**
 * - `always`: on disk before the acknowledgement.
 * - `everysec`: in the log before the acknowledgement, on disk about a second later.
 * - `never`: in the log before the acknowledgement; the operating system decides when it is on disk.
 */
export type FsyncPolicy = 'always' | 'everysec' | 'never';

/** How long a write may wait for the disk under `everysec`. */
export const SYNC_INTERVAL_MS = 1000;
/** A longer batch would hold up those behind it for too long. */
const BATCH_OPS_MAX = 1000;
/** Values can be large: a batch also ends when it has this much, half a write buffer. */
const BATCH_BYTES_MAX = 4 * 1024 * 1024;
const EMPTY = new Uint8Array(0);

export interface GroupCommitterOptions {
  /** Open already. From now on only the committer writes to it, and closes and reopens it when it fails. */
  readonly engine: StorageEngine;
  readonly clock: Clock;
  readonly fsync: FsyncPolicy;
  readonly log: Log;
  /** Most operations of one batch; 1000 unless told. */
  readonly batchOpsMax?: number;
  /** `failed` comes before the waiters of the lost batches are called, `open` when writes are taken again. */
  readonly onStateChange?: (state: 'open' | 'failed') => void;
}

export class GroupCommitter {
  readonly #engine: StorageEngine;
  readonly #clock: Clock;
  readonly #fsync: FsyncPolicy;
  readonly #log: Log;
  readonly #batchOpsMax: number;
  readonly #onStateChange: (state: 'open' | 'failed') => void;
  readonly #reopener: EngineReopener;
  readonly #onWritten: EngineCallback = (error) =>
    error === undefined ? this.#onCommitted(this.#inFlight!) : this.#onFailed(this.#inFlight!, error);
  readonly #onDeferred = (): void => this.#flush();

  #committedSeq = 0;
  #nextSeq = 1;
  #inFlight: CommitBatch | undefined;
  /** Batches to write, numbered without gaps; the last one is still open. */
  #queue: CommitBatch[] = [];
  readonly #spare: CommitBatch[] = [];
  #isDeferred = false;
  /** Batches have committed since the last sync. */
  #isUnsynced = false;
  #syncTimer: Timer | undefined;
  #isFailed = false;
  #mark: { readonly key: Uint8Array; readonly value: Uint8Array } | undefined;
  #closing: Promise<void> | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: GroupCommitterOptions) {
    const { engine, clock, log } = options;
    this.#engine = engine;
    this.#clock = clock;
    this.#fsync = options.fsync;
    this.#log = log;
    this.#batchOpsMax = options.batchOpsMax ?? BATCH_OPS_MAX;
    this.#onStateChange = options.onStateChange ?? (() => {});
    this.#reopener = new EngineReopener({
      engine,
      clock,
      log,
      contentProblem: () => this.#contentProblem(),
      onReopen: () => this.#onReopen(),
    });
  }

  /** Batches are numbered 1, 2, …; those up to this one are in the engine and its log, but for batches that failed. */
  get committedSeq(): number {
    return this.#committedSeq;
  }

  /** Nothing is taken until the engine has been reopened. */
  get isFailed(): boolean {
    return this.#isFailed;
  }

  /** Operations that are not in the log yet. */
  get queuedOperations(): number {
    const onTheWay = this.#inFlight?.operationCount ?? 0;
    return this.#queue.reduce((sum, { operationCount }) => sum + operationCount, onTheWay);
  }

  /** Adds to the open batch, and returns its number; 0 when failed or closed. The bytes are taken at once. */
  put(key: Uint8Array, value: Uint8Array): number {
    if (this.#isFailed || this.#closing !== undefined) return 0;
    return this.#put(key, value).seq;
  }

  /** Like {@link put}. */
  delete(key: Uint8Array): number {
    if (this.#isFailed || this.#closing !== undefined) return 0;
    const batch = this.#openBatch(key.length);
    batch.operations!.delete(key);
    return batch.seq;
  }

  /**
   * Calls `listener.onCommit(a, b, ok)` once, when that batch has committed or failed, and never before this returns.
   * @param seq a number that {@link put} gave, above {@link committedSeq}.
   */
  wait(seq: number, listener: CommitListener, a: number, b: number): void {
    assert(
      seq > this.#committedSeq && seq < this.#nextSeq,
      `a wait for batch ${seq} of ${this.#nextSeq - 1}`,
    );
    const batch = this.#pending(seq);
    if (batch !== undefined) batch.wait(listener, a, b);
    else this.#clock.defer(() => listener.onCommit(a, b, false)); // It failed before the wait.
  }

  /** Writes something that must be on disk whatever the policy: the clock's bound, the identity. */
  putDurable(key: Uint8Array, value: Uint8Array, done: EngineCallback): void {
    if (this.#isFailed || this.#closing !== undefined) {
      this.#clock.defer(() => done(notTaken()));
      return;
    }
    const batch = this.#put(key, value);
    batch.sync = true;
    batch.waitCallback(done);
  }

  /**
   * Says by what the content of the engine is known again after a failure: the value of this key, which is on disk already.
   * As long as it is not found the committer stays failed.
   */
  recogniseBy(key: Uint8Array, value: Uint8Array): void {
    this.#mark = { key, value };
  }

  /** Like {@link putDurable}, for what must be gone from the disk. */
  deleteDurable(key: Uint8Array, done: EngineCallback): void {
    if (this.#isFailed || this.#closing !== undefined) {
      this.#clock.defer(() => done(notTaken()));
      return;
    }
    const batch = this.#openBatch(key.length);
    batch.operations!.delete(key);
    batch.sync = true;
    batch.waitCallback(done);
  }

  /** Resolves when everything that is queued now has committed; to false when some of it failed. */
  settled(): Promise<boolean> {
    const last = this.#queue.at(-1) ?? this.#inFlight;
    if (last === undefined) return Promise.resolve(!this.#isFailed);
    return new Promise((resolve) => last.waitCallback((error) => resolve(error === undefined)));
  }

  /** Resolves when everything that is queued now is on disk, whatever the policy. @throws KvError `STORAGE_FAILED`. */
  synced(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.putDurable(SYNC_KEY, EMPTY, (error) =>
        error === undefined ? resolve() : reject(definite('STORAGE_FAILED', messageOf(error), error)),
      );
    });
  }

  /**
   * Commits what is queued, syncs it (but under `never`), and takes nothing more.
   * @param putLast called at once; what it puts comes after everything else. Not called when the storage has failed.
   */
  close(putLast?: () => void): Promise<void> {
    if (this.#closing === undefined && !this.#isFailed) putLast?.();
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #put(key: Uint8Array, value: Uint8Array): CommitBatch {
    const batch = this.#openBatch(key.length + value.length);
    batch.operations!.put(key, value);
    return batch;
  }

  /** The batch that takes the next operation; starts another when the last one is full. */
  #openBatch(bytes: number): CommitBatch {
    let batch = this.#queue.at(-1);
    if (batch === undefined || this.#isFull(batch)) batch = this.#beginBatch();
    batch.operationCount++;
    batch.operationBytes += bytes;
    if (this.#inFlight === undefined) this.#deferFlush();
    return batch;
  }

  #isFull(batch: CommitBatch): boolean {
    return batch.operationCount >= this.#batchOpsMax || batch.operationBytes >= BATCH_BYTES_MAX;
  }

  #beginBatch(): CommitBatch {
    const batch = this.#spare.pop() ?? new CommitBatch();
    batch.begin(this.#nextSeq++, this.#engine.batch());
    this.#queue.push(batch);
    return batch;
  }

  #pending(seq: number): CommitBatch | undefined {
    if (this.#inFlight?.seq === seq) return this.#inFlight;
    const first = this.#queue[0];
    return first === undefined ? undefined : this.#queue[seq - first.seq];
  }

  #deferFlush(): void {
    if (this.#isDeferred) return;
    this.#isDeferred = true;
    this.#clock.defer(this.#onDeferred);
  }

  #flush(): void {
    this.#isDeferred = false;
    if (this.#inFlight === undefined) this.#writeNext();
  }

  #writeNext(): void {
    const batch = this.#queue.shift();
    if (batch === undefined) return;
    this.#inFlight = batch;
    if (this.#fsync === 'always') batch.sync = true;
    batch.operations!.write(batch.sync, this.#onWritten);
  }

  #onCommitted(batch: CommitBatch): void {
    this.#inFlight = undefined;
    this.#committedSeq = batch.seq;
    this.#noteSync(batch.sync);
    this.#settle(batch, undefined);
    // At the end of the turn, not at once: what else arrives in it joins, and fewer batches cost less (by a tenth).
    if (this.#queue.length > 0) this.#deferFlush();
    if (this.#inFlight === undefined && this.#queue.length === 0) this.#onIdle?.();
  }

  #settle(batch: CommitBatch, error: Error | undefined): void {
    batch.settle(error);
    this.#spare.push(batch);
  }

  #noteSync(isSynced: boolean): void {
    this.#isUnsynced = !isSynced;
    if (isSynced || this.#fsync !== 'everysec' || this.#syncTimer !== undefined) return;
    this.#syncTimer = this.#clock.setTimer(SYNC_INTERVAL_MS, () => {
      this.#syncTimer = undefined;
      if (this.#isUnsynced) this.#syncAll();
    });
  }

  /** LevelDB syncs its whole log with any batch that asks for it, but skips one that holds nothing: so write a marker. */
  #syncAll(): void {
    this.#put(SYNC_KEY, EMPTY).sync = true;
  }

  #onFailed(batch: CommitBatch, error: Error): void {
    const lost = [batch, ...this.#queue];
    for (const queued of this.#queue) queued.operations!.abandon();
    this.#inFlight = undefined;
    this.#queue = [];
    this.#isFailed = true;
    this.#isUnsynced = false;
    this.#stopSyncTimer();
    this.#log.error('storage failed: nothing is acknowledged until it has been reopened', {
      error: messageOf(error),
    });
    this.#onStateChange('failed');
    for (const each of lost) this.#settle(each, error);
    this.#reopener.start();
    this.#onIdle?.();
  }

  #contentProblem(): string | undefined {
    const mark = this.#mark;
    const found = mark === undefined ? undefined : this.#engine.getSync(mark.key);
    if (mark === undefined || (found !== undefined && equalBytes(found, mark.value))) return undefined;
    return 'the storage is not the one that this node was started on: bring that one back, or stop the node, empty the directory and start it with --join';
  }

  #onReopen(): void {
    this.#isFailed = false;
    this.#log.info('storage reopened');
    this.#onStateChange('open');
  }

  async #close(): Promise<void> {
    const isPending = this.#inFlight !== undefined || this.#queue.length > 0;
    const isSyncDue = this.#fsync !== 'never' && (isPending || this.#isUnsynced);
    this.#stopSyncTimer();
    if (isSyncDue) this.#syncAll();
    if (isPending || isSyncDue) await new Promise<void>((resolve) => (this.#onIdle = resolve));
    this.#stopSyncTimer();
    await this.#reopener.stop();
  }

  #stopSyncTimer(): void {
    if (this.#syncTimer !== undefined) this.#clock.clearTimer(this.#syncTimer);
    this.#syncTimer = undefined;
  }
}

function notTaken(): KvError {
  return definite(
    'STORAGE_FAILED',
    'the storage takes no writes; it is being reopened, or the node is stopping',
  );
}
