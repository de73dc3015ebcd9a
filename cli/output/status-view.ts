/**
 * A node's status for people. The map comes from a node that may be of another version: a field that is missing or of
 * another type is shown as `-`, and never stops the rest.
 */
import type { StatusMap } from '../client.js';
import { formatDuration } from '../text/duration.js';
import { formatBytes, formatCount, formatShare, plural } from '../text/quantity.js';
import type { Colour } from './colour.js';
import { renderFacts, renderTable } from './table.js';

/** What stands for a field that is not there. */
export const UNKNOWN = '-';
const NAMES = new Intl.Collator('en', { numeric: true });

/** The status of one node: facts, warnings, and the members as this node sees them. */
export function renderStatus(status: StatusMap, colour: Colour): string {
  const warnings = warningsOf(status).map((warning) => `${colour.yellow('!')} ${warning}\n`);
  const title = `${colour.bold(text(status.name))} at ${text(status.address)} is ${stateCell(status.state, colour)}\n`;
  const members = listOf(status.members);
  const table = members.length === 0 ? '' : `\n${renderMembers(members, colour)}`;
  return `${title}${warnings.join('')}${renderFacts(factsOf(status), colour)}${table}`;
}

/** The members of a cluster as one node sees them. */
export function renderMembers(members: readonly StatusMap[], colour: Colour): string {
  const columns = [
    { title: 'NAME' },
    { title: 'ADDRESS' },
    { title: 'STATE' },
    { title: 'ZONE' },
    { title: 'WEIGHT', align: 'right' },
    { title: 'RTT', align: 'right' },
    { title: 'CLOCK', align: 'right' },
    { title: 'SHARE', align: 'right' },
  ] as const;
  const rows = byName(members).map((member) => [
    text(member.name),
    text(member.address),
    stateCell(member.state, colour),
    text(member.zone),
    text(member.weight),
    isNumber(member.rttMs) ? `${member.rttMs.toFixed(1)} ms` : UNKNOWN,
    isNumber(member.clockOffsetMs) ? `${signed(Math.round(member.clockOffsetMs))} ms` : UNKNOWN,
    isNumber(member.share) ? formatShare(member.share) : UNKNOWN,
  ]);
  return renderTable(columns, rows, colour);
}

/** One line for each node of `status --all`. */
export function renderStatusTable(
  nodes: readonly { name: string; address: string; status?: StatusMap; problem?: string }[],
  colour: Colour,
): string {
  const columns = [
    { title: 'NAME' },
    { title: 'ADDRESS' },
    { title: 'STATE' },
    { title: 'UP', align: 'right' },
    { title: 'READS', align: 'right' },
    { title: 'WRITES', align: 'right' },
    { title: 'REPAIRS', align: 'right' },
    { title: 'FAILURES', align: 'right' },
    { title: 'CLIENTS', align: 'right' },
    { title: 'MEMORY', align: 'right' },
  ] as const;
  const rows = byName(nodes).map(({ name, address, status }) => {
    if (status === undefined) return [name, address, colour.red('no answer'), ...Array(7).fill(UNKNOWN)];
    const requests = mapOf(status.requests);
    return [
      name,
      address,
      stateCell(status.state, colour),
      duration(status.uptimeMs),
      count(requests.reads),
      count(requests.writes),
      count(requests.readRepairs),
      count(requests.failures),
      count(mapOf(status.connections).clients),
      bytes(mapOf(status.memory).rssBytes),
    ];
  });
  return renderTable(columns, rows, colour);
}

/** In the order in which people count: n2 before n10. */
export function byName<T extends { readonly name?: unknown }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => NAMES.compare(text(a.name), text(b.name)));
}

/** What an operator should look at. */
export function warningsOf(status: StatusMap): string[] {
  const warnings: string[] = [];
  if (status.state === 'storage-failed')
    warnings.push('its storage failed: it takes no part until that is repaired');
  if (status.underReplicated === true) {
    const has = count(status.effectiveReplicas);
    warnings.push(`under-replicated: keys have ${has} of ${count(status.replicas)} replicas; add nodes`);
  }
  const unreachable = listOf(status.members).filter((member) => member.state === 'unreachable');
  if (unreachable.length > 0) warnings.push(`unreachable: ${unreachable.map(memberProblem).join(', ')}`);
  const corrupt = mapOf(status.storage).corruptRecords;
  if (isNumber(corrupt) && corrupt > 0)
    warnings.push(`${plural(corrupt, 'corrupt record')} found on its disk`);
  return warnings;
}

/** The items of a list that are maps. */
export function listOf(value: unknown): StatusMap[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}

function memberProblem({ name, problem }: StatusMap): string {
  return typeof problem === 'string' && problem !== '' ? `${text(name)} (${problem})` : text(name);
}

function factsOf(status: StatusMap): [string, string][] {
  const storage = mapOf(status.storage);
  const requests = mapOf(status.requests);
  const connections = mapOf(status.connections);
  const cpu = mapOf(status.cpu);
  const quorums = `${quorum(status.readQuorum)} to read, ${quorum(status.writeQuorum)} to write`;
  return [
    [
      'cluster',
      `${text(status.clusterId)}, epoch ${text(status.epoch)}, ${plural(listOf(status.members).length, 'member')}`,
    ],
    ['replicas', `${count(status.effectiveReplicas ?? status.replicas)}; ${quorums}`],
    ['up', `${duration(status.uptimeMs)}, software ${text(status.software)}`],
    [
      'storage',
      `${text(storage.engine)}, fsync ${text(storage.fsync)}, ${text(storage.state)}, ${count(storage.cacheRecords)} records in the cache`,
    ],
    [
      'requests',
      `${count(requests.reads)} reads, ${count(requests.writes)} writes, ${count(requests.failures)} failures, ${count(requests.inFlight)} in flight`,
    ],
    [
      'repairs',
      `${count(requests.readRepairs)} read repairs, ${count(requests.hedges)} hedged reads, ${count(requests.resends)} writes sent again`,
    ],
    ['connections', `${count(connections.clients)} from clients, ${count(connections.peers)} with peers`],
    ['cpu', `${cpuTime(cpu.userUs)} user, ${cpuTime(cpu.systemUs)} system`],
    ['memory', bytes(mapOf(status.memory).rssBytes)],
  ];
}

function stateCell(state: unknown, colour: Colour): string {
  const name = text(state);
  if (name === 'serving' || name === 'alive' || name === 'self') return colour.green(name);
  return name === 'joining' ? colour.yellow(name) : colour.red(name);
}

function text(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : UNKNOWN;
}

function quorum(value: unknown): string {
  return value === 0 ? 'a majority' : count(value);
}

function count(value: unknown): string {
  return isNumber(value) ? formatCount(value) : UNKNOWN;
}

function bytes(value: unknown): string {
  return isNumber(value) ? formatBytes(value) : UNKNOWN;
}

function duration(value: unknown): string {
  return isNumber(value) ? formatDuration(value) : UNKNOWN;
}

function cpuTime(microseconds: unknown): string {
  return isNumber(microseconds) ? formatDuration(microseconds / 1000) : UNKNOWN;
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value);
}

function mapOf(value: unknown): StatusMap {
  return isMap(value) ? value : {};
}

function isMap(value: unknown): value is StatusMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
