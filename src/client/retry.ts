/**
 * Which failures are worth another attempt, and when. Pure decisions.
 *
 * Only what is safe is sent again: a read always, a write only after an error that says that it did not happen. A
 * write whose outcome is unknown is never repeated: it could undo a later write of somebody else.
 */
import type { ErrorCode, KvError } from '../base/errors.js';
import type { Random } from '../ports/random.js';

/**
 * - `never`: it would fail again, or the caller has ended it.
 * - `elsewhere`: another node may do better; counted against `retries`.
 * - `soon`: passes by itself; until the time is up.
 */
export type RetryClass = 'never' | 'elsewhere' | 'soon';

const RETRY_CLASS: Readonly<Record<ErrorCode, RetryClass>> = {
  BAD_REQUEST: 'never',
  TOO_LARGE: 'never',
  UNKNOWN_TYPE: 'never',
  JOIN_REFUSED: 'never',
  TIMEOUT: 'never',
  ABORTED: 'never',
  CLOSED: 'never',
  QUORUM_UNAVAILABLE: 'elsewhere',
  QUORUM_TIMEOUT: 'elsewhere',
  QUORUM_CONTESTED: 'elsewhere',
  STORAGE_FAILED: 'elsewhere',
  SYNCING: 'elsewhere',
  NOT_A_MEMBER: 'elsewhere',
  CONNECTION_LOST: 'elsewhere',
  CONNECT_FAILED: 'elsewhere',
  PROTOCOL: 'elsewhere',
  INTERNAL: 'elsewhere',
  BUSY: 'soon',
  CLOCK_NOT_READY: 'soon',
  CONFIG_CHANGING: 'soon',
  EPOCH_MISMATCH: 'soon',
};

/** Errors after which the ring that we know is in doubt. */
const RING_IN_DOUBT: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'EPOCH_MISMATCH',
  'NOT_A_MEMBER',
  'CONNECTION_LOST',
  'CONNECT_FAILED',
]);

const RETRY_DELAY_MS_FIRST = 10;
const RETRY_DELAY_MS_MAX = 250;
const RECONNECT_DELAY_MS_FIRST = 50;
const RECONNECT_DELAY_MS_MAX = 3000;

/** What is known when an attempt has failed. */
export interface Attempt {
  readonly code: ErrorCode;
  /** The operation did not happen. */
  readonly definite: boolean;
  readonly isRead: boolean;
  /** Failed attempts, this one included. */
  readonly failures: number;
  /** The bound that the user set. */
  readonly retries: number;
}

/** Whether the operation may be sent again. */
export function mayRetry(attempt: Attempt): boolean {
  if (!attempt.isRead && !attempt.definite) return false;
  const retryClass = RETRY_CLASS[attempt.code];
  if (retryClass === 'never' || attempt.retries === 0) return false;
  return retryClass === 'soon' || attempt.failures <= attempt.retries;
}

/** The code itself when this library knows it; `INTERNAL` for one from a newer node. */
export function knownCode(code: string): ErrorCode {
  return Object.hasOwn(RETRY_CLASS, code) ? (code as ErrorCode) : 'INTERNAL';
}

/** Whether the error hints at a change of the cluster's members. */
export function putsRingInDoubt(error: KvError): boolean {
  return RING_IN_DOUBT.has(error.code);
}

/** How long to wait before attempt number `failures` + 1: doubles up to 250 ms, jittered by half. */
export function retryDelayMs(failures: number, random: Random): number {
  return jittered(RETRY_DELAY_MS_FIRST, RETRY_DELAY_MS_MAX, failures, random);
}

/** How long to leave a node alone after it failed `failures` times in a row: doubles up to 3 s, jittered by half. */
export function reconnectDelayMs(failures: number, random: Random): number {
  return jittered(RECONNECT_DELAY_MS_FIRST, RECONNECT_DELAY_MS_MAX, failures, random);
}

function jittered(firstMs: number, maxMs: number, failures: number, random: Random): number {
  const delayMs = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 20));
  // Equal clients that failed together must not come back together.
  return delayMs * (0.5 + random.next() / 2);
}
