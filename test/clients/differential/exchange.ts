/** One round with one server: everything is sent as it was cut, and everything that comes back is kept. */
import { messageOf } from '../../../src/base/errors.js';
import { RespClient } from '../resp-client.js';
import { parseReply, quoted, type Reply, show } from '../resp-reply.js';
import { MARKER, type Round } from './round.js';

export interface Answer {
  readonly reply: Reply;
  readonly bytes: Buffer;
}

/** What a server did in a round. */
export interface Outcome {
  readonly answers: readonly Answer[];
  /** `marker` and `closed` as in a round; else what happened instead, in words. */
  readonly ending: string;
  /** What each scan to the end brought, in words. */
  readonly scans: readonly string[];
}

export type Exchange = (round: Round) => Promise<Outcome>;

const ANSWERS_BOUND_MS = 60_000;
const PAGES_MAX = 20_000;
const MARKER_SHOWN = quoted(Buffer.from(MARKER));

/** An exchange with the servers at these addresses, one after the other, each round over a connection of its own. */
export function exchangeWith(addresses: readonly string[]): Exchange {
  return async (round) => {
    const address = addresses[round.number % addresses.length]!;
    const client = await RespClient.connect(address);
    try {
      for (const chunk of round.chunks) {
        client.send(chunk);
        await new Promise(setImmediate);
      }
      const { answers, ending } = await collect(client);
      return { answers, ending, scans: await scanAll(address, round.scans) };
    } finally {
      client.close();
    }
  };
}

async function collect(client: RespClient): Promise<Omit<Outcome, 'scans'>> {
  const answers: Answer[] = [];
  try {
    for (;;) {
      const answer = await client.waitFor('the next answer', () => nextOf(client), ANSWERS_BOUND_MS);
      if (answer === 'closed') return { answers, ending: 'closed' };
      answers.push(answer);
      if (show(answer.reply) === MARKER_SHOWN) return { answers, ending: 'marker' };
    }
  } catch (error) {
    return { answers, ending: `${messageOf(error)}; unread: ${quoted(client.unread.subarray(0, 100))}` };
  }
}

function nextOf(client: RespClient): Answer | 'closed' | undefined {
  const bytes = client.unread;
  const parsed = parseReply(bytes);
  if (parsed !== undefined) {
    client.discard(parsed.end);
    return { reply: parsed.reply, bytes: bytes.subarray(0, parsed.end) };
  }
  if (!client.isClosed) return undefined;
  if (bytes.length > 0) throw new Error('the connection was closed within an answer');
  return 'closed';
}

async function scanAll(address: string, scans: Round['scans']): Promise<string[]> {
  const client = await RespClient.connect(address);
  try {
    const found: string[] = [];
    for (const options of scans) found.push(await scanToEnd(client, options));
    return found;
  } finally {
    client.close();
  }
}

/** All keys that a scan brings, each once, in order; or the error it ended with. */
async function scanToEnd(client: RespClient, options: readonly string[]): Promise<string> {
  const keys = new Set<string>();
  let cursor: Uint8Array = Buffer.from('0');
  for (let page = 0; page < PAGES_MAX; page++) {
    const reply = await client.command('SCAN', cursor, ...options);
    const [next, found] = reply.kind === 'array' ? reply.items : [];
    if (next?.kind !== 'bulk' || found?.kind !== 'array') return show(reply);
    for (const key of found.items) keys.add(show(key));
    if (next.bytes.toString() === '0') return [...keys].sort().join(' ');
    cursor = next.bytes;
  }
  return `a scan without an end: ${PAGES_MAX} pages`;
}
