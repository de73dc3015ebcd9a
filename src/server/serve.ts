/** Runs a node on the real ports: TCP, the system clock, LevelDB on disk. What `kvd` calls. */
import { definite, messageOf } from '../base/errors.js';
import { addressProblem, nameProblem } from '../membership/cluster-config.js';
import { QuoralNode } from '../node/node.js';
import { bootId } from '../os/boot-id.js';
import { consoleLog } from '../os/console-log.js';
import { makeDataDirectory } from '../os/data-directory.js';
import { processUsage } from '../os/process-usage.js';
import { SystemClock } from '../os/system-clock.js';
import { systemRandom } from '../os/system-random.js';
import { TcpNetwork } from '../os/tcp-network.js';
import { readText } from '../os/text-file.js';
import type { LogLevel } from '../ports/log.js';
import { loadKeyHasher } from '../ring/hash.js';
import type { FsyncPolicy } from '../storage/group-committer.js';
import { LevelEngine } from '../storage/level-engine.js';
import { MemoryEngine } from '../storage/memory-engine.js';

export interface ServerOptions {
  /** Unique in the cluster, kept for ever. */
  readonly name: string;
  /** `host:port`. */
  readonly listen: string;
  /** Directory of the data; made when it is not there. Not used with `storage` memory. */
  readonly data: string;
  /** Members to join by; empty founds a cluster. */
  readonly join: readonly string[];
  readonly weight: number;
  readonly zone: string;
  readonly replicas: number;
  /** 0: a majority. */
  readonly readQuorum: number;
  /** 0: a majority. */
  readonly writeQuorum: number;
  readonly fsync: FsyncPolicy;
  readonly storage: 'level' | 'memory';
  /** Seconds before a tombstone may be collected. */
  readonly tombstoneGrace: number;
  /** Memory for hot records, in MiB. */
  readonly cacheMb: number;
  readonly logLevel: LogLevel;
}

export interface RunningServer {
  readonly name: string;
  readonly address: string;
  /** Resolves when the node has stopped. */
  readonly stopped: Promise<void>;
  /** Stops in good order. */
  stop(): Promise<void>;
}

/** The version that nodes and clients give as their software. */
export const SOFTWARE = 'quoral/0.1.0';

const MIB = 1024 * 1024;

/**
 * Resolves when the node serves.
 * @throws KvError that says what is wrong: `BAD_REQUEST` for an option, `CONNECT_FAILED` for a taken address,
 *   `STORAGE_FAILED` for the data directory, `JOIN_REFUSED` or `NOT_A_MEMBER` for the cluster.
 */
export async function serve(options: ServerOptions): Promise<RunningServer> {
  const problem = nameProblem(options.name) ?? addressProblem(options.listen);
  if (problem !== undefined) throw definite('BAD_REQUEST', problem);
  const clock = new SystemClock();
  const log = consoleLog(options.name, options.logLevel);
  if (options.storage === 'level') await makeDataDirectory(options.data);
  const engine =
    options.storage === 'level' ? new LevelEngine({ path: options.data, readText }) : new MemoryEngine(clock);
  const node = new QuoralNode(
    {
      ...options,
      cacheBytes: options.cacheMb * MIB,
      tombstoneGraceMs: options.tombstoneGrace * 1000,
      software: SOFTWARE,
    },
    {
      clock,
      random: systemRandom(),
      network: new TcpNetwork(),
      engine,
      log,
      hasher: await loadKeyHasher(),
      usage: processUsage,
      bootId: bootId(),
    },
  );
  let ended = (): void => {};
  const stopped = new Promise<void>((resolve) => {
    ended = resolve;
  });
  const stop = async (): Promise<void> => {
    await node.stop();
    ended();
  };
  node.onStopRequested = () => void stop().catch((e) => log.error('while stopping', { error: messageOf(e) }));
  try {
    await node.start();
  } catch (error) {
    await node.stop().catch((e) => log.warn('while stopping', { error: messageOf(e) }));
    throw error;
  }
  return { name: options.name, address: node.address, stopped, stop };
}
