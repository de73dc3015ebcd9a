/** What people see of runs: a line each, a summary of all, and for one that failed how to repeat it and what led there. */
import type { Operation } from '../support/linearizability.js';
import { commandOf } from './command-line.js';
import { FAULTS } from './faults.js';
import type { GivenOptions } from './options.js';
import { SCENARIOS } from './scenarios/index.js';
import type { SimulationResult } from './simulator.js';

/** Failures and operations of one key that are shown. */
const FAILURES_SHOWN_MAX = 20;
const OPERATIONS_SHOWN_MAX = 60;
const KEYS_SHOWN_MAX = 3;
const FAULT_COLUMN = 14;

/** Sums up runs. */
export class Report {
  readonly #startedMs: number;
  readonly #now: () => number;
  readonly #outcomes = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  readonly failed: number[] = [];
  runs = 0;
  #virtualMs = 0;
  #operations = 0;
  #pieces = 0;
  /** How long after the last fault all disks agreed, of the runs in which they did. */
  readonly #convergedMs: number[] = [];

  /** @param now milliseconds of the real world. */
  constructor(now: () => number) {
    this.#now = now;
    this.#startedMs = now();
  }

  get elapsedMs(): number {
    return this.#now() - this.#startedMs;
  }

  add(result: SimulationResult): void {
    this.runs++;
    this.#virtualMs += result.virtualMs;
    this.#operations += result.operations;
    this.#pieces += result.pieces;
    if (result.convergedMs !== undefined) this.#convergedMs.push(result.convergedMs);
    addAll(this.#outcomes, result.outcomes);
    addAll(this.#faults, result.faults);
    if (!result.ok) this.failed.push(result.options.seed);
  }

  summary(): string {
    const seconds = this.elapsedMs / 1000;
    const rate = this.#virtualMs / 1000 / seconds;
    return [
      `${this.runs} seeds, ${this.failed.length} failed; ${(this.#virtualMs / 3_600_000).toFixed(2)} virtual hours in ${seconds.toFixed(1)} s: ${rate.toFixed(1)} virtual seconds per second`,
      `${this.#operations} operations of clients, ${this.#pieces} pieces of messages`,
      `all disks agreed after the last fault within ${secondsOf(this.#convergedMs, 0.5)} s (median), ${secondsOf(this.#convergedMs, 0.99)} s (99 %), ${secondsOf(this.#convergedMs, 1)} s (all)`,
      `operations: ${listed(this.#outcomes)}`,
      `faults: ${listed(this.#faults)}`,
      ...(this.failed.length === 0 ? [] : [`failed: ${this.failed.join(' ')}`]),
    ].join('\n');
  }
}

/** A quantile of times, for people. */
function secondsOf(timesMs: readonly number[], quantile: number): string {
  const sorted = [...timesMs].sort((a, b) => a - b);
  const at = Math.max(0, Math.ceil(sorted.length * quantile) - 1);
  return sorted.length === 0 ? '–' : (sorted[at]! / 1000).toFixed(1);
}

/** What can be run, and what can go wrong in a run. */
export function listText(): string {
  const scenarios = [...SCENARIOS.values()].map(({ name, story }) => `  ${name}\n    ${story}`);
  const faults = FAULTS.map(({ name, story }) => `  ${name.padEnd(FAULT_COLUMN)}${story}`);
  return ['scenarios (--scenario NAME):', ...scenarios, 'faults (--faults NAME,…):', ...faults].join('\n');
}

/** One line about a run. */
export function line(result: SimulationResult): string {
  const { options, ok, operations, virtualMs, transcriptHash } = result;
  const { seed, nodes, replicas, clients, fsync } = options;
  const shape = `${nodes} nodes, ${replicas} replicas, ${clients} clients, fsync ${fsync}`;
  const ran = `${operations} operations in ${(virtualMs / 1000).toFixed(0)} virtual s`;
  return `${ok ? 'ok  ' : 'FAIL'} seed ${seed}: ${shape}; ${ran}; ${transcriptHash.slice(0, 16)}`;
}

/** What is wrong, the operations of the keys it is about, and how to see it again. */
export function failureText(result: SimulationResult, given: GivenOptions): string {
  const { options, failures, offending } = result;
  const shown = failures.slice(0, FAILURES_SHOWN_MAX).map((text) => `  ${text}`);
  const more = failures.length - shown.length;
  const histories = [...offending]
    .slice(0, KEYS_SHOWN_MAX)
    .flatMap(([key, history]) => [`operations on ${key}:`, ...operationLines(history)]);
  return [
    `seed ${options.seed} failed:`,
    ...shown,
    ...(more > 0 ? [`  and ${more} more`] : []),
    ...histories,
    `repeat it with: ${commandOf(options.seed, given)} --trace`,
  ].join('\n');
}

function operationLines(history: readonly Operation[]): string[] {
  const sorted = [...history].sort((a, b) => a.calledAt - b.calledAt);
  const skipped = sorted.length - OPERATIONS_SHOWN_MAX;
  return [
    ...(skipped > 0 ? [`  (${skipped} before)`] : []),
    ...sorted.slice(-OPERATIONS_SHOWN_MAX).map(({ kind, value, calledAt, returnedAt, by }) => {
      const until = returnedAt === Infinity ? 'unknown' : returnedAt.toFixed(3);
      return `  ${calledAt.toFixed(3).padStart(11)} – ${until.padEnd(11)} ${(by ?? '').padEnd(10)} ${kind} ${value || 'absent'}`;
    }),
  ];
}

function addAll(sums: Map<string, number>, counts: ReadonlyMap<string, number>): void {
  for (const [name, count] of counts) sums.set(name, (sums.get(name) ?? 0) + count);
}

function listed(counts: ReadonlyMap<string, number>): string {
  const sorted = [...counts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  return sorted.map(([name, count]) => `${name} ${count}`).join(', ') || 'none';
}
