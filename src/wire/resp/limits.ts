/** What a Redis client may send at most. The lengths of arguments follow what the store holds, the rest follows Redis. */
import { VALUE_BYTES_MAX } from '../../base/limits.js';

export interface RequestLimits {
  /** Arguments of one request, the command's name included. */
  readonly argumentsMax: number;
  /** Bytes of one argument. */
  readonly bulkBytesMax: number;
  /** Bytes of a line before its end: an inline request, or the line that holds a count or a length. */
  readonly inlineBytesMax: number;
  /** Bytes of a whole request as it is sent; below 2^31. Bounds the receive buffer. */
  readonly requestBytesMax: number;
}

export const REQUEST_LIMITS: RequestLimits = {
  argumentsMax: 1024 * 1024,
  bulkBytesMax: VALUE_BYTES_MAX,
  inlineBytesMax: 64 * 1024,
  requestBytesMax: 64 * 1024 * 1024,
};
