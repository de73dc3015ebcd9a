/** What a node is told when it is made. `kvd` fills it in from its command line, environment and file. */
import type { FsyncPolicy } from '../storage/group-committer.js';

export interface NodeOptions {
  /** Unique in the cluster, and kept for ever: placement depends on it. */
  readonly name: string;
  /** `host:port` to listen on, and to be reached at by peers and clients. */
  readonly listen: string;
  /** Members to ask for admission, in turn; none: found a new cluster. Ignored by a node that is a member already. */
  readonly join: readonly string[];
  /** Relative capacity; 0 holds no data and coordinates only. */
  readonly weight: number;
  /** Failure domain. */
  readonly zone: string;
  /** N, R and W of the cluster that this node founds; R and W 0 mean a majority. */
  readonly replicas: number;
  readonly readQuorum: number;
  readonly writeQuorum: number;
  /**
   * When an acknowledged write is synced to disk: `always` before the acknowledgement (survives power loss of all
   * replicas, costs a disk flush per batch), `everysec` once a second (survives kill −9; power loss of one machine by
   * replication), `never` (the operating system decides).
   */
  readonly fsync: FsyncPolicy;
  /** How old a tombstone must be before it may be collected, in milliseconds; longer than anything is under way. */
  readonly tombstoneGraceMs: number;
  /** Most hints for replicas that are down; 1,000,000 unless told. What is over that is left to anti-entropy. */
  readonly hintsMax?: number;
  /** Memory for hot records, in bytes; 0 switches the cache off. */
  readonly cacheBytes: number;
  /** For the status: which engine it was given. */
  readonly storage: string;
  readonly software: string;
}
