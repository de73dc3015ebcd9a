/**
 * Workloads: which operation comes next, on which key. The letters are YCSB's core workloads (Cooper et al. 2010).
 */
import { SeededRandom } from '../src/base/seeded-random.js';
import { type KeyChooser, ScrambledZipfianKeys, UniformKeys } from './zipfian.js';

/** The kinds of operations, as small integers: they are kept per request in flight. */
export const READ = 1;
export const WRITE = 2;
export type Kind = typeof READ | typeof WRITE;

export type WorkloadName = 'get' | 'set' | 'a' | 'b' | 'c';
export type Distribution = 'uniform' | 'zipfian';

/** A stream of operations. `advance` makes the next one current; its fields are read before the next `advance`. */
export interface OperationSource {
  /** False: there are no more. */
  advance(): boolean;
  readonly kind: Kind;
  /** Index of the key, from 0. */
  readonly key: number;
}

interface WorkloadShape {
  readonly readShare: number;
  readonly distribution: Distribution;
  readonly about: string;
}

export const WORKLOADS: Readonly<Record<WorkloadName, WorkloadShape>> = {
  get: { readShare: 1, distribution: 'uniform', about: 'reads only' },
  set: { readShare: 0, distribution: 'uniform', about: 'writes only' },
  a: { readShare: 0.5, distribution: 'zipfian', about: 'YCSB A, 50 % reads, 50 % writes' },
  b: { readShare: 0.95, distribution: 'zipfian', about: 'YCSB B, 95 % reads, 5 % writes' },
  c: { readShare: 1, distribution: 'zipfian', about: 'YCSB C, reads only' },
};

/** What a workload is drawn from. Equal choices give equal streams. */
export interface WorkloadChoice {
  readonly workload: WorkloadName;
  readonly distribution: Distribution;
  readonly keys: number;
  readonly seed: number;
  /** In the place of the workload's own. */
  readonly readShare?: number;
}

/** An endless stream of random operations. */
export class Workload implements OperationSource {
  kind: Kind = READ;
  key = 0;
  readonly #random: SeededRandom;
  readonly #chooser: KeyChooser;
  readonly #readShare: number;

  constructor(choice: WorkloadChoice) {
    this.#random = new SeededRandom(choice.seed);
    this.#readShare = choice.readShare ?? WORKLOADS[choice.workload].readShare;
    // A stream of its own, so that the same keys are drawn whatever the mix of reads and writes.
    const random = new SeededRandom(choice.seed + 1);
    const Chooser = choice.distribution === 'zipfian' ? ScrambledZipfianKeys : UniformKeys;
    this.#chooser = new Chooser(random, choice.keys);
  }

  advance(): boolean {
    this.key = this.#chooser.next();
    this.kind = this.#random.next() < this.#readShare ? READ : WRITE;
    return true;
  }
}

/** Writes each of the given keys once, in order. */
export class WriteEach implements OperationSource {
  readonly kind: Kind = WRITE;
  key = 0;
  readonly count: number;
  readonly #keyAt: (position: number) => number;
  #position = 0;

  constructor(count: number, keyAt: (position: number) => number) {
    this.count = count;
    this.#keyAt = keyAt;
  }

  advance(): boolean {
    if (this.#position === this.count) return false;
    this.key = this.#keyAt(this.#position++);
    return true;
  }
}
