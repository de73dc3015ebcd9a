/**
 * TCP behind the network port.
 *
 * All sockets read into one static buffer (`onread`), which saves an allocation and a copy per read; that is why the
 * port lets handlers keep bytes only as copies. Node offers `onread` for outgoing sockets only, so an accepted
 * socket's handle is moved into a new socket that has it; where a future Node keeps the handle elsewhere, accepted
 * sockets fall back to 'data' events.
 */
import { createServer, type ListenOptions, type OnReadOpts, type Server, Socket } from 'node:net';
import { definite } from '../base/errors.js';
import type { Address, Connection, ConnectionHandler, Listener, Network } from '../ports/network.js';

const READ_BUFFER_BYTES = 256 * 1024;
const BACKLOG = 4096;

/** Splits `host:port`; brackets around an IPv6 host are taken off. */
export function splitAddress(address: Address): { host: string; port: number } {
  const colon = address.lastIndexOf(':');
  const host = address.slice(0, colon).replace(/^\[(.*)\]$/, '$1');
  return { host, port: Number(address.slice(colon + 1)) };
}

export class TcpNetwork implements Network {
  // No Buffer: `slice` of one is a view, where everybody expects a copy.
  readonly #readBuffer = new Uint8Array(READ_BUFFER_BYTES);

  listen(address: Address, onConnection: (connection: Connection) => ConnectionHandler): Promise<Listener> {
    const server = createServer({ noDelay: true, pauseOnConnect: true }, (accepted) => {
      const remote = `${accepted.remoteAddress}:${accepted.remotePort}`;
      const connection = new TcpConnection(remote);
      const handler = onConnection(connection);
      connection.open(this.#withReadBuffer(accepted, handler), handler);
    });
    return new Promise((resolve, reject) => {
      server.once('error', (error) => reject(listenError(address, error)));
      const options: ListenOptions = { ...splitAddress(address), backlog: BACKLOG };
      server.listen(options, () => resolve(new TcpListener(server)));
    });
  }

  connect(address: Address, handler: ConnectionHandler, onConnect: (connection: Connection) => void): void {
    const connection = new TcpConnection(address);
    const socket = new Socket({ onread: this.#onRead(handler) } as SocketOptions);
    connection.open(socket, handler);
    socket.once('connect', () => onConnect(connection));
    socket.connect({ ...splitAddress(address), noDelay: true });
  }

  /** Moves an accepted socket's handle into a socket that reads into the static buffer. */
  #withReadBuffer(accepted: Socket, handler: ConnectionHandler): Socket {
    const inner = accepted as unknown as { _handle: unknown };
    const handle = inner._handle;
    if (handle === undefined || handle === null) {
      accepted.on('data', (bytes: Buffer) => {
        handler.onData(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length));
      });
      return accepted;
    }
    inner._handle = null;
    return new Socket({ handle, onread: this.#onRead(handler) } as unknown as SocketOptions);
  }

  #onRead(handler: ConnectionHandler): OnReadOpts {
    const onData = (bytes: Uint8Array) => handler.onData(bytes);
    return {
      buffer: this.#readBuffer,
      callback(byteCount: number, buffer: Uint8Array) {
        onData(buffer.subarray(0, byteCount));
        return true;
      },
    };
  }
}

type SocketOptions = ConstructorParameters<typeof Socket>[0];

class TcpListener implements Listener {
  readonly address: Address;
  readonly #server: Server;

  constructor(server: Server) {
    this.#server = server;
    const bound = server.address();
    if (bound === null || typeof bound === 'string') throw new Error('a TCP server has no TCP address');
    this.address =
      bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
  }

  close(): Promise<void> {
    // Its callback would wait for every accepted connection, which their owners end.
    this.#server.close();
    return Promise.resolve();
  }
}

class TcpConnection implements Connection {
  readonly remote: Address;
  #socket: Socket | undefined;

  constructor(remote: Address) {
    this.remote = remote;
  }

  open(socket: Socket, handler: ConnectionHandler): void {
    this.#socket = socket;
    let failure: Error | undefined;
    socket.on('error', (error) => {
      failure = error;
    });
    socket.on('drain', () => handler.onDrain());
    socket.once('close', () => handler.onClose(failure));
    socket.resume();
  }

  get bufferedBytes(): number {
    return this.#socket?.writableLength ?? 0;
  }

  write(bytes: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket === undefined || socket.destroyed) return true;
    socket.write(bytes);
    // The kernel usually takes all of it at once; only then is the array free for the next turn.
    return socket.writableLength === 0;
  }

  pause(): void {
    this.#socket?.pause();
  }

  resume(): void {
    this.#socket?.resume();
  }

  end(): void {
    this.#socket?.end();
  }

  destroy(): void {
    this.#socket?.destroy();
  }
}

function listenError(address: Address, error: NodeJS.ErrnoException): Error {
  const reasons: Record<string, string> = {
    EADDRINUSE: 'it is taken by another program; stop that one or choose another port',
    EACCES: 'this user may not use that port; choose one above 1023',
    EADDRNOTAVAIL: 'this machine has no such address',
  };
  const reason = reasons[error.code ?? ''] ?? error.message;
  return definite('CONNECT_FAILED', `cannot listen on ${address}: ${reason}`, error);
}
