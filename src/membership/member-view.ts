/**
 * What one node holds true of all members, itself included: it hears claims, objects to those against itself, and says
 * what is to be passed on. It acts on nothing: the failure detector does, told by `onNews`.
 */
import { GossipQueue } from './gossip-queue.js';
import { type Claim, isPlausible, type MemberState, suspectors } from './member-claim.js';
import { type MemberRecord, MemberTable, type Moment, type Taken } from './member-table.js';
import { transmissionsMax } from './swim-timing.js';

export interface MemberViewOptions {
  /** Of this node. */
  readonly name: string;
  readonly identity: string;
  readonly incarnation: number;
  readonly links: { connection(name: string): 'live' | 'silent' | 'down' };
  readonly moment: () => Moment;
  /** Something about a member is new. @param before its state until now. */
  readonly onNews: (name: string, before: MemberState) => void;
  /** Others take this node for failed. */
  readonly onAccused: () => void;
  /** This node's incarnation has been raised. */
  readonly onIncarnation: (incarnation: number) => void;
  /** An incarnation was refused: the first one for this member. */
  readonly onImplausible: (claim: Claim, from: string) => void;
}

/** Claims in one message; more wait for the next. */
const CLAIMS_MAX = 32;

export class MemberView {
  readonly #options: MemberViewOptions;
  readonly #table = new MemberTable();
  readonly #queue = new GossipQueue();
  /** Members of whom an implausible incarnation has been reported. */
  readonly #reported = new Set<string>();
  #incarnation: number;

  constructor(options: MemberViewOptions) {
    this.#options = options;
    this.#incarnation = options.incarnation;
  }

  /** This node's own. */
  get incarnation(): number {
    return this.#incarnation;
  }

  /** Members, this node among them. */
  get size(): number {
    return this.#table.names().length + 1;
  }

  /** Everybody but this node. */
  names(): string[] {
    return this.#table.names();
  }

  record(name: string): MemberRecord | undefined {
    return this.#table.get(name);
  }

  records(): IterableIterator<MemberRecord> {
    return this.#table.records();
  }

  /** Takes over the members of a configuration. @returns those that are no more what they were. */
  update(members: readonly { readonly name: string; readonly identity: string }[]): string[] {
    const others = members.filter(({ name }) => name !== this.#options.name);
    const gone = this.#table.update(others, this.#options.moment());
    for (const name of gone) {
      this.#queue.remove(name);
      this.#reported.delete(name);
    }
    return gone;
  }

  // Hearing.

  /** @param isExchange from a member's whole table rather than news of the moment: see {@link #softened}. */
  hearAll(claims: readonly Claim[], from: string, isExchange: boolean): void {
    for (const claim of claims) {
      if (claim.name === this.#options.name) this.#hearOfSelf(claim, from);
      else if (claim.name === from && claim.state === 'alive') this.#hearOwnWord(claim);
      else this.hear(this.#softened(this.#known(claim, from), from, isExchange), from);
    }
  }

  hear(claim: Claim, from: string): void {
    this.#onTaken(this.#table.hear(claim, this.#options.moment()), claim, from);
  }

  /** A member has said to this node that it is alive. */
  hearMember(name: string, incarnation: number): void {
    const record = this.#table.get(name);
    if (record !== undefined) this.#hearOwnWord({ ...record.claim, incarnation });
  }

  #hearOwnWord(claim: Claim): void {
    const { name, identity, incarnation } = claim;
    if (this.#table.get(name)?.claim.identity !== identity) return;
    const taken = this.#table.hearFromItself(name, incarnation, this.#options.moment());
    this.#onTaken(taken, claim, name);
  }

  /** A claim with only members among its suspectors. */
  #known(claim: Claim, from: string): Claim {
    if (claim.state !== 'suspect') return claim;
    const isMember = (name: string) => name === this.#options.name || this.#table.get(name) !== undefined;
    const by = claim.by.filter((name) => name !== claim.name && isMember(name));
    return { ...claim, by: suspectors(by.length === 0 ? [from] : by) };
  }

  /**
   * That a member is faulty, said by others of one that is not faulty here, becomes a suspicion when it may be old news or
   * when the member has just been heard: after a partition each side would else condemn the other on the word of the
   * first one to return. The member objects, or it is found out in a moment.
   */
  #softened(claim: Claim, from: string, isExchange: boolean): Claim {
    if (claim.state !== 'faulty' || this.#table.get(claim.name)?.claim.state === 'faulty') return claim;
    const isDoubtful = isExchange || this.#options.links.connection(claim.name) === 'live';
    return isDoubtful ? { ...claim, state: 'suspect', by: [from] } : claim;
  }

  #onTaken({ what, before }: Taken, heard: Claim, from: string): void {
    if (what === 'refused') this.#report(heard, from);
    if (what !== 'news') return;
    this.#queue.add(heard.name);
    this.#options.onNews(heard.name, before);
  }

  /** Somebody speaks of this node. */
  #hearOfSelf(claim: Claim, from: string): void {
    const { identity, onAccused, onIncarnation } = this.#options;
    if (claim.identity !== identity) return;
    if (!isPlausible(this.#incarnation, claim.incarnation)) return this.#report(claim, from);
    const isAccused = claim.state !== 'alive' && claim.incarnation >= this.#incarnation;
    if (!isAccused && claim.incarnation <= this.#incarnation) return;
    // Only a higher incarnation outranks a suspicion (SWIM §4.2). One that others have from an earlier run is taken up.
    this.#incarnation = claim.incarnation + (isAccused ? 1 : 0);
    this.#queue.add(claim.name);
    onIncarnation(this.#incarnation);
    if (isAccused) onAccused();
  }

  #report(claim: Claim, from: string): void {
    if (this.#reported.has(claim.name)) return;
    this.#reported.add(claim.name);
    this.#options.onImplausible(claim, from);
  }

  // Telling.

  get hasNews(): boolean {
    return this.#queue.size > 0;
  }

  /** What goes into the next message; it counts as told. */
  news(): Claim[] {
    const names = this.#queue.take(CLAIMS_MAX, transmissionsMax(this.size));
    return names.flatMap((name) => this.#claimOf(name) ?? []);
  }

  /** News, and first of all what the member itself must know to object (Lifeguard's buddy system). */
  claimsFor(target: string): Claim[] {
    const accusation = this.accusationOf(target);
    return [...accusation, ...this.news().filter((claim) => claim !== accusation[0])];
  }

  /** What is held against a member: one claim or none. */
  accusationOf(target: string): Claim[] {
    const claim = this.#table.get(target)?.claim;
    return claim === undefined || claim.state === 'alive' ? [] : [claim];
  }

  /** All members, this node first. */
  everything(): Claim[] {
    return [this.#own(), ...[...this.#table.records()].map(({ claim }) => claim)];
  }

  #claimOf(name: string): Claim | undefined {
    return name === this.#options.name ? this.#own() : this.#table.get(name)?.claim;
  }

  #own(): Claim {
    const { name, identity } = this.#options;
    return { name, identity, incarnation: this.#incarnation, state: 'alive', by: [] };
  }
}
