/** The report of `faults` as text: a table of the phases, then what happened in them. */
import { environmentLine } from '../report.js';
import { duration, grouped, textTable } from '../text-table.js';
import type { Failures } from './phase-tally.js';
import { type FaultsResult, type PhaseResult, wrongAnswers } from './result.js';

const HEAD = [
  'phase',
  'seconds',
  'ops/s',
  'p50',
  'p99',
  'p99.9',
  'max',
  'sent late',
  'failed',
  'in doubt',
  'server µs/op',
  'load',
];

/** From this lateness on, what is measured is the machine and not the cluster. */
const STARVED_US = 500_000;

export function formatFaults(result: FaultsResult): string {
  const { settings, phases, between } = result;
  const mix = `${Math.round(settings.getShare * 100)} % gets`;
  const lines = [
    environmentLine(result.environment),
    `${settings.nodes} nodes, fsync ${settings.fsync}; ${grouped(settings.rate)} operations a second (${mix}) ` +
      `over ${grouped(settings.keys)} keys, values of ${settings.valueBytes} B`,
    '',
    ...textTable([HEAD, ...phases.map(row), ...(between.seconds > 0 ? [row(between)] : [])]),
    '',
    ...phases.flatMap(happenings),
    ...happenings(between),
    ...result.skipped.map((reason) => `left out: ${reason}`),
    '',
    'An operation counts in the phase in which it was meant to start, and its latency from that moment (open loop).',
    'failed: definitely not done; in doubt: may have been done. Neither is in the latencies. The client library sends reads',
    'again, and writes that were definitely not done. server CPU: all nodes, starting of processes included. load: of the',
    'machine, last minute. sent late: how long after that moment operations left, p99; the load generator’s own part.',
  ];
  return `${lines.join('\n')}\n`;
}

function row(phase: PhaseResult): string[] {
  const { latencyUs: l } = phase;
  return [
    phase.name,
    phase.seconds.toFixed(1),
    grouped(phase.operationsPerSecond),
    ...[l.p50, l.p99, l.p99_9, l.max, phase.sentLateUs.p99].map(duration),
    grouped(phase.failed + phase.unanswered),
    grouped(phase.inDoubt),
    phase.serverUsPerOperation === null ? '-' : phase.serverUsPerOperation.toFixed(1),
    phase.loadAverage.toFixed(1),
  ];
}

function happenings(phase: PhaseResult): string[] {
  const facts = [
    ...phase.notes,
    ...codes('failed', phase.failedByCode),
    ...codes('in doubt', phase.inDoubtByCode),
  ];
  if (phase.sentLateUs.max > STARVED_US) {
    facts.push(
      `! operations left up to ${duration(phase.sentLateUs.max)} late: the machine was too busy for this rate`,
    );
  }
  const wrong = wrongAnswers(phase);
  if (wrong > 0) facts.push(`! ${grouped(wrong)} reads brought nothing, or not what was written`);
  if (phase.unanswered > 0) facts.push(`! ${grouped(phase.unanswered)} operations never had an outcome`);
  return facts.length === 0 ? [] : [`${phase.name}:`, ...facts.map((fact) => `  ${fact}`)];
}

function codes(what: string, failures: Failures): string[] {
  return Object.entries(failures).map(
    ([code, { count, longestMs }]) =>
      `${what}: ${code} ${grouped(count)}, the longest after ${duration(longestMs * 1000)}`,
  );
}
