/** Limits that nodes and clients agree on. Sizes are bytes. */
import { definite, type KvError } from './errors.js';

/** Longest key; the wire's u16 would allow more, but long keys are almost always a mistake. */
export const KEY_BYTES_MAX = 8192;

/** Largest frame, counted after its length field. Bounds every receive buffer. */
export const FRAME_BYTES_MAX = 16 * 1024 * 1024;

/** Largest value: a frame less room for its header, key and record fields. */
export const VALUE_BYTES_MAX = FRAME_BYTES_MAX - 64 * 1024;

/** Time budget of a request that names none, in milliseconds. */
export const REQUEST_TIMEOUT_MS_DEFAULT = 2000;

/** Longest time budget that a request may name; replicas remember written-back versions for at least as long. */
export const REQUEST_TIMEOUT_MS_MAX = 10_000;

/** Largest expiry, in milliseconds since 1970: the packed clock ends in 2089 and nothing outlives it. */
export const EXPIRY_MS_MAX = 2 ** 42;

/** What is said of a key that is empty or too long. */
export function keyLengthError(length: number): KvError {
  const code = length === 0 ? 'BAD_REQUEST' : 'TOO_LARGE';
  return definite(code, `a key has 1 to ${KEY_BYTES_MAX} bytes, this one has ${length}`);
}
