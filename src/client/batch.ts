/**
 * Many single-key requests under one promise. They are pipelined, a window at a time: the source is read no faster than
 * the cluster answers, so it may be larger than memory. Each key stands for itself; nothing is atomic across keys.
 */
import { KvError } from '../base/errors.js';
import type { Dispatcher } from './dispatcher.js';
import { showKey } from './failures.js';
import type { Request, RequestSink } from './request.js';

/** After this many failures the rest of the source is not read. */
export const FAILURES_MAX = 1000;

const FAILURES_SHOWN = 3;

/** One key of a batch that failed. */
export interface KeyFailure {
  /** Its bytes; empty when what was given as a key is none. */
  readonly key: Uint8Array;
  readonly error: KvError;
}

/**
 * Some keys of a batch failed; the others were done. `code` is the first failure's; `definite` is true when none of the
 * failed keys was changed.
 */
export class KvBatchError extends KvError {
  /** Every key that failed, in the order of failing. */
  readonly failures: readonly KeyFailure[];
  /** How many keys were done. */
  readonly succeeded: number;

  constructor(failures: readonly KeyFailure[], succeeded: number) {
    const first = failures[0]!.error;
    const isDefinite = failures.every((failure) => failure.error.definite);
    super(first.code, batchMessage(failures, succeeded), { definite: isDefinite, cause: first });
    this.name = 'KvBatchError';
    this.failures = failures;
    this.succeeded = succeeded;
  }
}

export class Batch implements RequestSink {
  readonly #dispatcher: Dispatcher;
  readonly #windowMax: number;
  readonly #onResult: ((index: number, result: unknown) => void) | undefined;
  readonly #failures: KeyFailure[] = [];
  #started = 0;
  #succeeded = 0;
  #outstanding = 0;
  #isStopped = false;
  /** Continues the reading, or ends it, when no more than `#wakeAt` requests are outstanding. */
  #wake: (() => void) | undefined;
  #wakeAt = 0;

  /**
   * @param windowMax most requests outstanding at once.
   * @param onResult told each result, with the place of its key in the source.
   */
  constructor(
    dispatcher: Dispatcher,
    windowMax: number,
    onResult?: (index: number, result: unknown) => void,
  ) {
    this.#dispatcher = dispatcher;
    this.#windowMax = windowMax;
    this.#onResult = onResult;
  }

  /**
   * Runs the request of every item; returns how many there were.
   *
   * @param toRequest makes an item's request; a KvError that it throws counts as the failure of that key.
   * @throws KvBatchError after everything that was started has ended, when any key failed.
   */
  async run<T>(
    items: Iterable<T> | AsyncIterable<T>,
    toRequest: (item: T) => Request,
    keyOf: (item: T) => Uint8Array,
  ): Promise<number> {
    try {
      if (Symbol.asyncIterator in items) {
        for await (const item of items) {
          await this.#room();
          if (this.#isStopped) break;
          this.#start(item, toRequest, keyOf);
        }
      } else {
        for (const item of items) {
          if (this.#outstanding >= this.#windowMax) await this.#room();
          if (this.#isStopped) break;
          this.#start(item, toRequest, keyOf);
        }
      }
    } finally {
      await this.#settle(0);
    }
    if (this.#failures.length > 0) throw new KvBatchError(this.#failures, this.#succeeded);
    return this.#started;
  }

  onDone(request: Request, result: unknown): void {
    this.#succeeded++;
    this.#onResult?.(request.sinkIndex, result);
    this.#onEnd();
  }

  onFailed(request: Request, error: KvError): void {
    this.#fail(request.key, error);
    this.#onEnd();
  }

  #start<T>(item: T, toRequest: (item: T) => Request, keyOf: (item: T) => Uint8Array): void {
    const index = this.#started++;
    let request: Request;
    try {
      request = toRequest(item);
    } catch (error) {
      if (!(error instanceof KvError)) throw error;
      this.#fail(keyOf(item), error);
      return;
    }
    request.sink = this;
    request.sinkIndex = index;
    this.#outstanding++;
    this.#dispatcher.start(request);
  }

  #fail(key: Uint8Array, error: KvError): void {
    this.#failures.push({ key, error });
    // Those that come after would fail in the same way.
    const isOver = error.code === 'ABORTED' || error.code === 'CLOSED';
    if (isOver || this.#failures.length >= FAILURES_MAX) this.#isStopped = true;
  }

  #onEnd(): void {
    this.#outstanding--;
    if (this.#outstanding > this.#wakeAt || this.#wake === undefined) return;
    this.#wake();
    this.#wake = undefined;
  }

  /** Resolves when there is room in the window; then for half of it, so that not every item waits for a promise. */
  #room(): Promise<void> | undefined {
    return this.#outstanding < this.#windowMax ? undefined : this.#settle(Math.floor(this.#windowMax / 2));
  }

  #settle(outstanding: number): Promise<void> | undefined {
    if (this.#outstanding <= outstanding) return undefined;
    this.#wakeAt = outstanding;
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

function batchMessage(failures: readonly KeyFailure[], succeeded: number): string {
  const shown = failures.slice(0, FAILURES_SHOWN).map(({ key, error }) => `${showKey(key)} (${error.code})`);
  const more = failures.length - shown.length;
  const names = more > 0 ? `${shown.join(', ')} and ${more} more` : shown.join(', ');
  const counts = `${failures.length} of ${failures.length + succeeded} keys failed`;
  return `${counts}, see failures: ${names}; the first one: ${failures[0]!.error.message}`;
}
