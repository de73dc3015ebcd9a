/**
 * A cluster that does what a test tells it: scripted nodes behind an in-memory network on a virtual clock. Replies are
 * bytes, cut into chunks at random places, so that every test is also one of the client's decoding. Every way takes
 * one millisecond.
 */
import { toBytes } from '../../src/base/bytes.js';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { type KvClient, openClient } from '../../src/client/kv-client.js';
import type { ConnectOptions } from '../../src/client/options.js';
import type { ClusterConfig } from '../../src/membership/cluster-config.js';
import type { Connection, ConnectionHandler, Listener, Network } from '../../src/ports/network.js';
import { loadKeyHasher } from '../../src/ring/hash.js';
import { buildRing } from '../../src/ring/ring.js';
import { slotOf } from '../../src/ring/slot.js';
import { decodeBody, encodeBody } from '../../src/wire/body.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import {
  ABSENT,
  DELETE,
  DONE,
  ERROR,
  GET,
  HELLO,
  PING,
  PONG,
  RESULT,
  RING,
  SET,
  VALUE,
  WELCOME,
} from '../../src/wire/message-type.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { FrameLog, rawFrame, type SeenFrame } from '../support/wire.js';

const WAY_MS = 1;
const NONE = new Uint8Array(0);
const decoder = new TextDecoder();

export const text = (bytes: Uint8Array): string => decoder.decode(bytes);

/** A request as a node received it, with the means to answer. */
export class Received {
  readonly node: ScriptedNode;
  readonly frame: SeenFrame;
  readonly atMs: number;
  readonly #link: ScriptedLink;

  constructor(link: ScriptedLink, frame: SeenFrame, atMs: number) {
    this.node = link.node;
    this.frame = frame;
    this.atMs = atMs;
    this.#link = link;
  }

  get type(): number {
    return this.frame.type;
  }

  get key(): string {
    return text(this.frame.key);
  }

  /** GET, SET, DELETE: the time budget in ms. */
  get budgetMs(): number {
    return (this.frame.body[2]! << 8) | this.frame.body[3]!;
  }

  get quorum(): number {
    return this.frame.body[0]!;
  }

  raw(type: number, body: Uint8Array = NONE, flags = 0): void {
    this.#link.send(rawFrame({ type, flags, id: this.frame.id, key: NONE, body }));
  }

  value(value: string | Uint8Array, expiryMs = 0, time = 4096, node = 6): void {
    this.raw(VALUE, valueBody(toBytes(value), expiryMs, time, node), this.frame.flags & 1);
  }

  absent(): void {
    this.raw(ABSENT);
  }

  done(time = 8192, existed = false): void {
    this.raw(DONE, valueBody(NONE, 0, time, 6).subarray(0, 12), existed ? 1 : 0);
  }

  result(body: unknown): void {
    this.raw(RESULT, encodeBody(body));
  }

  error(code: string, definite: boolean, message = 'says the script'): void {
    this.raw(ERROR, encodeBody({ code, message, definite }));
  }
}

function valueBody(value: Uint8Array, expiryMs: number, time: number, node: number): Uint8Array {
  const at = expiryMs === 0 ? 13 : 21;
  const body = new Uint8Array(at + value.length);
  const view = new DataView(body.buffer);
  view.setBigUint64(0, BigInt(time));
  view.setUint32(8, node);
  view.setUint8(12, expiryMs === 0 ? 0 : 2);
  if (expiryMs !== 0) view.setBigUint64(13, BigInt(expiryMs));
  body.set(value, at);
  return body;
}

/** A node. Without a script it keeps keys in a map that all nodes share. */
export class ScriptedNode {
  readonly cluster: ScriptedCluster;
  readonly address: string;
  name: string;
  /** `refusing`: connections fail at once. `silent`: nobody answers the attempt. */
  listens: 'yes' | 'refusing' | 'silent' = 'yes';
  /** Like a stopped process: what arrives waits until it goes on. */
  isPaused = false;
  epoch: number | undefined;
  /** Bytes to answer HELLO with, instead of WELCOME. */
  greeting: Uint8Array | undefined;
  /** Called for every request but HELLO, RING and PING. Returns true when it has dealt with the request. */
  script: ((request: Received) => boolean) | undefined;
  /** Like {@link script}, for RING. */
  ringScript: ((request: Received) => boolean) | undefined;
  /** Requests of the script's kind that came, in order. */
  readonly received: Received[] = [];
  /** Sizes, in frames, of the writes that came after the greeting. */
  readonly writes: number[] = [];
  ringRequests = 0;
  pings = 0;
  attempts = 0;
  readonly links: ScriptedLink[] = [];

  constructor(cluster: ScriptedCluster, name: string, address: string) {
    this.cluster = cluster;
    this.name = name;
    this.address = address;
  }

  /** Connections that are open now. */
  get openLinks(): ScriptedLink[] {
    return this.links.filter((link) => link.isOpen);
  }

  /** Drops all connections, as a crash does. */
  drop(): void {
    for (const link of this.openLinks) link.drop(new Error('read ECONNRESET'));
  }

  crash(): void {
    this.listens = 'refusing';
    this.drop();
  }

  /** Keys of the requests of a type, in order. */
  keys(type: number): string[] {
    return this.received.filter((request) => request.type === type).map((request) => request.key);
  }

  resume(): void {
    this.isPaused = false;
    for (const link of this.openLinks) link.takeIn();
  }

  onFrame(link: ScriptedLink, frame: SeenFrame): void {
    const { clock } = this.cluster;
    const request = new Received(link, frame, clock.monotonicMs());
    if (frame.type === HELLO) {
      link.send(this.greeting ?? rawFrame({ ...frame, type: WELCOME, body: encodeBody(this.#welcome()) }));
    } else if (frame.type === PING) {
      this.pings++;
      request.raw(PONG);
    } else if (frame.type === RING) {
      this.ringRequests++;
      if (this.ringScript?.(request) !== true) request.result(this.#ring());
    } else {
      this.received.push(request);
      if (this.script?.(request) !== true) this.cluster.serve(request);
    }
  }

  #welcome(): object {
    const { clusterId, epoch } = this.cluster.config;
    const limits = { keyBytesMax: 8192, valueBytesMax: 16711680, frameBytesMax: 16777216 };
    const software = 'quoral/0.1.0';
    return {
      protocol: 1,
      software,
      node: this.name,
      clusterId,
      epoch: this.epoch ?? epoch,
      features: [],
      limits,
    };
  }

  #ring(): object {
    const { config, live } = this.cluster;
    return { ...config, live, self: this.name };
  }
}

/** One connection, seen from the node. */
export class ScriptedLink implements Connection {
  readonly node: ScriptedNode;
  readonly remote: string;
  readonly bufferedBytes = 0;
  isOpen = true;
  readonly #handler: ConnectionHandler;
  readonly #log = new FrameLog();
  readonly #decoder = new FrameDecoder(this.#log);
  /** What has arrived and is not taken in yet. */
  #arrived: Uint8Array[] = [];

  constructor(node: ScriptedNode, handler: ConnectionHandler) {
    this.node = node;
    this.remote = node.address;
    this.#handler = handler;
  }

  write(bytes: Uint8Array): boolean {
    const copy = Uint8Array.from(bytes);
    this.node.cluster.later(() => {
      this.#arrived.push(copy);
      if (!this.node.isPaused) this.takeIn();
    });
    return true;
  }

  end(): void {
    this.destroy();
  }

  destroy(): void {
    this.drop();
  }

  pause(): void {}

  resume(): void {}

  /** Sends bytes to the client, cut at random places. */
  send(bytes: Uint8Array): void {
    const { cluster } = this.node;
    for (let from = 0; from < bytes.length; ) {
      const to = Math.min(bytes.length, from + 1 + cluster.random.below(40));
      const chunk = bytes.slice(from, to);
      cluster.later(() => {
        if (this.isOpen) this.#handler.onData(chunk);
        chunk.fill(0xee); // The network's array is reused.
      });
      from = to;
    }
  }

  /** Takes in what has arrived. */
  takeIn(): void {
    const arrived = this.#arrived;
    this.#arrived = [];
    for (const bytes of arrived) this.#takeIn(bytes);
  }

  drop(error?: Error): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.node.cluster.later(() => this.#handler.onClose(error));
  }

  #takeIn(bytes: Uint8Array): void {
    if (!this.isOpen) return;
    const { frames } = this.#log;
    frames.length = 0;
    this.#decoder.push(bytes);
    const requests = frames.filter((frame) => frame.type !== HELLO);
    if (requests.length > 0) this.node.writes.push(requests.length);
    for (const frame of frames.slice()) this.node.onFrame(this, frame);
  }
}

export interface ScriptedClusterOptions {
  readonly nodes?: number;
  readonly replicas?: number;
  readonly seed?: number;
}

export class ScriptedCluster {
  readonly clock = new VirtualClock();
  readonly random: SeededRandom;
  readonly nodes: ScriptedNode[] = [];
  readonly stored = new Map<string, Uint8Array>();
  config: ClusterConfig;
  live: string[];
  /** Everything that any node received, in order. */
  get received(): Received[] {
    return this.nodes.flatMap((node) => node.received).sort((a, b) => a.atMs - b.atMs);
  }

  constructor({ nodes = 3, replicas = 3, seed = 1 }: ScriptedClusterOptions = {}) {
    this.random = new SeededRandom(seed);
    for (let i = 1; i <= nodes; i++) this.addNode(`n${i}`);
    this.live = this.nodes.map((node) => node.name);
    this.config = {
      clusterId: 'c',
      epoch: 1,
      replicas,
      readQuorum: 0,
      writeQuorum: 0,
      members: this.#members(),
    };
  }

  addNode(name: string, address = `10.0.0.${this.nodes.length + 1}:7400`): ScriptedNode {
    const node = new ScriptedNode(this, name, address);
    this.nodes.push(node);
    return node;
  }

  /** Makes exactly these nodes the members, in the next epoch. */
  reconfigure(nodes: readonly ScriptedNode[]): void {
    this.live = nodes.map((node) => node.name);
    this.config = { ...this.config, epoch: this.config.epoch + 1, members: this.#members(nodes) };
  }

  /** A client that knows the ring. By default it is given the first node. */
  async connect(
    options: ConnectOptions = {},
    seeds: readonly string[] = [this.nodes[0]!.address],
  ): Promise<KvClient> {
    return await this.run(this.open(options, seeds));
  }

  /** Like {@link connect}, without letting time pass. */
  async open(
    options: ConnectOptions = {},
    seeds: readonly string[] = [this.nodes[0]!.address],
  ): Promise<KvClient> {
    const hasher = await loadKeyHasher();
    const ports = {
      clock: this.clock,
      network: new ScriptedNetwork(this),
      random: new SeededRandom(7),
      hasher,
    };
    return openClient(ports, seeds, options);
  }

  /** Opens the client's connections to all nodes, and forgets the requests that this took. */
  async warm(kv: KvClient): Promise<void> {
    for (let i = 0; i < 100 && this.nodes.some((node) => node.openLinks.length === 0); i++) {
      await this.run(kv.get(`warm-up ${i}`));
      await this.pass(2);
    }
    this.forget();
  }

  /** Forgets what the nodes have received. */
  forget(): void {
    for (const node of this.nodes) {
      node.received.length = 0;
      node.writes.length = 0;
      node.ringRequests = 0;
      node.attempts = 0;
    }
  }

  /** Lets time pass until `promise` settles; fails after a virtual minute. */
  async run<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const mark = () => {
      isSettled = true;
    };
    promise.then(mark, mark);
    const endMs = this.clock.monotonicMs() + 60_000;
    await this.clock.settle();
    while (!isSettled) {
      if (this.clock.monotonicMs() > endMs) throw new Error('still pending after a virtual minute');
      await this.clock.advanceAsync(1);
    }
    return promise;
  }

  /** The error that `promise` rejects with, after as much time as that takes. */
  async failure<E extends Error = Error>(promise: Promise<unknown>): Promise<E> {
    return await this.run(
      promise.then(
        (value) => {
          throw new Error(`resolved with ${String(value)}`);
        },
        (error: E) => error,
      ),
    );
  }

  async pass(ms: number): Promise<void> {
    await this.clock.advanceAsync(ms);
  }

  /** The nodes that own `key`, first the primary. */
  async ownersOf(key: string): Promise<ScriptedNode[]> {
    const hasher = await loadKeyHasher();
    const ring = buildRing(this.config.members, this.config.replicas, hasher);
    hasher.hash(toBytes(key));
    const names = ring.owners(slotOf(hasher.hi)).map((index) => this.config.members[index]!.name);
    return names.map((name) => this.nodes.find((node) => node.name === name)!);
  }

  /** Keys whose primary is `node`. */
  async keysOf(node: ScriptedNode, count: number): Promise<string[]> {
    const keys: string[] = [];
    for (let i = 0; keys.length < count; i++) {
      if ((await this.ownersOf(`key ${i}`))[0] === node) keys.push(`key ${i}`);
    }
    return keys;
  }

  /** What a node does that has no script. */
  serve(request: Received): void {
    const stored = this.stored.get(request.key);
    if (request.type === GET) {
      if (stored === undefined) request.absent();
      else request.value(request.frame.flags & 1 ? NONE : stored);
    } else if (request.type === SET) {
      this.stored.set(request.key, request.frame.body.slice(12));
      request.done(8192, stored !== undefined);
    } else if (request.type === DELETE) {
      request.done(8192, this.stored.delete(request.key));
    } else {
      request.error('UNKNOWN_TYPE', true);
    }
  }

  later(action: () => void): void {
    this.clock.setTimer(WAY_MS, action);
  }

  #members(nodes: readonly ScriptedNode[] = this.nodes) {
    return nodes.map(({ name, address }) => ({ name, identity: '', address, weight: 1, zone: 'z' }));
  }
}

class ScriptedNetwork implements Network {
  readonly #cluster: ScriptedCluster;

  constructor(cluster: ScriptedCluster) {
    this.#cluster = cluster;
  }

  listen(): Promise<Listener> {
    throw new Error('a client does not listen');
  }

  connect(address: string, handler: ConnectionHandler, onConnect: (connection: Connection) => void): void {
    const node = this.#cluster.nodes.find((candidate) => candidate.address === address);
    if (node !== undefined) node.attempts++;
    if (node?.listens === 'silent') return;
    if (node === undefined || node.listens === 'refusing') {
      this.#cluster.later(() => handler.onClose(new Error(`connect ECONNREFUSED ${address}`)));
      return;
    }
    const link = new ScriptedLink(node, handler);
    node.links.push(link);
    this.#cluster.later(() => onConnect(link));
  }
}

/** The body of a request that has a MessagePack one. */
export function bodyOf(request: Received): Readonly<Record<string, unknown>> {
  return decodeBody(request.frame.body) ?? {};
}
