/**
 * How many hints the others may send to this node now: the receiver's side of draining.
 *
 * A node that comes back is awaited by everybody who holds hints for it. It grants credit: a share for each holder that
 * has asked lately, of what its own load leaves. So what is on its way to it is bounded whatever the holders have, and
 * requests go first.
 */
import type { Clock } from '../ports/clock.js';

/** Hints that may be on their way to this node from all holders together. */
export const CREDIT_TOTAL = 1024;
/** A grant that is not used up within this is void, and a holder that has not asked for so long gets no share. */
export const CREDIT_MS = 3000;
/** With so many operations queued for the log, nothing is granted. */
const QUEUED_MAX = 4000;
/**
 * Versions that hints bring are remembered (`written-back.ts`), up to 100,000 of them; past that the replica would be
 * unsure of everything. So the pace is kept below what is forgotten again.
 */
const REMEMBERED_MAX = 80_000;

/** How busy this node is. */
export interface HintLoad {
  /** Whether it takes no writes at all: its storage has failed, or the configuration changes. */
  readonly isClosed: boolean;
  readonly queuedOperations: number;
  readonly rememberedVersions: number;
}

interface Grant {
  left: number;
  untilMs: number;
}

export class HintCredit {
  readonly #clock: Clock;
  readonly #load: () => HintLoad;
  readonly #grants = new Map<string, Grant>();

  constructor(clock: Clock, load: () => HintLoad) {
    this.#clock = clock;
    this.#load = load;
  }

  /** Holders that have asked lately. */
  get holders(): number {
    this.#forgetOld();
    return this.#grants.size;
  }

  /** Hints that have been granted and have not come. */
  get granted(): number {
    this.#forgetOld();
    let sum = 0;
    for (const { left } of this.#grants.values()) sum += left;
    return sum;
  }

  /** A holder has `count` hints for us. @returns how many it may send; 0: ask again after a pause. */
  grant(holder: string, count: number): number {
    this.#forgetOld();
    this.#grants.delete(holder);
    const others = this.granted;
    const share = Math.ceil(CREDIT_TOTAL / (this.#grants.size + 1));
    const left = Math.max(0, Math.min(count, share, CREDIT_TOTAL - others, this.#room()));
    // Also a holder that gets nothing is counted from now on: the next grants leave it a share.
    this.#grants.set(holder, { left, untilMs: this.#clock.monotonicMs() + CREDIT_MS });
    return left;
  }

  /** Hints have come from a holder. @returns false when they are more than it was granted. */
  use(holder: string, count: number): boolean {
    this.#forgetOld();
    const grant = this.#grants.get(holder);
    if (grant === undefined || grant.left < count) return false;
    grant.left -= count;
    return true;
  }

  #room(): number {
    const { isClosed, queuedOperations, rememberedVersions } = this.#load();
    if (isClosed) return 0;
    const queue = Math.floor(CREDIT_TOTAL * (1 - queuedOperations / QUEUED_MAX));
    return Math.min(queue, REMEMBERED_MAX - rememberedVersions);
  }

  #forgetOld(): void {
    const now = this.#clock.monotonicMs();
    for (const [holder, { untilMs }] of this.#grants) if (untilMs <= now) this.#grants.delete(holder);
  }
}
