/** What kvd needs of `src/server/serve.ts`: options in, a running node out. */

export type Fsync = 'always' | 'everysec' | 'never';
export type Storage = 'level' | 'memory';
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface NodeOptions {
  readonly name: string;
  /** Where it listens, `host:port`. */
  readonly listen: string;
  /** Directory of its data. */
  readonly data: string;
  /** Members to join through; empty for the first node. */
  readonly join: string[];
  readonly weight: number;
  readonly zone: string;
  readonly replicas: number;
  /** 0 for a majority. */
  readonly readQuorum: number;
  /** 0 for a majority. */
  readonly writeQuorum: number;
  readonly fsync: Fsync;
  readonly storage: Storage;
  /** Seconds. */
  readonly tombstoneGrace: number;
  readonly cacheMb: number;
  readonly logLevel: LogLevel;
}

export interface RunningNode {
  readonly name: string;
  readonly address: string;
  /** Resolves when it ended by itself, rejects on a fatal error. */
  readonly stopped: Promise<void>;
  stop(): Promise<void>;
}

/** Resolves when the node serves, which is after it has joined. */
export type Serve = (options: NodeOptions) => Promise<RunningNode>;
