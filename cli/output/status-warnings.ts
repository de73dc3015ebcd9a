/** What an operator should look at, from the status of one node or of several. */
import type { StatusMap } from '../client.js';
import { formatDuration } from '../text/duration.js';
import { plural } from '../text/quantity.js';
import { byName, count, duration, isNumber, listOf, mapOf, type NodeReport, text } from './status-fields.js';

export interface Warning {
  readonly text: string;
  /** What it is about when several nodes may say the same of it; undefined for what concerns the node itself only. */
  readonly subject?: string;
}

/** A moment's work makes it 2; a node that is really late goes higher. */
const HEALTH_NOTED = 3;

/** States of a member that is not as it should be. */
const DOWN = ['faulty', 'suspect', 'unreachable'];

/** A clock that is this far off makes keys expire at noticeably other times than they should. */
const CLOCK_OFFSET_MS_NOTED = 1000;

/** What one node's status gives reason to look at. */
export function warningsOf(status: StatusMap): Warning[] {
  return [...ownWarnings(status).map((text) => ({ text })), ...clusterWarnings(status)];
}

/**
 * The warnings of all reports, one line each, and each once: first those of the first report, then what only others say,
 * with their names. Nodes that gave no status have a line, too.
 */
export function warningLines(reports: readonly NodeReport[]): string[] {
  const [asked, ...others] = reports;
  const own = warningsOf(asked?.status ?? {});
  const told = new Set(own.map(({ subject }) => subject));
  const lines = own.map((warning) => warning.text);
  const linesOf = new Map<string, { text: string; names: string[] }>();
  for (const { name, status, problem } of byName(others)) {
    // A member that is known to be down need not be reported twice.
    const isTold = DOWN.some((state) => told.has(`${state} ${name}`));
    if (status === undefined && !isTold)
      lines.push(`${name} does not answer: ${problem ?? 'nobody knows why'}`);
    for (const warning of warningsOf(status ?? {})) {
      if (warning.subject !== undefined && told.has(warning.subject)) continue;
      const key = warning.subject ?? warning.text;
      const line = linesOf.get(key) ?? { text: warning.text, names: [] };
      line.names.push(name);
      linesOf.set(key, line);
    }
  }
  return [...lines, ...[...linesOf.values()].map(({ text, names }) => `${names.join(', ')}: ${text}`)];
}

/** How far a node has got its data back. */
function syncLine(status: StatusMap): string {
  const { slots, slotsLeft, etaMs, problem } = mapOf(status.sync);
  const done = isNumber(slots) && isNumber(slotsLeft) ? slots - slotsLeft : undefined;
  const eta = isNumber(etaMs) ? `, about ${formatDuration(etaMs)} left` : '';
  const reason = typeof problem === 'string' && problem !== '' ? `; it waits: ${problem}` : '';
  return `${count(done)} of ${count(slots)} slots done${eta}${reason}`;
}

function ownWarnings(status: StatusMap): string[] {
  const lines: string[] = [];
  if (status.state === 'storage-failed')
    lines.push('its storage failed: it takes no part until that is repaired; look at its log and its disk');
  if (status.state === 'joining')
    lines.push('it is in no cluster yet, and asks the nodes of its --join; its log says what they answer');
  if (status.state === 'disowned')
    lines.push('another data directory has taken its name in the cluster: stop it');
  if (status.state === 'syncing')
    lines.push(`it lost data, and has no vote on what it has not got back: ${syncLine(status)}`);
  const { corruptRecords } = mapOf(status.storage);
  if (isNumber(corruptRecords) && corruptRecords > 0)
    lines.push(`${plural(corruptRecords, 'corrupt record')} found on its disk`);
  if (isNumber(status.health) && status.health >= HEALTH_NOTED)
    lines.push(
      `it is slow itself (health ${text(status.health)}, 1 is good), and gives the others more time to answer`,
    );
  const { problem } = mapOf(mapOf(status.antiEntropy).lastRound);
  if (typeof problem === 'string' && problem !== '')
    lines.push(
      `its last comparison with ${text(mapOf(mapOf(status.antiEntropy).lastRound).peer)}: ${problem}`,
    );
  return lines;
}

function clusterWarnings(status: StatusMap): Warning[] {
  const warnings: Warning[] = [];
  if (status.underReplicated === true) {
    const has = count(status.effectiveReplicas);
    const line = `under-replicated: keys have ${has} of ${count(status.replicas)} replicas; add nodes`;
    warnings.push({ text: line, subject: 'under-replicated' });
  }
  const members = listOf(status.members);
  for (const state of DOWN) {
    for (const member of members.filter((one) => one.state === state)) {
      warnings.push({ text: memberProblem(state, member), subject: `${state} ${text(member.name)}` });
    }
  }
  for (const { name, clockOffsetMs } of members) {
    if (!isNumber(clockOffsetMs) || Math.abs(clockOffsetMs) < CLOCK_OFFSET_MS_NOTED) continue;
    const side = clockOffsetMs > 0 ? 'ahead' : 'behind';
    const line = `the clock of ${text(name)} is ${duration(Math.abs(clockOffsetMs))} ${side}`;
    warnings.push({ text: line, subject: `clock ${text(name)}` });
  }
  return warnings;
}

function memberProblem(state: string, { name, problem }: StatusMap): string {
  const reason = typeof problem === 'string' && problem !== '' ? ` (${problem})` : '';
  return `${text(name)} is ${state}${reason}`;
}
