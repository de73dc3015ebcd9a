/**
 * Keys by promises, for commands that take several steps or several keys: the coordinator with the quorums of one client.
 * GET and SET do not come this way.
 */
import { copyBytes, readU64, viewOf } from '../../base/bytes.js';
import { type ErrorCode, KvError } from '../../base/errors.js';
import { KEY_BYTES_MAX, keyLengthError } from '../../base/limits.js';
import { KeyRef } from '../../replication/key-ref.js';
import type { Responder } from '../../replication/peer.js';
import {
  FLAG_EXPIRY,
  FLAG_TOMBSTONE,
  RECORD_EXPIRY_OFFSET,
  RECORD_FLAGS_OFFSET,
  valueOffset,
} from '../../version/record.js';
import type { Call } from './call.js';
import type { RedisHost } from './host.js';

export interface StoredValue {
  readonly value: Uint8Array;
  /** Milliseconds since 1970, 0 for none. */
  readonly expiryMs: number;
}

/** Keys of one command that are asked for at the same time. */
const PARALLEL = 64;

export class KeyStore {
  readonly #host: RedisHost;
  readonly #r: number;
  readonly #w: number;
  readonly #key = new KeyRef();

  constructor({ host, session }: Call) {
    this.#host = host;
    this.#r = session.r;
    this.#w = session.w;
  }

  /** Undefined: absent. @throws KvError */
  get(key: Uint8Array): Promise<StoredValue | undefined> {
    return new Promise((resolve, reject) => {
      this.#host.coordinator.get(this.#ref(key), this.#r, 0, new ReadEnd(resolve, reject), 0);
    });
  }

  /** @throws KvError */
  set(key: Uint8Array, value: Uint8Array, expiryMs: number): Promise<void> {
    return this.#put(key, value, expiryMs);
  }

  /** @throws KvError */
  delete(key: Uint8Array): Promise<void> {
    return this.#put(key, undefined, 0);
  }

  #put(key: Uint8Array, value: Uint8Array | undefined, expiryMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = new WriteEnd(resolve, reject);
      this.#host.coordinator.put(this.#ref(key), value, 0, value?.length ?? 0, expiryMs, this.#w, 0, end, 0);
    });
  }

  #ref(key: Uint8Array): KeyRef {
    if (key.length === 0 || key.length > KEY_BYTES_MAX) throw keyLengthError(key.length);
    const { hasher } = this.#host;
    hasher.hash(key);
    this.#key.set(key, 0, key.length, hasher.hi, hasher.lo);
    return this.#key;
  }
}

/** The value of a settled record, copied; undefined when the key is absent. */
export function storedValue(bytes: Uint8Array, start: number, length: number): StoredValue | undefined {
  if (isAbsent(bytes, start, length)) return undefined;
  const from = start + valueOffset(bytes[start + RECORD_FLAGS_OFFSET]!);
  return { value: copyBytes(bytes.subarray(from, start + length)), expiryMs: expiryOf(bytes, start) };
}

/** Whether a settled record says that its key is absent. */
export function isAbsent(bytes: Uint8Array, start: number, length: number): boolean {
  return length === 0 || (bytes[start + RECORD_FLAGS_OFFSET]! & FLAG_TOMBSTONE) !== 0;
}

/** When a settled record expires, in milliseconds since 1970; 0: never. */
export function expiryOf(bytes: Uint8Array, start: number): number {
  if ((bytes[start + RECORD_FLAGS_OFFSET]! & FLAG_EXPIRY) === 0) return 0;
  return readU64(viewOf(bytes), start + RECORD_EXPIRY_OFFSET);
}

/**
 * Runs `run` for each item, some at a time.
 * @returns how each ended, in the order of the items.
 */
export async function forEachKey<T, R>(
  items: readonly T[],
  run: (item: T) => Promise<R>,
): Promise<PromiseSettledResult<R>[]> {
  const results: PromiseSettledResult<R>[] = new Array(items.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < items.length) {
      const i = next++;
      [results[i]] = (await Promise.allSettled([run(items[i]!)])) as [PromiseSettledResult<R>];
    }
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, work));
  return results;
}

/** The results of all, or the first error. */
export async function allOf<T, R>(items: readonly T[], run: (item: T) => Promise<R>): Promise<R[]> {
  const results = await forEachKey(items, run);
  return results.map((result) => {
    if (result.status === 'rejected') throw result.reason;
    return result.value;
  });
}

class ReadEnd implements Responder {
  readonly #resolve: (stored: StoredValue | undefined) => void;
  readonly #reject: (error: KvError) => void;

  constructor(resolve: (stored: StoredValue | undefined) => void, reject: (error: KvError) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRead(_token: number, bytes: Uint8Array, start: number, length: number): void {
    this.#resolve(storedValue(bytes, start, length));
  }

  onWritten(): void {}

  onError(_token: number, code: ErrorCode, message: string, isDefinite: boolean): void {
    this.#reject(new KvError(code, message, { definite: isDefinite }));
  }
}

class WriteEnd implements Responder {
  readonly #resolve: () => void;
  readonly #reject: (error: KvError) => void;

  constructor(resolve: () => void, reject: (error: KvError) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRead(): void {}

  onWritten(): void {
    this.#resolve();
  }

  onError(_token: number, code: ErrorCode, message: string, isDefinite: boolean): void {
    this.#reject(new KvError(code, message, { definite: isDefinite }));
  }
}
