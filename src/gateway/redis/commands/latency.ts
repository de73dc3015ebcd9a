/** LATENCY: when commands took long, and how long commands take. */
import type { RequestArguments } from '../../../wire/resp/request-parser.js';
import type { Call, Reply } from '../call.js';
import type { ArgumentDoc, Command } from '../command.js';
import type { LatencyEvent, LatencyMonitor } from '../latency-monitor.js';
import type { CommandCounts } from '../statistics.js';
import { helpCommand } from './help.js';

const EVENT: ArgumentDoc = { name: 'event', type: 'string' };
const GRAPH_ROWS = 40;
const GRAPH_COLUMNS = 40;

export const LATENCY_COMMANDS: readonly Command[] = [
  {
    name: 'latency',
    arity: -2,
    flags: [],
    group: 'server',
    summary: 'When commands took long, and how long they take.',
    since: '2.8.13',
    complexity: 'depends on the subcommand',
    order: 'immediate',
    begin: () => {},
    subcommands: [
      subcommand({
        name: 'latest',
        arity: 2,
        summary: 'Of each event: when it last happened, how long it took then, and at most.',
        begin: (call) => call.answer(latest(call.host.latency)),
      }),
      subcommand({
        name: 'history',
        arity: 3,
        summary: 'The samples of an event: when, and how many milliseconds.',
        arguments: [EVENT],
        begin: (call, args) => call.answer(history(call.host.latency.find(args.text(2)))),
      }),
      subcommand({
        name: 'reset',
        arity: -2,
        summary: 'Forgets the samples of some events, or of all; tells of how many.',
        arguments: [{ ...EVENT, optional: true, multiple: true }],
        begin: reset,
      }),
      subcommand({
        name: 'histogram',
        arity: -2,
        summary: 'How many calls of commands took up to how many microseconds.',
        since: '7.0.0',
        arguments: [{ name: 'command', type: 'string', optional: true, multiple: true }],
        begin: histogram,
      }),
      subcommand({
        name: 'graph',
        arity: 3,
        summary: 'The samples of an event as bars.',
        arguments: [EVENT],
        begin: graph,
      }),
      subcommand({
        name: 'doctor',
        arity: 2,
        summary: 'The samples in words, and what to look at.',
        begin: (call) => {
          const text = doctor(call.host.latency.events(), call.host.runtimeConfig.latencyThresholdMs);
          call.answer((reply) => reply.verbatim(text));
        },
      }),
      helpCommand('latency', 'server', '2.8.13', [
        ['LATEST', 'The last sample of each event, and the longest.'],
        ['HISTORY <event>', 'The samples of an event.'],
        ['RESET [<event> ...]', 'Forgets samples; all of them when no event is named.'],
        ['HISTOGRAM [<command> ...]', 'How long commands take, in buckets that double; all unless named.'],
        ['GRAPH <event>', 'The samples of an event as bars.'],
        ['DOCTOR', 'The samples in words.'],
      ]),
    ],
  },
];

function subcommand(
  parts: Pick<Command, 'name' | 'arity' | 'summary' | 'begin'> & Partial<Command>,
): Command {
  return {
    flags: ['admin', 'noscript', 'loading', 'stale'],
    group: 'server',
    since: '2.8.13',
    complexity: 'O(1)',
    order: 'immediate',
    ...parts,
  };
}

function latest(latency: LatencyMonitor): Reply {
  const events = latency.events();
  return (reply) => {
    reply.array(events.length);
    for (const { name, samples, worstMs } of events) {
      const last = samples.at(-1)!;
      reply.value([name, last.unixSeconds, last.ms, worstMs]);
    }
  };
}

function history(event: LatencyEvent | undefined): Reply {
  const samples = event?.samples ?? [];
  return (reply) => reply.value(samples.map(({ unixSeconds, ms }) => [unixSeconds, ms]));
}

function reset(call: Call, args: RequestArguments): void {
  const { latency } = call.host;
  const names = args.count === 2 ? latency.events().map(({ name }) => name as string) : textsFrom(args, 2);
  const count = names.filter((name) => latency.reset(name)).length;
  call.answer((reply) => reply.integer(count));
}

/** Of commands that have been called. The name of a container means all its subcommands. */
function histogram(call: Call, args: RequestArguments): void {
  const wanted = new Set(textsFrom(args, 2).map((name) => name.toLowerCase()));
  const isWanted = (name: string): boolean =>
    wanted.size === 0 || wanted.has(name) || wanted.has(name.slice(0, Math.max(0, name.indexOf('|'))));
  const chosen = [...call.host.statistics.commands].filter(
    ([name, { calls }]) => calls > 0 && isWanted(name),
  );
  call.answer((reply) => reply.value(new Map(chosen.map(([name, counts]) => [name, distribution(counts)]))));
}

function distribution({ calls, latency }: CommandCounts) {
  return { calls, histogram_usec: new Map(latency.cumulative()) };
}

function graph(call: Call, args: RequestArguments): void {
  const event = call.host.latency.find(args.text(2));
  if (event === undefined) return call.fail(`ERR No samples available for event '${args.text(2)}'`);
  const text = bars(event, Math.floor(call.host.clock.wallMs() / 1000));
  call.answer((reply) => reply.verbatim(text));
}

/** A line for each of the last samples: how long ago, and how long it took beside the longest of them. */
function bars({ name, samples, worstMs }: LatencyEvent, nowSeconds: number): string {
  const shown = samples.slice(-GRAPH_ROWS);
  const high = Math.max(...shown.map(({ ms }) => ms));
  const lines = shown.map(({ unixSeconds, ms }) => {
    const length = high === 0 ? 0 : Math.round((ms / high) * GRAPH_COLUMNS);
    return `${ago(nowSeconds - unixSeconds).padStart(4)} ago ${'#'.repeat(length).padEnd(GRAPH_COLUMNS)} ${ms} ms`;
  });
  return `${name}: the last ${shown.length}, ${worstMs} ms at most ever\n${lines.join('\n')}\n`;
}

function ago(seconds: number): string {
  if (seconds < 60) return `${Math.max(0, seconds)}s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)}m`;
  return seconds < 86_400 ? `${Math.floor(seconds / 3600)}h` : `${Math.floor(seconds / 86_400)}d`;
}

function doctor(events: readonly LatencyEvent[], thresholdMs: number): string {
  if (events.length === 0) {
    return thresholdMs === 0
      ? 'Nothing is watched. CONFIG SET latency-monitor-threshold <milliseconds> begins it.\n'
      : `No command has taken ${thresholdMs} ms or more.\n`;
  }
  const lines = events.map(({ name, samples, worstMs }) => {
    const mean = samples.reduce((sum, { ms }) => sum + ms, 0) / samples.length;
    return `${name}: ${samples.length} samples, ${mean.toFixed(1)} ms on average, ${worstMs} ms at most.`;
  });
  const advice = [
    'SLOWLOG GET names commands that took long.',
    'INFO replication and QUORAL STATUS tell of replicas that are slow or away: a command waits for its quorum.',
    'With fsync always a write waits for the disks of its replicas.',
  ];
  return `${lines.join('\n')}\n\nWhere to look:\n${advice.map((line) => `- ${line}`).join('\n')}\n`;
}

function textsFrom(args: RequestArguments, first: number): string[] {
  const texts: string[] = [];
  for (let i = first; i < args.count; i++) texts.push(args.text(i));
  return texts;
}
