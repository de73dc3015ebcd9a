/**
 * The errors that users, peers and operators see. Every one has a stable `code`, and says whether the operation is
 * `definite`ly not done, or may have taken effect (Maelstrom's distinction).
 */

/**
 * Stable codes. A code is never renamed or reused.
 *
 * - `BAD_REQUEST`: the request is malformed or out of range; sending it again will fail again.
 * - `TOO_LARGE`: a key, value or frame is over its limit.
 * - `UNKNOWN_TYPE`: the node does not know this message type.
 * - `QUORUM_UNAVAILABLE`: fewer live replicas than R or W. Not definite when it turned out after the first had been asked.
 * - `QUORUM_TIMEOUT`: not enough replicas answered within the time budget.
 * - `QUORUM_CONTESTED`: concurrent writes left the outcome of this one unknown.
 * - `BUSY`: the node is at one of its limits; try again after a pause.
 * - `CLOCK_NOT_READY`: the node cannot issue versions yet; try again or ask another node.
 * - `STORAGE_FAILED`: the node's storage engine failed and takes no part until it is reopened.
 * - `SYNCING`: the replica lost its data and has not synced this slot yet; it has no vote on it.
 * - `EPOCH_MISMATCH`: sender and receiver have different cluster configurations.
 * - `JOIN_REFUSED`: the cluster cannot admit this node now; the message says why.
 * - `CONFIG_CHANGING`: a member is being admitted; writes wait for it.
 * - `NOT_A_MEMBER`: the node is not (or not yet) part of a cluster.
 * - `CONNECTION_LOST`, `CONNECT_FAILED`, `TIMEOUT`, `ABORTED`, `CLOSED`: made by the client library.
 * - `PROTOCOL`: the peer does not speak this protocol.
 * - `INTERNAL`: a defect of ours; please report it.
 */
export type ErrorCode =
  | 'BAD_REQUEST'
  | 'TOO_LARGE'
  | 'UNKNOWN_TYPE'
  | 'QUORUM_UNAVAILABLE'
  | 'QUORUM_TIMEOUT'
  | 'QUORUM_CONTESTED'
  | 'BUSY'
  | 'CLOCK_NOT_READY'
  | 'STORAGE_FAILED'
  | 'SYNCING'
  | 'EPOCH_MISMATCH'
  | 'JOIN_REFUSED'
  | 'CONFIG_CHANGING'
  | 'NOT_A_MEMBER'
  | 'CONNECTION_LOST'
  | 'CONNECT_FAILED'
  | 'TIMEOUT'
  | 'ABORTED'
  | 'CLOSED'
  | 'PROTOCOL'
  | 'INTERNAL';

/** Options of {@link KvError}. */
export interface KvErrorOptions {
  /** True: the operation did not happen and will not. False: it may have happened, or still happen. */
  readonly definite: boolean;
  readonly cause?: unknown;
}

/** The one error class that crosses Quoral's public surface. */
export class KvError extends Error {
  readonly code: ErrorCode;
  readonly definite: boolean;

  constructor(code: ErrorCode, message: string, options: KvErrorOptions) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'KvError';
    this.code = code;
    this.definite = options.definite;
  }
}

/** A definite error: the operation did not happen. */
export function definite(code: ErrorCode, message: string, cause?: unknown): KvError {
  return new KvError(code, message, { definite: true, cause });
}

/** An indefinite error: the operation may have happened. */
export function indefinite(code: ErrorCode, message: string, cause?: unknown): KvError {
  return new KvError(code, message, { definite: false, cause });
}

/** Guards against our own bugs; what peers, clients and disks do is never asserted. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`assertion failed: ${message}`);
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
