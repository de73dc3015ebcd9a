/** `status [--all]`: how a node is, and how its cluster is as far as it can be asked. */
import { writeJson } from '../output/output.js';
import { text } from '../output/status-fields.js';
import { renderStatus, renderStatusTable } from '../output/status-view.js';
import { warningsOf } from '../output/status-warnings.js';
import { DONE, type ExitCode, FAILED, type Session } from '../session.js';
import { allMembers, membersOf, reportsOf, statusOfNamed } from './nodes.js';

/** With `all` one line for every member, and 2 when one does not answer. */
export async function status(
  session: Session,
  options: { all: boolean; verbose: boolean },
): Promise<ExitCode> {
  if (options.all) return statusOfAll(session);
  const { output, settings, clock } = session;
  const map = await statusOfNamed(session);
  const others = await reportsOf(
    session,
    membersOf(map).filter(({ name }) => name !== text(map.name)),
  );
  if (settings.json) {
    await writeJson(output, { ...map, others });
    return DONE;
  }
  const view = { status: map, others, nowMs: clock.wallMs(), verbose: options.verbose };
  await output.write(renderStatus(view, output.colour));
  return DONE;
}

async function statusOfAll(session: Session): Promise<ExitCode> {
  const { output, settings } = session;
  const reports = await reportsOf(session, await allMembers(session));
  if (settings.json) {
    for (const report of reports) await writeJson(output, report.status ?? { ...report, state: 'no answer' });
  } else {
    await output.write(renderStatusTable(reports, output.colour));
    for (const { name, problem } of reports) if (problem !== undefined) output.note(`${name}: ${problem}`);
    // Each warning with the nodes that give it, so that a cluster's trouble is not told once per node.
    const nodesOf = new Map<string, { text: string; names: string[] }>();
    for (const { name, status: map } of reports) {
      for (const warning of warningsOf(map ?? {})) {
        const key = warning.subject ?? warning.text;
        const line = nodesOf.get(key) ?? { text: warning.text, names: [] };
        nodesOf.set(key, { ...line, names: [...line.names, name] });
      }
    }
    for (const line of nodesOf.values()) output.note(`${line.names.join(', ')}: ${line.text}`);
  }
  return reports.some((report) => report.status === undefined) ? FAILED : DONE;
}
