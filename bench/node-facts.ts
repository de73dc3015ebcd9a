/** What nodes say about themselves: who is in the cluster (RING), and what it costs them (STATUS). */
import { indefinite } from '../src/base/errors.js';
import type { Address } from '../src/ports/network.js';
import { arrayField, type Body, mapField, stringField } from '../src/wire/body.js';
import { RING, STATUS } from '../src/wire/message-type.js';
import type { ControlConnection } from './control-connection.js';
import type { CpuTime } from './shell.js';

export interface RingMember {
  readonly name: string;
  readonly address: Address;
}

/** The cluster as one node sees it. */
export interface RingFacts {
  readonly members: readonly RingMember[];
  /** Names of the members that it believes alive. */
  readonly live: readonly string[];
}

/** What a node has used so far. */
export interface NodeUse {
  /** `undefined` when the node does not say. */
  readonly cpu: CpuTime | undefined;
  readonly rssBytes: number | undefined;
  /** When its answer arrived, monotonic: intervals between samples are measured node by node. */
  readonly atMs: number;
}

/** @throws KvError what the node answered, or `PROTOCOL` when the answer has no members. */
export async function fetchRing(control: ControlConnection): Promise<RingFacts> {
  const body = await control.request(RING);
  const members = arrayField(body, 'members')?.map(parseMember);
  const live = arrayField(body, 'live')?.filter((name) => typeof name === 'string');
  if (members === undefined || live === undefined || members.includes(undefined)) {
    throw indefinite('PROTOCOL', `${control.address} answered RING without members or live`);
  }
  return { members: members as RingMember[], live };
}

function parseMember(item: unknown): RingMember | undefined {
  const body = mapField({ item }, 'item');
  const name = body && stringField(body, 'name');
  const address = body && stringField(body, 'address');
  return name === undefined || address === undefined ? undefined : { name, address };
}

/** @throws KvError what the node answered. */
export async function fetchUse(control: ControlConnection, nowMs: () => number): Promise<NodeUse> {
  const body = await control.request(STATUS);
  const atMs = nowMs();
  return {
    cpu: parseCpu(mapField(body, 'cpu')),
    rssBytes: numberField(mapField(body, 'memory'), 'rssBytes'),
    atMs,
  };
}

function parseCpu(body: Body | undefined): CpuTime | undefined {
  const userUs = numberField(body, 'userUs');
  const systemUs = numberField(body, 'systemUs');
  return userUs === undefined || systemUs === undefined ? undefined : { userUs, systemUs };
}

function numberField(body: Body | undefined, name: string): number | undefined {
  const value = body?.[name];
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}
