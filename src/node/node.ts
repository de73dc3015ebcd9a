/**
 * A node: composes storage, replica, coordinator, membership and the links, over the ports it is given. `kvd` runs it on
 * the real ones, the simulator on its own.
 *
 * States: made → starting (opens its storage, listens, founds or joins or remembers a cluster) → serving → stopped.
 */

import { readU64, viewOf, writeU64 } from '../base/bytes.js';
import { definite } from '../base/errors.js';
import { ClientSession } from '../gateway/client-session.js';
import { Admission } from '../membership/admission.js';
import {
  type ClusterConfig,
  effectiveReadQuorum,
  effectiveWriteQuorum,
  type Member,
  memberNamed,
} from '../membership/cluster-config.js';
import { ClusterState, loadIdentity, type StateStorage } from '../membership/cluster-state.js';
import { HEARTBEAT_INTERVAL_MS } from '../membership/heartbeat.js';
import { join } from '../membership/joining.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import type { Connection, ConnectionHandler, Listener, Network } from '../ports/network.js';
import type { Random } from '../ports/random.js';
import type { StorageEngine } from '../ports/storage-engine.js';
import type { Usage } from '../ports/usage.js';
import { Coordinator } from '../replication/coordinator.js';
import type { Placement, ReplicaPeer } from '../replication/peer.js';
import { Replica } from '../replication/replica.js';
import type { RecordCheck } from '../replication/scan-range.js';
import { WrittenBack } from '../replication/written-back.js';
import type { KeyHasher } from '../ring/hash.js';
import { buildRing, type Ring } from '../ring/ring.js';
import { SLOT_COUNT } from '../ring/slot.js';
import { GroupCommitter } from '../storage/group-committer.js';
import { CLOCK_KEY, CLUSTER_KEY, IDENTITY_KEY } from '../storage/keyspace.js';
import { RecordCache } from '../storage/record-cache.js';
import { RecordStore } from '../storage/record-store.js';
import { HybridClock } from '../version/hybrid-clock.js';
import { versionNode } from '../version/version.js';
import { FrameConnection } from '../wire/frame-connection.js';
import { Flusher } from '../wire/outbox.js';
import { askOnce } from './ask-once.js';
import { type BackgroundWork, backgroundWork } from './background.js';
import { ClientRequests } from './client-requests.js';
import { CorruptRecovery } from './corrupt-recovery.js';
import type { LinkContext } from './link-context.js';
import type { NodeOptions } from './options.js';
import { PeerCalls } from './peer-calls.js';
import { Peers } from './peers.js';
import { recordCheck } from './record-check.js';
import { SelfPeer } from './self-peer.js';

/** The surroundings of a node. */
export interface NodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly network: Network;
  readonly engine: StorageEngine;
  readonly log: Log;
  readonly hasher: KeyHasher;
  readonly usage: () => Usage;
}

/** How often inbound connections are looked at for frames that are never finished. */
const STUCK_CHECK_MS = 10_000;
/** How long a join's answer may take: it waits for the joins before it. */
const JOIN_ANSWER_MS = 20_000;
/** A clock that cannot issue versions keeps the node from serving; it is looked at this often. */
const READY_CHECK_MS = 5;

export class QuoralNode {
  readonly options: NodeOptions;
  readonly #ports: NodePorts;
  readonly #flusher: Flusher;
  readonly #inbound = new Set<FrameConnection>();
  #running: Running | undefined;
  #listener: Listener | undefined;
  #tick: Timer | undefined;
  #endPause: (() => void) | undefined;
  #background: readonly BackgroundWork[] = [];
  #isStopped = false;

  constructor(options: NodeOptions, ports: NodePorts) {
    this.options = options;
    this.#ports = ports;
    this.#flusher = new Flusher(ports.clock);
  }

  /** Where it listens; with port 0 in the options, the one it was given. */
  get address(): string {
    return this.#listener?.address ?? this.options.listen;
  }

  /**
   * Resolves when the node serves: it is a member of a cluster, and its clock is durable.
   * @throws KvError when the storage cannot be opened, the address is taken, or the cluster refuses the node.
   */
  async start(): Promise<void> {
    const { engine, clock } = this.#ports;
    await engine.open();
    const running = await this.#compose();
    this.#running = running;
    this.#background = backgroundWork(running, this.#ports, this.options);
    this.#listener = await this.#ports.network.listen(this.options.listen, (c) => this.#onConnection(c));
    const startedMs = clock.monotonicMs();
    this.#tick = clock.setTimer(HEARTBEAT_INTERVAL_MS, () => this.#onTick(startedMs));
    await this.#becomeMember(running);
    if (!this.#isStopped) for (const work of this.#background) work.start?.();
    while (!running.hybridClock.ready && !this.#isStopped) {
      await this.#pause(READY_CHECK_MS);
    }
  }

  /** Waits, but not beyond `stop`. */
  #pause(milliseconds: number): Promise<void> {
    const { clock } = this.#ports;
    return new Promise((resolve) => {
      const timer = clock.setTimer(milliseconds, resolve);
      this.#endPause = () => {
        clock.clearTimer(timer);
        resolve();
      };
    });
  }

  /** Ends requests, connections and storage in good order. What was acknowledged is in the log, and synced. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (this.#tick !== undefined) this.#ports.clock.clearTimer(this.#tick);
    this.#endPause?.();
    await this.#listener?.close();
    for (const work of this.#background) await work.stop?.();
    this.#running?.coordinator.close();
    this.#running?.peers.close();
    for (const channel of this.#inbound) {
      channel.outbox.flush();
      channel.connection.end();
    }
    await this.#running?.committer.close();
    await this.#ports.engine.close();
    for (const channel of this.#inbound) channel.connection.destroy();
  }

  async #compose(): Promise<Running> {
    const { clock, random, engine, log, hasher } = this.#ports;
    const { options } = this;
    const committer: GroupCommitter = new GroupCommitter({
      engine,
      clock,
      fsync: options.fsync,
      log,
      onStateChange: (state) => this.#onStorage(state),
    });
    const stateStorage = metaStorage(engine, committer);
    const { identity, isNew } = await loadIdentity(stateStorage, options.name, () => randomId(random));
    const hybridClock = new HybridClock({
      clock,
      storedBound: readBound(engine.getSync(CLOCK_KEY)),
      persist: (bound, done) => committer.putDurable(CLOCK_KEY, encodeBound(bound), done),
    });
    const cache = new RecordCache({ bytes: options.cacheBytes });
    const store = new RecordStore({ clock, engine, committer, cache, log });
    const recovery = new CorruptRecovery(clock);
    const replica = new Replica({
      clock,
      store,
      committer,
      writtenBack: new WrittenBack(clock, !isNew),
      onCorrupt: (key) => recovery.begin(key),
    });
    const self = new SelfPeer(options.name, options.listen, replica);
    const coordinator = new Coordinator({
      clock,
      random,
      hybridClock,
      replica,
      self,
      versionNode: versionNode(hasher.hash32(options.name)),
      placement: NOWHERE,
    });
    recovery.attach(coordinator, replica);
    const state: ClusterState = new ClusterState(identity, stateStorage, log, () => this.#onClusterChange());
    const peers = new Peers();
    const admission = new Admission({
      name: options.name,
      state,
      members: peers,
      log,
      isEmpty: () => store.isEmpty(),
    });
    const isSound = recordCheck(hasher, replica);
    const parts = {
      committer,
      hybridClock,
      store,
      isSound,
      replica,
      self,
      coordinator,
      state,
      peers,
      admission,
    };
    const calls = new PeerCalls({ ...parts, log });
    const links = this.#linkContext(parts, calls);
    return { ...parts, calls, links, ring: undefined, sessionOptions: undefined };
  }

  #linkContext(
    parts: Pick<Running, 'hybridClock' | 'coordinator' | 'replica' | 'state' | 'admission'>,
    calls: PeerCalls,
  ): LinkContext {
    const { clock, random, network, log } = this.#ports;
    const { hybridClock, coordinator, replica, state, admission } = parts;
    return {
      name: this.options.name,
      clock,
      random,
      network,
      log,
      flusher: this.#flusher,
      hybridClock,
      coordinator,
      replica,
      epoch: () => state.epoch,
      hello: () => calls.hello(this.options.software),
      welcomeProblem: (member, body) => calls.welcomeProblem(member, body),
      onLinkUp: (link) => {
        void admission.onLinkUp(link.name, link.greetedEpoch).catch((e) => this.#warn(e));
        for (const work of this.#background) work.onLinkUp?.(link);
      },
      onLinkDown: (link) => {
        for (const work of this.#background) work.onLinkDown?.(link);
      },
      onPeerEpoch: (link, epoch) => calls.onPeerEpoch(link, epoch),
      answersCall: (type) => calls.answers(type),
      onCall: (link, type, body) => calls.onCall(link, type, body),
    };
  }

  async #becomeMember(running: Running): Promise<void> {
    const { state } = running;
    const { options } = this;
    const me: Member = {
      name: options.name,
      identity: state.identity.id,
      address: this.address,
      weight: options.weight,
      zone: options.zone,
    };
    if (state.config !== undefined) {
      const stored = memberNamed(state.config, options.name);
      if (stored !== undefined && stored.address !== me.address) {
        const message = `${options.name} is known in its cluster at ${stored.address}: listen there, not on ${me.address}`;
        throw definite('NOT_A_MEMBER', message);
      }
      this.#onClusterChange();
      await running.admission.onStart();
      return;
    }
    await state.adopt(options.join.length === 0 ? this.#newCluster(me) : await this.#join(me));
  }

  #newCluster(me: Member): ClusterConfig {
    const { replicas, readQuorum, writeQuorum } = this.options;
    const clusterId = randomId(this.#ports.random);
    return { clusterId, epoch: 1, replicas, readQuorum, writeQuorum, members: [me] };
  }

  #join(member: Member): Promise<ClusterConfig> {
    const { clock, network, log } = this.#ports;
    let lastReason = '';
    return join({
      seeds: this.options.join,
      member,
      ask: (address, body) =>
        askOnce({ clock, network, flusher: this.#flusher }, address, body, JOIN_ANSWER_MS),
      pause: (milliseconds) => this.#pause(milliseconds),
      onRetry: (seed, reason) => {
        if (reason !== lastReason) log.info('waiting to join', { seed, reason });
        lastReason = reason;
      },
      isStopped: () => this.#isStopped,
    });
  }

  /** The configuration or the freeze has changed: everything that follows from them is made anew. */
  #onClusterChange(): void {
    const running = this.#running;
    const config = running?.state.config;
    if (running === undefined || config === undefined) return;
    running.replica.frozenBecause = running.state.isFrozen
      ? `a member is being admitted (epoch ${config.epoch}); try again`
      : undefined;
    if (running.ring?.epoch === config.epoch) return;
    const ring = buildRing(config.members, config.replicas, this.#ports.hasher);
    running.ring = { ring, epoch: config.epoch };
    running.peers.update(config, this.options.name, running.links);
    const members = config.members.map(
      (member): ReplicaPeer => running.peers.get(member.name) ?? running.self,
    );
    running.coordinator.setPlacement(placementOf(config, ring, members));
    for (const work of this.#background) work.onClusterChange?.();
  }

  #onConnection(connection: Connection): ConnectionHandler {
    const running = this.#running!;
    running.sessionOptions ??= this.#sessionOptions(running);
    const channel = new FrameConnection(connection, this.#flusher, NOBODY, true);
    channel.consumer = new ClientSession(channel, running.sessionOptions);
    channel.onEnded = () => this.#inbound.delete(channel);
    this.#inbound.add(channel);
    return channel;
  }

  #sessionOptions(running: Running): ConstructorParameters<typeof ClientSession>[1] {
    const { clock, hasher } = this.#ports;
    const requests = new ClientRequests({
      options: this.options,
      ports: this.#ports,
      running,
      address: () => this.address,
      connections: () => this.#inbound.size - running.peers.acceptedLinks(),
    });
    return {
      clock,
      hasher,
      coordinator: running.coordinator,
      onOtherFrame: (session, frame) => requests.onFrame(session, frame),
    };
  }

  #onStorage(state: 'open' | 'failed'): void {
    const running = this.#running;
    if (running === undefined) return;
    if (state === 'open') return void running.admission.onStorageOpen().catch((e) => this.#warn(e));
    // What was queued may be lost: nothing in memory can be trusted to be in the log.
    running.store.forgetMemory();
    running.replica.onStorageFailed();
  }

  #onTick(dueSinceMs: number): void {
    const { clock } = this.#ports;
    const now = clock.monotonicMs();
    const running = this.#running!;
    const ownLagMs = now - dueSinceMs - HEARTBEAT_INTERVAL_MS;
    running.hybridClock.tick();
    for (const link of running.peers.links()) link.onTick(now, ownLagMs);
    for (const work of this.#background) work.onTick?.(now, ownLagMs);
    if (Math.floor(now / STUCK_CHECK_MS) !== Math.floor(dueSinceMs / STUCK_CHECK_MS)) this.#endStuck();
    this.#tick = clock.setTimer(HEARTBEAT_INTERVAL_MS, () => this.#onTick(now));
  }

  #endStuck(): void {
    for (const channel of this.#inbound) {
      if (channel.isStuck()) channel.refuse(0, definite('PROTOCOL', 'a frame was begun and never finished'));
    }
  }

  #warn(error: unknown): void {
    this.#ports.log.warn('background work failed', { error: String(error) });
  }
}

/** The parts of a started node. */
export interface Running {
  readonly committer: GroupCommitter;
  readonly hybridClock: HybridClock;
  readonly store: RecordStore;
  readonly isSound: RecordCheck;
  readonly replica: Replica;
  readonly self: SelfPeer;
  readonly coordinator: Coordinator;
  readonly state: ClusterState;
  readonly peers: Peers;
  readonly admission: Admission;
  readonly calls: PeerCalls;
  readonly links: LinkContext;
  ring: { readonly ring: Ring; readonly epoch: number } | undefined;
  sessionOptions: ConstructorParameters<typeof ClientSession>[1] | undefined;
}

/** Before the node is a member: no slot has a replica, and every request is refused. */
const NOWHERE: Placement = { epoch: 0, readQuorum: 1, writeQuorum: 1, owners: () => [] };
const NOBODY = { onFrame(): void {}, onClosed(): void {} };

function placementOf(config: ClusterConfig, ring: Ring, members: readonly ReplicaPeer[]): Placement {
  // Slots with equal preference lists share one array.
  const lists = new Map<readonly number[], readonly ReplicaPeer[]>();
  const bySlot: (readonly ReplicaPeer[])[] = [];
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const indexes = ring.owners(slot);
    let list = lists.get(indexes);
    if (list === undefined) {
      list = indexes.map((index) => members[index]!);
      lists.set(indexes, list);
    }
    bySlot.push(list);
  }
  return {
    epoch: config.epoch,
    readQuorum: effectiveReadQuorum(config),
    writeQuorum: effectiveWriteQuorum(config),
    owners: (slot) => bySlot[slot]!,
  };
}

function metaStorage(engine: StorageEngine, committer: GroupCommitter): StateStorage {
  const keyOf = { identity: IDENTITY_KEY, cluster: CLUSTER_KEY };
  return {
    read: (name) => engine.getSync(keyOf[name]),
    write: (name, value, done) => committer.putDurable(keyOf[name], value, done),
  };
}

function readBound(stored: Uint8Array | undefined): number {
  return stored === undefined || stored.length < 8 ? 0 : readU64(viewOf(stored), 0);
}

function encodeBound(bound: number): Uint8Array {
  const bytes = new Uint8Array(8);
  writeU64(viewOf(bytes), 0, bound);
  return bytes;
}

/** 128 random bits in hex. */
function randomId(random: Random): string {
  return Array.from({ length: 4 }, () => random.u32().toString(16).padStart(8, '0')).join('');
}
