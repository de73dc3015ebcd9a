/**
 * A network in memory, on a virtual clock: byte streams between named hosts, with delays, cuts and resets. Bytes arrive
 * in order, split where a real network could split them; everything follows from the seed of `random`.
 *
 * A cut works as a lost cable does: nothing arrives, nobody is told, and what was sent arrives when the cut is healed,
 * unless the connection was given up meanwhile. An end and a reset travel like bytes, behind those already sent.
 */
import { definite } from '../../src/base/errors.js';
import type { Clock } from '../../src/ports/clock.js';
import type { Address, Connection, ConnectionHandler, Listener, Network } from '../../src/ports/network.js';
import type { Random } from '../../src/ports/random.js';
import { VirtualPipe } from './virtual-pipe.js';

export interface VirtualNetworkOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** Bounds of the delay of each piece of a stream, in milliseconds. */
  readonly delayMs?: readonly [min: number, max: number];
}

interface Waiting {
  readonly from: string;
  readonly to: string;
  readonly attempt: () => void;
}

const FIRST_PORT = 7000;

export class VirtualNetwork {
  readonly clock: Clock;
  readonly random: Random;
  /** Bytes of one stream that may be on their way; more wait with the sender. */
  windowBytes = 1024 * 1024;
  /** Largest piece in which bytes arrive; 0 for whole writes. */
  pieceBytesMax = 4096;
  readonly #delayMs: readonly [number, number];
  readonly #linkDelays = new Map<string, readonly [number, number]>();
  readonly #listeners = new Map<Address, VirtualListener>();
  readonly #sockets = new Set<VirtualSocket>();
  /** Host pairs between which nothing arrives in this direction. */
  readonly #cuts = new Set<string>();
  /** Streams with something that a cut keeps from arriving, also of ends that are closed already. */
  readonly #held = new Set<VirtualPipe>();
  #waiting: Waiting[] = [];
  /** Hosts whose programs do not run now: what arrives for them waits. */
  readonly #paused = new Set<string>();
  readonly #late: { readonly host: string; readonly call: () => void }[] = [];
  /** Streams whose next piece arrives half, before the connection breaks. */
  readonly #torn = new Set<string>();
  /** Sees every piece as it arrives. */
  onPiece: ((from: string, to: string, bytes: Uint8Array) => void) | undefined;
  /** Sees everything that is written to a connection. */
  onWrite: ((socket: VirtualSocket, bytes: Uint8Array) => void) | undefined;
  #nextPort = FIRST_PORT;

  constructor(options: VirtualNetworkOptions) {
    this.clock = options.clock;
    this.random = options.random;
    this.#delayMs = options.delayMs ?? [0.1, 1];
  }

  /** The network as the programs of one host see it. Addresses are `host:port`. */
  host(name: string): Network {
    return {
      listen: async (address, onConnection) => this.#listen(name, address, onConnection),
      connect: (address, handler, onConnect) => this.#connect(name, address, handler, onConnect),
    };
  }

  /** From now on nothing that `from` sends arrives at `to`. */
  cutOneWay(from: string, to: string): void {
    this.#cuts.add(linkName(from, to));
  }

  cut(a: string, b: string): void {
    this.cutOneWay(a, b);
    this.cutOneWay(b, a);
  }

  /** Ends the cut between two hosts, or all of them. */
  heal(a?: string, b?: string): void {
    if (a === undefined || b === undefined) this.#cuts.clear();
    else for (const link of [linkName(a, b), linkName(b, a)]) this.#cuts.delete(link);
    this.#release();
  }

  /** Ends the cut in one direction. */
  healOneWay(from: string, to: string): void {
    this.#cuts.delete(linkName(from, to));
    this.#release();
  }

  /** The host's programs stand still: their connections stay open, and nothing is handed to them. */
  pauseHost(name: string): void {
    this.#paused.add(name);
  }

  /** They go on, and get what has waited for them. */
  resumeHost(name: string): void {
    if (!this.#paused.delete(name)) return;
    const late = this.#late.splice(0);
    for (const { host, call } of late) this.call(host, call);
    this.#release();
  }

  /** Tells a host's programs something at the end of the turn, or when they run again. */
  call(host: string, call: () => void): void {
    if (this.#paused.has(host)) this.#late.push({ host, call });
    else this.clock.defer(() => (this.#paused.has(host) ? this.call(host, call) : call()));
  }

  /** Whether nothing that `from` sends can be handed to `to` now. */
  isBlocked(from: string, to: string): boolean {
    return this.#paused.has(to) || (this.#cuts.size > 0 && this.#cuts.has(linkName(from, to)));
  }

  /** The next piece that `from` sends to `to` arrives half, and its connection breaks. */
  tear(from: string, to: string): void {
    this.#torn.add(linkName(from, to));
  }

  takeTorn(from: string, to: string): boolean {
    return this.#torn.size > 0 && this.#torn.delete(linkName(from, to));
  }

  /** What a cut or a pause has held back is tried again. */
  #release(): void {
    const held = [...this.#held];
    this.#held.clear();
    for (const pipe of held) pipe.wake();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { from, to, attempt } of waiting) this.#whenOpen(from, to, attempt);
  }

  isCut(from: string, to: string): boolean {
    return this.#cuts.has(linkName(from, to));
  }

  /** Sets the delay between two hosts, both ways; undefined: the usual one. */
  setDelay(a: string, b: string, delayMs: readonly [number, number] | undefined): void {
    for (const link of [linkName(a, b), linkName(b, a)]) {
      if (delayMs === undefined) this.#linkDelays.delete(link);
      else this.#linkDelays.set(link, delayMs);
    }
  }

  delay(from: string, to: string): number {
    const own = this.#linkDelays.size === 0 ? undefined : this.#linkDelays.get(linkName(from, to));
    const [min, max] = own ?? this.#delayMs;
    return min + this.random.next() * (max - min);
  }

  /** Breaks every connection between two hosts; both sides notice. */
  reset(a: string, b: string): void {
    for (const socket of [...this.#sockets]) {
      if ((socket.host === a && socket.peerHost === b) || (socket.host === b && socket.peerHost === a)) {
        socket.breakOff(new Error('the connection was reset'));
      }
    }
  }

  /** The host's programs are gone: its own sockets say nothing more, and those of others are reset. */
  crashHost(name: string): void {
    this.resumeHost(name);
    for (const [address, listener] of this.#listeners)
      if (listener.host === name) this.#listeners.delete(address);
    for (const socket of [...this.#sockets]) if (socket.host === name) socket.vanish();
  }

  /** Connections that have an end on this host. */
  socketCount(host: string): number {
    return [...this.#sockets].filter((socket) => socket.host === host).length;
  }

  /** A cut keeps this stream from arriving. */
  hold(pipe: VirtualPipe): void {
    this.#held.add(pipe);
  }

  forget(socket: VirtualSocket): void {
    this.#sockets.delete(socket);
  }

  #listen(
    host: string,
    wanted: Address,
    onConnection: (connection: Connection) => ConnectionHandler,
  ): Listener {
    const address = wanted.endsWith(':0') ? `${hostOf(wanted)}:${this.#nextPort++}` : wanted;
    if (hostOf(address) !== host) throw definite('CONNECT_FAILED', `cannot listen on ${address}: not ours`);
    if (this.#listeners.has(address)) throw definite('CONNECT_FAILED', `cannot listen on ${address}: taken`);
    const listener: VirtualListener = {
      host,
      address,
      onConnection,
      close: async () => {
        if (this.#listeners.get(address) === listener) this.#listeners.delete(address);
      },
    };
    this.#listeners.set(address, listener);
    return listener;
  }

  #connect(
    from: string,
    address: Address,
    handler: ConnectionHandler,
    onConnect: (connection: Connection) => void,
  ): void {
    const to = hostOf(address);
    const near = new VirtualSocket(this, from, to, address);
    near.handler = handler;
    this.#sockets.add(near);
    this.#whenOpen(from, to, () => {
      if (near.isClosed) return;
      const listener = this.#listeners.get(address);
      if (listener === undefined) return near.breakOff(new Error(`nobody listens on ${address}`));
      const far = new VirtualSocket(this, to, from, `${from}:${this.#nextPort++}`);
      this.#sockets.add(far);
      near.join(far);
      far.handler = listener.onConnection(far);
      // The answer travels back.
      this.#whenOpen(to, from, () => {
        if (!near.isClosed) near.open(onConnect);
      });
    });
  }

  /** Runs `attempt` when a packet sent now would arrive; while the way is cut it is sent again and again. */
  #whenOpen(from: string, to: string, attempt: () => void): void {
    this.clock.setTimer(this.delay(from, to), () => {
      if (this.isBlocked(from, to)) this.#waiting.push({ from, to, attempt });
      else attempt();
    });
  }
}

interface VirtualListener extends Listener {
  readonly host: string;
  readonly onConnection: (connection: Connection) => ConnectionHandler;
}

/** One end of a connection. */
export class VirtualSocket implements Connection {
  readonly remote: Address;
  readonly host: string;
  readonly peerHost: string;
  readonly outgoing: VirtualPipe;
  handler: ConnectionHandler | undefined;
  isClosed = false;
  isPaused = false;
  readonly #network: VirtualNetwork;
  #peer: VirtualSocket | undefined;
  #isEnding = false;
  #isOpen = false;

  constructor(network: VirtualNetwork, host: string, peerHost: string, remote: Address) {
    this.#network = network;
    this.host = host;
    this.peerHost = peerHost;
    this.remote = remote;
    this.outgoing = new VirtualPipe(network, this);
  }

  get peer(): VirtualSocket | undefined {
    return this.#peer;
  }

  /** Whether what arrives can be handed out now. */
  get isReading(): boolean {
    return !this.isPaused && (this.#isOpen || this.isClosed);
  }

  join(far: VirtualSocket): void {
    this.#peer = far;
    far.#peer = this;
    far.#isOpen = true;
  }

  open(onConnect: (connection: Connection) => void): void {
    onConnect(this);
    this.#isOpen = true;
    this.#peer?.outgoing.wake();
  }

  get bufferedBytes(): number {
    return this.outgoing.waitingBytes;
  }

  write(bytes: Uint8Array): boolean {
    if (this.isClosed || this.#isEnding) return true;
    this.#network.onWrite?.(this, bytes);
    return this.outgoing.write(bytes);
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
    this.#peer?.outgoing.wake();
  }

  end(): void {
    if (this.#isEnding || this.isClosed) return;
    this.#isEnding = true;
    this.outgoing.finish('end');
  }

  destroy(): void {
    if (this.isClosed) return;
    this.outgoing.finish('reset');
    this.#close(undefined);
  }

  /** The connection breaks underneath both ends. */
  breakOff(error: Error): void {
    if (this.isClosed) return;
    this.outgoing.drop();
    this.#close(error);
    this.#peer?.breakOff(error);
  }

  /** This end's program is gone: it is told nothing, the other end finds out. */
  vanish(): void {
    this.handler = undefined;
    this.destroy();
  }

  // Called by the other end's pipe.

  onArrived(bytes: Uint8Array): void {
    if (!this.isClosed) this.handler?.onData(bytes);
    else this.#peer?.onReset();
  }

  onEnd(): void {
    if (this.isClosed) return;
    // The other side has ended: what is still to be written goes out, then this side is closed too.
    this.end();
    this.#close(undefined);
  }

  onReset(): void {
    if (!this.isClosed) this.breakOff(new Error('the connection was reset by the other side'));
  }

  #close(error: Error | undefined): void {
    this.isClosed = true;
    this.#network.forget(this);
    this.#network.call(this.host, () => {
      const { handler } = this;
      this.handler = undefined;
      handler?.onClose(error);
    });
  }
}

function linkName(from: string, to: string): string {
  return `${from}>${to}`;
}

function hostOf(address: Address): string {
  return address.slice(0, address.lastIndexOf(':'));
}
