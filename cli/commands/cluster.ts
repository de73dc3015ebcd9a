/** What an operator looks at: status, members, ring and owners. */
import { messageOf } from '../../src/base/errors.js';
import type { CliClient, RingInfo, StatusMap } from '../client.js';
import { writeJson } from '../output/output.js';
import {
  byName,
  listOf,
  renderMembers,
  renderStatus,
  renderStatusTable,
  UNKNOWN,
  warningsOf,
} from '../output/status-view.js';
import { type Column, renderFacts, renderTable } from '../output/table.js';
import { DONE, type ExitCode, FAILED, type Session } from '../session.js';
import { decodeArgument, jsonBytes, shortKey } from '../text/byte-encoding.js';
import { formatCount, formatShare } from '../text/quantity.js';

/** The ring's slots; see src/ring. Every slot has a replica on each of its owners. */
const SLOT_COUNT = 4096;

/** `status [--all]`: the node that answers, or every member; 2 when a member does not answer. */
export async function status(session: Session, options: { all: boolean }): Promise<ExitCode> {
  const { output, settings } = session;
  const client = await session.client();
  if (options.all) return statusOfAll(session, client);
  const map = await client.status();
  if (settings.json) await writeJson(output, map);
  else await output.write(renderStatus(map, output.colour));
  return DONE;
}

interface NodeReport {
  readonly name: string;
  readonly address: string;
  readonly status?: StatusMap;
  readonly problem?: string;
}

async function statusOfAll(session: Session, client: CliClient): Promise<ExitCode> {
  const { output, settings } = session;
  const { members } = await client.ring();
  const reports = await Promise.all(byName(members).map((member) => reportOf(client, member)));
  if (settings.json) {
    for (const report of reports) await writeJson(output, report.status ?? { ...report, state: 'no answer' });
  } else {
    await output.write(renderStatusTable(reports, output.colour));
    for (const { name, problem } of reports) if (problem !== undefined) output.note(`${name}: ${problem}`);
    for (const warning of commonWarnings(reports)) output.note(warning);
  }
  return reports.some((report) => report.status === undefined) ? FAILED : DONE;
}

async function reportOf(client: CliClient, member: { name: string; address: string }): Promise<NodeReport> {
  const { name, address } = member;
  try {
    return { name, address, status: await client.status(address) };
  } catch (error) {
    return { name, address, problem: messageOf(error) };
  }
}

/** Each warning with the nodes that give it, so that a cluster's trouble is not told once per node. */
function commonWarnings(reports: readonly NodeReport[]): string[] {
  const nodesOfWarning = new Map<string, string[]>();
  for (const { name, status: map } of reports) {
    for (const warning of map === undefined ? [] : warningsOf(map)) {
      nodesOfWarning.set(warning, [...(nodesOfWarning.get(warning) ?? []), name]);
    }
  }
  return [...nodesOfWarning].map(([warning, names]) => `${names.join(', ')}: ${warning}`);
}

/** `members`: who the members are, and how the answering node sees them. */
export async function members(session: Session): Promise<ExitCode> {
  const { output, settings } = session;
  const client = await session.client();
  const list = listOf((await client.status()).members);
  if (settings.json) for (const member of list) await writeJson(output, member);
  else await output.write(renderMembers(list, output.colour));
  return DONE;
}

/** `ring`: the cluster's configuration, and what each member carries. */
export async function ring(session: Session): Promise<ExitCode> {
  const { output, settings } = session;
  const client = await session.client();
  const info = await client.ring();
  const shares = await session.shares(info.members, info.replicas);
  const rows = info.members.map((member, i) => ({
    ...member,
    live: info.live.includes(member.name),
    slots: Math.round((shares[i] ?? 0) * SLOT_COUNT * replicasThereAre(info)),
    share: shares[i] ?? 0,
  }));
  if (settings.json) {
    await writeJson(output, { ...info, members: rows });
    return DONE;
  }
  const { colour } = output;
  await output.write(renderFacts(ringFacts(info), colour));
  const cells = byName(rows).map((row) => [
    row.name,
    row.address,
    liveCell(row.live, session),
    row.zone === '' ? UNKNOWN : row.zone,
    String(row.weight),
    formatCount(row.slots),
    formatShare(row.share),
  ]);
  await output.write(`\n${renderTable(RING_COLUMNS, cells, colour)}`);
  return DONE;
}

const RING_COLUMNS: readonly Column[] = [
  { title: 'NAME' },
  { title: 'ADDRESS' },
  { title: 'LIVE' },
  { title: 'ZONE' },
  { title: 'WEIGHT', align: 'right' },
  { title: 'SLOTS', align: 'right' },
  { title: 'SHARE', align: 'right' },
];

/** `owners KEY`: the nodes that keep the key's replicas, the preferred one first. */
export async function owners(session: Session, keyText: string): Promise<ExitCode> {
  const { output, settings } = session;
  const key = decodeArgument(keyText, settings.keys, 'key');
  const client = await session.client();
  const { slot, hash, owners: list } = await client.owners(key);
  if (settings.json) {
    await writeJson(output, { ...jsonBytes('key', key), slot, hash: String(hash), owners: list });
    return DONE;
  }
  const facts = [
    ['key', shortKey(key)],
    ['slot', `${slot} of ${SLOT_COUNT}`],
    ['hash', String(hash)],
  ] as const;
  await output.write(renderFacts(facts, output.colour));
  const rows = list.map(({ name, address, live }) => [name, address, liveCell(live, session)]);
  await output.write(`\n${renderTable(RING_COLUMNS.slice(0, 3), rows, output.colour)}`);
  return DONE;
}

/** N as it is: never more than the members that own data. */
function replicasThereAre(info: RingInfo): number {
  return Math.min(info.replicas, info.members.filter((member) => member.weight > 0).length);
}

function ringFacts(info: RingInfo): [string, string][] {
  const quorum = (configured: number) => (configured === 0 ? 'a majority' : String(configured));
  return [
    ['cluster', info.clusterId],
    ['epoch', String(info.epoch)],
    [
      'replicas',
      `${info.replicas}; ${quorum(info.readQuorum)} to read, ${quorum(info.writeQuorum)} to write`,
    ],
    ['answered by', info.self],
  ];
}

function liveCell(live: boolean, { output }: Session): string {
  return live ? output.colour.green('yes') : output.colour.red('no');
}
