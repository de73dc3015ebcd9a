/** The command line of the load generator: one table serves parsing and `--help`. */
import { tmpdir } from 'node:os';
import { definite } from '../src/base/errors.js';
import { VALUE_BYTES_MAX } from '../src/base/limits.js';
import { REPLICAS_MAX } from '../src/membership/cluster-config.js';
import type { Address } from '../src/ports/network.js';
import type { ClusterOptions, Fsync, Storage } from './cluster.js';
import { GivenOptions, groupLines, type OptionSpecs } from './given-options.js';
import type { RunSettings } from './result.js';
import { type Distribution, WORKLOADS, type WorkloadName } from './workload.js';

/** What the command line asks for. */
export interface BenchOptions {
  readonly help: boolean;
  /** Nodes of a cluster that runs already; undefined: start one. */
  readonly nodes: readonly Address[] | undefined;
  readonly preload: boolean;
  readonly matrix: boolean;
  readonly cluster: ClusterOptions;
  readonly runs: readonly RunSettings[];
  /** Where to save the result: a file, or `-` for standard output. */
  readonly json: string | undefined;
  /** A saved result to compare with. */
  readonly compare: string | undefined;
}

const SPECS: OptionSpecs = {
  nodes: {
    group: 'cluster',
    value: 'HOST:PORT,…',
    help: 'use these nodes of a running cluster; do not start one',
  },
  'cluster-size': { group: 'cluster', value: 'N', fallback: '3', help: 'nodes to start' },
  fsync: { group: 'cluster', value: 'MODE', fallback: 'everysec', help: 'always, everysec or never' },
  storage: { group: 'cluster', value: 'ENGINE', fallback: 'level', help: 'level or memory' },
  data: {
    group: 'cluster',
    value: 'DIR',
    help: 'where to keep the data while it runs; the temporary directory',
  },
  workload: { group: 'load', value: 'NAME,…', fallback: 'get,set', help: 'one after the other; names below' },
  matrix: {
    group: 'load',
    help: 'get and set at 50×1 and 16×16, then set at 256×1 with fsync=always',
  },
  keys: { group: 'load', value: 'N', fallback: '100000', help: 'number of keys' },
  distribution: { group: 'load', value: 'NAME', help: 'uniform or zipfian (θ 0.99); zipfian for a, b and c' },
  'value-size': { group: 'load', value: 'BYTES', fallback: '100', help: 'bytes of each value' },
  connections: { group: 'load', value: 'N', fallback: '50', help: 'spread evenly over the nodes' },
  pipeline: { group: 'load', value: 'N', fallback: '1', help: 'requests in flight per connection' },
  rate: { group: 'load', value: 'N', help: 'open loop: operations per second over all connections' },
  duration: { group: 'load', value: 'SECONDS', fallback: '10', help: 'measured time of each run' },
  warmup: { group: 'load', value: 'SECONDS', fallback: '2', help: 'time before it that does not count' },
  r: { group: 'load', value: 'N', fallback: '0', help: 'read quorum; 0 for the cluster’s' },
  w: { group: 'load', value: 'N', fallback: '0', help: 'write quorum; 0 for the cluster’s' },
  seed: { group: 'load', value: 'N', fallback: '1', help: 'equal seeds draw equal operations' },
  'no-preload': { group: 'load', help: 'do not write all keys first; for data of an earlier run' },
  json: { group: 'report', value: 'FILE', help: 'save the result; - for standard output' },
  compare: { group: 'report', value: 'FILE', help: 'put a saved result beside this one' },
  help: { group: 'report', help: 'this page' },
};

const GROUP_TITLES = { cluster: 'Cluster', load: 'Load', report: 'Report' } as const;

export function helpText(): string {
  const lines = [
    'Usage: npm run bench -- [options]',
    '       npm run bench -- faults [options]     latencies while nodes are killed, stopped, restarted',
    '       npm run bench -- healing [options]    what hints, anti-entropy and hash trees cost',
    '',
    'Measures a Quoral cluster: one it starts, or yours. Each of the two others has its own --help.',
  ];
  lines.push(...groupLines(SPECS, GROUP_TITLES));
  lines.push('', 'Workloads:');
  for (const [name, { about, distribution }] of Object.entries(WORKLOADS)) {
    lines.push(`  ${name.padEnd(5)} ${about} (${distribution})`);
  }
  lines.push('', 'Examples:');
  lines.push('  npm run bench -- --matrix --json before.json');
  lines.push('  npm run bench -- --matrix --compare before.json');
  lines.push('  npm run bench -- --nodes 127.0.0.1:7400,127.0.0.1:7401 --workload a --rate 5000');
  return `${lines.join('\n')}\n`;
}

/** @throws KvError `BAD_REQUEST` saying which option is wrong, and what it may be. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const given = new GivenOptions(SPECS, args);
  const matrix = given.isSet('matrix');
  return {
    help: given.isSet('help'),
    nodes: given.addresses('nodes'),
    preload: !given.isSet('no-preload'),
    matrix,
    cluster: clusterOptions(given),
    runs: matrix ? matrixRuns(given) : workloadNames(given).map((name) => runSettings(given, name)),
    json: given.text('json'),
    compare: given.text('compare'),
  };
}

/** The run with fsync=always that the matrix makes on a cluster of its own. */
export function matrixSyncRun(base: RunSettings): RunSettings {
  return { ...base, workload: 'set', connections: 256, pipeline: 1 };
}

function matrixRuns(given: GivenOptions): RunSettings[] {
  for (const name of ['workload', 'connections', 'pipeline', 'rate', 'fsync']) {
    if (given.isExplicit(name)) throw definite('BAD_REQUEST', `--matrix sets --${name} itself`);
  }
  const runs: RunSettings[] = [];
  for (const [connections, pipeline] of [
    [50, 1],
    [16, 16],
  ] as const) {
    for (const workload of ['get', 'set'] as const) {
      runs.push({ ...runSettings(given, workload), connections, pipeline });
    }
  }
  return runs;
}

function clusterOptions(given: GivenOptions): ClusterOptions {
  return {
    size: given.integer('cluster-size', 1, 50),
    fsync: given.oneOf<Fsync>('fsync', ['always', 'everysec', 'never']),
    storage: given.oneOf<Storage>('storage', ['level', 'memory']),
    dataParent: given.text('data') ?? tmpdir(),
  };
}

function workloadNames(given: GivenOptions): WorkloadName[] {
  const known = Object.keys(WORKLOADS);
  const names = given.text('workload')!.split(',');
  for (const name of names) {
    if (!known.includes(name)) {
      throw definite('BAD_REQUEST', `--workload is one or more of ${known.join(', ')}, not "${name}"`);
    }
  }
  return names as WorkloadName[];
}

function runSettings(given: GivenOptions, workload: WorkloadName): RunSettings {
  const usual = WORKLOADS[workload].distribution;
  return {
    workload,
    distribution: given.isExplicit('distribution')
      ? given.oneOf<Distribution>('distribution', ['uniform', 'zipfian'])
      : usual,
    keys: given.integer('keys', 1, 2 ** 32 - 1),
    valueBytes: given.integer('value-size', 0, VALUE_BYTES_MAX),
    connections: given.integer('connections', 1, 20_000),
    pipeline: given.integer('pipeline', 1, 65_536),
    rate: given.isExplicit('rate') ? given.number('rate', 0.01) : null,
    durationS: given.number('duration', 0.1),
    warmupS: given.number('warmup', 0),
    r: given.integer('r', 0, REPLICAS_MAX),
    w: given.integer('w', 0, REPLICAS_MAX),
    seed: given.integer('seed', 0, Number.MAX_SAFE_INTEGER - 1),
  };
}
