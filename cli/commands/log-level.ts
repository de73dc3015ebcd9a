/** `log-level`: shows how much a node logs, or changes it while the node runs. */
import { LOG_LEVELS } from '../../src/ports/log.js';
import { writeJson, writeLine } from '../output/output.js';
import { text } from '../output/status-fields.js';
import { DONE, type ExitCode, FAILED, readOptions, type Session } from '../session.js';
import { UsageError } from '../usage-error.js';
import { allMembers, askNamed, type NamedNode, noteFailure } from './nodes.js';

/** With `all` every member is asked, and 2 when one does not answer. */
export async function logLevel(
  session: Session,
  level: string | undefined,
  options: { all: boolean },
): Promise<ExitCode> {
  if (level !== undefined && !LOG_LEVELS.some((known) => known === level))
    throw new UsageError(`a log level is one of ${LOG_LEVELS.join(', ')}, not "${level}"`);
  if (options.all) return ofAll(session, level);
  const { output, settings } = session;
  const answer = await askNamed(session, async (client, host) => {
    const { name } = await client.status(host, readOptions(settings, session.signal));
    return { node: text(name), level: await client.logLevel(host, requestOptions(session, level)) };
  });
  if (settings.json) await writeJson(output, answer);
  else await writeLine(output, `${answer.node}  ${answer.level}`);
  return DONE;
}

async function ofAll(session: Session, level: string | undefined): Promise<ExitCode> {
  const nodes = await allMembers(session);
  const ends = await Promise.all(nodes.map((node) => ofOne(session, node, level)));
  let worst = DONE;
  for (const tell of ends) if ((await tell()) === FAILED) worst = FAILED;
  return worst;
}

/** Asks one member, and gives what tells its answer: they are told in the order of the members. */
async function ofOne(
  session: Session,
  { name, address }: NamedNode,
  level: string | undefined,
): Promise<() => Promise<ExitCode>> {
  const { output, settings } = session;
  const client = await session.client();
  try {
    const now = await client.logLevel(address, requestOptions(session, level));
    return async () => {
      if (settings.json) await writeJson(output, { node: name, level: now });
      else await writeLine(output, `${name}  ${now}`);
      return DONE;
    };
  } catch (error) {
    return async () => {
      noteFailure(session, { name, address }, error);
      return FAILED;
    };
  }
}

function requestOptions({ settings, signal }: Session, level: string | undefined) {
  return { ...readOptions(settings, signal), ...(level === undefined ? {} : { level }) };
}
