/** Puts a saved result beside a new one. Runs are matched by name. */
import { definite, messageOf } from '../src/base/errors.js';
import { errorCount } from './report.js';
import { type BenchResult, RESULT_FORMAT, type RunResult, type RunSettings } from './result.js';
import { duration, grouped, textTable } from './text-table.js';

interface Metric {
  readonly name: string;
  readonly of: (run: RunResult) => number | undefined;
  readonly format: (value: number) => string;
}

const METRICS: readonly Metric[] = [
  { name: 'ops/s', of: (run) => run.operationsPerSecond, format: grouped },
  { name: 'p50', of: (run) => run.latencyUs.p50, format: duration },
  { name: 'p95', of: (run) => run.latencyUs.p95, format: duration },
  { name: 'p99', of: (run) => run.latencyUs.p99, format: duration },
  { name: 'p99.9', of: (run) => run.latencyUs.p99_9, format: duration },
  { name: 'max', of: (run) => run.latencyUs.max, format: duration },
  { name: 'server µs/op', of: (run) => run.serverCpu?.us, format: (us) => us.toFixed(1) },
  { name: 'memory MiB', of: rssMebibytes, format: grouped },
  { name: 'errors', of: (run) => errorCount(run.errors), format: grouped },
];

/** @throws KvError `BAD_REQUEST` when the text is not a result that `--json` of this version saved. */
export function parseResult(text: string, name: string): BenchResult {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw definite('BAD_REQUEST', `${name} is not JSON: ${messageOf(error)}`, error);
  }
  const result = value as Partial<BenchResult> | null;
  if (result?.format !== RESULT_FORMAT || !Array.isArray(result.runs) || result.environment === undefined) {
    throw definite('BAD_REQUEST', `${name} is not a result that --json of this version has saved`);
  }
  return result as BenchResult;
}

export function formatComparison(before: BenchResult, now: BenchResult): string {
  const lines = [`compared with ${before.environment.date} (node ${before.environment.node})`];
  for (const run of now.runs) {
    const earlier = before.runs.find((candidate) => candidate.name === run.name);
    lines.push('', ...(earlier ? compareRuns(earlier, run) : [`${run.name}: not in the earlier result`]));
  }
  return `${lines.join('\n')}\n`;
}

function compareRuns(before: RunResult, now: RunResult): string[] {
  const rows = METRICS.map(({ name, of, format }) => {
    const [a, b] = [of(before), of(now)];
    const show = (value: number | undefined) => (value === undefined ? 'unknown' : format(value));
    return [`  ${name}`, show(a), show(b), ratio(a, b)];
  });
  return [
    ...textTable([[now.name, 'before', 'now', 'ratio'], ...rows]),
    ...differences(before, now).map((difference) => `  ! ${difference}`),
  ];
}

/** now / before; nothing where it says nothing. */
function ratio(before: number | undefined, now: number | undefined): string {
  if (before === undefined || now === undefined || before === 0) return '';
  return `${(now / before).toFixed(2)}×`;
}

/** Settings that make the two runs measure different things. */
function differences(before: RunResult, now: RunResult): string[] {
  const lines: string[] = [];
  const settings: (keyof RunSettings)[] = ['keys', 'distribution', 'valueBytes', 'durationS', 'r', 'w'];
  for (const name of settings) {
    const [a, b] = [before.settings[name], now.settings[name]];
    if (a !== b) lines.push(`${name} was ${a}, is ${b}`);
  }
  if (before.cluster.nodes !== now.cluster.nodes) {
    lines.push(`nodes were ${before.cluster.nodes}, are ${now.cluster.nodes}`);
  }
  return lines;
}

function rssMebibytes(run: RunResult): number | undefined {
  let bytes = 0;
  for (const { rssBytes } of run.nodes) {
    if (rssBytes === null) return undefined;
    bytes += rssBytes;
  }
  return bytes / 2 ** 20;
}
