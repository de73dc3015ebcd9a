/**
 * The part of the client library that kvcli uses. `connect` of `src/client/index.ts` gives one; tests give a fake.
 */

export interface CallOptions {
  readonly r?: number;
  readonly w?: number;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

export interface SetOptions extends CallOptions {
  readonly ttlMs?: number;
  /** Milliseconds since 1970. */
  readonly expiresAtMs?: number;
}

export interface ScanOptions extends CallOptions {
  readonly prefix?: Uint8Array;
  readonly values?: boolean;
  readonly pageSize?: number;
}

export interface Entry {
  readonly value: Uint8Array;
  readonly expiresAtMs: number | null;
}

export interface ScanEntry {
  readonly key: Uint8Array;
  readonly value?: Uint8Array;
  readonly expiresAtMs: number | null;
}

export interface RingMember {
  readonly name: string;
  readonly address: string;
  readonly weight: number;
  readonly zone: string;
}

export interface RingInfo {
  readonly clusterId: string;
  readonly epoch: number;
  readonly replicas: number;
  readonly readQuorum: number;
  readonly writeQuorum: number;
  readonly members: readonly RingMember[];
  /** Names of the members that the answering node can reach, itself included. */
  readonly live: readonly string[];
  /** Name of the answering node. */
  readonly self: string;
}

export interface KeyOwners {
  readonly slot: number;
  readonly hash: unknown;
  readonly owners: readonly { readonly name: string; readonly address: string; readonly live: boolean }[];
}

/** What a repair has done; see the library's RepairView. */
export interface RepairSummary {
  readonly slots: number;
  readonly peers: readonly string[];
  readonly missing: readonly string[];
  readonly slotsDiffering: number;
  readonly slotsFailed: number;
  readonly keysFetched: number;
  readonly keysSent: number;
  readonly bytesMoved: number;
  readonly tookMs: number;
  readonly problems: readonly string[];
}

/** What a node says of itself. Nodes of other versions may leave fields out or add some, so nothing is relied on. */
export type StatusMap = Readonly<Record<string, unknown>>;

export interface CliClient {
  getEntry(key: Uint8Array, options?: CallOptions): Promise<Entry | null>;
  /** Milliseconds that the value will live: null when the key is absent, `Infinity` when it does not expire. */
  ttl(key: Uint8Array, options?: CallOptions): Promise<number | null>;
  set(key: Uint8Array, value: Uint8Array, options?: SetOptions): Promise<unknown>;
  /** Whether the key was there. */
  delete(key: Uint8Array, options?: CallOptions): Promise<boolean>;
  exists(key: Uint8Array, options?: CallOptions): Promise<boolean>;
  scan(options?: ScanOptions): AsyncIterable<ScanEntry>;
  ring(): RingInfo | Promise<RingInfo>;
  /** Of the node with this name or address, or of any one. */
  status(node?: string, options?: CallOptions): Promise<StatusMap>;
  /** Compares what a node keeps with its peers now. Takes as long as it takes. */
  repair(node: string, options?: { slot?: number; signal?: AbortSignal }): Promise<RepairSummary>;
  /** The level of a node's log, after setting it when there is one to set. */
  logLevel(node: string, options?: CallOptions & { level?: string }): Promise<string>;
  owners(key: Uint8Array): KeyOwners | Promise<KeyOwners>;
  close(): unknown;
}

/** Opens a client to the first of `addresses` that answers. */
export type Connect = (
  addresses: string[],
  options: { timeoutMs?: number; connectTimeoutMs?: number; allowJoining?: boolean },
) => Promise<CliClient>;
