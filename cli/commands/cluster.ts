/** Where data lives: ring and owners. */
import type { RingInfo } from '../client.js';
import { writeJson } from '../output/output.js';
import { byName, UNKNOWN } from '../output/status-fields.js';
import { type Column, renderFacts, renderTable } from '../output/table.js';
import { DONE, type ExitCode, type Session } from '../session.js';
import { decodeArgument, jsonBytes, shortKey } from '../text/byte-encoding.js';
import { formatCount, formatShare } from '../text/quantity.js';

/** The ring's slots; see src/ring. Every slot has a replica on each of its owners. */
const SLOT_COUNT = 4096;

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
