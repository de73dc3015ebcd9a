/** Results to print and compare, with round figures. */
import type { BenchResult, RunResult } from '../../bench/result.js';

export const CLOSED_RUN: RunResult = {
  name: 'get 50×1',
  settings: {
    workload: 'get',
    distribution: 'uniform',
    keys: 100_000,
    valueBytes: 100,
    connections: 50,
    pipeline: 1,
    rate: null,
    durationS: 10,
    warmupS: 2,
    r: 0,
    w: 0,
    seed: 1,
  },
  cluster: { nodes: 3, fsync: 'everysec', storage: 'level' },
  seconds: 10.001,
  operations: 1_234_567,
  operationsPerSecond: 123_456.7,
  latencyUs: { count: 1_234_600, mean: 400.2, p50: 312.4, p95: 801, p99: 1234, p99_9: 12_345, max: 123_456 },
  readLatencyUs: null,
  writeLatencyUs: null,
  latencyBuckets: [
    { upToUs: 200, count: 250 },
    { upToUs: 500, count: 1000 },
    { upToUs: 1000, count: 0 },
    { upToUs: 2000, count: 1 },
  ],
  errors: {},
  warmupErrors: 0,
  connectionsLost: 0,
  serverCpu: { us: 12.34, userUs: 4.3, systemUs: 8.04 },
  generatorCpu: { us: 5.5, userUs: 2.25, systemUs: 3.25 },
  generatorCores: 0.68,
  nodes: [
    { name: 'n1', address: '127.0.0.1:7400', cores: 0.51, rssBytes: 100 * 2 ** 20 },
    { name: 'n2', address: '127.0.0.1:7401', cores: 0.49, rssBytes: 2000 * 2 ** 20 },
  ],
  openLoop: null,
};

export const OPEN_RUN: RunResult = {
  ...CLOSED_RUN,
  name: 'a 50×1 at 20000/s',
  settings: { ...CLOSED_RUN.settings, workload: 'a', distribution: 'zipfian', rate: 20_000, r: 1, w: 3 },
  cluster: { nodes: 3, fsync: null, storage: null },
  operations: 150_000,
  operationsPerSecond: 15_000,
  readLatencyUs: CLOSED_RUN.latencyUs,
  writeLatencyUs: { ...CLOSED_RUN.latencyUs, max: 12_345_678 },
  latencyBuckets: [],
  errors: { BUSY: 1200, QUORUM_TIMEOUT: 3 },
  warmupErrors: 7,
  connectionsLost: 2,
  serverCpu: null,
  nodes: [{ name: 'n1', address: '127.0.0.1:7400', cores: null, rssBytes: null }],
  openLoop: { overdue: 50_000, sendDelayP50Us: 150, sendDelayP99Us: 2_500_000 },
};

export const RESULT: BenchResult = {
  format: 1,
  environment: {
    date: '2026-01-02T03:04:05.678Z',
    node: 'v20.20.2',
    platform: 'linux x64',
    cpuModel: 'Example CPU',
    cpus: 8,
    memoryBytes: 2 ** 34,
    arguments: [],
  },
  runs: [CLOSED_RUN, OPEN_RUN],
};
