/**
 * A node's status for people: short while all is well, with a line more for whatever is not, and everything when asked
 * for it.
 */
import type { StatusMap } from '../client.js';
import { formatDuration } from '../text/duration.js';
import { formatCount, formatShare, plural } from '../text/quantity.js';
import type { Colour } from './colour.js';
import { clockCell, shareCell } from './members-view.js';
import {
  byName,
  bytes,
  count,
  duration,
  isNumber,
  listOf,
  mapOf,
  type NodeReport,
  numberOf,
  stateCell,
  text,
  UNKNOWN,
} from './status-fields.js';
import { warningLines } from './status-warnings.js';
import { renderFacts, renderTable } from './table.js';

export interface StatusView {
  readonly status: StatusMap;
  /** What the other members say of themselves. */
  readonly others: readonly NodeReport[];
  /** Milliseconds since 1970. */
  readonly nowMs: number;
  readonly verbose: boolean;
}

/** The status of one node: what to look at, facts, and the members as this node sees them and as they see themselves. */
export function renderStatus(view: StatusView, colour: Colour): string {
  const { status, others } = view;
  const asked = { name: text(status.name), address: text(status.address), status };
  const warnings = warningLines([asked, ...others]).map((line) => `${colour.yellow('!')} ${line}\n`);
  const title = `${colour.bold(asked.name)} at ${asked.address} is ${stateCell(status.state, colour)}\n`;
  const members = listOf(status.members);
  const table = members.length === 0 ? '' : `\n${memberTable(members, [asked, ...others], colour)}`;
  return `${title}${warnings.join('')}${renderFacts(factsOf(view), colour)}${table}`;
}

/** One line for each node of `status --all`: what each of them does. */
export function renderStatusTable(nodes: readonly NodeReport[], colour: Colour): string {
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

/** State, since when, incarnation, clock and share are what the node asked says; the rest is each member's own word. */
function memberTable(members: readonly StatusMap[], reports: readonly NodeReport[], colour: Colour): string {
  const columns = [
    { title: 'NAME' },
    { title: 'ADDRESS' },
    { title: 'STATE' },
    { title: 'SINCE', align: 'right' },
    { title: 'INC', align: 'right' },
    { title: 'CLOCK', align: 'right' },
    { title: 'SHARE', align: 'right' },
    { title: 'ITSELF' },
    { title: 'HINTS', align: 'right' },
    { title: 'IN SYNC', align: 'right' },
  ] as const;
  const rows = byName(members).map((member) => [
    text(member.name),
    text(member.address),
    stateCell(member.state, colour),
    duration(member.sinceMs),
    text(member.incarnation),
    clockCell(member),
    shareCell(member),
    ...ownCells(
      reports.find(({ name }) => name === member.name),
      colour,
    ),
  ]);
  return renderTable(columns, rows, colour);
}

function ownCells(report: NodeReport | undefined, colour: Colour): string[] {
  if (report === undefined) return [UNKNOWN, UNKNOWN, UNKNOWN];
  const { status } = report;
  if (status === undefined) return [colour.red('no answer'), UNKNOWN, UNKNOWN];
  return [stateCell(status.state, colour), count(mapOf(status.hints).hints), inSyncCell(status)];
}

/** The part of its slots that a node knows to be equal to its peers'. */
function inSyncCell(status: StatusMap): string {
  const { replicated, inSync } = mapOf(mapOf(status.antiEntropy).slots);
  if (!isNumber(replicated) || !isNumber(inSync) || replicated === 0) return UNKNOWN;
  const synced = Math.min(inSync, replicated - numberOf(mapOf(status.sync).slotsLeft));
  // Rounded down: 100 % means all of them.
  return formatShare(Math.floor((Math.max(0, synced) / replicated) * 1000) / 1000);
}

type Fact = readonly [name: string, fact: string];

function factsOf(view: StatusView): Fact[] {
  const { status, verbose } = view;
  if (status.state === 'joining' && !verbose) return [upFact(status)];
  const quorums = `${quorum(status.readQuorum)} to read, ${quorum(status.writeQuorum)} to write`;
  const members = plural(listOf(status.members).length, 'member');
  return [
    ['cluster', `${text(status.clusterId)}, epoch ${text(status.epoch)}, ${members}`],
    ['replicas', `${count(status.effectiveReplicas ?? status.replicas)}; ${quorums}`],
    upFact(status),
    ...healingFacts(view),
    ...(verbose ? loadFacts(status) : []),
  ];
}

function upFact(status: StatusMap): Fact {
  return ['up', `${duration(status.uptimeMs)}, software ${text(status.software)}`];
}

/** What the node does so that replicas are equal: only what there is to say, or everything. */
function healingFacts({ status, nowMs, verbose }: StatusView): Fact[] {
  const facts: Fact[] = [];
  const { slots, lastRound, repair } = mapOf(status.antiEntropy);
  // While it syncs, what trees say of it is of no use; how far it is stands among the warnings.
  if (slots !== undefined && status.sync === undefined)
    facts.push(['slots', slotsLine(mapOf(slots), listOf(status.members))]);
  const round = mapOf(lastRound);
  if (round.peer !== undefined) facts.push(['compared', roundLine(round, nowMs)]);
  else if (verbose) facts.push(['compared', 'with nobody yet']);
  if (repair !== undefined && repair !== null) facts.push(['repair', repairLine(mapOf(repair))]);
  const hints = hintsLine(mapOf(status.hints));
  if (hints !== '' || verbose) facts.push(['hints', hints === '' ? 'none' : hints]);
  const tombstones = mapOf(status.tombstones);
  if (verbose || text(tombstones.waitsFor) !== UNKNOWN)
    facts.push(['tombstones', tombstonesLine(tombstones)]);
  if (verbose) facts.push(['health', `${text(status.health)} (1 is good)`]);
  return facts;
}

function slotsLine(slots: StatusMap, members: readonly StatusMap[]): string {
  const { replicated, inSync, divergent, unbuilt } = slots;
  const kept = `${count(replicated)} kept here`;
  const isWhole = members.every(({ state }) => state === 'alive' || state === 'self');
  if (inSync === replicated) return `${kept}, all in sync${isWhole ? '' : ' with the replicas that live'}`;
  const parts = [`${kept}: ${count(inSync)} in sync`];
  if (numberOf(divergent) > 0) parts.push(`${count(divergent)} divergent`);
  if (numberOf(unbuilt) > 0) parts.push(`${count(unbuilt)} without a hash tree yet`);
  return parts.join(', ');
}

function roundLine(round: StatusMap, nowMs: number): string {
  const ago = isNumber(round.at) ? ` ${formatDuration(Math.max(0, nowMs - round.at))} ago` : '';
  const moved = numberOf(round.keysFetched) + numberOf(round.keysSent);
  const result =
    moved === 0
      ? 'nothing to move'
      : `${plural(moved, 'key')} and ${bytes(round.bytes)} moved in ${duration(round.tookMs)}`;
  return `with ${text(round.peer)}${ago}, ${plural(numberOf(round.slots), 'slot')}: ${result}`;
}

export function repairLine({ peer, done, comparisons }: StatusMap): string {
  const partner = text(peer) === UNKNOWN ? 'about to begin' : `with ${text(peer)}`;
  return `${partner}, ${count(done)} of ${count(comparisons)} comparisons done`;
}

function hintsLine({ targets }: StatusMap): string {
  return listOf(targets)
    .filter(({ hints, unsyncedSlots }) => numberOf(hints) > 0 || numberOf(unsyncedSlots) > 0)
    .map(({ target, hints, draining, unsyncedSlots }) => {
      const overflowed = numberOf(unsyncedSlots);
      const going = draining === true ? ', being sent' : '';
      const rest =
        overflowed > 0 ? `, ${plural(overflowed, 'slot')} over the limit (compared when it is back)` : '';
      return `${formatCount(numberOf(hints))} for ${text(target)}${going}${rest}`;
    })
    .join('; ');
}

function tombstonesLine({ waiting, collected, expired, waitsFor }: StatusMap): string {
  const waits = text(waitsFor) === UNKNOWN ? '' : `, waiting for ${text(waitsFor)}`;
  return `${count(waiting)} kept${waits}; ${count(collected)} collected, ${count(expired)} keys expired`;
}

function loadFacts(status: StatusMap): Fact[] {
  const storage = mapOf(status.storage);
  const requests = mapOf(status.requests);
  const connections = mapOf(status.connections);
  const cpu = mapOf(status.cpu);
  const totals = mapOf(mapOf(status.antiEntropy).totals);
  return [
    [
      'rounds',
      `${count(totals.rounds)}; ${count(totals.keysFetched)} keys fetched, ${count(totals.keysSent)} sent, ${bytes(totals.bytes)} moved`,
    ],
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

function quorum(value: unknown): string {
  return value === 0 ? 'a majority' : count(value);
}

function cpuTime(microseconds: unknown): string {
  return isNumber(microseconds) ? formatDuration(microseconds / 1000) : UNKNOWN;
}
