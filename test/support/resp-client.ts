/** A connection that speaks the Redis protocol, on the virtual network: sends bytes, and shows the replies in words. */
import type { Connection } from '../../src/ports/network.js';
import { parseReplies, show } from '../clients/resp-reply.js';
import type { Cluster } from './cluster.js';

export class RespClient {
  /** Every reply so far, as `show` says it. */
  readonly replies: string[] = [];
  isClosed = false;
  readonly #cluster: Cluster;
  readonly #connection: Connection;
  #received = Buffer.alloc(0);

  private constructor(cluster: Cluster, connection: Connection) {
    this.#cluster = cluster;
    this.#connection = connection;
  }

  /** Connects, and lets time pass until it has. */
  static connect(cluster: Cluster, node: string, host?: string): Promise<RespClient> {
    return cluster.until(RespClient.open(cluster, node, host));
  }

  /** Connects while somebody else lets time pass. */
  static async open(cluster: Cluster, node: string, host = 'redis-client'): Promise<RespClient> {
    let client: RespClient | undefined;
    const connected = new Promise<void>((resolve, reject) => {
      const handler = {
        onData: (bytes: Uint8Array) => client?.receive(bytes),
        onDrain: () => {},
        onClose: (error?: Error) => {
          if (client === undefined) return reject(error ?? new Error('refused'));
          client.isClosed = true;
        },
      };
      cluster.network.host(host).connect(`${node}:7400`, handler, (connection) => {
        client = new RespClient(cluster, connection);
        resolve();
      });
    });
    await connected;
    return client!;
  }

  /** Sends bytes as they are. */
  send(bytes: Uint8Array | string): void {
    this.#connection.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  }

  /** Runs one command, given as its words, and returns its reply. */
  async run(...words: readonly (string | Uint8Array)[]): Promise<string> {
    const before = this.replies.length;
    this.send(encodeCommand(words));
    await this.#cluster.eventually(() => this.replies.length > before || this.isClosed);
    return this.replies[before] ?? 'closed';
  }

  /** Runs commands in lines of words without spaces in them, and returns their replies. */
  async lines(...lines: readonly string[]): Promise<string[]> {
    const replies: string[] = [];
    for (const line of lines) replies.push(await this.run(...line.split(' ')));
    return replies;
  }

  stopReading(): void {
    this.#connection.pause();
  }

  readOn(): void {
    this.#connection.resume();
  }

  close(): void {
    this.#connection.destroy();
  }

  private receive(bytes: Uint8Array): void {
    const { replies, rest } = parseReplies(Buffer.concat([this.#received, bytes]));
    this.#received = Buffer.from(rest);
    for (const reply of replies) this.replies.push(show(reply));
  }
}

/** A command as clients send it. */
export function encodeCommand(words: readonly (string | Uint8Array)[]): Buffer {
  const parts = words.flatMap((word) => {
    const bytes = typeof word === 'string' ? Buffer.from(word) : Buffer.from(word);
    return [Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')];
  });
  return Buffer.concat([Buffer.from(`*${words.length}\r\n`), ...parts]);
}
