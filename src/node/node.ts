/**
 * A node: composes storage, replica, coordinator, membership and the links, over the ports it is given. `kvd` runs it on
 * the real ones, the simulator on its own.
 *
 * States: made → starting (opens its storage, listens, founds or joins or remembers a cluster) → serving → stopped.
 */
import { definite } from '../base/errors.js';
import { Admission } from '../membership/admission.js';
import { type ClusterConfig, type Member, memberNamed } from '../membership/cluster-config.js';
import { ClusterState, loadIdentity } from '../membership/cluster-state.js';
import { HEARTBEAT_INTERVAL_MS } from '../membership/heartbeat.js';
import { join } from '../membership/joining.js';
import type { Timer } from '../ports/clock.js';
import type { Listener } from '../ports/network.js';
import { Coordinator } from '../replication/coordinator.js';
import { Hints } from '../replication/hints.js';
import type { ReplicaPeer } from '../replication/peer.js';
import { Replica } from '../replication/replica.js';
import { UnsyncedSlots } from '../replication/unsynced-slots.js';
import { WrittenBack } from '../replication/written-back.js';
import { buildRing } from '../ring/ring.js';
import { GroupCommitter } from '../storage/group-committer.js';
import { HintStore } from '../storage/hint-store.js';
import { CLOCK_KEY } from '../storage/keyspace.js';
import { RecordCache } from '../storage/record-cache.js';
import { RecordStore } from '../storage/record-store.js';
import { SlotFloors } from '../storage/slot-floors.js';
import { openTrees, writeCheckpoint } from '../storage/tree-checkpoint.js';
import { HybridClock } from '../version/hybrid-clock.js';
import { versionNode } from '../version/version.js';
import { Flusher } from '../wire/outbox.js';
import { askOnce } from './ask-once.js';
import { type BackgroundWork, backgroundWork } from './background.js';
import { CorruptRecovery } from './corrupt-recovery.js';
import { gaugesOf } from './gauges.js';
import { Inbound } from './inbound.js';
import { beginRun, endRun } from './last-run.js';
import type { LinkContext } from './link-context.js';
import type { NodeOptions } from './options.js';
import { encodeBound, metaStorage, readBound } from './own-notes.js';
import { PeerCalls } from './peer-calls.js';
import { Peers } from './peers.js';
import { NOWHERE, placementOf } from './placement.js';
import { randomId } from './random-id.js';
import { recordCheck } from './record-check.js';
import type { NodePorts, Running } from './running.js';
import { SelfPeer } from './self-peer.js';

/** How long a node that stops waits for the requests that it has begun. */
const DRAIN_MS = 1000;
/** How often inbound connections are looked at for frames that are never finished. */
const STUCK_CHECK_MS = 10_000;
/** How long a join's answer may take: it waits for the joins before it. */
const JOIN_ANSWER_MS = 20_000;
/** A clock that cannot issue versions keeps the node from serving; it is looked at this often. */
const READY_CHECK_MS = 5;

export class QuoralNode {
  readonly options: NodeOptions;
  /** A client has sent SHUTDOWN. */
  onStopRequested: () => void = () => void this.stop().catch((error) => this.#warn(error));
  readonly #ports: NodePorts;
  readonly #flusher: Flusher;
  #inbound: Inbound | undefined;
  #running: Running | undefined;
  #listener: Listener | undefined;
  #tick: Timer | undefined;
  #endPause: (() => void) | undefined;
  #background: readonly BackgroundWork[] = [];
  #isStopped = false;
  #isGoingHome = false;

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
    const inbound = this.#inboundOf(running);
    this.#inbound = inbound;
    this.#listener = await this.#ports.network.listen(this.options.listen, (c) => inbound.accept(c));
    const startedMs = clock.monotonicMs();
    this.#tick = clock.setTimer(HEARTBEAT_INTERVAL_MS, () => this.#onTick(startedMs));
    await this.#becomeMember(running);
    if (!this.#isStopped) for (const work of this.#background) work.start?.();
    while (!running.hybridClock.ready && !this.#isStopped) {
      await this.#pause(READY_CHECK_MS);
    }
  }

  #inboundOf(running: Running): Inbound {
    return new Inbound({
      options: this.options,
      ports: this.#ports,
      running,
      flusher: this.#flusher,
      address: () => this.address,
      onCalledHome: (seed) => void this.#onCalledHome(seed).catch((e) => this.#warn(e)),
      onStopRequested: () => this.onStopRequested(),
    });
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

  /** How full its queues and tables are; undefined before it has any. */
  gauges(): Readonly<Record<string, number>> | undefined {
    return this.#running === undefined ? undefined : gaugesOf(this.#running, this.#inbound?.outboxBytes ?? 0);
  }

  /** Ends requests, connections and storage in good order. What was acknowledged is in the log, and synced. */
  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    if (this.#tick !== undefined) this.#ports.clock.clearTimer(this.#tick);
    this.#endPause?.();
    await this.#listener?.close();
    await this.#running?.coordinator.drain(DRAIN_MS);
    for (const work of this.#background) await work.stop?.();
    this.#running?.coordinator.close();
    this.#running?.peers.close();
    this.#inbound?.end();
    const { committer, trees } = this.#running ?? {};
    await committer?.close(() => {
      writeCheckpoint(trees!, committer);
      endRun(committer);
    });
    await this.#ports.engine.close();
    this.#inbound?.destroy();
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
    const hasLostPower = await beginRun(
      engine,
      committer,
      this.#ports.bootId,
      options.fsync,
      randomId(random),
    );
    const hasLostWrites = hasLostPower || engine.hasDroppedWrites === true;
    const hybridClock = new HybridClock({
      clock,
      storedBound: readBound(engine.getSync(CLOCK_KEY)),
      persist: (bound, done) => committer.putDurable(CLOCK_KEY, encodeBound(bound), done),
    });
    const cache = new RecordCache({ bytes: options.cacheBytes });
    const store = new RecordStore({ clock, engine, committer, cache, log });
    const recovery = new CorruptRecovery(clock, log);
    const unsynced = new UnsyncedSlots();
    const floors = new SlotFloors();
    await floors.load(engine);
    const trees = await openTrees(engine, committer, store);
    const replica = new Replica({
      clock,
      store,
      unsynced,
      floors,
      trees,
      committer,
      writtenBack: new WrittenBack(clock, !isNew),
      onCorrupt: (key) => recovery.onFound(key),
    });
    const self = new SelfPeer(options.name, options.listen, replica);
    const hints = new Hints(new HintStore({ engine, committer, hasher, hintsMax: options.hintsMax }));
    const coordinator = new Coordinator({
      clock,
      random,
      hybridClock,
      replica,
      hints,
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
      unsynced,
      floors,
      trees,
      hasLostWrites,
      replica,
      hints,
      self,
      coordinator,
      state,
      peers,
      admission,
    };
    const calls = new PeerCalls({ ...parts, log });
    const links = this.#linkContext(parts, calls);
    return {
      ...parts,
      calls,
      links,
      antiEntropy: undefined,
      sync: undefined,
      collector: undefined,
      detection: undefined,
      ring: undefined,
    };
  }

  #linkContext(
    parts: Pick<Running, 'hybridClock' | 'coordinator' | 'replica' | 'hints' | 'state' | 'admission'>,
    calls: PeerCalls,
  ): LinkContext {
    const { clock, random, network, log } = this.#ports;
    const { hybridClock, coordinator, replica, hints, state, admission } = parts;
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
      hints,
      epoch: () => state.epoch,
      hello: (member) => calls.hello(this.options.software, this.address, member),
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
    const me = this.#asMember(running);
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
    await state.adopt(options.join.length === 0 ? this.#newCluster(me) : await this.#join(me, options.join));
  }

  #asMember({ state }: Running): Member {
    const { name, weight, zone } = this.options;
    return { name, identity: state.identity.id, address: this.address, weight, zone };
  }

  #newCluster(me: Member): ClusterConfig {
    const { replicas, readQuorum, writeQuorum } = this.options;
    const clusterId = randomId(this.#ports.random);
    return { clusterId, epoch: 1, replicas, readQuorum, writeQuorum, members: [me] };
  }

  #join(member: Member, seeds: readonly string[]): Promise<ClusterConfig> {
    const { clock, network, log } = this.#ports;
    let lastReason = '';
    return join({
      seeds,
      member,
      ask: (address, body) =>
        askOnce({ clock, network, flusher: this.#flusher }, address, body, JOIN_ANSWER_MS, (giveUp) => {
          this.#endPause = giveUp;
        }),
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
    if (memberNamed(config, this.options.name)?.identity !== running.state.identity.id)
      return this.#onReplaced();
    const ring = buildRing(config.members, config.replicas, this.#ports.hasher);
    running.ring = { ring, epoch: config.epoch };
    running.peers.update(config, this.options.name, running.links);
    const members = config.members.map(
      (member): ReplicaPeer => running.peers.get(member.name) ?? running.self,
    );
    running.coordinator.setPlacement(placementOf(config, ring, members));
    for (const work of this.#background) work.onClusterChange?.();
  }

  /** Another node has taken the place of this one, which seemed lost: it has no say any more. */
  #onReplaced(): void {
    const { name } = this.options;
    this.#ports.log.error('another data directory has taken the place of this node; stop it', { name });
    this.#running!.coordinator.setPlacement(NOWHERE);
  }

  /**
   * This node has founded a cluster, and a member of another one takes it for a member of its own: it is a founder that
   * has lost its data. It goes back there, unless it holds data of its new cluster by now.
   */
  async #onCalledHome(seed: string): Promise<void> {
    const { log } = this.#ports;
    const running = this.#running!;
    if (running.state.config?.members.length !== 1 || this.#isGoingHome) return;
    this.#isGoingHome = true;
    // Whatever is asked of it from now on, it would answer without what it has lost.
    running.coordinator.setPlacement(NOWHERE);
    if (!(await running.store.isEmpty())) {
      const message =
        'this node is a member of another cluster, has lost its data, and holds records of a new cluster';
      return log.error(`${message}: it refuses requests; empty its data directory and start it with --join`, {
        seed,
      });
    }
    log.warn('this node is a member of a cluster, and has lost its data: it joins again', { seed });
    await running.state.leave();
    running.ring = undefined;
    await running.state.adopt(await this.#join(this.#asMember(running), [seed]));
  }

  #onStorage(state: 'open' | 'failed'): void {
    const running = this.#running;
    if (running === undefined) return;
    if (state === 'open') return void running.admission.onStorageOpen().catch((e) => this.#warn(e));
    // What was queued may be lost: nothing in memory can be trusted to be in the log.
    running.store.forgetMemory();
    running.hints.store.forgetMemory();
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
    if (Math.floor(now / STUCK_CHECK_MS) !== Math.floor(dueSinceMs / STUCK_CHECK_MS))
      this.#inbound?.lookForStuck();
    this.#tick = clock.setTimer(HEARTBEAT_INTERVAL_MS, () => this.#onTick(now));
  }

  #warn(error: unknown): void {
    this.#ports.log.warn('background work failed', { error: String(error) });
  }
}
