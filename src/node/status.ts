/** What a node says of itself: what an operator wants to see first. Every field is stable; more may be added. */
import {
  effectiveReadQuorum,
  effectiveReplicas,
  effectiveWriteQuorum,
  type Member,
  memberNamed,
} from '../membership/cluster-config.js';
import type { Body } from '../wire/body.js';
import type { NodeOptions } from './options.js';
import type { NodePorts, Running } from './running.js';

export interface StatusInput {
  readonly running: Running;
  readonly options: NodeOptions;
  readonly ports: NodePorts;
  readonly address: string;
  readonly uptimeMs: number;
  readonly clients: number;
  /** The repair that an operator has asked for; null when none is under way. */
  readonly repair: Body | null;
}

export function statusOf(input: StatusInput): Body {
  const { running, options, ports } = input;
  const { config } = running.state;
  const usage = ports.usage();
  const cluster =
    config === undefined
      ? {}
      : {
          clusterId: config.clusterId,
          epoch: config.epoch,
          replicas: config.replicas,
          readQuorum: effectiveReadQuorum(config),
          writeQuorum: effectiveWriteQuorum(config),
          effectiveReplicas: effectiveReplicas(config),
          underReplicated: effectiveReplicas(config) < config.replicas,
          members: config.members.map((member, index) => memberStatus(running, member, index)),
        };
  return {
    name: options.name,
    address: input.address,
    software: options.software,
    uptimeMs: Math.round(input.uptimeMs),
    state: stateOf(running),
    health: running.detection?.health ?? 1,
    ...cluster,
    storage: {
      engine: options.storage,
      fsync: options.fsync,
      state: running.committer.isFailed ? 'failed' : 'open',
      cacheRecords: running.store.cachedRecords,
      corruptRecords: running.store.corruptRecords,
    },
    hints: running.hints.status(),
    antiEntropy: { ...running.antiEntropy?.status(), repair: input.repair },
    ...(running.unsynced.count > 0 ? { sync: running.sync?.status() } : {}),
    tombstones: running.collector?.status(),
    requests: { ...running.coordinator.counters, inFlight: running.coordinator.inFlight },
    connections: {
      clients: input.clients,
      peers: [...running.peers.links()].filter(({ isUp }) => isUp).length,
    },
    cpu: { userUs: usage.userUs, systemUs: usage.systemUs },
    memory: { rssBytes: usage.rssBytes },
  };
}

/**
 * In this order: `storage-failed`; `joining` (no member yet); `disowned` (another data directory has taken its name);
 * `syncing` (it has lost data, and has no vote on the slots that it has not got back); `serving`.
 */
function stateOf({ committer, state, unsynced }: Running): string {
  const { config, identity } = state;
  if (committer.isFailed) return 'storage-failed';
  if (config === undefined) return 'joining';
  if (memberNamed(config, identity.name)?.identity !== identity.id) return 'disowned';
  return unsynced.count > 0 ? 'syncing' : 'serving';
}

/**
 * One member. Its `state` is what the failure detector says: alive, suspect or faulty; `unreachable` while the detector has
 * not judged yet, and the link is down or silent. `sinceMs`: for how long the detector has said so.
 */
function memberStatus(running: Running, member: Member, index: number): Body {
  const link = running.peers.get(member.name);
  const { name, address, weight, zone } = member;
  const share = running.ring?.ring.share(index) ?? 0;
  const view = running.detection?.view(name);
  if (link === undefined || view === undefined) {
    const incarnation = running.detection?.incarnation ?? 0;
    const unmeasured = { rttMs: null, clockOffsetMs: null };
    return { name, address, weight, zone, share, state: 'self', incarnation, sinceMs: null, ...unmeasured };
  }
  const isKnown = link.rttMs >= 0;
  return {
    name,
    address,
    weight,
    zone,
    share,
    state: view.state === 'alive' && !link.isLive ? 'unreachable' : view.state,
    incarnation: view.incarnation,
    sinceMs: view.sinceMs,
    rttMs: isKnown ? link.rttMs : null,
    clockOffsetMs: isKnown ? link.clockOffsetMs : null,
    problem: link.lastProblem,
  };
}
