/**
 * The client: every operation that a user can ask for. What each one does on its way is the dispatcher's work; this file
 * is the surface, and makes no decisions.
 */
import type { BytesLike } from '../base/bytes.js';
import { definite, KvError } from '../base/errors.js';
import type { Clock } from '../ports/clock.js';
import type { Network } from '../ports/network.js';
import type { Random } from '../ports/random.js';
import type { KeyHasher } from '../ring/hash.js';
import type { Version } from '../version/version.js';
import { LOG_LEVEL, OWNERS, SCAN, STATUS } from '../wire/message-type.js';
import { Flusher } from '../wire/outbox.js';
import { Batch } from './batch.js';
import { Dispatcher } from './dispatcher.js';
import { NodePool } from './node-pool.js';
import {
  type BodyRequestFields,
  bodyRequest,
  deleteRequest,
  getRequest,
  keyBytes,
  repairRequest,
  setRequest,
} from './operations.js';
import {
  type ConnectOptions,
  checkAddress,
  type LogLevelOptions,
  type OperationOptions,
  pageSizeOr,
  quorumOr,
  type ReadOptions,
  type RepairOptions,
  resolveAddresses,
  resolveSettings,
  type ScanOptions,
  type SetOptions,
  type Settings,
  type WriteOptions,
} from './options.js';
import {
  type Entry,
  readBytes,
  readEntry,
  readExpiry,
  readPresence,
  readResult,
  readText,
} from './replies.js';
import type { ReplyReader, Request } from './request.js';
import { RingWatch } from './ring-watch.js';
import { readPage, type ScanEntry, type ScanPage, scanBody, scanPages } from './scan.js';
import {
  type OwnersView,
  type RepairView,
  type RingView,
  readLogLevel,
  readOwners,
  ringView,
  type StatusView,
} from './views.js';

/** What the client takes from its surroundings; the simulator gives its own. */
export interface ClientPorts {
  readonly clock: Clock;
  readonly network: Network;
  readonly random: Random;
  /** Of this client alone. */
  readonly hasher: KeyHasher;
}

const NONE = {};
const NO_KEY = new Uint8Array(0);

/**
 * Connects on the given ports; see `connect`, which does it on the real ones.
 *
 * @throws KvError `BAD_REQUEST` for a malformed address or option; `CONNECT_FAILED` or `TIMEOUT` when no node answers.
 */
export async function openClient(
  ports: ClientPorts,
  addresses: string | readonly string[],
  options: ConnectOptions = NONE,
): Promise<KvClient> {
  const client = new KvClient(ports, resolveAddresses(addresses), resolveSettings(options));
  try {
    await client.learn();
    return client;
  } catch (error) {
    const isJoining = error instanceof KvError && error.code === 'NOT_A_MEMBER';
    if (isJoining && options.allowJoining === true) return client;
    await client.close();
    throw error;
  }
}

/**
 * A connection to a cluster. Safe for any number of concurrent operations: they are pipelined, and each goes to a
 * replica of its key. Keys and values are text (UTF-8) or bytes; bytes are not copied, so leave them alone until the
 * promise has settled. Keys have at most 8192 bytes, values at most about 16 MB.
 *
 * Every operation rejects with a {@link KvError}. Its `definite` says whether the operation certainly did not happen;
 * its `code` says why:
 *
 * - `BAD_REQUEST`, `TOO_LARGE`: the arguments; nothing was sent.
 * - `TIMEOUT`: no answer within `timeoutMs`. `ABORTED`: the signal fired. `CLOSED`: after `close`.
 * - `CONNECT_FAILED`: no node can be reached. `CONNECTION_LOST`: the node went away with the request.
 * - `QUORUM_UNAVAILABLE`, `QUORUM_TIMEOUT`, `QUORUM_CONTESTED`, `BUSY` and others: from the node, after the retries.
 *
 * Reads are repeated at other nodes after most failures, writes only after definite ones; see `retries`.
 */
export class KvClient {
  readonly #ports: ClientPorts;
  readonly #settings: Settings;
  readonly #dispatcher: Dispatcher;
  readonly #pool: NodePool;
  readonly #ringWatch: RingWatch;
  #closing: Promise<void> | undefined;

  /** Use {@link openClient} or `connect`: a client that has not learned the ring sends everything to the seeds. */
  constructor(ports: ClientPorts, seeds: readonly string[], settings: Settings) {
    const { clock, network, random, hasher } = ports;
    const { connectTimeoutMs, connectionsPerNode } = settings;
    this.#ports = ports;
    this.#settings = settings;
    this.#dispatcher = new Dispatcher({ clock, random, settings });
    this.#ringWatch = new RingWatch(clock, random, connectTimeoutMs);
    const io = { clock, network, flusher: new Flusher(clock), connectTimeoutMs };
    this.#pool = new NodePool(seeds, hasher, { io, random, connectionsPerNode }, this.#dispatcher);
    this.#dispatcher.attach(this.#pool, this.#ringWatch);
    this.#ringWatch.attach(this.#dispatcher, this.#pool);
  }

  /** Learns the ring, within `connectTimeoutMs`. */
  async learn(): Promise<void> {
    await this.#ringWatch.ask();
  }

  /** The value as text, or null when the key is absent. Bytes that are no UTF-8 become U+FFFD: see {@link getBuffer}. */
  get(key: BytesLike, options: ReadOptions = NONE): Promise<string | null> {
    return this.#get(key, options, readText, false);
  }

  /** The value's bytes, which are the caller's to keep, or null when the key is absent. */
  getBuffer(key: BytesLike, options: ReadOptions = NONE): Promise<Uint8Array | null> {
    return this.#get(key, options, readBytes, false);
  }

  /** The value with its version and expiry, or null when the key is absent. */
  getEntry(key: BytesLike, options: ReadOptions = NONE): Promise<Entry | null> {
    return this.#get(key, options, readEntry, false);
  }

  /** Whether the key has a value. Costs a read, without the value's transfer. */
  exists(key: BytesLike, options: ReadOptions = NONE): Promise<boolean> {
    return this.#get(key, options, readPresence, true);
  }

  /**
   * How long the value will live, in ms: null when the key is absent, `Infinity` when it does not expire. Counted by this
   * machine's clock, at least 0.
   */
  async ttl(key: BytesLike, options: ReadOptions = NONE): Promise<number | null> {
    const expiryMs = await this.#get(key, options, readExpiry, true);
    if (expiryMs === null) return null;
    return expiryMs === 0 ? Number.POSITIVE_INFINITY : Math.max(0, expiryMs - this.#ports.clock.wallMs());
  }

  /** Stores a value, replacing the one before and its expiry. Resolves once W replicas have logged it, with its version. */
  set(key: BytesLike, value: BytesLike, options: SetOptions = NONE): Promise<Version> {
    return this.#run(() => setRequest(key, value, options, this.#settings.timeoutMs));
  }

  /** Deletes a key. Resolves once W replicas have logged it: true when there was something to delete. */
  delete(key: BytesLike, options: WriteOptions = NONE): Promise<boolean> {
    return this.#run(() => deleteRequest(key, options, this.#settings.timeoutMs));
  }

  /**
   * The values of many keys as text, in the order of `keys`; null for absent ones. One pipelined read per key: each is
   * consistent for itself, there is no common moment.
   *
   * @throws KvBatchError after all have ended, when any failed; `timeoutMs` applies to each key.
   */
  getMany(keys: Iterable<BytesLike>, options: ReadOptions = NONE): Promise<(string | null)[]> {
    return this.#getMany(keys, options, readText);
  }

  /** The values of many keys as bytes; see {@link getMany}. */
  getManyBuffers(keys: Iterable<BytesLike>, options: ReadOptions = NONE): Promise<(Uint8Array | null)[]> {
    return this.#getMany(keys, options, readBytes);
  }

  /**
   * Stores many entries, all with the same options; resolves with their number. One pipelined write per key: **atomic per
   * key only**. When some fail, the others stay written. A key that comes twice may end with either value.
   *
   * The source may be a Map, an array, a generator or an asynchronous stream of any length: it is read no faster than the
   * cluster answers.
   *
   * @throws KvBatchError after all that was started has ended, when any failed: it names the keys (`failures`) and counts
   * those that were done (`succeeded`). After 1000 failures, an abort or a close the rest of the source is not read.
   */
  async setMany(
    entries:
      | Iterable<readonly [key: BytesLike, value: BytesLike]>
      | AsyncIterable<readonly [key: BytesLike, value: BytesLike]>,
    options: SetOptions = NONE,
  ): Promise<number> {
    const batch = new Batch(this.#dispatcher, this.#settings.inFlightMax);
    const toRequest = ([key, value]: readonly [BytesLike, BytesLike]) =>
      setRequest(key, value, options, this.#settings.timeoutMs);
    return batch.run(entries, toRequest, ([key]) => keyOrNone(key));
  }

  /**
   * All keys, or those with a prefix, in the cluster's order (by slot, which is no order of keys). A key that is there
   * during the whole scan comes at least once; one that is written meanwhile may or may not.
   *
   * `for await (const { keyText, value } of kv.scan({ prefix: 'user:', values: true })) …`
   */
  scan(options: ScanOptions = NONE): AsyncGenerator<ScanEntry, void, undefined> {
    return scanPages((cursor) => this.#scanPage(options, cursor));
  }

  /** The cluster's configuration and which members live, asked of any node. The client takes it over as well. */
  async ring(options: OperationOptions = NONE): Promise<RingView> {
    return ringView(await this.#ringWatch.ask(options));
  }

  /** The status of one node, given by name or address, or of any node. */
  status(node?: string, options: OperationOptions = NONE): Promise<StatusView> {
    return this.#run(() => {
      const request = this.#bodyRequest({ type: STATUS, body: {}, readReply: readResult }, options);
      if (node !== undefined) request.pinned = this.#nodeOf(node);
      return request;
    });
  }

  /**
   * Compares everything that a node keeps (or one slot of it) with what its live peers keep, now, and brings all of them in
   * step. The node is given by name or address. Its `status` shows the progress, under `antiEntropy.repair`.
   *
   * @throws KvError `BUSY` when it repairs already; `BAD_REQUEST` for a slot that is none.
   */
  repair(node: string, options: RepairOptions = NONE): Promise<RepairView> {
    return this.#run(() => {
      const request = repairRequest(options);
      request.pinned = this.#nodeOf(node);
      return request;
    });
  }

  /**
   * The level of a node's log: `debug`, `info`, `warn` or `error`. With `level` in the options it is set first, until the
   * node stops. The node is given by name or address.
   *
   * @throws KvError `BAD_REQUEST` for a level that is none.
   */
  logLevel(node: string, options: LogLevelOptions = NONE): Promise<string> {
    return this.#run(() => {
      const body = options.level === undefined ? {} : { level: options.level };
      const request = this.#bodyRequest({ type: LOG_LEVEL, body, readReply: readLogLevel }, options);
      request.pinned = this.#nodeOf(node);
      return request;
    });
  }

  /** The replicas of a key, in the order in which they are asked. */
  owners(key: BytesLike, options: OperationOptions = NONE): Promise<OwnersView> {
    return this.#run(() => {
      return this.#bodyRequest(
        { type: OWNERS, key: keyBytes(key), body: {}, readReply: readOwners },
        options,
      );
    });
  }

  /**
   * Refuses new operations (`CLOSED`), waits for those under way, at most until their deadlines, and then drops the
   * connections. May be called again. Never rejects.
   */
  close(): Promise<void> {
    this.#closing ??= new Promise<void>((resolve) => this.#dispatcher.drain(resolve)).then(() => {
      this.#dispatcher.stop();
      this.#pool.close(definite('CLOSED', 'the client is closed'));
    });
    return this.#closing;
  }

  #get<T>(key: BytesLike, options: ReadOptions, readReply: ReplyReader<T>, noValue: boolean): Promise<T> {
    try {
      const request = getRequest(key, options, readReply, this.#settings.timeoutMs);
      request.noValue = noValue;
      return this.#dispatcher.run(request) as Promise<T>;
    } catch (error) {
      return Promise.reject(error);
    }
  }

  async #getMany<T>(
    keys: Iterable<BytesLike>,
    options: ReadOptions,
    readReply: ReplyReader<T>,
  ): Promise<T[]> {
    const results: T[] = [];
    const batch = new Batch(this.#dispatcher, this.#settings.inFlightMax, (index, result) => {
      results[index] = result as T;
    });
    const toRequest = (key: BytesLike) => getRequest(key, options, readReply, this.#settings.timeoutMs);
    await batch.run(keys, toRequest, keyOrNone);
    return results;
  }

  async #scanPage(options: ScanOptions, cursor: Uint8Array | undefined): Promise<ScanPage> {
    const values = options.values === true;
    const body = scanBody({
      prefix: options.prefix === undefined ? undefined : keyBytes(options.prefix),
      cursor,
      limit: pageSizeOr(options.pageSize),
      values,
      r: quorumOr(options.r, 'r'),
    });
    return this.#run(() =>
      this.#bodyRequest({ type: SCAN, body, readReply: (frame) => readPage(frame, values) }, options),
    );
  }

  #bodyRequest(fields: BodyRequestFields, options: OperationOptions): Request {
    return bodyRequest(fields, options, this.#settings.timeoutMs);
  }

  #nodeOf(nameOrAddress: string) {
    const isMember = this.#pool.config?.members.some((member) => member.name === nameOrAddress);
    if (!isMember) checkAddress(nameOrAddress);
    return this.#pool.nodeOf(nameOrAddress);
  }

  /** Runs the request that `make` makes of checked arguments. `T` is what its reader returns. */
  #run<T>(make: () => Request): Promise<T> {
    try {
      return this.#dispatcher.run(make()) as Promise<T>;
    } catch (error) {
      return Promise.reject(error as KvError);
    }
  }
}

/** A key for an error about it: the bytes when they are any. */
function keyOrNone(key: BytesLike): Uint8Array {
  try {
    return keyBytes(key);
  } catch {
    return NO_KEY;
  }
}
