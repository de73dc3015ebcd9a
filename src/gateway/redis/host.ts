/** What Redis commands need of the node that they run on. */
import type { Clock } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import type { Random } from '../../ports/random.js';
import type { Usage } from '../../ports/usage.js';
import type { Coordinator } from '../../replication/coordinator.js';
import type { ScanPage, ScanPageRequest } from '../../replication/scan.js';
import type { KeyHasher } from '../../ring/hash.js';
import type { Body } from '../../wire/body.js';
import type { Clients } from './clients.js';
import type { CommandTable } from './command-table.js';
import type { LatencyMonitor } from './latency-monitor.js';
import type { RuntimeConfig } from './runtime-config.js';
import type { SlowLog } from './slow-log.js';
import type { Statistics } from './statistics.js';

export interface RedisHost {
  /** What it answers. */
  readonly commands: CommandTable;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly hasher: KeyHasher;
  readonly coordinator: Coordinator;
  readonly clients: Clients;
  readonly statistics: Statistics;
  /** What CONFIG SET can change. */
  readonly runtimeConfig: RuntimeConfig;
  readonly slowLog: SlowLog;
  readonly latency: LatencyMonitor;
  readonly name: string;
  /** As `quoral/0.1.0`. */
  readonly software: string;
  /** 40 random hex digits, new with every start of the node. */
  readonly runId: string;
  /** When the node was made, in monotonic ms. */
  readonly startedMs: number;
  /** `always`, `everysec` or `never`. */
  readonly fsync: string;
  /** `level` or `memory`. */
  readonly storage: string;
  readonly cacheBytes: number;
  /** `host:port`. */
  address(): string;
  usage(): Usage;
  /** As STATUS answers. */
  status(): Body;
  /** As OWNERS answers: slot, hash, and the replicas of a key with their addresses and whether they are live. */
  owners(key: Uint8Array): Promise<Body>;
  /** One page of the cluster's keys. @throws KvError `QUORUM_UNAVAILABLE`. */
  scan(request: ScanPageRequest): Promise<ScanPage>;
  /** How many keys the cluster holds: exact while nothing is written, else an estimate. */
  countKeys(): Promise<KeyCount>;
  /** Ends the node in good order, soon. */
  requestStop(): void;
}

export interface KeyCount {
  readonly keys: number;
  /** Of them, those with an expiry. */
  readonly expiring: number;
}
