/**
 * Whoever asked a replica something: a peer's link, which writes the answer as a frame, or this node's own coordinator.
 *
 * Exactly one of the `onX` is called for each request, during the call or later. Byte ranges are valid during the call
 * only.
 */
import type { ErrorCode } from '../base/errors.js';
import type { CommitListener } from '../storage/group-committer.js';

export abstract class ReplicaClient implements CommitListener {
  /** The replica holds the very version that the reader named. */
  abstract onSame(id: number): void;
  /** The replica holds this version (time 0: nothing), and its record was not wanted or is older than the reader's. */
  abstract onVersion(id: number, time: number, node: number): void;
  abstract onRecord(id: number, bytes: Uint8Array, start: number, length: number): void;
  /** The replica has accepted the record, now or earlier, and it is in its log. */
  abstract onApplied(id: number, existed: boolean): void;
  /** The replica holds this higher version, and has never accepted the one it was sent. */
  abstract onStale(id: number, time: number, node: number): void;
  /** The replica holds a higher version and cannot know whether it had accepted the one it was sent. */
  abstract onUnsure(id: number): void;
  /** The replica has not done it, and will not. */
  abstract onRefused(id: number, code: ErrorCode, message: string): void;
  /** The replica tried and does not know: its log failed underneath. */
  abstract onLost(id: number): void;

  /** The usual acknowledgement, straight from the committer so that it needs no object of its own. */
  onCommit(id: number, existed: number, ok: boolean): void {
    if (ok) this.onApplied(id, existed === 1);
    else this.onLost(id);
  }
}
