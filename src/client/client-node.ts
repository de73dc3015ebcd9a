/**
 * A node as the client sees it: an address, its connections, and how long to leave it alone after a failure. Connections
 * are opened when a request could use them, never by a timer, so a client that is idle does nothing.
 */
import { definite, type KvError } from '../base/errors.js';
import type { Address } from '../ports/network.js';
import type { Random } from '../ports/random.js';
import type { Frame } from '../wire/frame.js';
import { type ConnectionIo, NodeConnection, type Welcome } from './node-connection.js';
import { reconnectDelayMs } from './retry.js';
import type { RouteNode, Standing } from './routing.js';

/** A connection that has lasted this long has shown that the node works. */
const STABLE_MS = 5000;

/** Who is told what happens on the connections of all nodes. */
export interface NodeListener {
  /** What is wrong with a node that welcomes us, if anything: it is not talked to. */
  problemWith(node: ClientNode, welcome: Welcome): KvError | undefined;
  /** The node has a new connection. */
  onNodeUp(node: ClientNode, welcome: Welcome): void;
  onReply(connection: NodeConnection, frame: Frame): void;
  /** A connection that was up has ended, with the requests that were on it. */
  onConnectionLost(node: ClientNode, connection: NodeConnection, error: KvError): void;
  /** A connection could not be opened. */
  onConnectFailed(node: ClientNode, error: KvError): void;
}

export interface NodeSettings {
  readonly io: ConnectionIo;
  readonly random: Random;
  readonly connectionsPerNode: number;
}

export class ClientNode implements RouteNode {
  readonly address: Address;
  /** As in its last welcome, or in the cluster's configuration; empty until one of them is known. */
  name = '';
  isLive = true;
  /** It is no member of the ring, and only good for when no member can be reached. */
  isStandby = false;
  /** Why the last connection failed or ended. */
  lastError: KvError | undefined;
  readonly #settings: NodeSettings;
  readonly #listener: NodeListener;
  readonly #up: NodeConnection[] = [];
  readonly #opening: NodeConnection[] = [];
  #next = 0;
  #failures = 0;
  #upSinceMs = 0;
  #openAtMs = 0;
  #isRetired = false;
  #isClosed = false;

  constructor(address: Address, settings: NodeSettings, listener: NodeListener) {
    this.address = address;
    this.#settings = settings;
    this.#listener = listener;
  }

  get standing(): Standing {
    for (let i = 0; i < this.#up.length; i++) if (!this.#up[i]!.isSuspect) return 'ready';
    return this.#up.length > 0 ? 'suspect' : 'down';
  }

  get isOpening(): boolean {
    return this.#opening.length > 0;
  }

  /** It has fewer connections than it should, and none is being opened. */
  get isShort(): boolean {
    return this.#opening.length === 0 && this.#up.length < this.#settings.connectionsPerNode;
  }

  /** When it may be connected to again, by the monotonic clock. */
  get openAtMs(): number {
    return this.#openAtMs;
  }

  canOpen(nowMs: number): boolean {
    return this.isShort && !this.#isClosed && nowMs >= this.#openAtMs;
  }

  /** Starts to open the connections that are missing. */
  open(): void {
    this.#isRetired = false;
    const missing = this.#settings.connectionsPerNode - this.#up.length - this.#opening.length;
    for (let i = 0; i < missing; i++) {
      const connection = new NodeConnection(this, this.#settings.io);
      this.#opening.push(connection);
      connection.open();
    }
  }

  /** A connection that is up, each in turn, one that answers if there is any. */
  connection(): NodeConnection | undefined {
    const count = this.#up.length;
    if (count <= 1) return this.#up[0];
    for (let i = 0; i < count; i++) {
      const connection = this.#up[this.#next++ % count]!;
      if (!connection.isSuspect) return connection;
    }
    return this.#up[0];
  }

  /** It is not a member any more: lets go of its connections as soon as nothing is in flight on them. */
  retire(): void {
    this.#isRetired = true;
    for (const connection of [...this.#up, ...this.#opening]) {
      if (connection.inFlight === 0) connection.fail(retired(this.address));
    }
  }

  /** Nothing is in flight on `connection` any more. */
  onConnectionIdle(connection: NodeConnection): void {
    if (this.#isRetired && connection.isUp) connection.fail(retired(this.address));
  }

  /** Drops all connections, for good. */
  close(reason: KvError): void {
    this.#isClosed = true;
    for (const connection of [...this.#up, ...this.#opening]) connection.fail(reason);
  }

  problemWith(welcome: Welcome): KvError | undefined {
    return this.#listener.problemWith(this, welcome);
  }

  /** It has answered HELLO, and nothing is wrong with it. */
  onWelcome(connection: NodeConnection, welcome: Welcome): void {
    take(this.#opening, connection);
    this.#up.push(connection);
    this.name = welcome.node;
    this.#upSinceMs = this.#settings.io.clock.monotonicMs();
    this.#listener.onNodeUp(this, welcome);
  }

  /** A reply to a request. Valid during the call only. */
  onReply(connection: NodeConnection, frame: Frame): void {
    this.#listener.onReply(connection, frame);
  }

  /** Last call of a connection. `wasUp`: it had been welcomed. */
  onEnded(connection: NodeConnection, error: KvError, wasUp: boolean): void {
    take(wasUp ? this.#up : this.#opening, connection);
    // Connections that we let go of are no news.
    if (this.#isClosed || (this.#isRetired && wasUp && connection.inFlight === 0)) return;
    this.lastError = error;
    this.#pause(wasUp);
    if (wasUp) this.#listener.onConnectionLost(this, connection, error);
    else this.#listener.onConnectFailed(this, error);
  }

  /** Doubles the pause for a node that fails again and again, or that welcomes us only to fail soon after. */
  #pause(wasUp: boolean): void {
    const nowMs = this.#settings.io.clock.monotonicMs();
    if (wasUp && nowMs - this.#upSinceMs >= STABLE_MS) this.#failures = 0;
    this.#failures++;
    this.#openAtMs = nowMs + reconnectDelayMs(this.#failures, this.#settings.random);
  }
}

function retired(address: Address): KvError {
  return definite('CONNECTION_LOST', `${address} is not a member of the cluster any more`);
}

function take<T>(items: T[], item: T): void {
  const at = items.indexOf(item);
  if (at >= 0) items.splice(at, 1);
}
