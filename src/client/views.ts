/** What an operator asks the cluster: the ring, a node's status, a key's owners; as plain objects. */
import { type ClusterConfig, parseConfig } from '../membership/cluster-config.js';
import { MEMBERS_MAX } from '../ring/ring.js';
import { SLOT_COUNT } from '../ring/slot.js';
import { arrayField, type Body, integerField, mapField, stringField } from '../wire/body.js';
import type { Frame } from '../wire/frame.js';
import { readResult } from './replies.js';

/** The cluster's configuration, as one node has it. */
export interface RingView extends ClusterConfig {
  /** Names of the members that the node which answered believes to live, itself included. */
  readonly live: readonly string[];
  /** The name of the node that answered. */
  readonly self: string;
}

/** A node's own account of itself; what is in it depends on its version. */
export type StatusView = Readonly<Record<string, unknown>>;

/** Where a key lives. */
export interface OwnersView {
  /** 0 to 4095. */
  readonly slot: number;
  /** The key's 64-bit hash in hex. */
  readonly hash: string;
  /** The preference list: first the one that is asked first. */
  readonly owners: readonly { readonly name: string; readonly address: string; readonly live: boolean }[];
}

/** What a repair has done. */
export interface RepairView {
  /** Slots that the node keeps, of those it was asked for. */
  readonly slots: number;
  /** The live peers that they were compared with. */
  readonly peers: readonly string[];
  /** Peers that keep some of these slots, and could not be compared with because they are down. */
  readonly missing: readonly string[];
  /** Slots that differed, each counted once for every peer. */
  readonly slotsDiffering: number;
  /** Slots that some peer could not be brought in step with. */
  readonly slotsFailed: number;
  /** Records that came from the peers, and that went to them. */
  readonly keysFetched: number;
  readonly keysSent: number;
  /** In both directions, about; comparing included. */
  readonly bytesMoved: number;
  readonly tookMs: number;
  /** What kept it from being complete, one sentence for each peer. */
  readonly problems: readonly string[];
}

/** The answer to RING. */
export interface RingAnswer {
  readonly config: ClusterConfig;
  /** Names of the members that the node believes to live. */
  readonly live: readonly string[];
  readonly self: string;
}

export function readRing(frame: Frame): RingAnswer | undefined {
  const body = readResult(frame);
  const config = parseConfig(body);
  if (body === undefined || config === undefined || config.members.length > MEMBERS_MAX) return undefined;
  const live = arrayField(body, 'live');
  const self = stringField(body, 'self');
  if (live === undefined || self === undefined) return undefined;
  return { config, live: live.filter((name) => typeof name === 'string'), self };
}

export function ringView({ config, live, self }: RingAnswer): RingView {
  return { ...config, live, self };
}

export function readOwners(frame: Frame): OwnersView | undefined {
  const body = readResult(frame);
  if (body === undefined) return undefined;
  const slot = integerField(body, 'slot', 0, SLOT_COUNT - 1);
  const hash = stringField(body, 'hash');
  const items = arrayField(body, 'owners');
  if (slot === undefined || hash === undefined || items === undefined) return undefined;
  const owners = items.map((item) => parseOwner(mapField({ item }, 'item')));
  return owners.every((owner) => owner !== undefined) ? { slot, hash, owners } : undefined;
}

function parseOwner(body: Body | undefined): OwnersView['owners'][number] | undefined {
  if (body === undefined) return undefined;
  const name = stringField(body, 'name');
  const address = stringField(body, 'address');
  if (name === undefined || address === undefined || typeof body.live !== 'boolean') return undefined;
  return { name, address, live: body.live };
}

export function readLogLevel(frame: Frame): string | undefined {
  const body = readResult(frame);
  return body === undefined ? undefined : stringField(body, 'level');
}

export function readRepair(frame: Frame): RepairView | undefined {
  const body = readResult(frame);
  if (body === undefined) return undefined;
  const count = (name: string): number => integerField(body, name, 0, Number.MAX_SAFE_INTEGER) ?? 0;
  const texts = (name: string): string[] =>
    (arrayField(body, name) ?? []).filter((item): item is string => typeof item === 'string');
  if (arrayField(body, 'peers') === undefined) return undefined;
  return {
    slots: count('slots'),
    peers: texts('peers'),
    missing: texts('missing'),
    slotsDiffering: count('slotsDiffering'),
    slotsFailed: count('slotsFailed'),
    keysFetched: count('keysFetched'),
    keysSent: count('keysSent'),
    bytesMoved: count('bytesMoved'),
    tookMs: count('tookMs'),
    problems: texts('problems'),
  };
}
