/**
 * A connection for the few requests that are not load (RING, STATUS): one promise per request, MessagePack bodies.
 */
import { definite, type ErrorCode, indefinite, KvError } from '../src/base/errors.js';
import type { Timer } from '../src/ports/clock.js';
import type { Address, Connection, ConnectionHandler } from '../src/ports/network.js';
import { type Body, frameBody, stringField, writeBody } from '../src/wire/body.js';
import type { Frame } from '../src/wire/frame.js';
import { FrameDecoder, type FrameHandler } from '../src/wire/frame-decoder.js';
import { ERROR, HELLO, RESULT, typeName, WELCOME } from '../src/wire/message-type.js';
import { Flusher, Outbox } from '../src/wire/outbox.js';
import { HELLO_BODY } from './connection.js';
import type { Shell } from './shell.js';

const TIMEOUT_MS = 10_000;

interface PendingRequest {
  readonly resolve: (body: Body) => void;
  readonly reject: (error: Error) => void;
  readonly timer: Timer;
}

export class ControlConnection implements ConnectionHandler, FrameHandler {
  readonly address: Address;
  readonly #shell: Shell;
  readonly #decoder = new FrameDecoder(this);
  readonly #pending = new Map<number, PendingRequest>();
  #nextId = 1;
  #connection: Connection | undefined;
  #outbox: Outbox | undefined;
  #failure: Error | undefined;
  #onRefusedConnect: ((error: Error) => void) | undefined;

  private constructor(address: Address, shell: Shell) {
    this.address = address;
    this.#shell = shell;
  }

  /** @throws KvError `CONNECT_FAILED` when the node cannot be reached, or what it answers instead of a welcome. */
  static async open(address: Address, shell: Shell): Promise<ControlConnection> {
    const control = new ControlConnection(address, shell);
    await control.#connect();
    try {
      await control.request(HELLO, HELLO_BODY);
    } catch (error) {
      control.close();
      throw error;
    }
    return control;
  }

  /** @throws KvError what the node answered, `TIMEOUT` after 10 s, or `CONNECTION_LOST`. */
  request(type: number, body: object = {}): Promise<Body> {
    return new Promise((resolve, reject) => {
      if (this.#outbox === undefined) {
        reject(this.#lost());
        return;
      }
      const id = this.#nextId++;
      const timer = this.#shell.clock.setTimer(TIMEOUT_MS, () => {
        this.#pending.delete(id);
        const what = `${this.address} did not answer ${typeName(type)} in ${TIMEOUT_MS / 1000} s`;
        reject(indefinite('TIMEOUT', what));
      });
      this.#pending.set(id, { resolve, reject, timer });
      writeBody(this.#outbox, type, id, body);
    });
  }

  close(): void {
    this.#connection?.destroy();
  }

  onData(bytes: Uint8Array): void {
    this.#decoder.push(bytes);
  }

  onDrain(): void {}

  onFrame(frame: Frame): void {
    const request = this.#pending.get(frame.id);
    if (request === undefined) return; // It came after its timeout.
    this.#pending.delete(frame.id);
    this.#shell.clock.clearTimer(request.timer);
    const body = frameBody(frame);
    if ((frame.type === RESULT || frame.type === WELCOME) && body !== undefined) request.resolve(body);
    else request.reject(errorOf(frame, body));
  }

  onRefused(error: KvError): void {
    this.#failure = error;
    this.#connection?.destroy();
  }

  onClose(error?: Error): void {
    this.#failure ??= error;
    this.#outbox = undefined;
    for (const request of this.#pending.values()) {
      this.#shell.clock.clearTimer(request.timer);
      request.reject(this.#lost());
    }
    this.#pending.clear();
    const reason = this.#failure?.message ?? 'it closed the connection';
    this.#onRefusedConnect?.(
      definite('CONNECT_FAILED', `cannot connect to ${this.address}: ${reason}`, error),
    );
  }

  #connect(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#onRefusedConnect = reject;
      this.#shell.network.connect(this.address, this, (connection) => {
        this.#onRefusedConnect = undefined;
        this.#connection = connection;
        this.#outbox = new Outbox(connection, new Flusher(this.#shell.clock));
        resolve();
      });
    });
  }

  #lost(): KvError {
    const reason = this.#failure?.message ?? 'it was closed';
    return indefinite(
      'CONNECTION_LOST',
      `the connection to ${this.address} is gone: ${reason}`,
      this.#failure,
    );
  }
}

function errorOf(frame: Frame, body: Body | undefined): KvError {
  const code = body && stringField(body, 'code');
  if (frame.type !== ERROR || body === undefined || code === undefined) {
    return indefinite('PROTOCOL', `an answer of type ${typeName(frame.type)} was not expected`);
  }
  const message = stringField(body, 'message') ?? code;
  return new KvError(code as ErrorCode, message, { definite: body.definite === true });
}
