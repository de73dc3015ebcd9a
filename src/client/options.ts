/**
 * What a caller may ask for, and the check of it. A wrong option is the caller's mistake: `BAD_REQUEST`, definite,
 * before anything is sent.
 */
import { definite } from '../base/errors.js';
import {
  EXPIRY_MS_MAX,
  REQUEST_TIMEOUT_MS_DEFAULT,
  REQUEST_TIMEOUT_MS_MAX,
  VALUE_BYTES_MAX,
} from '../base/limits.js';
import { addressProblem, REPLICAS_MAX } from '../membership/cluster-config.js';
import { REQUESTS_MAX } from './request-table.js';

/** Options of `connect`. */
export interface ConnectOptions {
  /** Time for one operation, its waiting and its retries included, in ms: 1 to 10 000; 2000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Time for opening one connection, and for `connect` as a whole, in ms: 1 to 10 000; 3000 by default. */
  readonly connectTimeoutMs?: number | undefined;
  /** Most operations on their way at once, 1 to 60 000; 1024 by default. More wait for their turn, first come first. */
  readonly inFlightMax?: number | undefined;
  /**
   * Most bytes of keys and values on their way at once; 64 MiB by default. One operation that is larger goes alone.
   * Bounds the memory of writes; what reads bring back is bounded by `inFlightMax` only.
   */
  readonly inFlightBytesMax?: number | undefined;
  /**
   * How many times a failed operation is sent again, 0 to 10; 2 by default. Only what is safe is: reads, and writes that
   * definitely did not happen. A node that is busy or changing is asked again until the time is up. 0 never resends.
   */
  readonly retries?: number | undefined;
  /** Connections to each node, 1 to 16; 1 by default. One is enough until a single TCP stream is the limit. */
  readonly connectionsPerNode?: number | undefined;
  /**
   * Connect to a node that is still joining its cluster, too: it answers `status` and `logLevel`, and refuses everything
   * else with `NOT_A_MEMBER`. Without it `connect` itself rejects with that, which is the default.
   */
  readonly allowJoining?: boolean | undefined;
}

/** Options that every operation takes. */
export interface OperationOptions {
  /** Time for this operation in ms, 1 to 10 000; the connection's `timeoutMs` by default. */
  readonly timeoutMs?: number | undefined;
  /** Rejects with `ABORTED` when it fires. A write that was already sent may still happen. */
  readonly signal?: AbortSignal | undefined;
}

/** Options of reads. */
export interface ReadOptions extends OperationOptions {
  /** Replicas that must agree, 1 to 7; the cluster's R by default. Below a majority the newest value seen is returned. */
  readonly r?: number | undefined;
}

/** Options of writes. */
export interface WriteOptions extends OperationOptions {
  /** Replicas that must have logged the write, 1 to 7; the cluster's W by default. */
  readonly w?: number | undefined;
}

/** Options of `set`. At most one of the two expiries; with neither, the value stays until it is replaced. */
export interface SetOptions extends WriteOptions {
  /** Time to live in ms, counted by the node that takes the write; at least 1. */
  readonly ttlMs?: number | undefined;
  /** When the value expires, in ms since 1970. A moment in the past stores a value that nobody sees. */
  readonly expiresAtMs?: number | undefined;
}

/** Options of `logLevel`. */
export interface LogLevelOptions extends OperationOptions {
  /** The level to set: `debug`, `info`, `warn` or `error`; left out, the level is only shown. */
  readonly level?: string | undefined;
}

/** Options of `repair`. It takes as long as it takes, an hour at most; a signal ends the waiting, not the repair. */
export interface RepairOptions {
  /** Only this slot, 0 to 4095; all slots of the node by default. */
  readonly slot?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Options of `scan`; the time applies to each page. */
export interface ScanOptions extends ReadOptions {
  /** Only keys that begin with this; all keys by default. */
  readonly prefix?: string | Uint8Array | undefined;
  /** Bring the values as well; false by default. */
  readonly values?: boolean | undefined;
  /** Entries asked for at a time, 1 to 10 000; 256 by default. */
  readonly pageSize?: number | undefined;
}

/** {@link ConnectOptions} with every default filled in. */
export interface Settings {
  readonly timeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly inFlightMax: number;
  readonly inFlightBytesMax: number;
  readonly retries: number;
  readonly connectionsPerNode: number;
}

const CONNECT_TIMEOUT_MS_DEFAULT = 3000;
const IN_FLIGHT_MAX_DEFAULT = 1024;
const IN_FLIGHT_BYTES_MAX_DEFAULT = 64 * 1024 * 1024;
const RETRIES_DEFAULT = 2;
const PAGE_SIZE_DEFAULT = 256;
const PAGE_SIZE_MAX = 10_000;

/** @throws KvError `BAD_REQUEST` naming the option that is out of range. */
export function resolveSettings(options: ConnectOptions): Settings {
  return {
    timeoutMs: timeoutOr(options.timeoutMs, REQUEST_TIMEOUT_MS_DEFAULT, 'timeoutMs'),
    connectTimeoutMs: timeoutOr(options.connectTimeoutMs, CONNECT_TIMEOUT_MS_DEFAULT, 'connectTimeoutMs'),
    inFlightMax: integerOr(options.inFlightMax, IN_FLIGHT_MAX_DEFAULT, 1, REQUESTS_MAX, 'inFlightMax'),
    inFlightBytesMax: integerOr(
      options.inFlightBytesMax,
      IN_FLIGHT_BYTES_MAX_DEFAULT,
      1,
      VALUE_BYTES_MAX * 1024,
      'inFlightBytesMax',
    ),
    retries: integerOr(options.retries, RETRIES_DEFAULT, 0, 10, 'retries'),
    connectionsPerNode: integerOr(options.connectionsPerNode, 1, 1, 16, 'connectionsPerNode'),
  };
}

/** The addresses to start from, each once. @throws KvError `BAD_REQUEST` when there are none or one is malformed. */
export function resolveAddresses(addresses: string | readonly string[]): string[] {
  const list = typeof addresses === 'string' ? [addresses] : addresses;
  if (!Array.isArray(list) || list.length === 0) {
    throw definite('BAD_REQUEST', 'connect needs an address such as 127.0.0.1:7400, or an array of them');
  }
  for (const address of list) checkAddress(address);
  return [...new Set<string>(list)];
}

/** @throws KvError `BAD_REQUEST` when `address` is not `host:port`. */
export function checkAddress(address: string): void {
  const problem = addressProblem(String(address));
  if (problem !== undefined) throw definite('BAD_REQUEST', problem);
}

/** A time in ms, or `fallback` when it is absent. */
export function timeoutOr(value: number | undefined, fallback: number, name = 'timeoutMs'): number {
  if (value === undefined) return fallback;
  if (typeof value === 'number' && value >= 1 && value <= REQUEST_TIMEOUT_MS_MAX) return value;
  throw outOfRange(name, `1 to ${REQUEST_TIMEOUT_MS_MAX}`, value);
}

/** The wire's quorum field: 0 stands for the cluster's own. */
export function quorumOr(value: number | undefined, name: 'r' | 'w'): number {
  return integerOr(value, 0, 1, REPLICAS_MAX, name);
}

/** The wire's expiry field of a SET: ms to live, or since 1970 with `expiresAtMs`; 0 for none. */
export function expiryOf(options: SetOptions): number {
  if (options.expiresAtMs === undefined) return integerOr(options.ttlMs, 0, 1, EXPIRY_MS_MAX, 'ttlMs');
  if (options.ttlMs === undefined) return integerOr(options.expiresAtMs, 0, 1, EXPIRY_MS_MAX, 'expiresAtMs');
  throw definite('BAD_REQUEST', 'give ttlMs or expiresAtMs, not both');
}

/** Entries per page of a scan. */
export function pageSizeOr(value: number | undefined): number {
  return integerOr(value, PAGE_SIZE_DEFAULT, 1, PAGE_SIZE_MAX, 'pageSize');
}

function integerOr(
  value: number | undefined,
  fallback: number,
  min: number,
  max: number,
  name: string,
): number {
  if (value === undefined) return fallback;
  if (Number.isSafeInteger(value) && value >= min && value <= max) return value;
  throw outOfRange(name, `a whole number from ${min} to ${max}`, value);
}

function outOfRange(name: string, range: string, value: unknown): Error {
  return definite('BAD_REQUEST', `${name} must be ${range}, not ${String(value)}`);
}
