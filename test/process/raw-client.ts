/** A client that sends whatever bytes it likes, and keeps what comes back. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Test } from 'tap';
import { decodeBody } from '../../src/wire/body.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import { ERROR } from '../../src/wire/message-type.js';
import { FrameLog, rawFrame, type SeenFrame } from '../support/wire.js';
import { until } from './program.js';

const NO_BYTES = new Uint8Array(0);

/** What a node answered in an ERROR frame. */
export interface Refusal {
  readonly id: number;
  readonly code: unknown;
  readonly definite: unknown;
}

export class RawClient {
  readonly socket: Socket;
  readonly #chunks: Buffer[] = [];
  isClosed = false;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.#chunks.push(chunk));
    // A node may well reset a connection on which it is sent nonsense.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  /** Connects; the connection ends with the test. */
  static async open(t: Test, address: string): Promise<RawClient> {
    const [host, port] = address.split(':');
    const client = new RawClient(connect({ host: host!, port: Number(port) }));
    t.teardown(() => client.socket.destroy());
    await once(client.socket, 'connect');
    return client;
  }

  get received(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Whole frames that have come. */
  get frames(): readonly SeenFrame[] {
    const log = new FrameLog();
    new FrameDecoder(log).push(Uint8Array.from(this.received));
    return log.frames;
  }

  get refusals(): readonly Refusal[] {
    return this.frames
      .filter(({ type }) => type === ERROR)
      .map(({ id, body }) => {
        const { code, definite } = decodeBody(body) ?? {};
        return { id, code, definite };
      });
  }

  send(bytes: Uint8Array | string): void {
    this.socket.write(bytes);
  }

  /** Sends a frame; what is not given is zero or empty. */
  frame(frame: Partial<SeenFrame>): void {
    this.send(rawFrame({ type: 0, flags: 0, id: 1, key: NO_BYTES, body: NO_BYTES, ...frame }));
  }

  /** Resolves when the node has closed the connection. */
  async closed(boundMs?: number): Promise<void> {
    await until('the node closes the connection', () => this.isClosed, boundMs);
  }

  /** Resolves when so many frames have come. */
  async answers(count: number): Promise<void> {
    await until(`${count} frames have come`, () => this.frames.length >= count);
  }
}
