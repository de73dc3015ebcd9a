/**
 * What replication needs of its surroundings: the replicas, where they are, and who is to be answered. The node's links
 * and the gateway's sessions implement them; replication itself never sees a connection.
 */
import type { ErrorCode } from '../base/errors.js';
import type { Outbox } from '../wire/outbox.js';

export interface ReplicaPeer {
  readonly name: string;
  readonly address: string;
  readonly isSelf: boolean;
  /** Whether it can take requests now: its link is up and answers, and its storage works. */
  readonly isLive: boolean;
  /** Whether the failure detector takes it for failed though it may be live: others cannot reach it. Asked last. */
  readonly isSuspect: boolean;
  /** Where requests to it are written; for the node itself never used. Only valid while `isLive`. */
  readonly outbox: Outbox;
  /** Observed time from a read to its answer, smoothed, in milliseconds. */
  latencyMs: number;
  /**
   * Until when (monotonic) it may answer UNSURE, as it recently did: it has restarted. Writes to it ask for versions
   * first meanwhile, because UNSURE then counts.
   */
  unsureUntilMs: number;
}

/** Whoever asked the coordinator for something. Exactly one call per token. Byte ranges are valid during the call only. */
export interface Responder {
  /** The settled record, which may be a tombstone; `length` 0 when no replica has ever held the key. */
  onRead(token: number, bytes: Uint8Array, start: number, length: number): void;
  onWritten(token: number, time: number, node: number, existed: boolean): void;
  onError(token: number, code: ErrorCode, message: string, definite: boolean): void;
}

/** Where each slot's replicas are, under one epoch of the cluster configuration. */
export interface Placement {
  readonly epoch: number;
  /** R and W of requests that name none. */
  readonly readQuorum: number;
  readonly writeQuorum: number;
  /** The replicas of a slot, in preference order. */
  owners(slot: number): readonly ReplicaPeer[];
}
