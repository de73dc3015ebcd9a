/**
 * What is said of a member, and which of two such claims holds: pure rules. Merging is commutative, associative and
 * idempotent, so nodes that have heard the same hold the same, in whatever order it came.
 */
import { CONFIRMATIONS_MAX } from './swim-timing.js';

export type MemberState = 'alive' | 'suspect' | 'faulty';

export interface Claim {
  readonly name: string;
  /** Of the member's data directory. What was said of another identity under the name does not count. */
  readonly identity: string;
  /** The member's own counter. Only the member itself raises it: at every start, and to object to an accusation. */
  readonly incarnation: number;
  readonly state: MemberState;
  /** Who suspects it, having probed it in vain; sorted, and empty unless it is suspect. */
  readonly by: readonly string[];
}

/** Beyond this an incarnation is not a count of anything: it is refused, whoever says it. */
export const INCARNATION_MAX = 2 ** 40;

/**
 * How far beyond what is known of a member others may put its incarnation. Without a bound one damaged message could
 * move it out of its own reach, and it could never object to anything again (memberlist #359).
 */
export const INCARNATION_JUMP_MAX = 2 ** 20;

/** More names than the shortest suspicion takes say nothing new. */
export const SUSPECTORS_MAX = CONFIRMATIONS_MAX + 1;

const RANK: Readonly<Record<MemberState, number>> = { alive: 0, suspect: 1, faulty: 2 };

/**
 * Whether others can be right about a member's incarnation. It is a comparison with what is known, never with a clock:
 * a count has no age (CASSANDRA-10969 refused members that had been up for a year).
 */
export function isPlausible(known: number, claimed: number): boolean {
  return claimed <= INCARNATION_MAX && claimed <= known + INCARNATION_JUMP_MAX;
}

/**
 * The claim that holds after both: the higher incarnation, then the worse state (SWIM §4.2); of two suspicions, that of
 * both sets of suspectors.
 * @returns `held` itself when `heard` says nothing new.
 */
export function merge(held: Claim, heard: Claim): Claim {
  if (heard.incarnation !== held.incarnation) return heard.incarnation > held.incarnation ? heard : held;
  if (heard.state !== held.state) return RANK[heard.state] > RANK[held.state] ? heard : held;
  if (heard.state !== 'suspect') return held;
  const by = suspectors([...held.by, ...heard.by]);
  const isSame = by.length === held.by.length && by.every((name, i) => name === held.by[i]);
  return isSame ? held : { ...held, by };
}

/** Each name once, in order, at most {@link SUSPECTORS_MAX}. */
export function suspectors(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort().slice(0, SUSPECTORS_MAX);
}
