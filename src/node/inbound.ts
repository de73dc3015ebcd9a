/** The connections that others open to this node: clients of both protocols, and peers. */
import type { ClientSessionOptions } from '../gateway/client-session.js';
import { InboundConnection } from '../gateway/inbound-connection.js';
import { Clients } from '../gateway/redis/clients.js';
import { COMMANDS } from '../gateway/redis/commands/all.js';
import type { RedisHost } from '../gateway/redis/host.js';
import { LatencyMonitor } from '../gateway/redis/latency-monitor.js';
import { RuntimeConfig } from '../gateway/redis/runtime-config.js';
import { SlowLog } from '../gateway/redis/slow-log.js';
import { Statistics } from '../gateway/redis/statistics.js';
import type { Connection, ConnectionHandler } from '../ports/network.js';
import type { Body } from '../wire/body.js';
import type { Flusher } from '../wire/outbox.js';
import { ClientRequests } from './client-requests.js';
import { ClusterReads } from './cluster-reads.js';
import { KeyCounts } from './key-counts.js';
import type { NodeOptions } from './options.js';
import { randomId } from './random-id.js';
import { Repairs } from './repairs.js';
import type { NodePorts, Running } from './running.js';
import { statusOf } from './status.js';

/** Hex digits, as Redis has them. */
const RUN_ID_DIGITS = 40;

export interface InboundOptions {
  readonly options: NodeOptions;
  readonly ports: NodePorts;
  readonly running: Running;
  readonly flusher: Flusher;
  readonly address: () => string;
  /** A member of another cluster takes this node for one of its own; this is the address of that member. */
  readonly onCalledHome: (seed: string) => void;
  /** A client wants the node to end. */
  readonly onStopRequested: () => void;
}

export class Inbound {
  readonly #options: InboundOptions;
  readonly #connections = new Set<InboundConnection>();
  readonly #startedMs: number;
  readonly #repairs: Repairs;
  readonly #reads: ClusterReads;
  readonly #counts: KeyCounts;
  readonly #session: ClientSessionOptions;
  readonly #redis: RedisHost;

  constructor(options: InboundOptions) {
    this.#options = options;
    const { ports, running } = options;
    this.#startedMs = ports.clock.monotonicMs();
    this.#repairs = new Repairs(running, options.options.name, ports.clock);
    this.#reads = new ClusterReads(running, ports);
    this.#counts = new KeyCounts(running);
    this.#session = this.#sessionOptions();
    this.#redis = this.#redisHost();
  }

  /** Bytes that wait to leave on all of them. */
  get outboxBytes(): number {
    let bytes = 0;
    for (const connection of this.#connections) bytes += connection.outboxBytes;
    return bytes;
  }

  accept(connection: Connection): ConnectionHandler {
    const inbound = new InboundConnection(connection, {
      flusher: this.#options.flusher,
      session: this.#session,
      redis: this.#redis,
      onEnded: (ended) => this.#connections.delete(ended),
    });
    this.#connections.add(inbound);
    return inbound;
  }

  lookForStuck(): void {
    for (const connection of this.#connections) connection.lookForStuck();
  }

  /** Ends all of them after what waits has left. */
  end(): void {
    for (const connection of this.#connections) connection.end();
  }

  destroy(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  #status(): Body {
    const { running, options, ports, address } = this.#options;
    return statusOf({
      running,
      options,
      ports,
      address: address(),
      uptimeMs: ports.clock.monotonicMs() - this.#startedMs,
      clients: this.#connections.size - running.peers.acceptedLinks(),
      repair: this.#repairs.status(),
    });
  }

  #sessionOptions(): ClientSessionOptions {
    const { options, ports, running, onCalledHome } = this.#options;
    const requests = new ClientRequests({
      options,
      log: ports.log,
      running,
      reads: this.#reads,
      repairs: this.#repairs,
      status: () => this.#status(),
      onCalledHome,
    });
    return {
      clock: ports.clock,
      hasher: ports.hasher,
      coordinator: running.coordinator,
      onOtherFrame: (session, frame) => requests.onFrame(session, frame),
    };
  }

  #redisHost(): RedisHost {
    const { options, ports, running, address, onStopRequested } = this.#options;
    const { clock, random, log, hasher, usage } = ports;
    const { name, software, fsync, storage, cacheBytes } = options;
    const runtimeConfig = new RuntimeConfig();
    let runId: string | undefined;
    return {
      commands: COMMANDS,
      clock,
      random,
      log,
      hasher,
      usage,
      coordinator: running.coordinator,
      clients: new Clients(),
      statistics: new Statistics(),
      runtimeConfig,
      slowLog: new SlowLog(runtimeConfig),
      latency: new LatencyMonitor(runtimeConfig),
      name,
      software,
      fsync,
      storage,
      cacheBytes,
      get runId() {
        runId ??= (randomId(random) + randomId(random)).slice(0, RUN_ID_DIGITS);
        return runId;
      },
      startedMs: this.#startedMs,
      address,
      status: () => this.#status(),
      owners: (key) => this.#reads.owners(key),
      scan: (request) => this.#reads.scan(request),
      countKeys: () => this.#counts.count(),
      requestStop: onStopRequested,
    };
  }
}
