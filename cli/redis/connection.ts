/**
 * A connection on which kvcli speaks the Redis protocol to one node: requests go out, each waits for its reply. What the
 * node sends unasked (pushes) is given away as it comes, and answers nothing.
 */
import { definite, indefinite, type KvError, messageOf } from '../../src/base/errors.js';
import type { Clock } from '../../src/ports/clock.js';
import type { Address, Connection, ConnectionHandler, Network } from '../../src/ports/network.js';
import { type Reply, ReplyReader } from '../../src/wire/resp/reply-reader.js';
import { formatCount } from '../text/quantity.js';

export interface RedisOptions {
  readonly network: Network;
  readonly clock: Clock;
  /** Aborted when the user interrupts the command. */
  readonly signal: AbortSignal;
  readonly onPush: (push: Reply) => void;
}

/**
 * Connects to the first of `hosts` that answers `greeting`, with whatever reply, and gives that reply as well.
 * @param timeoutMs for each host.
 * @throws KvError definite, of the last host when none answers.
 */
export async function openRedis(
  hosts: readonly Address[],
  { greeting, timeoutMs }: { greeting: readonly string[]; timeoutMs: number },
  options: RedisOptions,
): Promise<{ connection: RedisConnection; reply: Reply }> {
  let lastError: KvError | undefined;
  for (const host of hosts) {
    const connection = new RedisConnection(host, options);
    try {
      return { connection, reply: await connection.ask(greeting, timeoutMs) };
    } catch (error) {
      connection.close();
      lastError = unopened(host, error as KvError);
      if (options.signal.aborted) break;
    }
  }
  throw lastError!;
}

/** Definite: only the greeting was sent. */
function unopened(host: Address, error: KvError): KvError {
  const message = error.code === 'CONNECT_FAILED' ? error.message : `${host}: ${error.message}`;
  return definite(error.code, message, error.cause ?? error);
}

/** What waits for a reply. */
interface Waiting {
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: KvError) => void;
}

/** Commands are asked one after the other. */
export class RedisConnection implements ConnectionHandler {
  readonly #host: Address;
  readonly #options: RedisOptions;
  readonly #reader = new ReplyReader();
  #connection: Connection | undefined;
  #waiting: Waiting | undefined;
  /** The request that waits for the connection. */
  #unsent: Uint8Array | undefined;
  #failure: KvError | undefined;
  #pushes = 0;
  /** Replies that answer nothing that was asked. */
  #extra = 0;

  constructor(host: Address, options: RedisOptions) {
    this.#host = host;
    this.#options = options;
    options.network.connect(host, this, (connection) => this.#onConnect(connection));
  }

  /** Whether more replies came than there were requests. */
  get hasExtra(): boolean {
    return this.#extra > 0;
  }

  /**
   * Sends one command, and waits for its reply.
   * @throws KvError `TIMEOUT`, `CONNECTION_LOST`, `CONNECT_FAILED`, `ABORTED`, `PROTOCOL`; indefinite once it was sent.
   */
  ask(words: readonly string[], timeoutMs: number): Promise<Reply> {
    const { clock, signal } = this.#options;
    return new Promise((resolve, reject) => {
      const onAbort = () => this.#fail(this.#error('ABORTED', 'interrupted before the node answered'));
      const onTime = () => this.#fail(this.#error('TIMEOUT', this.#silence(timeoutMs)));
      const timer = clock.setTimer(timeoutMs, onTime);
      signal.addEventListener('abort', onAbort);
      const end = () => {
        clock.clearTimer(timer);
        signal.removeEventListener('abort', onAbort);
        this.#waiting = undefined;
      };
      this.#waiting = {
        resolve: (reply) => {
          end();
          resolve(reply);
        },
        reject: (error) => {
          end();
          reject(error);
        },
      };
      if (this.#failure !== undefined) return this.#waiting.reject(this.#failure);
      this.#send(requestOf(words));
      if (signal.aborted) onAbort();
    });
  }

  close(): void {
    this.#failure ??= definite('CLOSED', 'the connection is closed');
    this.#connection?.destroy();
  }

  onData(bytes: Uint8Array): void {
    if (this.#failure !== undefined) return;
    try {
      for (const reply of this.#reader.read(bytes)) this.#onReply(reply);
    } catch (error) {
      this.#fail(error as KvError);
    }
  }

  onDrain(): void {}

  onClose(error?: Error): void {
    if (this.#connection === undefined) {
      const reason = error === undefined ? 'the connection was refused' : messageOf(error);
      return this.#fail(definite('CONNECT_FAILED', `cannot connect to ${this.#host}: ${reason}`, error));
    }
    const within = this.#reader.isWithinReply ? 'within its reply' : 'without a reply';
    const reason = error === undefined ? '' : ` (${messageOf(error)})`;
    this.#fail(indefinite('CONNECTION_LOST', `the node ended the connection ${within}${reason}`, error));
  }

  #onConnect(connection: Connection): void {
    this.#connection = connection;
    if (this.#failure !== undefined) return connection.destroy();
    if (this.#unsent !== undefined) this.#send(this.#unsent);
    this.#unsent = undefined;
  }

  #send(request: Uint8Array): void {
    if (this.#connection === undefined) this.#unsent = request;
    else this.#connection.write(request);
  }

  #onReply(reply: Reply): void {
    if (reply.type === 'push') {
      this.#pushes++;
      this.#options.onPush(reply);
    } else if (this.#waiting === undefined) this.#extra++;
    else this.#waiting.resolve(reply);
  }

  #silence(timeoutMs: number): string {
    const time = `${formatCount(timeoutMs)} ms`;
    if (this.#connection === undefined) return `cannot connect to ${this.#host} in ${time}`;
    if (this.#reader.isWithinReply) return `the reply did not end in ${time}`;
    return this.#pushes > 0 ? `no reply in ${time}, but what is shown` : `no reply in ${time}`;
  }

  /** Definite as long as nothing was sent. */
  #error(code: 'ABORTED' | 'TIMEOUT', message: string): KvError {
    return this.#connection === undefined ? definite(code, message) : indefinite(code, message);
  }

  #fail(error: KvError): void {
    this.#failure ??= error;
    this.#connection?.destroy();
    this.#waiting?.reject(this.#failure);
  }
}

/** A command and its arguments as Redis clients send them: an array of strings. */
export function requestOf(words: readonly string[]): Uint8Array {
  const parts = words.flatMap((word) => [`$${Buffer.byteLength(word)}\r\n`, word, '\r\n']);
  return Buffer.from(`*${words.length}\r\n${parts.join('')}`);
}
