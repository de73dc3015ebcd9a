/**
 * The failure detector at work in a node: over the links to the peers, with the incarnation in the node's storage. It
 * marks links whose member is under suspicion, logs every change, and says what the status shows.
 */

import { FailureDetector, type MemberChange } from '../membership/failure-detector.js';
import { StoredIncarnation } from '../membership/incarnation.js';
import { type Claim, INCARNATION_MAX, type MemberState } from '../membership/member-claim.js';
import type { Clock } from '../ports/clock.js';
import type { Log } from '../ports/log.js';
import { INCARNATION_KEY } from '../storage/keyspace.js';
import { GOSSIP, PROBE, PROBE_REQUEST, PUSH_PULL } from '../wire/message-type.js';
import type { BackgroundWork } from './background.js';
import type { PeerLink } from './peer-link.js';
import type { Peers } from './peers.js';
import type { NodePorts, Running } from './running.js';

/** What the detector holds true of one member. */
export interface MemberView {
  readonly state: MemberState;
  readonly incarnation: number;
  /** For how long it has been in this state. */
  readonly sinceMs: number;
}

export class FailureDetection implements BackgroundWork {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #peers: Peers;
  readonly #running: Running;
  readonly #detector: FailureDetector;

  constructor(running: Running, ports: NodePorts, name: string) {
    const { clock, random, engine, log } = ports;
    const { committer, state, peers, calls } = running;
    this.#clock = clock;
    this.#log = log;
    this.#peers = peers;
    this.#running = running;
    const stored = new StoredIncarnation(
      {
        read: () => engine.getSync(INCARNATION_KEY),
        write: (value, done) => committer.putDurable(INCARNATION_KEY, value, done),
      },
      log,
    );
    const detector = new FailureDetector({
      name,
      identity: state.identity.id,
      clock,
      random,
      links: peers,
      incarnation: stored.next(),
      onIncarnation: (incarnation) => this.#onIncarnation(stored, incarnation),
      onChange: (change) => this.#onChange(change),
      onImplausible: (claim, from) => this.#onImplausible(claim, from),
    });
    this.#detector = detector;
    calls.register(PROBE, (link, body) => detector.onProbe(link.name, body));
    calls.register(PROBE_REQUEST, (link, body) => detector.onProbeRequest(link.name, body));
    calls.register(GOSSIP, (link, body) => detector.onGossip(link.name, body));
    calls.register(PUSH_PULL, (link, body) => detector.onPushPull(link.name, body));
  }

  /** This node's health multiplier: 1 when all is well, up to 8. */
  get health(): number {
    return this.#detector.health.multiplier;
  }

  /** This node's own. */
  get incarnation(): number {
    return this.#detector.incarnation;
  }

  /** Undefined for the node itself and for strangers. */
  view(name: string): MemberView | undefined {
    const record = this.#detector.record(name);
    if (record === undefined) return undefined;
    const { state, incarnation } = record.claim;
    return { state, incarnation, sinceMs: Math.round(this.#clock.monotonicMs() - record.sinceMs) };
  }

  start(): void {
    this.#detector.start();
  }

  stop(): void {
    this.#detector.stop();
  }

  onTick(_nowMs: number, ownLagMs: number): void {
    this.#detector.onLag(ownLagMs);
  }

  onClusterChange(): void {
    this.#detector.update(this.#running.state.config?.members ?? []);
    for (const link of this.#peers.links()) link.isSuspect = this.#isSuspect(link.name);
  }

  onLinkUp(link: PeerLink): void {
    this.#detector.onLinkUp(link.name, !link.isAccepted);
  }

  onLinkDown(link: PeerLink): void {
    this.#detector.onLinkDown(link.name);
  }

  #isSuspect(name: string): boolean {
    const state = this.#detector.record(name)?.claim.state;
    return state === 'suspect' || state === 'faulty';
  }

  #onIncarnation(stored: StoredIncarnation, incarnation: number): void {
    stored.save(incarnation);
    this.#log.info('objected to being taken for failed', { incarnation });
  }

  #onChange({ name, state, incarnation, by }: MemberChange): void {
    const link = this.#peers.get(name);
    if (link !== undefined) link.isSuspect = this.#isSuspect(name);
    if (state === 'faulty') this.#log.warn('member is faulty', { member: name, incarnation });
    else if (state === 'suspect') this.#log.info('member is suspect', { member: name, incarnation, by });
    else this.#log.info('member is alive', { member: name, incarnation });
  }

  #onImplausible({ name, incarnation }: Claim, from: string): void {
    const fields = { member: name, incarnation, from, most: INCARNATION_MAX };
    this.#log.warn('refused an implausible incarnation', fields);
  }
}
