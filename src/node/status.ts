/** What a node says of itself: what an operator wants to see first. Every field is stable; more may be added. */
import {
  effectiveReadQuorum,
  effectiveReplicas,
  effectiveWriteQuorum,
  type Member,
} from '../membership/cluster-config.js';
import type { Body } from '../wire/body.js';
import type { NodePorts, Running } from './node.js';
import type { NodeOptions } from './options.js';

export interface StatusInput {
  readonly running: Running;
  readonly options: NodeOptions;
  readonly ports: NodePorts;
  readonly address: string;
  readonly uptimeMs: number;
  readonly clients: number;
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
    ...cluster,
    storage: {
      engine: options.storage,
      fsync: options.fsync,
      state: running.committer.isFailed ? 'failed' : 'open',
      cacheRecords: running.store.cachedRecords,
      corruptRecords: running.store.corruptRecords,
    },
    requests: { ...running.coordinator.counters, inFlight: running.coordinator.inFlight },
    connections: {
      clients: input.clients,
      peers: [...running.peers.links()].filter(({ isUp }) => isUp).length,
    },
    cpu: { userUs: usage.userUs, systemUs: usage.systemUs },
    memory: { rssBytes: usage.rssBytes },
  };
}

function stateOf(running: Running): string {
  if (running.committer.isFailed) return 'storage-failed';
  return running.state.config === undefined ? 'joining' : 'serving';
}

function memberStatus(running: Running, member: Member, index: number): Body {
  const link = running.peers.get(member.name);
  const { name, address, weight, zone } = member;
  const share = running.ring?.ring.share(index) ?? 0;
  if (link === undefined) {
    return { name, address, weight, zone, share, state: 'self', rttMs: null, clockOffsetMs: null };
  }
  const isKnown = link.rttMs >= 0;
  return {
    name,
    address,
    weight,
    zone,
    share,
    state: link.isLive ? 'alive' : 'unreachable',
    rttMs: isKnown ? link.rttMs : null,
    clockOffsetMs: isKnown ? link.clockOffsetMs : null,
    problem: link.lastProblem,
  };
}
