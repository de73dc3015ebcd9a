/**
 * What every kvcli command is given: a way to the cluster, a place to write, and what the global options said. Commands
 * know nothing of processes, sockets and argument parsing, so that tests run them against a client in memory.
 */
import type { Clock } from '../src/ports/clock.js';
import type { Network } from '../src/ports/network.js';
import type { CallOptions, CliClient, RingMember } from './client.js';
import type { Output } from './output/output.js';
import type { ByteEncoding } from './text/byte-encoding.js';

/** What a command ends with: found or done, absent, or an error. */
export type ExitCode = 0 | 1 | 2;
export const DONE: ExitCode = 0;
export const ABSENT: ExitCode = 1;
export const FAILED: ExitCode = 2;

/** The global options of one command. */
export interface Settings {
  /** One JSON value per line instead of text for people. */
  readonly json: boolean;
  /** Read quorum; undefined for the cluster's. */
  readonly r: number | undefined;
  /** Write quorum; undefined for the cluster's. */
  readonly w: number | undefined;
  /** Time budget of each request; undefined for the library's. */
  readonly timeoutMs: number | undefined;
  /** How values are given and shown. */
  readonly values: ByteEncoding;
  /** How keys are given and shown. */
  readonly keys: ByteEncoding;
}

export interface Session {
  readonly settings: Settings;
  readonly output: Output;
  /** The nodes that the user named, in the order in which they are tried. */
  readonly hosts: readonly string[];
  /** Connects at the first call; later calls get the same client. */
  readonly client: () => Promise<CliClient>;
  /** Standard input, or undefined where a command cannot have it: at the prompt. */
  readonly input: AsyncIterable<Uint8Array> | undefined;
  /** For what the client library does not speak. */
  readonly network: Network;
  readonly clock: Clock;
  /** Aborted when the user interrupts the command. */
  readonly signal: AbortSignal;
  /** Each member's fraction of all replica placements, in the order of `members`. */
  readonly shares: (members: readonly RingMember[], replicas: number) => Promise<readonly number[]>;
}

/** The options of a request that reads. Without `signal`, an interrupt waits for it to end. */
export function readOptions(settings: Settings, signal?: AbortSignal): CallOptions {
  return { ...callOptions(settings, signal), ...(settings.r === undefined ? {} : { r: settings.r }) };
}

/** The options of a request that writes. Without `signal`, an interrupt waits for it to end. */
export function writeOptions(settings: Settings, signal?: AbortSignal): CallOptions {
  return { ...callOptions(settings, signal), ...(settings.w === undefined ? {} : { w: settings.w }) };
}

function callOptions({ timeoutMs }: Settings, signal: AbortSignal | undefined): CallOptions {
  return { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
}

/** Resolves after `delayMs`, or as soon as `signal` is aborted. */
export function pause(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const end = () => {
      clock.clearTimer(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.setTimer(delayMs, end);
    signal?.addEventListener('abort', end);
  });
}
