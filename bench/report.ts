/** The report as text, for people. `--json` has the same and more for programs. */
import type { LatencyBucket, LatencySummary } from './histogram.js';
import type { BenchResult, CpuPerOperation, Environment, RunResult, RunSettings } from './result.js';
import { duration, grouped, textTable } from './text-table.js';

const BAR_CHARACTERS = 40;
/** Less of the schedule than this is overdue at any moment, by chance. */
const OVERDUE_S = 0.1;
/** From this share of a core on, the generator's one thread is taken for the bottleneck. */
const GENERATOR_BUSY_CORES = 0.9;

/** Everything: each run by itself, then one line for each, if there are several. */
export function formatResult(result: BenchResult): string {
  const lines = [environmentLine(result.environment)];
  for (const run of result.runs) lines.push('', ...formatRun(run));
  if (result.runs.length > 1) lines.push('', ...formatSummary(result.runs));
  lines.push('', ...footnotes(result.runs));
  return `${lines.join('\n')}\n`;
}

export function environmentLine(env: Environment): string {
  return `node ${env.node}, ${env.platform}, ${env.cpus} × ${env.cpuModel}, ${env.date}`;
}

export function formatRun(run: RunResult): string[] {
  const facts = [
    ['throughput', throughput(run)],
    ['latency', latency(run.latencyUs)],
    ...(run.readLatencyUs ? [['  of gets', latency(run.readLatencyUs)]] : []),
    ...(run.writeLatencyUs ? [['  of sets', latency(run.writeLatencyUs)]] : []),
    ['errors', errors(run)],
    ['server CPU', serverCpu(run)],
    ['memory', memory(run)],
    ['generator', `${cpu(run.generatorCpu)}, ${run.generatorCores.toFixed(2)} cores`],
    ...(run.openLoop ? [['sent late by', sendDelay(run)]] : []),
  ] as [string, string][];
  return [
    `${run.name}: ${describe(run)}`,
    ...facts.map(([name, fact]) => `  ${name.padEnd(13)} ${fact}`),
    ...warnings(run).map((warning) => `  ! ${warning}`),
    ...formatBuckets(run.latencyBuckets),
  ];
}

/** One line per run. */
export function formatSummary(runs: readonly RunResult[]): string[] {
  const head = ['run', 'ops/s', 'p50', 'p95', 'p99', 'p99.9', 'max', 'server µs/op', 'errors'];
  const rows = runs.map(({ latencyUs: l, ...run }) => [
    run.name,
    grouped(run.operationsPerSecond),
    ...[l.p50, l.p95, l.p99, l.p99_9, l.max].map(duration),
    run.serverCpu === null ? 'unknown' : run.serverCpu.us.toFixed(1),
    grouped(errorCount(run.errors)),
  ]);
  return textTable([head, ...rows]);
}

export function formatBuckets(buckets: readonly LatencyBucket[]): string[] {
  const total = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const highest = Math.max(...buckets.map((bucket) => bucket.count));
  return buckets.map(({ upToUs, count }) => {
    const bar = '█'.repeat(Math.round((count / highest) * BAR_CHARACTERS)) || (count > 0 ? '▏' : '');
    const share = `${((count / total) * 100).toFixed(2)} %`;
    return `  ≤ ${bound(upToUs).padStart(6)} ${share.padStart(8)}  ${bar}`.trimEnd();
  });
}

function describe({ settings, cluster }: RunResult): string {
  const parts = [loop(settings), `${grouped(settings.keys)} keys ${settings.distribution}`];
  parts.push(`${settings.valueBytes} B values`, cluster.nodes === 1 ? 'one node' : `${cluster.nodes} nodes`);
  if (cluster.storage !== null) parts.push(`storage ${cluster.storage}`);
  if (cluster.fsync !== null) parts.push(`fsync ${cluster.fsync}`);
  if (settings.r !== 0) parts.push(`R=${settings.r}`);
  if (settings.w !== 0) parts.push(`W=${settings.w}`);
  return parts.join(', ');
}

function loop(settings: RunSettings): string {
  return settings.rate === null ? 'closed loop' : `open loop at ${grouped(settings.rate)}/s`;
}

function throughput(run: RunResult): string {
  return `${grouped(run.operationsPerSecond)} ops/s (${grouped(run.operations)} in ${run.seconds.toFixed(1)} s)`;
}

function latency(l: LatencySummary): string {
  if (l.count === 0) return 'none';
  const points = [
    ['p50', l.p50],
    ['p95', l.p95],
    ['p99', l.p99],
    ['p99.9', l.p99_9],
    ['max', l.max],
  ] as const;
  return points.map(([name, us]) => `${name} ${duration(us)}`).join('  ');
}

function errors(run: RunResult): string {
  const codes = Object.entries(run.errors).map(([code, count]) => `${code} ${grouped(count)}`);
  if (run.warmupErrors > 0) codes.push(`${grouped(run.warmupErrors)} during the warm-up`);
  return codes.length === 0 ? 'none' : codes.join(', ');
}

function serverCpu(run: RunResult): string {
  if (run.serverCpu === null) return 'unknown: some node gave no CPU time in its status';
  const nodes = run.nodes.map((node) => `${node.name} ${node.cores?.toFixed(2)}`).join(', ');
  return `${cpu(run.serverCpu)}, cores: ${nodes}`;
}

function cpu(use: CpuPerOperation): string {
  return `${use.us.toFixed(1)} µs/op (user ${use.userUs.toFixed(1)}, system ${use.systemUs.toFixed(1)})`;
}

function memory(run: RunResult): string {
  const mebibytes = (bytes: number) => `${grouped(bytes / 2 ** 20)} MiB`;
  return run.nodes
    .map(({ name, rssBytes }) => `${name} ${rssBytes === null ? 'unknown' : mebibytes(rssBytes)}`)
    .join(', ');
}

function sendDelay({ openLoop }: RunResult): string {
  return `p50 ${duration(openLoop!.sendDelayP50Us)}  p99 ${duration(openLoop!.sendDelayP99Us)} (part of the latency)`;
}

function warnings(run: RunResult): string[] {
  const lines: string[] = [];
  const { openLoop, connectionsLost, generatorCores } = run;
  if (openLoop !== null && openLoop.overdue > run.settings.rate! * OVERDUE_S) {
    lines.push(
      `${grouped(openLoop.overdue)} operations were due and not sent: this rate is more than was served`,
    );
  }
  if (connectionsLost > 0)
    lines.push(`${connectionsLost} of ${run.settings.connections} connections were lost`);
  // An open loop polls, so its being busy says nothing.
  if (openLoop === null && generatorCores > GENERATOR_BUSY_CORES) {
    lines.push('the generator used its whole thread: it may be the bottleneck, not the cluster');
  }
  return lines;
}

function footnotes(runs: readonly RunResult[]): string[] {
  const lines = [
    'server CPU: user + system of all nodes together, per operation. Errors are not operations.',
  ];
  if (runs.some((run) => run.openLoop === null)) {
    lines.push(
      'Closed loop: a request waits for the answer before it, so a stall hides the requests that would have come',
      'meanwhile. For latencies under a given load, corrected for that (coordinated omission), use --rate.',
    );
  }
  return lines;
}

export function errorCount(errorsByCode: Readonly<Record<string, number>>): number {
  return Object.values(errorsByCode).reduce((sum, count) => sum + count, 0);
}

function bound(us: number): string {
  if (us < 1000) return `${us} µs`;
  return us < 1_000_000 ? `${us / 1000} ms` : `${us / 1_000_000} s`;
}
