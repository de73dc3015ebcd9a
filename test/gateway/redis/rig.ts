/**
 * Redis sessions without a node: real sessions on connections that are arrays, over a host whose parts a test can set. Keys
 * are in a map, and a read answers at once.
 */

import { Clients } from '../../../src/gateway/redis/clients.js';
import { COMMANDS } from '../../../src/gateway/redis/commands/all.js';
import type { KeyCount, RedisHost } from '../../../src/gateway/redis/host.js';
import { LatencyMonitor } from '../../../src/gateway/redis/latency-monitor.js';
import { RuntimeConfig } from '../../../src/gateway/redis/runtime-config.js';
import { RedisSession } from '../../../src/gateway/redis/session.js';
import { SlowLog } from '../../../src/gateway/redis/slow-log.js';
import { Statistics } from '../../../src/gateway/redis/statistics.js';
import type { Log, LogLevel } from '../../../src/ports/log.js';
import type { Connection } from '../../../src/ports/network.js';
import type { Coordinator } from '../../../src/replication/coordinator.js';
import type { KeyRef } from '../../../src/replication/key-ref.js';
import type { Responder } from '../../../src/replication/peer.js';
import { KeyHasher } from '../../../src/ring/hash.js';
import { encodeRecord } from '../../../src/version/record.js';
import type { Body } from '../../../src/wire/body.js';
import { Flusher } from '../../../src/wire/outbox.js';
import { encodeCommand } from '../../support/resp-client.js';
import { VirtualClock } from '../../support/virtual-clock.js';

/** The same for all keys: the sessions of these tests have one command under way at a time. */
const hasher = new KeyHasher(() => 1n);

class ArrayConnection implements Connection {
  readonly remote: string;
  readonly bufferedBytes = 0;
  isEnded = false;
  isDestroyed = false;
  #received = '';

  constructor(remote: string) {
    this.remote = remote;
  }

  write(bytes: Uint8Array): boolean {
    this.#received += Buffer.from(bytes).toString('latin1');
    return true;
  }

  take(): string {
    const received = this.#received;
    this.#received = '';
    return received;
  }

  pause(): void {}

  resume(): void {}

  end(): void {
    this.isEnded = true;
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

export class RigClient {
  readonly session: RedisSession;
  readonly connection: ArrayConnection;
  readonly #clock: VirtualClock;

  constructor(rig: Rig, remote: string) {
    this.#clock = rig.clock;
    this.connection = new ArrayConnection(remote);
    this.session = new RedisSession(this.connection, new Flusher(rig.clock), rig.host);
  }

  /** Sends one command, and returns all that has come since the last, as it came. */
  async ask(...words: readonly string[]): Promise<string> {
    this.send(...words);
    await this.#clock.settle();
    return this.connection.take();
  }

  /** {@link ask} for a line of words without spaces in them. */
  line(line: string): Promise<string> {
    return this.ask(...line.split(' '));
  }

  /** The text in a bulk or verbatim string. */
  async text(line: string): Promise<string> {
    const reply = await this.line(line);
    return reply.slice(reply.indexOf('\r\n') + 2, -2).replace(/^txt:/, '');
  }

  send(...words: readonly string[]): void {
    this.session.onData(encodeCommand(words));
  }

  get isOver(): boolean {
    return this.connection.isEnded || this.connection.isDestroyed;
  }
}

export class Rig {
  readonly clock = new VirtualClock();
  readonly runtimeConfig = new RuntimeConfig();
  readonly statistics = new Statistics();
  readonly clients = new Clients();
  readonly slowLog = new SlowLog(this.runtimeConfig);
  readonly latency = new LatencyMonitor(this.runtimeConfig);
  readonly log: Log & { level: LogLevel };
  readonly records = new Map<string, Uint8Array>();
  readonly host: RedisHost;
  status: Body = { state: 'serving' };
  address = '127.0.0.1:7400';
  storage = 'level';
  fsync = 'everysec';
  countKeys: () => Promise<KeyCount> = async () => ({ keys: 3, expiring: 1 });
  stops = 0;

  constructor() {
    const nothing = (): void => {};
    this.log = { level: 'info', debug: nothing, info: nothing, warn: nothing, error: nothing };
    this.host = this.#host();
  }

  connect(remote = '10.0.0.1:5000'): RigClient {
    return new RigClient(this, remote);
  }

  setKey(key: string, value: string): void {
    const fields = { time: 1, node: 1, tombstone: false, expiryMs: 0, value: Buffer.from(value) };
    this.records.set(key, encodeRecord(fields, 1));
  }

  #host(): RedisHost {
    const rig = this;
    return {
      commands: COMMANDS,
      clock: this.clock,
      random: { u32: () => 0 } as unknown as RedisHost['random'],
      log: this.log,
      hasher,
      coordinator: this.#coordinator(),
      clients: this.clients,
      statistics: this.statistics,
      runtimeConfig: this.runtimeConfig,
      slowLog: this.slowLog,
      latency: this.latency,
      name: 'n1',
      software: 'quoral/1.2.3',
      runId: 'f'.repeat(32),
      startedMs: 0,
      get fsync() {
        return rig.fsync;
      },
      get storage() {
        return rig.storage;
      },
      cacheBytes: 1024,
      address: () => this.address,
      usage: () => ({ userUs: 1_500_000, systemUs: 250_000, rssBytes: 1_611_872 }),
      status: () => this.status,
      owners: async () => ({}),
      scan: () => Promise.reject(new Error('not in this test')),
      countKeys: () => this.countKeys(),
      requestStop: () => {
        this.stops++;
      },
    };
  }

  #coordinator(): Coordinator {
    const none = new Uint8Array(0);
    const coordinator = {
      isFull: false,
      get: (key: KeyRef, _r: number, _budgetMs: number, responder: Responder, token: number) => {
        const record = this.records.get(Buffer.from(key.key()).toString('latin1')) ?? none;
        responder.onRead(token, record, 0, record.length);
      },
    };
    return coordinator as unknown as Coordinator;
  }
}
