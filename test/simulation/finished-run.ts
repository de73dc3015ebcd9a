/**
 * What a run leaves behind for the checkers: what the clients saw, what the disks held, how full the nodes' tables were.
 * A checker is given one, and says in plain sentences what is wrong with it.
 */
import type { Operation } from '../support/linearizability.js';
import type { Growth } from './checkers/growth.js';
import type { StoredRecords } from './checkers/replicas.js';
import type { Scan } from './checkers/scans.js';
import type { Sighting } from './checkers/version-order.js';

export interface Checker {
  readonly name: string;
  /** @returns what is wrong, a sentence each; empty when nothing is. */
  check(run: FinishedRun): string[];
}

/** What was left of a node when it had been stopped. */
export interface Leftovers {
  readonly node: string;
  readonly timers: number;
  readonly sockets: number;
}

/** The disks at a moment when no client was at work and every key had just been read from all of its replicas. */
export interface Settled {
  /** For people: at which moment. */
  readonly when: string;
  readonly stored: StoredRecords;
  /**
   * The names of each key's replicas, for the keys that could be read. Without those whose record was damaged on the disk and
   * not asked for since.
   */
  readonly owners: ReadonlyMap<string, readonly string[]>;
}

export interface FinishedRun {
  /**
   * What the clients saw of each key through majorities, the last reads and writes at every node included. A write that
   * may have happened stays open (`returnedAt` Infinity), as does one that fewer than a majority acknowledged.
   */
  readonly histories: ReadonlyMap<string, readonly Operation[]>;
  /** Of the same operations those whose version is known. */
  readonly sightings: ReadonlyMap<string, readonly Sighting[]>;
  /** Scans that ran to their end. */
  readonly scans: readonly Scan[];
  /** After the faults, and in the end, after the last writes. */
  readonly settled: readonly Settled[];
  readonly growth: Growth;
  readonly leftovers: readonly Leftovers[];
  /** Operations that still failed when they should have succeeded again, a sentence each. */
  readonly unrecovered: readonly string[];
  /** Keys that nobody had read, and whose replicas still differed when they should have been equal, a sentence each. */
  readonly divergent: readonly string[];
}
