/**
 * What a run leaves behind for the checkers: what the clients saw, and the cluster as it was when everything had calmed
 * down. A checker is given one, and says in plain sentences what is wrong with it.
 */
import type { Body } from '../../src/wire/body.js';
import type { Cluster } from '../support/cluster.js';
import type { Operation } from '../support/linearizability.js';
import type { SimulationOptions } from './options.js';

export interface Checker {
  readonly name: string;
  /** @returns what is wrong, a sentence each; empty when nothing is. May look at the cluster, not let time pass. */
  check(run: FinishedRun): string[];
}

/** A write that a client was told is done, through a majority or more. */
export interface AcknowledgedWrite {
  readonly key: string;
  /** '' for a delete. */
  readonly value: string;
  readonly returnedAt: number;
  /** Whether it was given an expiry: then it may be gone at any time. */
  readonly expires: boolean;
  readonly by: string;
}

/** A scan that ran to its end. */
export interface FinishedScan {
  readonly by: string;
  readonly startedAt: number;
  readonly endedAt: number;
  readonly prefix: string;
  /** In the order in which they came. */
  readonly keys: readonly string[];
}

/** What was left of a node when it had been stopped. */
export interface Leftovers {
  readonly node: string;
  readonly timers: number;
  readonly sockets: number;
}

export interface FinishedRun {
  readonly options: SimulationOptions;
  /** All nodes are stopped; their disks are as they left them. */
  readonly cluster: Cluster;
  /**
   * What the clients saw of each key through majorities, the last reads and writes at every node included. A write that
   * may have happened stays open (`returnedAt` Infinity), as does one that fewer than a majority acknowledged.
   */
  readonly histories: ReadonlyMap<string, readonly Operation[]>;
  readonly acknowledged: readonly AcknowledgedWrite[];
  readonly scans: readonly FinishedScan[];
  /** Keys that were written once, before the first fault, and never again. */
  readonly stillKeys: readonly string[];
  /** The names of each key's replicas. */
  readonly owners: ReadonlyMap<string, readonly string[]>;
  /**
   * By key and replica, the version that was stored (or `nothing`) when the key had been read from all of them (R = N),
   * after the faults and before the last writes. Without keys of which a replica has lost its disk, and damaged records.
   */
  readonly storedWhenRead: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Nodes whose disk was lost: they are not let in again, and have no say in anything. */
  readonly lost: ReadonlySet<string>;
  /** Every other node's status before it was stopped. */
  readonly status: ReadonlyMap<string, Body>;
  readonly leftovers: readonly Leftovers[];
  /** Operations that still failed when they should have succeeded again, a sentence each. */
  readonly unrecovered: readonly string[];
  /** When the last fault was taken away, in virtual milliseconds. */
  readonly healedAt: number;
}
