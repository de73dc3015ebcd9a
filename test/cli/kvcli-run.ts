/** Runs kvcli against a fake cluster, as the shell would. */
import { PassThrough, Readable } from 'node:stream';
import { runKvcli } from '../../cli/kvcli-main.js';
import type { Network } from '../../src/ports/network.js';
import { AutoClock } from './auto-clock.js';
import { FakeClient } from './fake-client.js';
import { FakeRedis } from './fake-redis.js';
import { MemoryOutput } from './memory-output.js';

export interface RunOptions {
  readonly client?: FakeClient;
  readonly isTerminal?: boolean;
  readonly input?: string | Uint8Array;
  readonly env?: Record<string, string>;
  /** Instead of a connection. */
  readonly connectError?: Error;
  readonly output?: MemoryOutput;
  readonly signal?: AbortSignal;
  /** For commands of Redis; without it, every one ends the connection. */
  readonly network?: Network;
}

export interface RunResult {
  readonly exitCode: number;
  readonly output: MemoryOutput;
  readonly client: FakeClient;
  /** What was connected to. */
  readonly hosts: readonly string[];
}

export async function kvcli(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const clock = options.client?.clock ?? new AutoClock();
  const client = options.client ?? new FakeClient(clock);
  const output = options.output ?? new MemoryOutput(options.isTerminal);
  let hosts: readonly string[] = [];
  const exitCode = await runKvcli(args, {
    connect: async (addresses) => {
      hosts = addresses;
      if (options.connectError !== undefined) throw options.connectError;
      client.isClosed = false;
      return client;
    },
    network: options.network ?? new FakeRedis(() => null),
    shares: async (members) => members.map((_, i) => (i + 1) / ((members.length * (members.length + 1)) / 2)),
    output,
    clock,
    env: options.env ?? {},
    input: Readable.from(options.input === undefined ? [] : [Buffer.from(options.input as string)]),
    terminal: new PassThrough(),
    signal: options.signal ?? new AbortController().signal,
  });
  return { exitCode, output, client, hosts };
}
