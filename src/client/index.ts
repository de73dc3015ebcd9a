/**
 * Quoral's client library: the package's entry, and the only place where the library meets real sockets and clocks.
 *
 * ```ts
 * import { connect } from 'quoral';
 * const kv = await connect('127.0.0.1:7400');
 * await kv.set('user:7', 'Ada', { ttlMs: 60_000 });
 * await kv.get('user:7'); // 'Ada'
 * await kv.close();
 * ```
 */
import { SystemClock } from '../os/system-clock.js';
import { systemRandom } from '../os/system-random.js';
import { TcpNetwork } from '../os/tcp-network.js';
import { loadKeyHasher } from '../ring/hash.js';
import { type KvClient, openClient } from './kv-client.js';
import type { ConnectOptions } from './options.js';

export type { BytesLike } from '../base/bytes.js';
export { type ErrorCode, KvError } from '../base/errors.js';
export type { ClusterConfig, Member } from '../membership/cluster-config.js';
export { formatVersion, type Version } from '../version/version.js';
export { type KeyFailure, KvBatchError } from './batch.js';
export type { KvClient } from './kv-client.js';
export type {
  ConnectOptions,
  LogLevelOptions,
  OperationOptions,
  ReadOptions,
  RepairOptions,
  ScanOptions,
  SetOptions,
  WriteOptions,
} from './options.js';
export type { Entry } from './replies.js';
export type { ScanEntry } from './scan.js';
export type { OwnersView, RepairView, RingView, StatusView } from './views.js';

/**
 * Connects to a cluster: to the first of `addresses` that answers, from which the ring is learned; then to the nodes that
 * hold the keys in use, as they are used.
 *
 * @param addresses one or more nodes as `host:port`; one is enough while it is up.
 * @throws KvError `BAD_REQUEST` for a malformed address or option; `CONNECT_FAILED` or `TIMEOUT` when no node answers
 *   within `connectTimeoutMs`.
 */
export async function connect(
  addresses: string | readonly string[],
  options?: ConnectOptions,
): Promise<KvClient> {
  const ports = {
    clock: new SystemClock(),
    network: new TcpNetwork(),
    random: systemRandom(),
    hasher: await loadKeyHasher(),
  };
  return openClient(ports, addresses, options);
}
