/** Which nodes an operator's command talks to: the one that was named, or every member. */
import { KvError, messageOf } from '../../src/base/errors.js';
import type { CliClient, StatusMap } from '../client.js';
import { viewError } from '../output/error-view.js';
import { byName, listOf, type NodeReport, text } from '../output/status-fields.js';
import { readOptions, type Session } from '../session.js';

/** How long one member may take to say how it is: the others are shown without it. */
const MEMBER_TIMEOUT_MS = 1000;

/** Errors after which the next of the nodes that were named is worth asking. */
const AWAY: ReadonlySet<string> = new Set(['CONNECT_FAILED', 'CONNECTION_LOST', 'TIMEOUT', 'PROTOCOL']);

export interface NamedNode {
  readonly name: string;
  readonly address: string;
}

/** The first of the nodes that were named with -h that answers, and its answer. @throws what the last one failed with. */
export async function askNamed<T>(
  session: Session,
  ask: (client: CliClient, host: string) => Promise<T>,
): Promise<T> {
  const client = await session.client();
  const last = session.hosts.length - 1;
  for (const [i, host] of session.hosts.entries()) {
    try {
      return await ask(client, host);
    } catch (error) {
      if (i === last || !isAway(error)) throw error;
    }
  }
  throw new Error('assertion failed: a session names no node');
}

export function isAway(error: unknown): boolean {
  return error instanceof KvError && AWAY.has(error.code);
}

/** The status of the node that was named. */
export function statusOfNamed(session: Session): Promise<StatusMap> {
  const options = readOptions(session.settings, session.signal);
  return askNamed(session, (client, host) => client.status(host, options));
}

/** The members that this node knows, in the order in which people count. */
export function membersOf(status: StatusMap): NamedNode[] {
  const members = listOf(status.members).filter(({ address }) => typeof address === 'string');
  return byName(members).map(({ name, address }) => ({ name: text(name), address: text(address) }));
}

/** What each of these nodes says of itself, asked at the same time. Never rejects. */
export async function reportsOf(session: Session, nodes: readonly NamedNode[]): Promise<NodeReport[]> {
  const client = await session.client();
  const { timeoutMs = MEMBER_TIMEOUT_MS } = session.settings;
  const options = { timeoutMs, signal: session.signal };
  return Promise.all(
    nodes.map(async ({ name, address }) => {
      try {
        return { name, address, status: await client.status(address, options) };
      } catch (error) {
        return { name, address, problem: shortProblem(error) };
      }
    }),
  );
}

/** Every member of the cluster of the node that was named. */
export async function allMembers(session: Session): Promise<NamedNode[]> {
  const client = await session.client();
  const { members } = await client.ring();
  return byName(members).map(({ name, address }) => ({ name, address }));
}

/** Tells that one of several members could not do what was asked. */
export function noteFailure({ output, settings }: Session, { name }: NamedNode, error: unknown): void {
  const { code, definite, advice } = viewError(error, 'reads');
  const message = shortProblem(error);
  output.note(
    settings.json
      ? JSON.stringify({ node: name, error: { code, message, definite, advice } })
      : `${name}: ${message}`,
  );
}

/** Of "no node can be reached for STATUS; the last one: cannot connect to …" only what is at the end. */
export function shortProblem(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return messageOf(cause instanceof KvError ? cause : error);
}
