/**
 * Tables of commands and the replies they must get, for a cluster of three real nodes and, where it is installed, for Redis
 * too: what both are said to answer is checked on both. What only a node answers so is marked, with the reason.
 */
import type { Test } from 'tap';
import { RealCluster } from '../../support/real-cluster.js';
import { RespClient, type Word } from '../resp-client.js';
import { type Reply, show } from '../resp-reply.js';
import { IS_AGAINST_REDIS, startRedis } from '../servers.js';
import { testWith } from '../tools.js';

/** Words with one space between them, or a list where they hold anything else. */
export type Command = string | readonly Word[];
/** What `show` makes of a reply, or a pattern of it. */
export type Expected = string | RegExp;
/** In RESP3 the same as in RESP2 unless told. */
export type Step = readonly [command: Command, reply: Expected, inResp3?: Expected];

export interface Case {
  readonly name: string;
  /** One after the other, from an empty key space on. */
  readonly steps: readonly Step[];
  /** Why Redis 7.0 answers otherwise; it is then not asked. */
  readonly onlyHere?: string;
}

export interface Server {
  readonly isRedis: boolean;
  /** Of each node, or of the one Redis. */
  readonly addresses: readonly string[];
  /** The nodes; undefined for Redis. */
  readonly cluster: RealCluster | undefined;
  restart(index: number): Promise<void>;
  /** Waits until the process at this place has ended. */
  ended(index: number): Promise<void>;
}

export interface TableOptions {
  /** Each case has a connection of its own, to one node; else each step goes through another node than the one before. */
  readonly ownConnection?: boolean;
}

export const PROTOCOLS = [2, 3] as const;
export type Protocol = (typeof PROTOCOLS)[number];

/** Runs `body` with a new cluster of three nodes, and with a new Redis. */
export async function onEachServer(t: Test, body: (t: Test, server: Server) => Promise<void>): Promise<void> {
  if (!IS_AGAINST_REDIS) {
    await t.test('three nodes', async (t) => {
      const cluster = await RealCluster.start(t, 3);
      const nameOf = (index: number) => cluster.nodes[index]!.name;
      const restart = async (index: number) => {
        await cluster.restart(nameOf(index));
        await cluster.agree();
      };
      const ended = async (index: number) => {
        t.same(await cluster.nodes[index]!.program.ended(), { code: 0, signal: null }, 'in good order');
      };
      await body(t, { isRedis: false, addresses: cluster.addresses, cluster, restart, ended });
    });
  }
  await testWith(t, ['redis-server'], 'Redis', async (t) => {
    const { addresses, restart, kill } = await startRedis(t);
    await body(t, { isRedis: true, addresses, cluster: undefined, restart, ended: kill });
  });
}

/** One test for each case, in both versions of the protocol. */
export async function runCases(
  t: Test,
  server: Server,
  cases: readonly Case[],
  { ownConnection = false }: TableOptions = {},
): Promise<void> {
  for (const one of cases) {
    if (server.isRedis && one.onlyHere !== undefined) {
      await t.test(one.name, { skip: `a node's own: ${one.onlyHere}` }, async () => {});
      continue;
    }
    await t.test(one.name, async (t) => {
      for (const protocol of PROTOCOLS) {
        const addresses = ownConnection ? server.addresses.slice(0, 1) : server.addresses;
        await runSteps(t, await openEach(t, addresses, protocol), one.steps, protocol);
      }
    });
  }
}

/** A connection to each address, which speaks this version. */
export function openEach(
  t: Test,
  addresses: readonly string[],
  protocol: Protocol = 2,
): Promise<RespClient[]> {
  return Promise.all(addresses.map((address) => openAs(t, address, protocol)));
}

export async function openAs(t: Test, address: string, protocol: Protocol): Promise<RespClient> {
  const client = await RespClient.open(t, address);
  if (protocol === 3) t.match(show(await client.command('HELLO', '3')), /^\{/, 'HELLO 3');
  return client;
}

/** A connection to each server address, and no keys. */
export async function openEmptied(t: Test, { addresses }: Server): Promise<RespClient[]> {
  const clients = await openEach(t, addresses);
  t.equal(show(await clients[0]!.command('FLUSHALL')), '+OK');
  return clients;
}

async function runSteps(
  t: Test,
  clients: readonly RespClient[],
  steps: readonly Step[],
  protocol: Protocol,
): Promise<void> {
  await clients[0]!.command('FLUSHALL');
  for (const [i, [command, inResp2, inResp3]] of steps.entries()) {
    const words = wordsOf(command);
    const reply = await clients[i % clients.length]!.command(...words);
    const expected = protocol === 3 ? (inResp3 ?? inResp2) : inResp2;
    isReply(t, reply, expected, `RESP${protocol} ${shortened(words.join(' '))}`);
  }
}

/** Checks one reply. */
export function isReply(t: Test, reply: Reply, expected: Expected, name: string): void {
  const shown = show(reply);
  const printable = name.replace(/\p{Cc}/gu, '·');
  if (typeof expected === 'string') t.equal(shown, expected, printable);
  else t.match(shown, expected, printable);
}

export function wordsOf(command: Command): readonly Word[] {
  return typeof command === 'string' ? command.split(' ') : command;
}

/** The text of a reply: a status, a string, or a verbatim string without its format. */
export function textOf(reply: Reply): string {
  if (reply.kind === 'bulk') return reply.bytes.toString();
  if (reply.kind === 'verbatim') return reply.bytes.toString().slice('txt:'.length);
  if ('text' in reply) return reply.text;
  throw new Error(`${shortened(show(reply))} is no text`);
}

/** The replies within a reply. */
export function itemsOf(reply: Reply): readonly Reply[] {
  if (!('items' in reply)) throw new Error(`${shortened(show(reply))} is no list`);
  return reply.items;
}

/** A map, or a list of names and values, by the names. */
export function fieldsOf(reply: Reply): ReadonlyMap<string, Reply> {
  const items = itemsOf(reply);
  return new Map(
    items.flatMap((item, i): [string, Reply][] => (i % 2 === 0 ? [[textOf(item), items[i + 1]!]] : [])),
  );
}

/** Lines of `name:value`, as INFO writes them. */
export function linesOf(text: string): ReadonlyMap<string, string> {
  const lines = text.split('\r\n').filter((line) => line.includes(':'));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)]));
}

function shortened(text: string): string {
  return text.length <= 100 ? text : `${text.slice(0, 100)}… (${text.length})`;
}
