/** `repair`: has a node compare what it keeps with all its live peers now, and shows how far it is. */
import { definite, KvError } from '../../src/base/errors.js';
import type { CliClient, RepairSummary, StatusMap } from '../client.js';
import { writeJson, writeLine } from '../output/output.js';
import { type Steps, startSteps } from '../output/progress.js';
import { compareNames, mapOf, numberOf, text } from '../output/status-fields.js';
import { repairLine } from '../output/status-view.js';
import { DONE, type ExitCode, FAILED, pause, type Session } from '../session.js';
import { formatDuration } from '../text/duration.js';
import { formatBytes, formatCount, plural } from '../text/quantity.js';
import { allMembers, askNamed, type NamedNode, noteFailure } from './nodes.js';

const LOOK_MS = 250;

export interface RepairFlags {
  readonly all: boolean;
  readonly slot: number | undefined;
  readonly quiet: boolean;
}

/** 0 when everything was compared, 2 when something could not be. */
export async function repair(session: Session, flags: RepairFlags): Promise<ExitCode> {
  if (!flags.all) return repairOne(session, flags, await namedNode(session));
  let worst = DONE;
  for (const node of await allMembers(session)) {
    if (session.signal.aborted) throw interrupted(node);
    const exitCode = await repairOfAll(session, flags, node);
    if (exitCode !== DONE) worst = exitCode;
  }
  return worst;
}

async function namedNode(session: Session): Promise<NamedNode> {
  return askNamed(session, async (client, host) => {
    const { name } = await client.status(host);
    return { name: text(name), address: host };
  });
}

/** One of several: its error is told, and the others follow. */
async function repairOfAll(session: Session, flags: RepairFlags, node: NamedNode): Promise<ExitCode> {
  try {
    return await repairOne(session, flags, node);
  } catch (error) {
    if (session.signal.aborted) throw error;
    // Not every member keeps the slot; those that do are asked.
    if (flags.slot !== undefined && error instanceof KvError && error.code === 'BAD_REQUEST') return DONE;
    noteFailure(session, node, error);
    return FAILED;
  }
}

async function repairOne(session: Session, flags: RepairFlags, node: NamedNode): Promise<ExitCode> {
  const { output, settings, clock, signal } = session;
  const client = await session.client();
  const isQuiet = flags.quiet || settings.json;
  const steps = startSteps({ output, clock, label: `repair of ${node.name}`, quiet: isQuiet });
  const ended = new AbortController();
  const slot = flags.slot === undefined ? {} : { slot: flags.slot };
  const running = client.repair(node.address, { ...slot, signal });
  const looking = isQuiet ? undefined : watchProgress(session, client, { node, steps, ended: ended.signal });
  let summary: RepairSummary;
  try {
    summary = await running;
  } catch (error) {
    throw signal.aborted ? interrupted(node) : error;
  } finally {
    ended.abort();
    await looking;
    steps.stop();
  }
  if (settings.json) await writeJson(output, { node: node.name, ...summary });
  else await writeSummary(session, node, summary);
  return isComplete(summary) ? DONE : FAILED;
}

/** Draws what STATUS says of the repair until it has ended. Whatever goes wrong here is the repair's to tell. */
async function watchProgress(
  session: Session,
  client: CliClient,
  options: { node: NamedNode; steps: Steps; ended: AbortSignal },
): Promise<void> {
  const { node, steps, ended } = options;
  const { clock } = session;
  for (;;) {
    await pause(clock, LOOK_MS, ended);
    if (ended.aborted) return;
    const status: StatusMap = await client
      .status(node.address, { timeoutMs: 1000, signal: ended })
      .catch(() => ({}));
    const now = mapOf(mapOf(status.antiEntropy).repair);
    if (ended.aborted || now.comparisons === undefined) continue;
    steps.update(numberOf(now.done), numberOf(now.comparisons), repairLine(now));
  }
}

function isComplete({ missing, problems, slotsFailed }: RepairSummary): boolean {
  return missing.length === 0 && problems.length === 0 && slotsFailed === 0;
}

async function writeSummary({ output }: Session, node: NamedNode, summary: RepairSummary): Promise<void> {
  const { slots, peers, missing, slotsDiffering, slotsFailed, keysFetched, keysSent, bytesMoved } = summary;
  const { yellow, green } = output.colour;
  const partners = peers.length === 0 ? 'with nobody' : `with ${[...peers].sort(compareNames).join(', ')}`;
  const took = formatDuration(summary.tookMs);
  const isDone = isComplete(summary);
  const outcome = isDone ? green('repaired') : yellow('repaired in part');
  await writeLine(
    output,
    `${node.name}: ${outcome}: ${plural(slots, 'slot')} compared ${partners} in ${took}`,
  );
  const keys = keysFetched + keysSent;
  const each = keys === 0 ? '' : ` (${formatBytes(Math.round(bytesMoved / keys))} for each key)`;
  const moved = `${plural(keysFetched, 'key')} fetched, ${formatCount(keysSent)} sent, ${formatBytes(bytesMoved)} moved${each}`;
  await writeLine(output, `  ${formatCount(slotsDiffering)} differing, ${moved}`);
  for (const name of missing) {
    await writeLine(
      output,
      `  ${yellow('!')} ${name} is down, and was not compared with: start it, then repair again`,
    );
  }
  for (const problem of summary.problems) await writeLine(output, `  ${yellow('!')} ${problem}`);
  if (slotsFailed > 0) {
    await writeLine(
      output,
      `  ${yellow('!')} ${plural(slotsFailed, 'slot')} could not be brought in step: repair again`,
    );
  }
}

function interrupted({ name }: NamedNode): KvError {
  return definite('ABORTED', `interrupted; ${name} goes on by itself: "kvcli status" shows how far it is`);
}
