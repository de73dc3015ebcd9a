/**
 * Follows the samples of a cluster that heals: when keys were moved first and last, and whether the node that differed has
 * found itself equal to every other one after that. Being equal is what its rounds say, and not the number of keys: some are
 * moved twice, when two peers find the same difference at once. Nodes count what they have moved when an exchange ends.
 */
import { growth, type Sample } from './watch.js';

export interface ProgressOptions {
  readonly start: Sample;
  /** Which of the nodes is the one that differs. */
  readonly patientIndex: number;
  /** How many others there are. */
  readonly others: number;
  /** Keys that differ: before so many have been moved, it is not equal. */
  readonly differing: number;
}

export class HealingProgress {
  /** The first sample in which something had been moved. */
  first: Sample | undefined;
  /** The last one in which something had been moved since the one before. */
  last: Sample;
  readonly #options: ProgressOptions;
  /** Peers with which the patient has had a round, since then, that found no difference. */
  readonly #clean = new Set<string>();
  #moved = 0;
  #lastRoundAt = 0;

  constructor(options: ProgressOptions) {
    this.#options = options;
    this.last = options.start;
  }

  /** @returns whether it is equal. */
  onSample(sample: Sample): boolean {
    const { start, patientIndex, others, differing } = this.#options;
    const moved = growth(start, sample, (state) => state.antiEntropy.keysMoved);
    if (moved !== this.#moved) {
      this.#moved = moved;
      this.first ??= sample;
      this.last = sample;
      this.#clean.clear();
    }
    const own = sample.states[patientIndex]?.antiEntropy;
    if (own !== undefined && own.lastRoundAt !== this.#lastRoundAt) {
      this.#lastRoundAt = own.lastRoundAt;
      if (own.lastSlotsDiffering === 0) this.#clean.add(own.lastPeer);
    }
    return moved >= differing && this.#clean.size === others;
  }
}
