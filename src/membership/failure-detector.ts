/**
 * The failure detector of one node: SWIM with Lifeguard's additions. It probes the members in turn, directly and then
 * through others; a member that answers neither way becomes suspect, and faulty when it does not object in time. What is
 * found out travels with the probes and as gossip, and everything is exchanged whenever a link comes up.
 *
 * It judges members only. It decides neither placement nor where a request may go: the links know that at first hand.
 * A member that is faulty stays a member, is probed again as soon as there is a link to it, and is alive when it says so.
 *
 * It does no I/O of its own, and has one timer. Its clock leaves out the time during which that timer was late: a node
 * that stood still has heard nobody, so nobody's time has run meanwhile.
 */
import { definite, KvError } from '../base/errors.js';
import type { Clock, Timer } from '../ports/clock.js';
import type { Random } from '../ports/random.js';
import type { Body } from '../wire/body.js';
import { GOSSIP, PROBE, PROBE_REQUEST, PUSH_PULL } from '../wire/message-type.js';
import { LocalHealth } from './local-health.js';
import { type Claim, type MemberState, suspectors } from './member-claim.js';
import type { MemberRecord, Moment } from './member-table.js';
import { MemberView } from './member-view.js';
import { Probe } from './probe.js';
import { Rotation } from './rotation.js';
import {
  claimsBody,
  parseClaims,
  parseProbe,
  parseProbeRequest,
  probeBody,
  probeRequestBody,
} from './swim-messages.js';
import * as timing from './swim-timing.js';

/** What the detector needs of the links to the other members. */
export interface MemberLinks {
  /** Rejects at once when there is no link. */
  call(name: string, type: number, body: Body, timeoutMs: number): Promise<Body>;
  /** `live`: it has just been heard. `silent`: connected, but not heard for a moment. */
  connection(name: string): 'live' | 'silent' | 'down';
}

export interface MemberChange {
  readonly name: string;
  readonly state: MemberState;
  readonly before: MemberState;
  readonly incarnation: number;
  /** Who suspects it. */
  readonly by: readonly string[];
}

export interface FailureDetectorOptions {
  readonly name: string;
  readonly identity: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly links: MemberLinks;
  /** To begin with; above that of every earlier run of this node. */
  readonly incarnation: number;
  /** This node's incarnation has been raised: it has objected to an accusation. */
  readonly onIncarnation: (incarnation: number) => void;
  readonly onChange: (change: MemberChange) => void;
  /** An incarnation was refused: the first one for this member. */
  readonly onImplausible: (claim: Claim, from: string) => void;
}

/** A member that this node probes for another one. */
interface Relay {
  readonly dueMs: number;
  /** Says that there was no answer. */
  readonly giveUp: () => void;
}

/** More than what adding and taking away lost time costs in precision. */
const ROUNDING_MS = 0.001;
/** A lost exchange is made up for by the next one. */
const EXCHANGE_TIMEOUT_MS = 5000;

export class FailureDetector {
  readonly health = new LocalHealth();
  readonly #options: FailureDetectorOptions;
  readonly #view: MemberView;
  readonly #probing: Rotation;
  readonly #gossiping: Rotation;
  readonly #probes = new Map<string, Probe>();
  readonly #relays = new Set<Relay>();
  #timer: Timer | undefined;
  #timerDueMs = 0;
  /** Time that does not count, because this node stood still; and up to when that has been looked at. */
  #lostMs = 0;
  #lostUntilMs = 0;
  #nextProbeMs = 0;
  #nextGossipMs = 0;
  #nextExchangeMs = 0;
  #isRunning = false;

  constructor(options: FailureDetectorOptions) {
    this.#options = options;
    this.#view = new MemberView({
      ...options,
      moment: () => this.#moment(),
      onNews: (name, before) => this.#onNews(name, before),
      onAccused: () => this.health.onRefuted(),
    });
    this.#probing = new Rotation(options.random);
    this.#gossiping = new Rotation(options.random);
  }

  /** This node's own. */
  get incarnation(): number {
    return this.#view.incarnation;
  }

  /** What is held true of a member; undefined for the node itself and for strangers. */
  record(name: string): MemberRecord | undefined {
    return this.#view.record(name);
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    const now = this.#nowMs();
    const { random } = this.#options;
    // Nodes that were started together do not probe in step.
    this.#nextProbeMs = now + random.next() * timing.PROBE_INTERVAL_MS;
    this.#nextExchangeMs = now + (0.5 + random.next()) * timing.PUSH_PULL_INTERVAL_MS;
    this.#arm();
  }

  stop(): void {
    this.#isRunning = false;
    if (this.#timer !== undefined) this.#options.clock.clearTimer(this.#timer);
    this.#timer = undefined;
    this.#probes.clear();
    for (const relay of [...this.#relays]) relay.giveUp();
  }

  /** Takes over the members of a configuration; the node itself may be among them. */
  update(members: readonly { readonly name: string; readonly identity: string }[]): void {
    for (const name of this.#view.update(members)) this.#probes.delete(name);
    const names = this.#view.names();
    this.#probing.update(names);
    this.#gossiping.update(names);
  }

  /** How late a timer of this node came, told every so often. */
  onLag(lagMs: number): void {
    if (lagMs <= timing.lateMsMax(this.health.multiplier)) return;
    const now = this.#options.clock.monotonicMs();
    const lost = now - Math.max(now - lagMs, this.#lostUntilMs);
    if (lost <= 0) return;
    this.#lostMs += lost;
    this.#lostUntilMs = now;
    this.#probes.clear(); // Their answers may have come in time and lie unread.
    this.health.onLate();
    this.#arm();
  }

  /** The link to a member has come up. @param isCaller whether it was this side that called. */
  onLinkUp(name: string, isCaller: boolean): void {
    const probe = this.#probes.get(name);
    if (probe !== undefined && !probe.isDirect) this.#askDirectly(probe);
    if (isCaller) this.#exchange(name);
    this.#arm();
  }

  /** The link to a member broke: the best reason to look after it now. */
  onLinkDown(name: string): void {
    this.#probeNow(name);
    this.#arm();
  }

  // What others ask. Each rejects with a KvError when the message is not valid.

  async onProbe(from: string, body: Body): Promise<Body> {
    const { incarnation, claims } = parseProbe(body);
    this.#view.hearMember(from, incarnation);
    this.#view.hearAll(claims, from, false);
    this.#arm();
    return this.#probeBody(from);
  }

  /** Somebody gets no answer from a member: this node tries, and says so if it gets none either. */
  async onProbeRequest(from: string, body: Body): Promise<Body> {
    const { target, timeoutMs, claims } = parseProbeRequest(body);
    if (this.#view.record(target) === undefined)
      throw definite('BAD_REQUEST', `${target} is no other member`);
    this.#view.hearAll(claims, from, false);
    const incarnation = await this.#relay(target, timeoutMs);
    return incarnation === undefined ? { isAnswered: false } : { isAnswered: true, incarnation };
  }

  async onGossip(from: string, body: Body): Promise<Body> {
    this.#view.hearAll(parseClaims(body), from, false);
    this.#arm();
    return {};
  }

  async onPushPull(from: string, body: Body): Promise<Body> {
    this.#view.hearAll(parseClaims(body), from, true);
    this.#arm();
    return claimsBody(this.#view.everything());
  }

  // The schedule.

  #onTimer(): void {
    this.#timer = undefined;
    this.onLag(this.#options.clock.monotonicMs() - this.#timerDueMs);
    // What is due may be missed by a rounding error, which would be due for ever.
    const now = this.#nowMs() + ROUNDING_MS;
    for (const probe of [...this.#probes.values()]) if (probe.dueMs <= now) this.#onProbeDue(probe);
    for (const relay of [...this.#relays]) if (relay.dueMs <= now) relay.giveUp();
    for (const record of [...this.#view.records()])
      if (this.#suspicionEndsMs(record) <= now) this.#condemn(record);
    if (this.#nextProbeMs <= now) this.#probeNext(now);
    if (this.#view.hasNews && this.#nextGossipMs <= now) this.#gossip(now);
    if (this.#nextExchangeMs <= now) this.#exchangeNext(now);
    this.#arm();
  }

  /** Sets the timer for whatever is due next. */
  #arm(): void {
    if (!this.#isRunning) return;
    let due = Math.min(this.#nextProbeMs, this.#nextExchangeMs);
    if (this.#view.hasNews) due = Math.min(due, this.#nextGossipMs);
    for (const probe of this.#probes.values()) due = Math.min(due, probe.dueMs);
    for (const relay of this.#relays) due = Math.min(due, relay.dueMs);
    for (const record of this.#view.records()) due = Math.min(due, this.#suspicionEndsMs(record));
    const { clock } = this.#options;
    const now = clock.monotonicMs();
    const dueMs = Math.max(now, due + this.#lostMs);
    if (this.#timer !== undefined) {
      if (this.#timerDueMs <= dueMs) return;
      clock.clearTimer(this.#timer);
    }
    this.#timerDueMs = dueMs;
    this.#timer = clock.setTimer(dueMs - now, () => this.#onTimer());
  }

  #nowMs(): number {
    return this.#options.clock.monotonicMs() - this.#lostMs;
  }

  #moment(): Moment {
    return { monotonicMs: this.#options.clock.monotonicMs(), detectorMs: this.#nowMs() };
  }

  // Probing.

  #probeNext(now: number): void {
    this.#nextProbeMs = now + timing.probeIntervalMs(this.health.multiplier);
    // A faulty member without a link is not there: the link is dialled again, and tells when it is up.
    const target = this.#probing.next(
      (name) => !this.#probes.has(name) && (this.#stateOf(name) !== 'faulty' || this.#isUp(name)),
    );
    if (target !== undefined) this.#probeNow(target);
  }

  /** @param isConfirming others suspect it already: it is asked in all ways at once. */
  #probeNow(target: string, isConfirming = false): void {
    if (!this.#isRunning || this.#probes.has(target) || this.#view.record(target) === undefined) return;
    const probe = new Probe(target, this.#nowMs(), this.health.multiplier, isConfirming);
    this.#probes.set(target, probe);
    const isUp = this.#isUp(target);
    if (isUp) this.#askDirectly(probe);
    if (!isUp || isConfirming) this.#askOthers(probe);
  }

  #askDirectly(probe: Probe): void {
    const { target } = probe;
    probe.onSent(this.#nowMs());
    const timeoutMs = timing.probeIntervalMs(this.health.multiplier);
    this.#call(target, PROBE, this.#probeBody(target), timeoutMs).then(
      (answer) => this.#onAck(probe, answer),
      (error: unknown) => {
        // Even an error is an answer, unless it comes from this side.
        if (isAnswer(error)) this.#onAlive(probe);
        else if (!probe.isIndirect) this.#askOthers(probe);
      },
    );
  }

  #askOthers(probe: Probe): void {
    if (this.#probes.get(probe.target) !== probe) return;
    const { target } = probe;
    const helpers = this.#helpers(target);
    const { multiplier } = this.health;
    const body = probeRequestBody(target, timing.nackTimeoutMs(multiplier), this.#view.accusationOf(target));
    probe.onAsked(helpers.length);
    for (const helper of helpers) {
      this.#call(helper, PROBE_REQUEST, body, timing.probeIntervalMs(multiplier))
        .then(
          (answer) => this.#onHelperAnswer(probe, answer),
          () => probe.onHelperLost(),
        )
        .finally(() => this.#arm());
    }
    this.#arm();
  }

  #helpers(target: string): string[] {
    const fit = this.#view
      .names()
      .filter((name) => name !== target && this.#stateOf(name) === 'alive' && this.#isUp(name));
    const helpers: string[] = [];
    while (fit.length > 0 && helpers.length < timing.INDIRECT_PROBES) {
      helpers.push(...fit.splice(this.#options.random.below(fit.length), 1));
    }
    return helpers;
  }

  #onHelperAnswer(probe: Probe, answer: Body): void {
    const { isAnswered, incarnation } = answer;
    if (isAnswered !== true) return probe.onNack();
    // It is hearsay, but about what the helper has just been told.
    if (typeof incarnation === 'number' && Number.isSafeInteger(incarnation) && incarnation >= 0) {
      const record = this.#view.record(probe.target);
      if (record !== undefined)
        this.#view.hear({ ...record.claim, incarnation, state: 'alive', by: [] }, probe.target);
    }
    this.#onAlive(probe);
  }

  #onAck(probe: Probe, answer: Body): void {
    this.#onAlive(probe);
    this.#hearAnswer(probe.target, answer);
    this.#arm();
  }

  #onAlive(probe: Probe): void {
    if (this.#probes.get(probe.target) !== probe) return;
    this.#probes.delete(probe.target);
    this.health.onAck();
  }

  #onProbeDue(probe: Probe): void {
    if (!probe.isIndirect) return this.#askOthers(probe);
    this.#probes.delete(probe.target);
    if (probe.asked > 0) this.health.onMissedNacks(probe.asked - probe.nacks - probe.lost);
    else if (probe.isDirect) this.health.onMissedAck();
    const { claim } = this.#view.record(probe.target)!;
    if (claim.state !== 'faulty') {
      this.#view.hear(
        { ...claim, state: 'suspect', by: suspectors([...claim.by, this.#options.name]) },
        this.#options.name,
      );
    }
  }

  /** Probes a member for another node: its incarnation if it answers in time. */
  #relay(target: string, timeoutMs: number): Promise<number | undefined> {
    if (!this.#isRunning || !this.#isUp(target)) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const end = (incarnation: number | undefined): void => {
        if (this.#relays.delete(relay)) resolve(incarnation);
      };
      const relay: Relay = { dueMs: this.#nowMs() + timeoutMs, giveUp: () => end(undefined) };
      this.#relays.add(relay);
      this.#call(target, PROBE, this.#probeBody(target), timeoutMs).then((answer) => {
        this.#hearAnswer(target, answer);
        end(this.#view.record(target)?.claim.incarnation);
        this.#arm();
      }, relay.giveUp);
      this.#arm();
    });
  }

  // Suspicion.

  /** When a member becomes faulty, on the detector's clock; never unless it is suspect. */
  #suspicionEndsMs({ claim, suspectedAtMs }: MemberRecord): number {
    if (claim.state !== 'suspect') return Number.POSITIVE_INFINITY;
    return suspectedAtMs + timing.suspicionMs(this.#view.size, Math.max(0, claim.by.length - 1));
  }

  #condemn({ claim }: MemberRecord): void {
    this.#view.hear({ ...claim, state: 'faulty', by: [] }, this.#options.name);
  }

  // Hearing.

  #hearAnswer(from: string, answer: Body): void {
    try {
      const { incarnation, claims } = parseProbe(answer);
      this.#view.hearMember(from, incarnation);
      this.#view.hearAll(claims, from, false);
    } catch (error) {
      if (!(error instanceof KvError)) throw error; // A malformed answer tells nothing but that somebody answers.
    }
  }

  /** What has changed about a member is acted upon, whoever brought it. */
  #onNews(name: string, before: MemberState): void {
    const { state, incarnation, by } = this.#view.record(name)!.claim;
    // Whatever a running probe finds is about an incarnation that is over.
    if (state === 'alive') this.#probes.delete(name);
    if (state === 'suspect' && !by.includes(this.#options.name)) this.#confirm(name, by);
    if (state !== before) this.#options.onChange({ name, state, before, incarnation, by });
  }

  /** Others suspect a member: this node sees for itself, and tells the member by that. */
  #confirm(name: string, by: readonly string[]): void {
    if (by.length <= timing.confirmationsWanted(this.#view.size)) this.#probeNow(name, true);
  }

  // Telling.

  #gossip(now: number): void {
    this.#nextGossipMs = now + timing.GOSSIP_INTERVAL_MS;
    const told = new Set<string>();
    for (let i = 0; i < timing.GOSSIP_FANOUT && this.#view.hasNews; i++) {
      const target = this.#gossiping.next((name) => this.#isUp(name) && !told.has(name));
      if (target === undefined) return;
      told.add(target);
      const body = claimsBody(this.#view.news());
      this.#call(target, GOSSIP, body, EXCHANGE_TIMEOUT_MS).catch(ignore);
    }
  }

  #exchangeNext(now: number): void {
    this.#nextExchangeMs = now + timing.PUSH_PULL_INTERVAL_MS;
    const linked = this.#view.names().filter((name) => this.#isUp(name));
    if (linked.length > 0) this.#exchange(linked[this.#options.random.below(linked.length)]!);
  }

  /** Tells a member everything, and hears all it knows. */
  #exchange(name: string): void {
    this.#call(name, PUSH_PULL, claimsBody(this.#view.everything()), EXCHANGE_TIMEOUT_MS)
      .then((answer) => {
        this.#view.hearAll(parseClaims(answer), name, true);
        this.#arm();
      })
      .catch(ignore);
  }

  #probeBody(target: string): Body {
    return probeBody(this.#view.incarnation, this.#view.claimsFor(target));
  }

  #call(name: string, type: number, body: Body, timeoutMs: number): Promise<Body> {
    return this.#options.links.call(name, type, body, timeoutMs);
  }

  #stateOf(name: string): MemberState | undefined {
    return this.#view.record(name)?.claim.state;
  }

  #isUp(name: string): boolean {
    return this.#options.links.connection(name) !== 'down';
  }
}

/** Whether a call was answered, if only by a refusal. */
function isAnswer(error: unknown): boolean {
  return error instanceof KvError && error.definite && error.code !== 'CONNECT_FAILED';
}

/** A message that does not come through is repeated by others; a link that is broken says so itself. */
function ignore(): void {}
