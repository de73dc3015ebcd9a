/** Byte streams as a port: TCP in `os/`, an emulated network in the simulator. */

/** `host:port`, as in `127.0.0.1:7400` or `[::1]:7400`. */
export type Address = string;

/** What a connection tells its owner. Calls never nest: none is made from within a method of the connection. */
export interface ConnectionHandler {
  /** Bytes that arrived. The array is reused after the call: copy what is kept. */
  onData(bytes: Uint8Array): void;
  /** Everything that {@link Connection.write} had to keep has left. */
  onDrain(): void;
  /** Last call. `error` is absent when the other side ended in good order. */
  onClose(error?: Error): void;
}

export interface Connection {
  /** Where the other side is, for logs. */
  readonly remote: Address;
  /**
   * Sends `bytes`. True: they were taken, and the array may be reused at once. False: the connection holds on to the
   * array until `onDrain`.
   */
  write(bytes: Uint8Array): boolean;
  /** Bytes written but not yet taken by the network. */
  readonly bufferedBytes: number;
  /** Stops `onData` until {@link resume}; the sender feels it through flow control. */
  pause(): void;
  resume(): void;
  /** Ends the connection after what was written has left. */
  end(): void;
  /** Drops the connection at once. `onClose` still follows. */
  destroy(): void;
}

export interface Listener {
  readonly address: Address;
  /** Stops accepting. Connections that exist are not touched. */
  close(): Promise<void>;
}

export interface Network {
  /**
   * Accepts connections. `onConnection` gives the handler of each.
   * @throws KvError `CONNECT_FAILED` naming the address when it is taken or not ours.
   */
  listen(address: Address, onConnection: (connection: Connection) => ConnectionHandler): Promise<Listener>;
  /**
   * Opens a connection. `onConnect` is called once when it is up, before any data; when it cannot be opened,
   * `onClose` of the handler is called with the error, and nothing before.
   */
  connect(address: Address, handler: ConnectionHandler, onConnect: (connection: Connection) => void): void;
}
