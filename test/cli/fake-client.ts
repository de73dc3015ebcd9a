/**
 * A cluster in memory behind the client's interface. As in the real one, keys and values are copied, expired values are
 * not seen, scans come in an order that is not that of the keys, and a write that fails may have been applied.
 */

import type {
  CallOptions,
  CliClient,
  Entry,
  KeyOwners,
  RepairSummary,
  RingInfo,
  ScanEntry,
  ScanOptions,
  SetOptions,
  StatusMap,
} from '../../cli/client.js';
import { definite, type KvError } from '../../src/base/errors.js';
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../../src/base/limits.js';
import type { Clock } from '../../src/ports/clock.js';

/** What the next attempt to write meets: nothing, or an error, after it was applied or not. */
export type Fault = { readonly error: KvError; readonly isApplied: boolean } | undefined;

interface Stored {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly expiresAtMs: number | null;
}

export class FakeClient implements CliClient {
  readonly clock: Clock;
  /** Options of every call, in order. */
  readonly calls: { name: string; key?: string; options: CallOptions & SetOptions & ScanOptions }[] = [];
  /** Asked before each write. */
  writeFault: (key: string, attempt: number) => Fault = () => undefined;
  /** Thrown by each read. */
  readError: KvError | undefined;
  ringInfo: RingInfo | undefined;
  readonly statusOf = new Map<string, StatusMap>();
  /** What `repair` of a node ends with. */
  readonly repairOf = new Map<string, RepairSummary | KvError>();
  /** Log levels by node; those that are not here do not answer. */
  readonly levelOf = new Map<string, string>();
  /** Slots that repairs were asked for, with the node. */
  readonly repairs: { node: string; slot: number | undefined }[] = [];
  /** Called before each answer to `status`. */
  onStatus: (address: string) => void = () => {};
  inFlight = 0;
  inFlightPeak = 0;
  isClosed = false;
  readonly #records = new Map<string, Stored>();
  readonly #attempts = new Map<string, number>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  get size(): number {
    return [...this.#records.values()].filter((record) => this.#isVisible(record)).length;
  }

  /** Puts a record in place without any of the faults. */
  put(key: string | Uint8Array, value: string | Uint8Array, expiresAtMs: number | null = null): void {
    const stored = { key: Buffer.from(key as string), value: Buffer.from(value as string), expiresAtMs };
    this.#records.set(nameOf(stored.key), stored);
  }

  peek(key: string | Uint8Array): Entry | null {
    const record = this.#records.get(nameOf(Buffer.from(key as string)));
    return record !== undefined && this.#isVisible(record) ? record : null;
  }

  async getEntry(key: Uint8Array, options: CallOptions = {}): Promise<Entry | null> {
    await this.#read('getEntry', key, options);
    const entry = this.peek(key);
    return entry === null ? null : { value: entry.value, expiresAtMs: entry.expiresAtMs };
  }

  async ttl(key: Uint8Array, options: CallOptions = {}): Promise<number | null> {
    await this.#read('ttl', key, options);
    const entry = this.peek(key);
    if (entry === null) return null;
    return entry.expiresAtMs === null ? Number.POSITIVE_INFINITY : entry.expiresAtMs - this.clock.wallMs();
  }

  async exists(key: Uint8Array, options: CallOptions = {}): Promise<boolean> {
    await this.#read('exists', key, options);
    return this.peek(key) !== null;
  }

  async set(key: Uint8Array, value: Uint8Array, options: SetOptions = {}): Promise<unknown> {
    if (value.length > VALUE_BYTES_MAX) throw definite('TOO_LARGE', 'the value is too large');
    const { ttlMs, expiresAtMs } = options;
    const copy = Uint8Array.from(value);
    const expiry = ttlMs === undefined ? (expiresAtMs ?? null) : this.clock.wallMs() + ttlMs;
    await this.#write('set', key, options, () => this.put(key, copy, expiry));
    return undefined;
  }

  async delete(key: Uint8Array, options: CallOptions = {}): Promise<boolean> {
    const wasThere = this.peek(key) !== null;
    await this.#write('delete', key, options, () => this.#records.delete(nameOf(key)));
    return wasThere;
  }

  async *scan(options: ScanOptions = {}): AsyncGenerator<ScanEntry> {
    this.calls.push({ name: 'scan', options });
    const prefix = Buffer.from(options.prefix ?? []);
    const records = [...this.#records.values()].sort((a, b) => scramble(a.key) - scramble(b.key));
    for (const record of records) {
      await turn();
      if (this.readError !== undefined) throw this.readError;
      const { key, value, expiresAtMs } = record;
      if (!this.#isVisible(record) || !Buffer.from(key.subarray(0, prefix.length)).equals(prefix)) continue;
      yield options.values ? { key, value, expiresAtMs } : { key, expiresAtMs };
    }
  }

  async ring(): Promise<RingInfo> {
    if (this.ringInfo === undefined) throw definite('CONNECT_FAILED', 'no node');
    return this.ringInfo;
  }

  async status(address?: string): Promise<StatusMap> {
    this.onStatus(address ?? '');
    const status = this.statusOf.get(address ?? '');
    if (status === undefined)
      throw definite('CONNECT_FAILED', `cannot connect to ${address}: connection refused`);
    return status;
  }

  async repair(node: string, options: { slot?: number; signal?: AbortSignal } = {}): Promise<RepairSummary> {
    this.repairs.push({ node, slot: options.slot });
    const end = this.repairOf.get(node) ?? definite('CONNECT_FAILED', `cannot connect to ${node}`);
    for (let i = 0; i < 20; i++) await turn();
    if (end instanceof Error) throw end;
    return end;
  }

  async logLevel(node: string, options: { level?: string } = {}): Promise<string> {
    const level = this.levelOf.get(node);
    if (level === undefined)
      throw definite('CONNECT_FAILED', `cannot connect to ${node}: connection refused`);
    this.levelOf.set(node, options.level ?? level);
    return options.level ?? level;
  }

  async owners(): Promise<KeyOwners> {
    const owners = [
      { name: 'n2', address: '127.0.0.1:7401', live: true },
      { name: 'n1', address: '127.0.0.1:7400', live: false },
    ];
    return { slot: 1234, hash: '4d2f00ff00ff00ff', owners };
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }

  async #read(name: string, key: Uint8Array, options: CallOptions): Promise<void> {
    this.#check(name, key, options);
    await turn();
    if (this.readError !== undefined) throw this.readError;
  }

  async #write(name: string, key: Uint8Array, options: SetOptions, apply: () => void): Promise<void> {
    this.#check(name, key, options);
    const text = nameOf(key);
    const attempt = (this.#attempts.get(text) ?? 0) + 1;
    this.#attempts.set(text, attempt);
    this.inFlight += 1;
    this.inFlightPeak = Math.max(this.inFlightPeak, this.inFlight);
    // Later writes may overtake: each takes another number of turns.
    for (let i = 0; i <= scramble(Buffer.from(`${text}${attempt}${this.calls.length}`)) % 4; i += 1)
      await turn();
    this.inFlight -= 1;
    const fault = this.writeFault(text, attempt);
    if (fault === undefined || fault.isApplied) apply();
    if (fault !== undefined) throw fault.error;
  }

  #check(name: string, key: Uint8Array, options: CallOptions): void {
    if (this.isClosed) throw definite('CLOSED', 'the client is closed');
    if (key.length === 0 || key.length > KEY_BYTES_MAX) throw definite('BAD_REQUEST', 'a bad key');
    this.calls.push({ name, key: nameOf(key), options });
  }

  #isVisible({ expiresAtMs }: Stored): boolean {
    return expiresAtMs === null || expiresAtMs > this.clock.wallMs();
  }
}

function nameOf(key: Uint8Array): string {
  return Buffer.from(key).toString('latin1');
}

/** Any order but that of the keys. */
function scramble(key: Uint8Array): number {
  let hash = 2166136261;
  for (const byte of key) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
  return hash;
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
