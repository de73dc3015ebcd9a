/**
 * The decision of a read, as a value: which versions have been heard of, and what follows from them.
 *
 * A linearizable read returns a version only when R replicas have accepted that very version. Where they differ, the
 * newest is first written back to those that have answered with an older one, and a replica that turns out to hold
 * something higher still makes that the one to settle (Attiya, Bar-Noy and Dolev 1995, with the write-back only where
 * it is needed). With R below a majority the newest that R replicas know is returned as it is.
 */
import { compareVersions } from '../version/version.js';

/** More replies are needed, or those under way have to come first. */
export const WAIT = 0;
/** The newest version is settled (or good enough): return it. */
export const ANSWER = 1;
/** The newest version is known but its record is not: fetch it from {@link ReadQuorum.newestHolder}. */
export const FETCH = 2;
/** Write the newest version back to the replicas for which {@link ReadQuorum.needsRepair} holds. */
export const SETTLE = 3;
export type ReadDecision = typeof WAIT | typeof ANSWER | typeof FETCH | typeof SETTLE;

const UNHEARD = -1;

export class ReadQuorum {
  #needed = 0;
  #linearizable = true;
  /** Version time by replica; UNHEARD until it has answered. */
  readonly #time: number[] = [];
  readonly #node: number[] = [];
  #newestTime = 0;
  #newestNode = 0;
  #recordTime = 0;
  #recordNode = 0;

  /** Starts over for `replicas` replicas, of which `needed` must agree. */
  reset(replicas: number, needed: number, linearizable: boolean): void {
    this.#needed = needed;
    this.#linearizable = linearizable;
    this.#time.length = replicas;
    this.#node.length = replicas;
    this.#time.fill(UNHEARD);
    this.#node.fill(0);
    this.#newestTime = 0;
    this.#newestNode = 0;
    this.#recordTime = 0;
    this.#recordNode = 0;
  }

  get newestTime(): number {
    return this.#newestTime;
  }

  get newestNode(): number {
    return this.#newestNode;
  }

  /** Replica `index` has spoken: it holds, or has now accepted, this version. It never goes back to an older one. */
  hear(index: number, time: number, node: number): void {
    if (compareVersions(time, node, this.#time[index]!, this.#node[index]!) > 0) {
      this.#time[index] = time;
      this.#node[index] = node;
    }
    this.#raise(time, node);
  }

  /** Replica `index` can no longer be counted on: as if it had never spoken. */
  forget(index: number): void {
    this.#time[index] = UNHEARD;
    this.#newestTime = 0;
    this.#newestNode = 0;
    for (let i = 0; i < this.#time.length; i++) {
      if (this.#time[i] !== UNHEARD) this.#raise(this.#time[i]!, this.#node[i]!);
    }
    // A record that nobody who is left speaks of is not at hand any more.
    if (this.#recordTime !== this.#newestTime || this.#recordNode !== this.#newestNode) this.holdRecord(0, 0);
  }

  /** The reader itself makes this version the one to settle: the expired form of a record. */
  adopt(time: number, node: number): void {
    this.#raise(time, node);
    this.holdRecord(time, node);
  }

  /** The record of this version is at hand. */
  holdRecord(time: number, node: number): void {
    this.#recordTime = time;
    this.#recordNode = node;
  }

  /** Whether replica `index` has answered with something older than the newest. */
  needsRepair(index: number): boolean {
    return this.#time[index] !== UNHEARD && !this.#isNewest(index);
  }

  /** A replica that holds the newest version, or −1. */
  newestHolder(): number {
    for (let i = 0; i < this.#time.length; i++) if (this.#isNewest(i)) return i;
    return -1;
  }

  decide(): ReadDecision {
    let answered = 0;
    let agreeing = 0;
    for (let i = 0; i < this.#time.length; i++) {
      if (this.#time[i] === UNHEARD) continue;
      answered++;
      if (this.#isNewest(i)) agreeing++;
    }
    if (answered < this.#needed) return WAIT;
    if (this.#recordTime !== this.#newestTime || this.#recordNode !== this.#newestNode) return FETCH;
    return !this.#linearizable || agreeing >= this.#needed ? ANSWER : SETTLE;
  }

  #isNewest(index: number): boolean {
    return this.#time[index] === this.#newestTime && this.#node[index] === this.#newestNode;
  }

  #raise(time: number, node: number): void {
    if (compareVersions(time, node, this.#newestTime, this.#newestNode) > 0) {
      this.#newestTime = time;
      this.#newestNode = node;
    }
  }
}
