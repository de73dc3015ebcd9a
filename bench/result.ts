/** The result of a benchmark, as it is printed, saved (`--json`) and compared (`--compare`). */
import type { Fsync, Storage } from './cluster.js';
import type { LatencyBucket, LatencySummary } from './histogram.js';
import type { Distribution, WorkloadName } from './workload.js';

/** Version of the saved form; another one is refused by `--compare`. */
export const RESULT_FORMAT = 1;

/** What one run does. */
export interface RunSettings {
  readonly workload: WorkloadName;
  readonly distribution: Distribution;
  readonly keys: number;
  readonly valueBytes: number;
  readonly connections: number;
  /** Requests in flight per connection. */
  readonly pipeline: number;
  /** Operations per second over all connections, or null for a closed loop. */
  readonly rate: number | null;
  readonly durationS: number;
  readonly warmupS: number;
  /** Quorums; 0 for the cluster's. */
  readonly r: number;
  readonly w: number;
  readonly seed: number;
}

/** The cluster that a run went to. `fsync` and `storage` are null when it was not ours to choose. */
export interface ClusterFacts {
  readonly nodes: number;
  readonly fsync: Fsync | null;
  readonly storage: Storage | null;
}

export interface CpuPerOperation {
  readonly us: number;
  readonly userUs: number;
  readonly systemUs: number;
}

export interface NodeResult {
  readonly name: string;
  readonly address: string;
  /** Cores kept busy during the window; null when the node did not say. */
  readonly cores: number | null;
  readonly rssBytes: number | null;
}

export interface OpenLoopResult {
  /** Operations that were due by the end of the window and had not been sent: the cluster was slower than the rate. */
  readonly overdue: number;
  /** How late operations left, in microseconds; part of their latency. */
  readonly sendDelayP50Us: number;
  readonly sendDelayP99Us: number;
}

export interface RunResult {
  /** Tells runs of one file apart, as in `get 50×1`. */
  readonly name: string;
  readonly settings: RunSettings;
  readonly cluster: ClusterFacts;
  /** Measured length of the window. */
  readonly seconds: number;
  /** Operations that finished within the window; errors are none. */
  readonly operations: number;
  readonly operationsPerSecond: number;
  readonly latencyUs: LatencySummary;
  /** Of mixed workloads only. */
  readonly readLatencyUs: LatencySummary | null;
  readonly writeLatencyUs: LatencySummary | null;
  readonly latencyBuckets: readonly LatencyBucket[];
  /** By code. */
  readonly errors: Readonly<Record<string, number>>;
  readonly warmupErrors: number;
  /** Connections that were lost during the run. */
  readonly connectionsLost: number;
  /** Of all nodes together; null when some node did not say. */
  readonly serverCpu: CpuPerOperation | null;
  readonly generatorCpu: CpuPerOperation;
  /** Cores that the generator kept busy; it has one thread, so near 1 it is the bottleneck. */
  readonly generatorCores: number;
  readonly nodes: readonly NodeResult[];
  /** Null for a closed loop. */
  readonly openLoop: OpenLoopResult | null;
}

export interface Environment {
  readonly date: string;
  readonly node: string;
  readonly platform: string;
  readonly cpuModel: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** The command line. */
  readonly arguments: readonly string[];
}

export interface BenchResult {
  readonly format: typeof RESULT_FORMAT;
  readonly environment: Environment;
  readonly runs: readonly RunResult[];
}

/** The name of a run: its workload and load, and what differs from the usual. */
export function runName(settings: RunSettings, cluster: ClusterFacts): string {
  const parts = [`${settings.workload} ${settings.connections}×${settings.pipeline}`];
  if (settings.rate !== null) parts.push(`at ${settings.rate}/s`);
  if (cluster.fsync !== null && cluster.fsync !== 'everysec') parts.push(`fsync=${cluster.fsync}`);
  if (cluster.storage === 'memory') parts.push('memory');
  return parts.join(' ');
}
