/**
 * Key choosers: uniform, and the scrambled Zipfian of YCSB (Cooper et al. 2010), drawn with the method of Gray et al.,
 * "Quickly generating billion-record synthetic databases" (SIGMOD 1994), §3.2.
 */
import type { Random } from '../src/ports/random.js';

/** Skew of YCSB: the most popular of 100,000 keys gets 8 % of the requests. */
export const ZIPFIAN_THETA = 0.99;

/** Chooses key indexes in [0, count). */
export interface KeyChooser {
  next(): number;
}

export class UniformKeys implements KeyChooser {
  readonly #random: Random;
  readonly #count: number;

  constructor(random: Random, count: number) {
    this.#random = random;
    this.#count = count;
  }

  next(): number {
    return this.#random.below(this.#count);
  }
}

/** Ranks in [0, count), rank 0 being the most popular: rank i is drawn with probability (i + 1)^−θ / ζ(count, θ). */
export class ZipfianRanks implements KeyChooser {
  readonly #random: Random;
  readonly #count: number;
  readonly #zeta: number;
  readonly #secondBound: number;
  readonly #alpha: number;
  readonly #eta: number;

  /** @param theta above 0 and below 1; higher is more skewed. */
  constructor(random: Random, count: number, theta = ZIPFIAN_THETA) {
    this.#random = random;
    this.#count = count;
    this.#zeta = zeta(count, theta);
    this.#secondBound = 1 + 0.5 ** theta;
    this.#alpha = 1 / (1 - theta);
    this.#eta = (1 - (2 / count) ** (1 - theta)) / (1 - this.#secondBound / this.#zeta);
  }

  next(): number {
    const u = this.#random.next();
    const scaled = u * this.#zeta;
    if (scaled < 1) return 0;
    if (scaled < this.#secondBound) return 1;
    const rank = Math.floor(this.#count * (this.#eta * u - this.#eta + 1) ** this.#alpha);
    // Rounding can reach the bound itself.
    return Math.min(rank, this.#count - 1);
  }
}

/**
 * Zipfian keys whose popular ones lie scattered over the key space. YCSB hashes the rank modulo the count, so ranks
 * collide and keys are left out; a permutation scatters as well and keeps the distribution exact.
 */
export class ScrambledZipfianKeys implements KeyChooser {
  readonly #ranks: ZipfianRanks;
  readonly #count: number;
  readonly #step: number;

  constructor(random: Random, count: number, theta = ZIPFIAN_THETA) {
    this.#ranks = new ZipfianRanks(random, count, theta);
    this.#count = count;
    this.#step = coprimeStep(count);
  }

  next(): number {
    return (this.#ranks.next() * this.#step) % this.#count;
  }
}

/** ζ(count, θ): the sum of i^−θ for i from 1 to count. */
export function zeta(count: number, theta: number): number {
  let sum = 0;
  for (let i = 1; i <= count; i++) sum += i ** -theta;
  return sum;
}

/** A step near the golden section of `count` that shares no factor with it: its multiples visit every index once. */
function coprimeStep(count: number): number {
  let step = Math.max(1, Math.floor(count * 0.6180339887));
  // Products of rank and step must stay exact integers.
  step = Math.min(step, Math.floor(Number.MAX_SAFE_INTEGER / Math.max(1, count)));
  while (greatestCommonDivisor(step, count) !== 1) step--;
  return step;
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}
