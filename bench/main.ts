/**
 * `npm run bench`: measures a cluster and reports. Progress and problems go to standard error, the report to standard
 * output. Exit code 0 when every run went to its end, 1 when something failed, 2 when the command line is wrong.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { cpus, totalmem } from 'node:os';
import { KvError, messageOf } from '../src/base/errors.js';
import { SystemClock } from '../src/os/system-clock.js';
import { TcpNetwork } from '../src/os/tcp-network.js';
import type { Address } from '../src/ports/network.js';
import { Cluster, type ClusterOptions } from './cluster.js';
import type { Command, CommandHost, CommandReport, Stoppable } from './command.js';
import { formatComparison, parseResult } from './compare.js';
import { faults } from './faults/command.js';
import { healing } from './healing/command.js';
import { type BenchOptions, helpText, matrixSyncRun, parseOptions } from './options.js';
import { formatResult } from './report.js';
import {
  type BenchResult,
  type Environment,
  RESULT_FORMAT,
  type RunResult,
  type RunSettings,
  runName,
} from './result.js';
import { loadKeys, runLoad, type Target } from './run.js';
import type { Shell } from './shell.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const EXIT_INTERRUPTED = 130;

/** What has other things to measure than the load; see each one's help. */
const COMMANDS: Readonly<Record<string, Command>> = { faults, healing };

/** What was started, for the signal handlers. */
const started: Stoppable[] = [];

function systemShell(): Shell {
  return {
    clock: new SystemClock(),
    network: new TcpNetwork(),
    ownCpu() {
      const { user, system } = process.cpuUsage();
      return { userUs: user, systemUs: system };
    },
    say(line) {
      process.stderr.write(`${line}\n`);
    },
  };
}

async function main(args: readonly string[]): Promise<number> {
  const command = Object.hasOwn(COMMANDS, args[0] ?? '') ? COMMANDS[args[0]!] : undefined;
  return command === undefined ? measureLoad(args) : runCommand(command, args);
}

async function runCommand(command: Command, args: readonly string[]): Promise<number> {
  const shell = systemShell();
  const host: CommandHost = {
    shell,
    track: (resource) => started.push(resource),
    environment: () => environment(args, shell),
  };
  const report = await command(args.slice(1), host);
  await publishReport(report);
  return report.isComplete ? 0 : EXIT_FAILED;
}

async function measureLoad(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options.help) {
    process.stdout.write(helpText());
    return 0;
  }
  // Read first: a wrong file name should not cost a benchmark.
  const earlier =
    options.compare === undefined
      ? undefined
      : parseResult(await readFile(options.compare, 'utf8'), options.compare);
  const shell = systemShell();
  const runs =
    options.nodes === undefined ? await runOwn(options, shell) : await runOn(options.nodes, options, shell);
  const result: BenchResult = { format: RESULT_FORMAT, environment: environment(args, shell), runs };
  await publish(result, earlier, options);
  return runs.every(wentToItsEnd) ? 0 : EXIT_FAILED;
}

function wentToItsEnd(run: RunResult): boolean {
  return run.operations > 0 && run.connectionsLost < run.settings.connections;
}

async function runOwn(options: BenchOptions, shell: Shell): Promise<RunResult[]> {
  const results = await onCluster(options.cluster, options.runs, options.preload, shell);
  if (options.matrix) {
    const cluster: ClusterOptions = { ...options.cluster, fsync: 'always' };
    results.push(...(await onCluster(cluster, [matrixSyncRun(options.runs[0]!)], options.preload, shell)));
  }
  return results;
}

async function runOn(nodes: readonly Address[], options: BenchOptions, shell: Shell): Promise<RunResult[]> {
  if (options.matrix) shell.say('the run with fsync=always needs a cluster of its own and is left out');
  const target = { addresses: nodes, cluster: { nodes: nodes.length, fsync: null, storage: null } };
  return runAll(target, options.runs, options.preload, shell);
}

async function onCluster(
  options: ClusterOptions,
  runs: readonly RunSettings[],
  isPreloading: boolean,
  shell: Shell,
): Promise<RunResult[]> {
  shell.say(`starting ${options.size} nodes, fsync ${options.fsync}, storage ${options.storage}`);
  const cluster = await Cluster.start(options, shell, (created) => {
    started.push(created);
  });
  const facts = { nodes: options.size, fsync: options.fsync, storage: options.storage };
  try {
    return await runAll({ addresses: cluster.addresses, cluster: facts }, runs, isPreloading, shell);
  } finally {
    if (cluster.problem !== undefined) shell.say(cluster.problem);
    await cluster.stop();
  }
}

async function runAll(
  target: Target,
  runs: readonly RunSettings[],
  isPreloading: boolean,
  shell: Shell,
): Promise<RunResult[]> {
  if (isPreloading) {
    shell.say(`writing ${runs[0]!.keys} keys`);
    await loadKeys(target, runs[0]!, shell);
  }
  const results: RunResult[] = [];
  for (const settings of runs) {
    const times = `${settings.warmupS} s of warm-up, ${settings.durationS} s measured`;
    shell.say(`${runName(settings, target.cluster)}: ${times}`);
    results.push(await runLoad(target, settings, shell));
  }
  return results;
}

function environment(args: readonly string[], shell: Shell): Environment {
  const processors = cpus();
  return {
    date: new Date(shell.clock.wallMs()).toISOString(),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpuModel: processors[0]?.model ?? 'unknown',
    cpus: processors.length,
    memoryBytes: totalmem(),
    arguments: args,
  };
}

async function publish(
  result: BenchResult,
  earlier: BenchResult | undefined,
  options: BenchOptions,
): Promise<void> {
  const comparison = earlier === undefined ? '' : `\n${formatComparison(earlier, result)}`;
  const text = formatResult(result) + comparison;
  await publishReport({ text, result, json: options.json, isComplete: true });
}

async function publishReport({ text, result, json }: CommandReport): Promise<void> {
  // With the JSON on standard output, the text goes beside it, so that the output stays JSON.
  (json === '-' ? process.stderr : process.stdout).write(text);
  if (json === undefined || result === undefined) return;
  const saved = `${JSON.stringify(result, undefined, 2)}\n`;
  if (json === '-') process.stdout.write(saved);
  else await writeFile(json, saved);
}

/** Nodes that we started must not outlive us. */
function stopOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      process.stderr.write(`${signal}: stopping\n`);
      stopStarted().finally(() => process.exit(EXIT_INTERRUPTED));
    });
  }
}

/** What was started last may need what was started before it. */
async function stopStarted(): Promise<void> {
  for (const resource of started.reverse()) await resource.stop();
}

stopOnSignals();
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${messageOf(error)}\n`);
  const isUsage = error instanceof KvError && error.code === 'BAD_REQUEST';
  if (isUsage) process.stderr.write('see npm run bench -- --help\n');
  process.exitCode = isUsage ? EXIT_USAGE : EXIT_FAILED;
}
