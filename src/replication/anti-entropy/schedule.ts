/**
 * Anti-entropy of one node: builds its hash trees, and compares them with one live peer after another, so that replicas
 * that differ become equal without anybody reading.
 *
 * Every {@link INTERVAL_MS} or so one exchange with the next peer, over the slots that both replicate; each pair is
 * compared from both sides. With few nodes a difference is found within seconds, with thirty within about a minute and a half. When nothing
 * differs, a round is one small question. One exchange at a time: those that others ask for wait for their turn.
 *
 * It holds back: nothing is begun while the storage has failed, while the configuration is being changed, or while this
 * node's event loop is late.
 */
import type { Clock } from '../../ports/clock.js';
import type { Log } from '../../ports/log.js';
import type { Random } from '../../ports/random.js';
import { SLOT_COUNT, type Slot } from '../../ring/slot.js';
import type { TreeBuilder } from '../../storage/tree-builder.js';
import type { Body } from '../../wire/body.js';
import type { Coordinator } from '../coordinator.js';
import type { Placement } from '../peer.js';
import type { Replica } from '../replica.js';
import {
  type ExchangeOptions,
  type ExchangePeer,
  type ExchangePorts,
  type ExchangeResult,
  exchange,
} from './exchange.js';
import { type Pace, Pacer } from './pacer.js';

/** Time between two rounds of one node, in milliseconds, give or take a quarter. */
export const INTERVAL_MS = 5000;
/** Roots that differ are looked at again after this: writes under way have usually arrived everywhere by then. */
export const RECHECK_MS = 250;
/**
 * How much one node moves as the one who asks. Records are bounded because the replica remembers each repair for
 * 10 s, and 100,000 of them at most: two peers may be sending at the same time. 100,000 keys with 1 % difference take a second,
 * 100,000 differing keys under half a minute.
 */
export const PACE: Pace = { recordsPerSecond: 4000, bytesPerSecond: 16 * 1024 * 1024 };
/** A loop that is later than this has enough to do. */
const LAG_MS_MAX = 200;
/** Rounds in which a slot's trees differ though its keys do not, before its tree is built anew. */
const DOUBTS_MAX = 3;
/** What a millisecond adds to where a round begins: the golden ratio spreads even moments that are close to each other. */
const START_STEP = 0.618;
/** Slots of a repair between two reports. */
const REPAIR_SLOTS = 256;

/** A peer as the schedule sees it. */
export interface AntiEntropyPeer extends ExchangePeer {
  readonly isLive: boolean;
}

export interface AntiEntropyOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly ports: Omit<ExchangePorts, 'pacer'>;
  readonly builder: TreeBuilder;
  readonly replica: Replica;
  readonly coordinator: Coordinator;
  readonly peers: () => Iterable<AntiEntropyPeer>;
  /** This peer has everything now that is in the log here of these slots. */
  readonly onBrought: (peer: string, slots: readonly Slot[]) => void;
}

export interface RepairProgress {
  readonly peer: string;
  /** Of those that this node shares with this peer. */
  readonly slotsDone: number;
  readonly slots: number;
  /** Over all peers so far. */
  readonly slotsDiffering: number;
  readonly keysFetched: number;
  readonly keysSent: number;
  readonly bytesMoved: number;
}

export interface RepairResult extends Omit<RepairProgress, 'peer' | 'slotsDone' | 'slots'> {
  /** The peers that were compared with. */
  readonly peers: readonly string[];
  /** Slots that some peer could not be brought in step with. */
  readonly slotsFailed: number;
  /** What kept it from being complete, one sentence for each peer. */
  readonly problems: readonly string[];
}

export class AntiEntropy {
  readonly #options: AntiEntropyOptions;
  readonly #pacer: Pacer;
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #nextMs = Infinity;
  #lastPeer = '';
  /** Slots that both replicate, by peer, under this placement. */
  readonly #shared = new Map<string, readonly Slot[]>();
  #sharedUnder: Placement | undefined;
  readonly #doubts = new Map<Slot, number>();
  readonly #divergent = new Set<Slot>();
  #lastRound: Body | null = null;
  readonly #totals = { rounds: 0, slotsDiffering: 0, keysFetched: 0, keysSent: 0, bytes: 0, treesDoubted: 0 };

  constructor(options: AntiEntropyOptions) {
    this.#options = options;
    this.#pacer = new Pacer(options.clock, PACE);
  }

  start(): void {
    // Trees are built from the next tick on: by then there are usually links, over which what is found corrupt is mended.
    this.#plan(0.5);
  }

  onTick(nowMs: number, ownLagMs: number): void {
    if (this.#pacer.isStopped) return;
    this.#options.builder.wake();
    if (nowMs < this.#nextMs || this.#waiting > 0 || !this.#mayBegin(ownLagMs)) return;
    this.#plan(1);
    const peer = this.#nextPeer();
    if (peer !== undefined) void this.#round(peer);
  }

  async stop(): Promise<void> {
    this.#pacer.stop();
    await this.#options.builder.stop();
    await this.#tail;
  }

  /**
   * One exchange, as soon as those before it have ended; never rejects. The rate limit is shared by all exchanges that
   * this node begins.
   */
  exchange(
    peer: ExchangePeer,
    slots: readonly Slot[],
    options: ExchangeOptions = {},
  ): Promise<ExchangeResult> {
    const ports = { ...this.#options.ports, pacer: this.#pacer };
    this.#waiting++;
    const result = this.#tail.then(() => exchange(ports, peer, slots, options));
    this.#tail = result.finally(() => {
      this.#waiting--;
    });
    return result.then((done) => {
      if (options.direction !== 'pull') this.#options.onBrought(peer.name, done.completed);
      this.#account(slots, done);
      return done;
    });
  }

  /**
   * Brings this node's replicas of some slots (all of them unless told) in step with those of every live peer, now.
   * Reports after every few hundred slots.
   */
  async repair(
    slots: readonly Slot[] | undefined,
    onProgress: (progress: RepairProgress) => void = () => {},
  ): Promise<RepairResult> {
    const sum = { slotsDiffering: 0, keysFetched: 0, keysSent: 0, bytesMoved: 0 };
    const problems: string[] = [];
    const peers: string[] = [];
    const failed = new Set<Slot>();
    for (const peer of this.#livePeers()) {
      const shared = this.#sharedWith(peer.name).filter(
        (slot) => slots === undefined || slots.includes(slot),
      );
      if (shared.length === 0) continue;
      peers.push(peer.name);
      for (let at = 0; at < shared.length; at += REPAIR_SLOTS) {
        const some = shared.slice(at, at + REPAIR_SLOTS);
        const result = await this.exchange(peer, some, { unbuilt: 'list' });
        sum.slotsDiffering += result.slotsDiffering;
        sum.keysFetched += result.keysFetched;
        sum.keysSent += result.keysSent;
        sum.bytesMoved += result.bytesMoved;
        const completed = new Set(result.completed);
        for (const slot of some) if (!completed.has(slot)) failed.add(slot);
        onProgress({ ...sum, peer: peer.name, slotsDone: at + some.length, slots: shared.length });
        if (result.problem === undefined) continue;
        problems.push(`${peer.name}: ${result.problem}`);
        break;
      }
    }
    return { ...sum, peers, slotsFailed: failed.size, problems };
  }

  /** For the status of the node. Times are milliseconds since 1970. */
  status(): Body {
    const { builder, ports } = this.#options;
    const own = this.#ownSlots();
    const built = own.filter((slot) => ports.trees.isBuilt(slot));
    const divergent = built.filter((slot) => this.#divergent.has(slot)).length;
    return {
      lastRound: this.#lastRound,
      totals: { ...this.#totals },
      slots: {
        replicated: own.length,
        inSync: built.length - divergent,
        divergent,
        unbuilt: own.length - built.length,
      },
      trees: {
        bytes: ports.trees.bytes,
        building: builder.isBusy,
        slotsBuilt: builder.builtSlots,
        recordsRead: builder.recordsRead,
        slotsWaiting: builder.restingSlots,
      },
    };
  }

  async #round(peer: AntiEntropyPeer): Promise<void> {
    const { clock, ports, log } = this.#options;
    const slots = this.#sharedWith(peer.name).filter((slot) => ports.trees.isBuilt(slot));
    if (slots.length === 0) return;
    const startedMs = clock.monotonicMs();
    // Different for each round of each node, so that two which help a third one begin at different ends.
    const startAt = (this.#options.clock.monotonicMs() * START_STEP) % 1;
    const result = await this.exchange(peer, slots, { recheckMs: RECHECK_MS, startAt });
    const { keysFetched, keysSent, slotsDiffering, bytesMoved, problem } = result;
    this.#totals.rounds++;
    this.#lastRound = {
      at: Math.round(clock.wallMs()),
      peer: peer.name,
      slots: slots.length,
      slotsDiffering,
      keysFetched,
      keysSent,
      bytes: bytesMoved,
      tookMs: Math.round(clock.monotonicMs() - startedMs),
      problem: problem ?? null,
    };
    this.#judge(new Set(result.doubtful));
    if (problem !== undefined) log.debug('an exchange ended early', { peer: peer.name, problem });
    if (keysFetched + keysSent > 0) {
      log.info('replicas differed', { peer: peer.name, slots: slotsDiffering, keysFetched, keysSent });
    }
  }

  /** Builds a tree anew when it differs from others time and again although the keys do not. */
  #judge(doubtful: ReadonlySet<Slot>): void {
    for (const slot of this.#doubts.keys()) if (!doubtful.has(slot)) this.#doubts.delete(slot);
    for (const slot of doubtful) {
      const doubts = (this.#doubts.get(slot) ?? 0) + 1;
      this.#doubts.set(slot, doubts);
      if (doubts < DOUBTS_MAX) continue;
      this.#doubts.delete(slot);
      this.#totals.treesDoubted++;
      this.#options.ports.trees.forget(slot);
    }
  }

  #account(slots: readonly Slot[], result: ExchangeResult): void {
    this.#totals.slotsDiffering += result.slotsDiffering;
    this.#totals.keysFetched += result.keysFetched;
    this.#totals.keysSent += result.keysSent;
    this.#totals.bytes += result.bytesMoved;
    const asked = new Set(slots);
    if (this.#divergent.size > 0) for (const slot of result.completed) this.#divergent.delete(slot);
    for (const slot of result.failed) if (asked.has(slot)) this.#divergent.add(slot);
  }

  #mayBegin(ownLagMs: number): boolean {
    const { ports, replica } = this.#options;
    return !ports.committer.isFailed && replica.frozenBecause === undefined && ownLagMs <= LAG_MS_MAX;
  }

  #plan(fraction: number): void {
    const jitter = 0.75 + this.#options.random.next() / 2;
    this.#nextMs = this.#options.clock.monotonicMs() + INTERVAL_MS * fraction * jitter;
  }

  #livePeers(): AntiEntropyPeer[] {
    return [...this.#options.peers()].filter(({ isLive }) => isLive);
  }

  /** The live peer whose name comes next: each has its turn, whoever comes and goes. */
  #nextPeer(): AntiEntropyPeer | undefined {
    const live = this.#livePeers().sort((a, b) => (a.name < b.name ? -1 : 1));
    const next = live.find(({ name }) => name > this.#lastPeer) ?? live[0];
    this.#lastPeer = next?.name ?? '';
    return next;
  }

  #ownSlots(): Slot[] {
    return this.#slotsWhere((owners) => owners.some(({ isSelf }) => isSelf));
  }

  /** Found once for each placement: it takes a look at every slot. */
  #sharedWith(peer: string): readonly Slot[] {
    const { placement } = this.#options.coordinator;
    if (placement !== this.#sharedUnder) this.#shared.clear();
    this.#sharedUnder = placement;
    const known = this.#shared.get(peer);
    if (known !== undefined) return known;
    const shared = this.#slotsWhere(
      (owners) => owners.some(({ isSelf }) => isSelf) && owners.some(({ name }) => name === peer),
    );
    this.#shared.set(peer, shared);
    return shared;
  }

  #slotsWhere(isWanted: (owners: readonly { isSelf: boolean; name: string }[]) => boolean): Slot[] {
    const { placement } = this.#options.coordinator;
    const slots: Slot[] = [];
    for (let slot = 0; slot < SLOT_COUNT; slot++) {
      if (isWanted(placement.owners(slot))) slots.push(slot as Slot);
    }
    return slots;
  }
}
