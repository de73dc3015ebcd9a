/**
 * The decision of a write, as a value: how many replicas have accepted the version, and what can still come.
 *
 * A *plain* write sends its version at once. It is done when W replicas have accepted that very version. STALE means
 * that a replica holds something higher and has never accepted ours; once more than N−W and more than N−majority say
 * so, the version can neither reach W nor have been returned by any read, and is sent again under a new one.
 *
 * A *careful* write has first asked a majority which versions they hold, and takes one above all of them (both phases
 * of Attiya, Bar-Noy and Dolev 1995). Whatever is higher at a replica then is concurrent with it, so STALE and UNSURE
 * count as accepted: the write takes its place right before the one that overtook it. It is used when a replica of the
 * key is down, where a plain write that one of the two others calls STALE could not find out what became of it.
 */
import { majority } from '../membership/cluster-config.js';

/** Answers that can change the decision are still under way. */
export const WAIT = 0;
/** W reached. */
export const DONE = 1;
/** The version is dead: send the write again under a new one. */
export const RESEND = 2;
/** W cannot be reached, and no replica has accepted anything. */
export const FAILED = 3;
/** W cannot be reached, but the version may be somewhere, or still come to be seen. */
export const UNKNOWN = 4;
export type WriteDecision = typeof WAIT | typeof DONE | typeof RESEND | typeof FAILED | typeof UNKNOWN;

export class WriteQuorum {
  #replicas = 0;
  #needed = 0;
  #careful = false;
  /** Replicas that were sent the version and have not answered. */
  outstanding = 0;
  accepted = 0;
  stale = 0;
  unsure = 0;
  /** Replicas that may or may not have accepted it: their link or log broke. */
  lost = 0;

  reset(replicas: number, needed: number, sent: number, careful: boolean): void {
    this.#replicas = replicas;
    this.#needed = needed;
    this.#careful = careful;
    this.outstanding = sent;
    this.accepted = 0;
    this.stale = 0;
    this.unsure = 0;
    this.lost = 0;
  }

  decide(): WriteDecision {
    if (this.#isDone()) return DONE;
    if (this.#isDead()) return RESEND;
    if (this.outstanding > 0) return WAIT;
    return this.accepted + this.unsure + this.lost === 0 ? FAILED : UNKNOWN;
  }

  #isDone(): boolean {
    if (this.accepted >= this.#needed) return true;
    const settled = this.accepted >= majority(this.#replicas);
    // Once a majority has it, it is settled; a replica that holds something higher has as good as got it.
    if (settled || this.#careful) return this.accepted + this.stale + this.unsure >= this.#needed;
    return false;
  }

  #isDead(): boolean {
    const spare = this.#replicas - Math.min(this.#needed, majority(this.#replicas));
    if (this.#careful) return false;
    // With a small W and few replicas live: nobody has it, and those that hold something higher can make W.
    const isNowhere = this.outstanding + this.accepted + this.unsure + this.lost === 0;
    return this.stale > spare || (isNowhere && this.stale >= this.#needed);
  }
}
