/**
 * Keys and values, made without allocating: one key buffer that is filled in per request, and a pool of values.
 *
 * Computing a key costs less than fetching a prebuilt one: a hundred thousand small arrays are a cache miss each. Values
 * are random bytes, for a compressing storage engine would make equal ones vanish, and begin with the index of their
 * key, so that every reply to a get can be checked.
 */
import { SeededRandom } from '../src/base/seeded-random.js';
import { VALUE_BODY_BYTES_MIN } from '../src/wire/client-messages.js';
import type { Frame } from '../src/wire/frame.js';

/** `key:` and the index as 12 hexadecimal digits. */
export const KEY_BYTES = 16;

/** Values shorter than this cannot carry the index of their key and are checked by their size only. */
export const STAMP_BYTES = 4;

const POOL_VALUES_MAX = 256;
const POOL_BYTES_MAX = 16 * 1024 * 1024;
const KEY_PREFIX = 'key:0000'; // The index is a u32: the upper four digits never change.
const DIGIT_ZERO = 48;
const DIGIT_A = 97 - 10;

export class Payload {
  readonly valueBytes: number;
  readonly #key = new Uint8Array(KEY_BYTES);
  readonly #values: Uint8Array[] = [];

  constructor(valueBytes: number, seed: number) {
    this.valueBytes = valueBytes;
    new TextEncoder().encodeInto(KEY_PREFIX, this.#key);
    const random = new SeededRandom(seed);
    const count = Math.max(
      1,
      Math.min(POOL_VALUES_MAX, Math.floor(POOL_BYTES_MAX / Math.max(1, valueBytes))),
    );
    for (let i = 0; i < count; i++) {
      this.#values.push(new Uint8Array(valueBytes).map(() => random.u32() & 0xff));
    }
  }

  /** The key with this index, in a buffer that the next call reuses. */
  key(index: number): Uint8Array {
    let rest = index;
    for (let at = KEY_BYTES - 1; at >= KEY_PREFIX.length; at--) {
      const digit = rest & 15;
      this.#key[at] = digit + (digit < 10 ? DIGIT_ZERO : DIGIT_A);
      rest >>>= 4;
    }
    return this.#key;
  }

  /** The value of the key with this index, in a buffer that a later call reuses. */
  value(index: number): Uint8Array {
    const value = this.#values[index % this.#values.length]!;
    if (value.length < STAMP_BYTES) return value;
    value[0] = index >>> 24;
    value[1] = index >>> 16;
    value[2] = index >>> 8;
    value[3] = index;
    return value;
  }

  /** What is wrong with a VALUE frame as the answer for this key, as an error code; undefined when it is right. */
  problemOf(frame: Frame, index: number): string | undefined {
    if (frame.bodyLength !== VALUE_BODY_BYTES_MIN + this.valueBytes) return 'WRONG_SIZE';
    if (this.valueBytes < STAMP_BYTES) return undefined;
    return frame.view.getUint32(frame.bodyStart + VALUE_BODY_BYTES_MIN) === index ? undefined : 'WRONG_VALUE';
  }

  /** As {@link problemOf}, for a value as the client library gives it. */
  problemOfValue(value: Uint8Array | null, index: number): string | undefined {
    if (value === null) return 'ABSENT';
    if (value.length !== this.valueBytes) return 'WRONG_SIZE';
    if (this.valueBytes < STAMP_BYTES) return undefined;
    const stamp = new DataView(value.buffer, value.byteOffset).getUint32(0);
    return stamp === index ? undefined : 'WRONG_VALUE';
  }
}
