/**
 * One batch of the group committer: the operations on their way to the log, and whoever waits for them. Objects and
 * arrays are reused from batch to batch, so that a waiting write costs three stores and no allocation.
 */
import type { EngineBatch, EngineCallback } from '../ports/storage-engine.js';

/** Told once about a batch. `a` and `b` are whatever was given to `wait`: no closure is needed for each write. */
export interface CommitListener {
  /** @param ok false: the batch failed, and may or may not be in the log. */
  onCommit(a: number, b: number, ok: boolean): void;
}

export class CommitBatch {
  seq = 0;
  operations: EngineBatch | undefined;
  operationCount = 0;
  operationBytes = 0;
  /** To be on disk, not only in the log, when it commits. */
  sync = false;

  // Arrays never shrink: `#waiterCount` says how much of them is in use.
  readonly #listeners: CommitListener[] = [];
  readonly #a: number[] = [];
  readonly #b: number[] = [];
  #waiterCount = 0;
  readonly #callbacks: EngineCallback[] = [];

  begin(seq: number, operations: EngineBatch): void {
    this.seq = seq;
    this.operations = operations;
    this.operationCount = 0;
    this.operationBytes = 0;
    this.sync = false;
  }

  wait(listener: CommitListener, a: number, b: number): void {
    const index = this.#waiterCount++;
    this.#listeners[index] = listener;
    this.#a[index] = a;
    this.#b[index] = b;
  }

  waitCallback(done: EngineCallback): void {
    this.#callbacks.push(done);
  }

  /** Calls everybody who waits, in the order of waiting. They may use the committer, but no longer this batch. */
  settle(error: Error | undefined): void {
    const ok = error === undefined;
    const count = this.#waiterCount;
    this.operations = undefined;
    for (let i = 0; i < count; i++) this.#listeners[i]!.onCommit(this.#a[i]!, this.#b[i]!, ok);
    this.#waiterCount = 0;
    for (const done of this.#callbacks.splice(0)) done(error);
  }
}
