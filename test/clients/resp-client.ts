/**
 * A small client of the Redis protocol for tests: it sends commands or any bytes over one connection, and hands out the
 * replies in their order. It hides nothing: no retry, no reconnect, no interpretation.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';
import { BOUND_MS } from '../process/program.js';
import { parseReply, type Reply } from './resp-reply.js';

export type Word = string | Uint8Array | number;

const CRLF = Buffer.from('\r\n');

/** A command as clients send it: an array of bulk strings. */
export function encodeCommand(words: readonly Word[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) {
    const bytes = typeof word === 'object' ? word : Buffer.from(String(word));
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, CRLF);
  }
  return Buffer.concat(parts);
}

export class RespClient {
  readonly socket: Socket;
  isClosed = false;
  /** Bytes not yet read as replies. */
  #received: Buffer = Buffer.alloc(0);
  #chunks: Buffer[] = [];
  #onChange: () => void = () => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#onChange();
    });
    // What a server ends while we write to it is reset: that is the end of the connection, and no failure of ours.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
      this.#onChange();
    });
  }

  /** Connects; the caller closes. @param address `host:port` */
  static async connect(address: string): Promise<RespClient> {
    const [host, port] = address.split(':');
    const client = new RespClient(connect({ host: host!, port: Number(port) }));
    await once(client.socket, 'connect');
    return client;
  }

  /** Connects; the connection ends with the test. */
  static async open(t: Test, address: string): Promise<RespClient> {
    const client = await RespClient.connect(address);
    t.teardown(() => client.close());
    return client;
  }

  send(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Sends one command, and resolves with its reply. */
  async command(...words: readonly Word[]): Promise<Reply> {
    this.send(encodeCommand(words));
    return this.reply();
  }

  /** The next reply; rejects when the connection ends before. */
  reply(boundMs?: number): Promise<Reply> {
    return this.waitFor('a reply', () => this.#take(), boundMs);
  }

  async replies(count: number): Promise<Reply[]> {
    const replies: Reply[] = [];
    while (replies.length < count) replies.push(await this.reply());
    return replies;
  }

  /** All bytes that came and were not taken as replies. */
  get unread(): Buffer {
    if (this.#chunks.length > 0) {
      this.#received = Buffer.concat([this.#received, ...this.#chunks]);
      this.#chunks = [];
    }
    return this.#received;
  }

  /** Forgets this many of the bytes that came. */
  discard(count: number): void {
    this.#received = this.unread.subarray(count);
  }

  /** Resolves when the server has closed the connection. */
  async closed(boundMs?: number): Promise<void> {
    await this.waitFor('the end of the connection', () => this.isClosed || undefined, boundMs);
  }

  close(): void {
    this.socket.destroy();
  }

  /** Looks again after everything that comes, until `look` finds something. One at a time. */
  async waitFor<T>(what: string, look: () => T | undefined, boundMs = BOUND_MS): Promise<T> {
    const { promise: late, reject } = withReject();
    const timer = setTimeout(() => reject(new Error(`not within ${boundMs} ms: ${what}`)), boundMs);
    try {
      for (;;) {
        const found = look();
        if (found !== undefined) return found;
        if (this.isClosed) throw new Error(`the connection was closed before ${what}`);
        const changed = new Promise<void>((resolve) => {
          this.#onChange = resolve;
        });
        await Promise.race([changed, late]);
      }
    } finally {
      clearTimeout(timer);
      this.#onChange = () => {};
    }
  }

  #take(): Reply | undefined {
    const parsed = parseReply(this.unread);
    if (parsed === undefined) return undefined;
    this.discard(parsed.end);
    return parsed.reply;
  }
}

function withReject(): { promise: Promise<never>; reject: (error: Error) => void } {
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<never>((_, no) => {
    reject = no;
  });
  return { promise, reject };
}
