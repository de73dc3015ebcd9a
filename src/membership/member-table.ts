/** What this node holds true of every other member: one record each, kept in step with the cluster configuration. */
import {
  type Claim,
  INCARNATION_JUMP_MAX,
  INCARNATION_MAX,
  isPlausible,
  type MemberState,
  merge,
} from './member-claim.js';

/** A claim, and since when it holds here. */
export interface MemberRecord {
  readonly claim: Claim;
  /** When its state last changed, on the monotonic clock. */
  readonly sinceMs: number;
  /** When the present suspicion began, on the detector's own clock, which leaves out pauses. */
  readonly suspectedAtMs: number;
}

/** How a record took a claim. */
export interface Taken {
  /** `nothing`: it was known, older, or of another identity. `refused`: it cannot be true. */
  readonly what: 'nothing' | 'refused' | 'news';
  readonly before: MemberState;
}

/** When something is said: on the monotonic clock, and on the detector's own. */
export interface Moment {
  readonly monotonicMs: number;
  readonly detectorMs: number;
}

const NOTHING: Taken = { what: 'nothing', before: 'alive' };

export class MemberTable {
  readonly #records = new Map<string, MemberRecord>();

  /** Everybody but the node itself. */
  names(): string[] {
    return [...this.#records.keys()];
  }

  get(name: string): MemberRecord | undefined {
    return this.#records.get(name);
  }

  records(): IterableIterator<MemberRecord> {
    return this.#records.values();
  }

  /**
   * Takes over the members of a configuration. What is known of a member stays; one that is new, or has another
   * identity than before, starts anew, as alive and with nothing held against it.
   * @param members all of them but the node itself.
   * @returns the names of those that are no more what they were.
   */
  update(members: readonly { readonly name: string; readonly identity: string }[], moment: Moment): string[] {
    const gone = new Set(this.#records.keys());
    for (const { name, identity } of members) {
      if (this.#records.get(name)?.claim.identity === identity) {
        gone.delete(name);
        continue;
      }
      const claim: Claim = { name, identity, incarnation: 0, state: 'alive', by: [] };
      this.#records.set(name, { claim, sinceMs: moment.monotonicMs, suspectedAtMs: 0 });
    }
    const wanted = new Set(members.map(({ name }) => name));
    for (const name of gone) if (!wanted.has(name)) this.#records.delete(name);
    return [...gone];
  }

  /** Takes what somebody says of a member into account. */
  hear(claim: Claim, moment: Moment): Taken {
    const record = this.#records.get(claim.name);
    if (record === undefined || record.claim.identity !== claim.identity) return NOTHING;
    const before = record.claim.state;
    if (!isPlausible(record.claim.incarnation, claim.incarnation)) return { what: 'refused', before };
    return this.#take(record, merge(record.claim, claim), moment);
  }

  /**
   * Takes a member's own word that it is alive, which it has said to this node itself. Nobody knows its incarnation
   * better: where that is implausibly far from what is known, up or down, what is known is wrong.
   */
  hearFromItself(name: string, incarnation: number, moment: Moment): Taken {
    const record = this.#records.get(name);
    if (record === undefined) return NOTHING;
    const { claim } = record;
    if (incarnation > INCARNATION_MAX) return { what: 'refused', before: claim.state };
    const heard: Claim = { ...claim, incarnation, state: 'alive', by: [] };
    const isFar = Math.abs(incarnation - claim.incarnation) > INCARNATION_JUMP_MAX;
    return this.#take(record, isFar ? heard : merge(claim, heard), moment);
  }

  #take(record: MemberRecord, claim: Claim, moment: Moment): Taken {
    const { state: before, incarnation } = record.claim;
    if (claim === record.claim) return { what: 'nothing', before };
    const isNewSuspicion =
      claim.state === 'suspect' && (before !== 'suspect' || claim.incarnation !== incarnation);
    this.#records.set(claim.name, {
      claim,
      sinceMs: claim.state === before ? record.sinceMs : moment.monotonicMs,
      suspectedAtMs: isNewSuspicion ? moment.detectorMs : record.suspectedAtMs,
    });
    return { what: 'news', before };
  }
}
