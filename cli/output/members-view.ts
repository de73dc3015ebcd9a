/** The members of a cluster as one node sees them. */
import type { StatusMap } from '../client.js';
import { formatShare } from '../text/quantity.js';
import type { Colour } from './colour.js';
import { byName, duration, isNumber, stateCell, text, UNKNOWN } from './status-fields.js';
import { renderTable } from './table.js';

export function renderMembers(members: readonly StatusMap[], colour: Colour): string {
  const columns = [
    { title: 'NAME' },
    { title: 'ADDRESS' },
    { title: 'STATE' },
    { title: 'SINCE', align: 'right' },
    { title: 'INC', align: 'right' },
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
    duration(member.sinceMs),
    text(member.incarnation),
    text(member.zone),
    text(member.weight),
    isNumber(member.rttMs) ? `${member.rttMs.toFixed(1)} ms` : UNKNOWN,
    clockCell(member),
    shareCell(member),
  ]);
  return renderTable(columns, rows, colour);
}

/** How far the member's clock is ahead of that of the node that was asked. */
export function clockCell({ clockOffsetMs }: StatusMap): string {
  return isNumber(clockOffsetMs) ? `${signed(Math.round(clockOffsetMs))} ms` : UNKNOWN;
}

/** The member's part of all replicas. */
export function shareCell({ share }: StatusMap): string {
  return isNumber(share) ? formatShare(share) : UNKNOWN;
}

function signed(value: number): string {
  return value > 0 ? `+${value}` : String(value);
}
