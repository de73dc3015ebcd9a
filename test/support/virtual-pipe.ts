/** One direction of a virtual connection: pieces on their way, in order, and what waits with the sender. */
import type { VirtualNetwork, VirtualSocket } from './virtual-network.js';

interface Piece {
  readonly bytes: Uint8Array;
  readonly dueMs: number;
}

export class VirtualPipe {
  readonly #network: VirtualNetwork;
  readonly #from: VirtualSocket;
  #onTheWay: Piece[] = [];
  #onTheWayBytes = 0;
  #waiting: Uint8Array[] = [];
  waitingBytes = 0;
  #lastDueMs = 0;
  #isArmed = false;
  #owesDrain = false;
  /** What follows the last byte. */
  #last: 'end' | 'reset' | undefined;
  #lastAtMs = 0;
  #isDone = false;

  constructor(network: VirtualNetwork, from: VirtualSocket) {
    this.#network = network;
    this.#from = from;
  }

  /** Takes a copy of the bytes. False when they do not fit into the window: `onDrain` follows. */
  write(bytes: Uint8Array): boolean {
    if (this.#last !== undefined || bytes.length === 0) return true;
    this.#waiting.push(Uint8Array.from(bytes));
    this.waitingBytes += bytes.length;
    this.#pump();
    if (this.waitingBytes === 0) return true;
    this.#owesDrain = true;
    return false;
  }

  /** Nothing is written after this. A reset may overtake bytes that have not arrived. */
  finish(kind: 'end' | 'reset'): void {
    if (this.#last === 'reset') return;
    this.#last = kind;
    this.#lastAtMs = Math.max(this.#lastDueMs, this.#network.clock.monotonicMs() + this.#delay());
    if (kind === 'reset') {
      this.#waiting = [];
      this.waitingBytes = 0;
      if (this.#network.random.below(2) === 0) this.#dropOnTheWay();
    }
    this.#arm();
  }

  /** Forgets everything: both ends know already. */
  drop(): void {
    this.#isDone = true;
    this.#waiting = [];
    this.waitingBytes = 0;
    this.#dropOnTheWay();
  }

  /** The way may be free again, or the receiver reads again. */
  wake(): void {
    this.#arm();
  }

  #pump(): void {
    const { clock, windowBytes } = this.#network;
    // Half a window at least, so that small pieces do not make ever smaller ones.
    while (this.#waiting.length > 0 && this.#onTheWayBytes <= windowBytes / 2) {
      const whole = this.#waiting.shift()!;
      const room = windowBytes - this.#onTheWayBytes;
      const bytes = whole.subarray(0, room);
      if (room < whole.length) this.#waiting.unshift(whole.subarray(room));
      this.waitingBytes -= bytes.length;
      this.#onTheWayBytes += bytes.length;
      for (const part of this.#split(bytes)) {
        this.#lastDueMs = Math.max(this.#lastDueMs, clock.monotonicMs() + this.#delay());
        this.#onTheWay.push({ bytes: part, dueMs: this.#lastDueMs });
      }
    }
    this.#arm();
  }

  /** Most writes arrive whole, some in pieces: a piece for every few kilobytes, and now and then a cut anywhere. */
  #split(bytes: Uint8Array): Uint8Array[] {
    const { random, pieceBytesMax } = this.#network;
    if (pieceBytesMax === 0) return [bytes];
    const parts: Uint8Array[] = [];
    for (let at = 0; at < bytes.length; ) {
      const most = Math.min(bytes.length - at, pieceBytesMax);
      const length = random.below(4) === 0 ? 1 + random.below(most) : most;
      parts.push(bytes.subarray(at, at + length));
      at += length;
    }
    return parts;
  }

  #arm(): void {
    if (this.#isArmed || this.#isDone) return;
    const dueMs = this.#onTheWay[0]?.dueMs ?? (this.#last === undefined ? undefined : this.#lastAtMs);
    if (dueMs === undefined) return;
    this.#isArmed = true;
    this.#network.clock.setTimer(dueMs - this.#network.clock.monotonicMs(), () => this.#deliver());
  }

  #deliver(): void {
    this.#isArmed = false;
    const { peer } = this.#from;
    if (this.#isDone || peer === undefined) return;
    const { host, peerHost } = this.#from;
    if (this.#network.isBlocked(host, peerHost)) return this.#network.hold(this);
    if (!peer.isReading && this.#last !== 'reset') return;
    const piece = this.#onTheWay.shift();
    if (piece === undefined) return this.#deliverLast(peer);
    this.#onTheWayBytes -= piece.bytes.length;
    if (piece.bytes.length > 1 && this.#network.takeTorn(host, peerHost))
      return this.#tear(peer, piece.bytes);
    this.#network.onPiece?.(host, peerHost, piece.bytes);
    handOut(peer, piece.bytes);
    this.#pump();
    this.#drain();
  }

  #tear(peer: VirtualSocket, bytes: Uint8Array): void {
    const half = bytes.subarray(0, 1 + this.#network.random.below(bytes.length - 1));
    this.#network.onPiece?.(this.#from.host, this.#from.peerHost, half);
    handOut(peer, half);
    const error = new Error('the connection was reset');
    this.#from.breakOff(error);
    // The sender may have closed its end before its last bytes arrive.
    peer.breakOff(error);
  }

  #deliverLast(peer: VirtualSocket): void {
    if (this.#last === undefined || this.#waiting.length > 0) return;
    this.#isDone = true;
    if (this.#last === 'end') peer.onEnd();
    else peer.onReset();
  }

  #drain(): void {
    if (!this.#owesDrain || this.waitingBytes > 0) return;
    this.#owesDrain = false;
    this.#network.call(this.#from.host, () => this.#from.handler?.onDrain());
  }

  #dropOnTheWay(): void {
    this.#onTheWay = [];
    this.#onTheWayBytes = 0;
  }

  #delay(): number {
    return this.#network.delay(this.#from.host, this.#from.peerHost);
  }
}

/** As a real network may: in a Buffer, which is used again for something else right after the call. */
function handOut(peer: VirtualSocket, bytes: Uint8Array): void {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  peer.onArrived(buffer);
  buffer.fill(USED_AGAIN);
}

const USED_AGAIN = 0xdd;
