/**
 * One run: connect, warm up, measure, drain. The nodes' CPU time comes from their STATUS, asked at both ends of the
 * window. A busy node answers late, so each node's use is divided by the time between its own two answers.
 */
import { definite } from '../src/base/errors.js';
import type { Address } from '../src/ports/network.js';
import { Flusher } from '../src/wire/outbox.js';
import { type ConnectionSettings, type LoadConnection, openConnections } from './connection.js';
import { ControlConnection } from './control-connection.js';
import { LoadDriver } from './driver.js';
import { LatencyHistogram } from './histogram.js';
import { Measurement } from './measurement.js';
import { fetchRing, fetchUse, type NodeUse, type RingMember } from './node-facts.js';
import { Payload } from './payload.js';
import { preload } from './preload.js';
import { RateSchedule } from './rate-schedule.js';
import {
  type ClusterFacts,
  type CpuPerOperation,
  type NodeResult,
  type OpenLoopResult,
  type RunResult,
  type RunSettings,
  runName,
} from './result.js';
import { type CpuTime, type Shell, sleep } from './shell.js';
import { Workload } from './workload.js';

/** Nodes answer within their time budget, 2 s by default; what takes longer than this has no answer. */
const DRAIN_MS = 10_000;
const MS_PER_S = 1000;
const US_PER_MS = 1000;

/** Where a run goes. */
export interface Target {
  /** Nodes that the load is spread over. */
  readonly addresses: readonly Address[];
  readonly cluster: ClusterFacts;
}

/** A node that is watched during a run. */
interface WatchedNode {
  readonly member: RingMember;
  readonly control: ControlConnection;
}

/** Writes all keys that runs with these settings read. */
export function loadKeys(target: Target, settings: RunSettings, shell: Shell): Promise<void> {
  return preload(target.addresses, settings.keys, connectionSettings(settings, shell));
}

/** @throws KvError `CONNECT_FAILED` when a node that the load goes to cannot be reached. */
export async function runLoad(target: Target, settings: RunSettings, shell: Shell): Promise<RunResult> {
  const nodes = await watchNodes(target.addresses, shell);
  let connections: LoadConnection[] = [];
  try {
    connections = await openConnections(
      target.addresses,
      settings.connections,
      connectionSettings(settings, shell),
    );
    return await measure({ target, settings, shell, nodes, connections });
  } finally {
    for (const connection of connections) connection.close();
    for (const node of nodes) node.control.close();
  }
}

function connectionSettings(settings: RunSettings, shell: Shell): ConnectionSettings {
  return {
    network: shell.network,
    clock: shell.clock,
    flusher: new Flusher(shell.clock),
    payload: new Payload(settings.valueBytes, settings.seed),
    pipeline: settings.pipeline,
    r: settings.r,
    w: settings.w,
  };
}

interface Run {
  readonly target: Target;
  readonly settings: RunSettings;
  readonly shell: Shell;
  readonly nodes: readonly WatchedNode[];
  readonly connections: readonly LoadConnection[];
}

async function measure(run: Run): Promise<RunResult> {
  const { settings, shell, connections } = run;
  const { clock } = shell;
  const measurement = new Measurement();
  const schedule = settings.rate === null ? undefined : new RateSchedule(settings.rate, clock.monotonicMs());
  const driver = new LoadDriver({
    clock,
    connections,
    source: new Workload(settings),
    tally: measurement,
    ...(schedule && { schedule }),
  });
  driver.start();
  await sleep(clock, settings.warmupS * MS_PER_S);
  const before = await sampleNodes(run);
  const ownBefore = shell.ownCpu();
  measurement.begin(clock.monotonicMs());
  await sleep(clock, settings.durationS * MS_PER_S);
  measurement.end(clock.monotonicMs());
  const ownAfter = shell.ownCpu();
  const overdue = schedule?.overdue(clock.monotonicMs()) ?? 0;
  const after = await sampleNodes(run);
  driver.stop();
  if (!(await driver.idle(DRAIN_MS))) measurement.unanswered(driver.inFlight);
  const own = {
    userUs: ownAfter.userUs - ownBefore.userUs,
    systemUs: ownAfter.systemUs - ownBefore.systemUs,
  };
  return buildResult({ run, measurement, own, before, after, overdue });
}

/** Control connections to every live member: all of them work for our requests, whichever we send them to. */
async function watchNodes(addresses: readonly Address[], shell: Shell): Promise<WatchedNode[]> {
  const first = addresses[0];
  if (first === undefined) throw definite('BAD_REQUEST', 'there is no node to send load to');
  const entry = await ControlConnection.open(first, shell);
  const watched: WatchedNode[] = [];
  try {
    const { members, live } = await fetchRing(entry);
    for (const member of members) {
      if (!live.includes(member.name)) continue;
      watched.push({ member, control: await ControlConnection.open(member.address, shell) });
    }
  } catch (error) {
    for (const node of watched) node.control.close();
    throw error;
  } finally {
    entry.close();
  }
  return watched;
}

/** The use of every node; undefined for one that does not answer any more. */
function sampleNodes(run: Run): Promise<(NodeUse | undefined)[]> {
  const nowMs = () => run.shell.clock.monotonicMs();
  return Promise.all(
    run.nodes.map(({ member, control }) =>
      fetchUse(control, nowMs).catch((error: Error) => {
        run.shell.say(`no status of ${member.name}: ${error.message}`);
        return undefined;
      }),
    ),
  );
}

interface Evidence {
  readonly run: Run;
  readonly measurement: Measurement;
  readonly own: CpuTime;
  readonly before: readonly (NodeUse | undefined)[];
  readonly after: readonly (NodeUse | undefined)[];
  readonly overdue: number;
}

function buildResult(evidence: Evidence): RunResult {
  const { run, measurement, own } = evidence;
  const { settings, target } = run;
  const { operations, seconds, reads, writes } = measurement;
  const all = new LatencyHistogram();
  all.add(reads);
  all.add(writes);
  const isMixed = reads.count > 0 && writes.count > 0;
  const loads = run.nodes.map((_, i) => coresBetween(evidence.before[i], evidence.after[i]));
  const operationsPerSecond = operations / seconds;
  return {
    name: runName(settings, target.cluster),
    settings,
    cluster: target.cluster,
    seconds,
    operations,
    operationsPerSecond,
    latencyUs: all.summary(),
    readLatencyUs: isMixed ? reads.summary() : null,
    writeLatencyUs: isMixed ? writes.summary() : null,
    latencyBuckets: all.buckets(),
    errors: Object.fromEntries([...measurement.errors].sort(([a], [b]) => (a < b ? -1 : 1))),
    warmupErrors: measurement.warmupErrors,
    connectionsLost: run.connections.filter((connection) => !connection.isOpen).length,
    serverCpu: serverCpu(loads, operationsPerSecond),
    generatorCpu: perOperation(own, operations),
    generatorCores: (own.userUs + own.systemUs) / (seconds * 1e6),
    nodes: run.nodes.map(({ member }, i) => nodeResult(member, loads[i], evidence.after[i])),
    openLoop: openLoopResult(settings, measurement, evidence.overdue),
  };
}

/** Cores kept busy, in user and in system code. */
interface Cores {
  readonly user: number;
  readonly system: number;
}

function coresBetween(before: NodeUse | undefined, after: NodeUse | undefined): Cores | undefined {
  if (before?.cpu === undefined || after?.cpu === undefined) return undefined;
  const elapsedUs = (after.atMs - before.atMs) * US_PER_MS;
  return {
    user: (after.cpu.userUs - before.cpu.userUs) / elapsedUs,
    system: (after.cpu.systemUs - before.cpu.systemUs) / elapsedUs,
  };
}

function serverCpu(
  loads: readonly (Cores | undefined)[],
  operationsPerSecond: number,
): CpuPerOperation | null {
  const total = { userUs: 0, systemUs: 0 };
  for (const cores of loads) {
    if (cores === undefined) return null;
    total.userUs += cores.user * 1e6;
    total.systemUs += cores.system * 1e6;
  }
  return perOperation(total, operationsPerSecond);
}

function perOperation(cpu: CpuTime, operations: number): CpuPerOperation {
  const count = Math.max(1, operations); // Without operations the figures say nothing, but they stay numbers.
  return {
    us: (cpu.userUs + cpu.systemUs) / count,
    userUs: cpu.userUs / count,
    systemUs: cpu.systemUs / count,
  };
}

function nodeResult(member: RingMember, cores: Cores | undefined, use: NodeUse | undefined): NodeResult {
  return {
    name: member.name,
    address: member.address,
    cores: cores === undefined ? null : cores.user + cores.system,
    rssBytes: use?.rssBytes ?? null,
  };
}

function openLoopResult(
  settings: RunSettings,
  measurement: Measurement,
  overdue: number,
): OpenLoopResult | null {
  if (settings.rate === null) return null;
  const { sendDelays } = measurement;
  return {
    overdue,
    sendDelayP50Us: sendDelays.percentileUs(50),
    sendDelayP99Us: sendDelays.percentileUs(99),
  };
}
