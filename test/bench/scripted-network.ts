/**
 * A network of scripted nodes for the load generator: they keep what is set, answer after a fixed time in pieces cut at
 * random, and can be told to stall, to misbehave or to hang up. The arrays that they hand out are wiped after each call,
 * as a reused receive buffer would be.
 */
import { SeededRandom } from '../../src/base/seeded-random.js';
import type { Clock } from '../../src/ports/clock.js';
import type { Address, Connection, ConnectionHandler, Listener, Network } from '../../src/ports/network.js';
import { encodeRecord } from '../../src/version/record.js';
import { writeBody } from '../../src/wire/body.js';
import { SET_BODY_BYTES, writeAbsent, writeDone, writeValue } from '../../src/wire/client-messages.js';
import type { Frame } from '../../src/wire/frame.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import { ERROR, GET, HELLO, RESULT, RING, SET, STATUS, WELCOME } from '../../src/wire/message-type.js';
import { Flusher, Outbox } from '../../src/wire/outbox.js';
import { VirtualClock } from '../support/virtual-clock.js';

/** A turn of the event loop takes this long, so that whoever polls lets time pass. */
const TURN_MS = 0.02;

export class TurningClock extends VirtualClock {
  override defer(callback: () => void): void {
    this.setTimer(TURN_MS, callback);
  }
}

export class ScriptedNetwork implements Network {
  readonly nodes = new Map<Address, ScriptedNode>();
  readonly random: SeededRandom;
  readonly #clock: Clock;

  constructor(clock: Clock, seed: number) {
    this.#clock = clock;
    this.random = new SeededRandom(seed);
  }

  /** Adds nodes that share their data, as replicas do. */
  addNodes(count: number): ScriptedNode[] {
    const store = new Map<string, Uint8Array>();
    for (let i = 1; i <= count; i++) {
      this.nodes.set(`node:${i}`, new ScriptedNode(`n${i}`, `node:${i}`, this, this.#clock, store));
    }
    return [...this.nodes.values()];
  }

  listen(): Promise<Listener> {
    throw new Error('scripted nodes listen by being there');
  }

  connect(address: Address, handler: ConnectionHandler, onConnect: (connection: Connection) => void): void {
    const node = this.nodes.get(address);
    this.#clock.setTimer(1, () => {
      if (node === undefined) handler.onClose(new Error('connection refused'));
      else onConnect(node.accept(handler));
    });
  }
}

export class ScriptedNode {
  readonly name: string;
  readonly address: Address;
  readonly store: Map<string, Uint8Array>;
  readonly links: ScriptedLink[] = [];
  /** From a request to its answer. */
  answerMs = 1;
  /** Nothing is answered before this moment. */
  stallUntilMs = 0;
  /** Answers in its own way and returns true, or false for the usual answer. */
  script: (frame: Frame, outbox: Outbox, link: ScriptedLink) => boolean = () => false;
  /** What STATUS says. */
  status: () => object = () => ({});
  requests = 0;
  readonly network: ScriptedNetwork;
  readonly clock: Clock;

  constructor(
    name: string,
    address: Address,
    network: ScriptedNetwork,
    clock: Clock,
    store: Map<string, Uint8Array>,
  ) {
    this.name = name;
    this.address = address;
    this.network = network;
    this.clock = clock;
    this.store = store;
  }

  accept(client: ConnectionHandler): Connection {
    const link = new ScriptedLink(this, client);
    this.links.push(link);
    return link;
  }

  onFrame(frame: Frame, outbox: Outbox, link: ScriptedLink): void {
    const { id } = frame;
    this.requests++;
    if (this.script(frame, outbox, link)) return;
    const key = Buffer.from(frame.key()).toString('latin1');
    if (frame.type === HELLO) writeBody(outbox, WELCOME, id, { protocol: 1 });
    else if (frame.type === SET) this.#onSet(frame, key, outbox);
    else if (frame.type === GET) this.#onGet(id, key, outbox);
    else if (frame.type === RING) writeBody(outbox, RESULT, id, this.#ring());
    else if (frame.type === STATUS) writeBody(outbox, RESULT, id, this.status());
    else writeBody(outbox, ERROR, id, { code: 'UNKNOWN_TYPE', message: 'not in the script', definite: true });
  }

  #onSet(frame: Frame, key: string, outbox: Outbox): void {
    this.store.set(key, Uint8Array.from(frame.body().subarray(SET_BODY_BYTES)));
    writeDone(outbox, frame.id, 1, 2, 0);
  }

  #onGet(id: number, key: string, outbox: Outbox): void {
    const value = this.store.get(key);
    if (value === undefined) writeAbsent(outbox, id);
    else writeRecord(outbox, id, value);
  }

  #ring(): object {
    const members = [...this.network.nodes.values()].map(({ name, address }) => ({ name, address }));
    return { members, live: members.map(({ name }) => name) };
  }
}

/** Answers a GET with this value. */
export function writeRecord(outbox: Outbox, id: number, value: Uint8Array): void {
  const record = encodeRecord({ time: 1, node: 2, tombstone: false, expiryMs: 0, value }, 0);
  writeValue(outbox, id, record, 0, record.length, false);
}

/** One connection, both of its ends: the client's is the {@link Connection}. */
export class ScriptedLink implements Connection {
  readonly remote: Address;
  readonly bufferedBytes = 0;
  readonly #node: ScriptedNode;
  readonly #client: ConnectionHandler;
  readonly #decoder: FrameDecoder;
  #isOpen = true;
  /** Requests that arrived and were not answered yet. */
  waiting = 0;
  waitingMost = 0;

  constructor(node: ScriptedNode, client: ConnectionHandler) {
    this.#node = node;
    this.#client = client;
    this.remote = node.address;
    const outbox = new Outbox(this.#serverEnd(), new Flusher(node.clock));
    this.#decoder = new FrameDecoder({
      onFrame: (frame) => {
        this.waiting++;
        this.waitingMost = Math.max(this.waitingMost, this.waiting);
        node.onFrame(frame, outbox, this);
      },
      onRefused: (error) => {
        throw error;
      },
    });
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isOpen) this.#deliver(Uint8Array.from(bytes), 0, (piece) => this.#decoder.push(piece));
    return true;
  }

  pause(): void {}
  resume(): void {}

  end(): void {
    this.hangUp();
  }

  destroy(): void {
    this.hangUp();
  }

  /** Ends the connection, as either side may. */
  hangUp(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#node.clock.defer(() => this.#client.onClose());
  }

  #serverEnd(): Connection {
    return {
      remote: 'client:1',
      bufferedBytes: 0,
      write: (bytes) => {
        const { answerMs, stallUntilMs, clock } = this.#node;
        const delayMs = Math.max(answerMs, stallUntilMs - clock.monotonicMs());
        this.waiting = 0;
        this.#deliver(Uint8Array.from(bytes), delayMs, (piece) => this.#client.onData(piece));
        return true;
      },
      pause() {},
      resume() {},
      end: () => this.hangUp(),
      destroy: () => this.hangUp(),
    };
  }

  /** Hands over `bytes` in pieces of random length. */
  #deliver(bytes: Uint8Array, delayMs: number, take: (piece: Uint8Array) => void): void {
    this.#node.clock.setTimer(delayMs, () => {
      for (let at = 0; at < bytes.length && this.#isOpen; ) {
        const length = 1 + this.#node.network.random.below(bytes.length - at);
        const piece = bytes.slice(at, at + length);
        take(piece);
        piece.fill(0xee);
        at += length;
      }
    });
  }
}
