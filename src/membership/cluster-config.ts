/**
 * The cluster configuration: who the members are, where, with which weight, and the cluster's N, R and W.
 *
 * It is the only thing that decides placement; liveness never does. It is a value: every change makes a new one with
 * the next epoch, and nodes and clients take over any that has a higher epoch than theirs.
 */
import { KEY_BYTES_MAX } from '../base/limits.js';
import { arrayField, type Body, integerField, mapField, stringField } from '../wire/body.js';

export interface Member {
  /** Unique, 1 to 64 characters of letters, digits, `.`, `_` and `-`. Placement depends on it: it never changes. */
  readonly name: string;
  /**
   * Made when its data directory was, and lost with it: a node that comes back under the name with another identity
   * has lost its disk, or is a second one of that name. Empty where it does not matter.
   */
  readonly identity: string;
  /**
   * It has taken the place of a member of this name whose data is gone: it has no vote on a slot before it has synced
   * it from the other replicas. It keeps track of that itself; this only says that it must.
   */
  readonly mustSync?: boolean;
  /** Where peers and clients reach it, `host:port`. */
  readonly address: string;
  /** Relative capacity, 0 to 100; 1 is usual. 0 owns nothing and coordinates only. */
  readonly weight: number;
  /** Failure domain; replicas of a key are put in different zones while there are enough. */
  readonly zone: string;
}

export interface ClusterConfig {
  /** Made by the first node; keeps nodes of different clusters apart. */
  readonly clusterId: string;
  /** Starts at 1; grows by one with every change. */
  readonly epoch: number;
  /** N: how many replicas each key should have. */
  readonly replicas: number;
  /** R, or 0 for a majority of the replicas that a key really has. */
  readonly readQuorum: number;
  /** W, or 0 for a majority of the replicas that a key really has. */
  readonly writeQuorum: number;
  /** In the order of joining; the first one admits the others. */
  readonly members: readonly Member[];
}

/** Most replicas that can be asked for. */
export const REPLICAS_MAX = 7;
export const WEIGHT_MAX = 100;
const NAME_PATTERN = /^[A-Za-z0-9._-]{1,64}$/;
const ADDRESS_PATTERN = /^(\[[0-9A-Fa-f:.]+\]|[^\s:[\]]+):(\d{1,5})$/;

/** N as it is: never more than the members that own data. */
export function effectiveReplicas(config: ClusterConfig): number {
  return Math.min(config.replicas, config.members.filter((member) => member.weight > 0).length);
}

export function majority(replicas: number): number {
  return Math.floor(replicas / 2) + 1;
}

/** R as it is: the configured one, within the replicas there are, or their majority. */
export function effectiveReadQuorum(config: ClusterConfig): number {
  return effectiveQuorum(config.readQuorum, config);
}

/** W as it is; see {@link effectiveReadQuorum}. */
export function effectiveWriteQuorum(config: ClusterConfig): number {
  return effectiveQuorum(config.writeQuorum, config);
}

/** The member of this name, if there is one. */
export function memberNamed(config: ClusterConfig, name: string): Member | undefined {
  return config.members.find((member) => member.name === name);
}

/**
 * The member that admits new ones: the first to have joined. One node orders all changes, so that two joins at the
 * same moment both take effect; it matters only while the cluster is formed.
 */
export function registrarOf(config: ClusterConfig): Member {
  return config.members[0]!;
}

/** The member that lets in a node of this name: the registrar, or the next in line when it is the one that was lost. */
export function admitterOf(config: ClusterConfig, name: string): Member {
  return config.members.find((member) => member.name !== name) ?? registrarOf(config);
}

function effectiveQuorum(configured: number, config: ClusterConfig): number {
  const replicas = effectiveReplicas(config);
  return configured === 0 ? majority(replicas) : Math.min(configured, replicas);
}

/** What is wrong with a member's name, or undefined. */
export function nameProblem(name: string): string | undefined {
  if (NAME_PATTERN.test(name)) return undefined;
  return `a node's name is 1 to 64 letters, digits, ".", "_" or "-", not ${JSON.stringify(name)}`;
}

/** What is wrong with an address, or undefined. */
export function addressProblem(address: string): string | undefined {
  const port = Number(ADDRESS_PATTERN.exec(address)?.[2] ?? -1);
  if (port >= 0 && port <= 65535) return undefined;
  return `an address is HOST:PORT, as in 127.0.0.1:7400, not ${JSON.stringify(address)}`;
}

/** A configuration from a peer's or disk's MessagePack map; undefined when any part of it is not valid. */
export function parseConfig(body: Body | undefined): ClusterConfig | undefined {
  if (body === undefined) return undefined;
  const clusterId = stringField(body, 'clusterId');
  const epoch = integerField(body, 'epoch', 1, 0xffffffff);
  const replicas = integerField(body, 'replicas', 1, REPLICAS_MAX);
  const readQuorum = integerField(body, 'readQuorum', 0, REPLICAS_MAX);
  const writeQuorum = integerField(body, 'writeQuorum', 0, REPLICAS_MAX);
  const members = parseMembers(arrayField(body, 'members'));
  if (clusterId === undefined || clusterId.length > KEY_BYTES_MAX || epoch === undefined) return undefined;
  if (replicas === undefined || readQuorum === undefined || writeQuorum === undefined) return undefined;
  if (members === undefined || members.length === 0) return undefined;
  return { clusterId, epoch, replicas, readQuorum, writeQuorum, members };
}

/** One member; undefined when any field is missing or out of range. */
export function parseMember(body: Body | undefined): Member | undefined {
  if (body === undefined) return undefined;
  const name = stringField(body, 'name');
  const address = stringField(body, 'address');
  const zone = stringField(body, 'zone');
  const weight = body.weight;
  if (name === undefined || address === undefined || zone === undefined || zone.length > 64) return undefined;
  if (nameProblem(name) !== undefined || addressProblem(address) !== undefined) return undefined;
  if (typeof weight !== 'number' || !(weight >= 0 && weight <= WEIGHT_MAX)) return undefined;
  const identity = stringField(body, 'identity') ?? '';
  if (identity.length > 64) return undefined;
  const member = { name, identity, address, weight, zone };
  return body.mustSync === true ? { ...member, mustSync: true } : member;
}

function parseMembers(items: readonly unknown[] | undefined): Member[] | undefined {
  const members: Member[] = [];
  const names = new Set<string>();
  for (const item of items ?? []) {
    const member = parseMember(mapField({ item }, 'item'));
    if (member === undefined || names.has(member.name)) return undefined;
    names.add(member.name);
    members.push(member);
  }
  return members;
}
