/**
 * Nodes that speak the Redis protocol as a script says, behind the network port. Replies come in small pieces, and at once:
 * before any timer of an AutoClock.
 */
import type { Connection, ConnectionHandler, Listener, Network } from '../../src/ports/network.js';
import { readReplies } from '../wire/resp/reply-reader.js';

/**
 * The bytes of the answer to one command, in latin1: '' for none. `null` ends the connection.
 * The greeting is not asked about, unless the script wants it.
 */
export type Script = (words: readonly string[], host: string) => string | null;

const PIECE_BYTES = 7;

export class FakeRedis implements Network {
  /** Commands in their order, greetings included. */
  readonly commands: string[][] = [];
  /** Hosts that were connected to, in their order. */
  readonly hosts: string[] = [];
  /** Connections that are open. */
  open = 0;
  /** Hosts that refuse connections, and those that never answer. */
  readonly refusing = new Set<string>();
  readonly silent = new Set<string>();
  /** Answers `PING` and `HELLO 3`. */
  greets = true;
  readonly #script: Script;

  constructor(script: Script) {
    this.#script = script;
  }

  listen(): Promise<Listener> {
    throw new Error('nobody listens here');
  }

  connect(address: string, handler: ConnectionHandler, onConnect: (connection: Connection) => void): void {
    this.hosts.push(address);
    process.nextTick(() => {
      if (this.silent.has(address)) return;
      if (this.refusing.has(address)) {
        const error = Object.assign(new Error(`connect ECONNREFUSED ${address}`), { code: 'ECONNREFUSED' });
        return handler.onClose(error);
      }
      this.open++;
      onConnect(new FakeConnection(address, handler, this));
    });
  }

  /** What comes back for the bytes of one command. */
  answerTo(request: Uint8Array, host: string): string | null {
    let answer = '';
    for (const [, items] of readReplies(request)) {
      const words = (items as [string, string][]).map(([, word]) => Buffer.from(word, 'latin1').toString());
      this.commands.push(words);
      const isGreeting = ['PING', 'HELLO 3'].includes(words.join(' '));
      const said = isGreeting && this.greets ? '+PONG\r\n' : this.#script(words, host);
      if (said === null) return null;
      answer += said;
    }
    return answer;
  }
}

class FakeConnection implements Connection {
  readonly bufferedBytes = 0;
  readonly remote: string;
  readonly #handler: ConnectionHandler;
  readonly #network: FakeRedis;
  #isOpen = true;

  constructor(remote: string, handler: ConnectionHandler, network: FakeRedis) {
    this.remote = remote;
    this.#handler = handler;
    this.#network = network;
  }

  write(bytes: Uint8Array): boolean {
    const answer = this.#network.answerTo(bytes, this.remote);
    process.nextTick(() => {
      if (answer === null) return this.destroy();
      const reply = Buffer.from(answer, 'latin1');
      for (let at = 0; at < reply.length && this.#isOpen; at += PIECE_BYTES) {
        this.#handler.onData(reply.subarray(at, at + PIECE_BYTES));
      }
    });
    return true;
  }

  pause(): void {}
  resume(): void {}

  end(): void {
    this.destroy();
  }

  destroy(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#network.open--;
    process.nextTick(() => this.#handler.onClose());
  }
}
