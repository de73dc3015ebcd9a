/** One question to an address over a connection of its own: how a node asks to join before it has links. */
import { definite, indefinite, type KvError } from '../base/errors.js';
import type { Clock } from '../ports/clock.js';
import type { Address, Network } from '../ports/network.js';
import { type Body, decodeBody, writeBody } from '../wire/body.js';
import { readError } from '../wire/error-message.js';
import type { Frame } from '../wire/frame.js';
import { FrameConnection } from '../wire/frame-connection.js';
import { ERROR, JOIN, RESULT } from '../wire/message-type.js';
import type { Flusher } from '../wire/outbox.js';

const ASK_ID = 1;

export interface AskPorts {
  readonly clock: Clock;
  readonly network: Network;
  readonly flusher: Flusher;
}

/**
 * Sends JOIN with this body; resolves with the RESULT, rejects with the ERROR or what went wrong on the way.
 * @param onBegin is given what ends it before its time.
 */
export function askOnce(
  ports: AskPorts,
  address: Address,
  body: Body,
  timeoutMs: number,
  onBegin: (giveUp: () => void) => void = () => {},
): Promise<Body> {
  return new Promise((resolve, reject) => {
    let channel: FrameConnection | undefined;
    let isSettled = false;
    const settle = (error: KvError | undefined, result?: Body): void => {
      isSettled = true;
      ports.clock.clearTimer(timer);
      channel?.connection.destroy();
      if (error !== undefined) reject(error);
      else resolve(result!);
    };
    const timer = ports.clock.setTimer(timeoutMs, () =>
      settle(indefinite('TIMEOUT', `${address} did not answer`)),
    );
    onBegin(() => {
      if (!isSettled) settle(definite('CLOSED', 'the node is stopping'));
    });
    const onFrame = (frame: Frame): void => {
      if (frame.type === ERROR) return settle(readError(frame));
      const result = frame.type === RESULT ? decodeBody(frame.body()) : undefined;
      settle(result === undefined ? definite('PROTOCOL', `${address} gave no result`) : undefined, result);
    };
    const onClosed = (error?: Error): void =>
      settle(definite('CONNECT_FAILED', `${address}: ${error?.message ?? 'the connection ended'}`, error));
    ports.network.connect(
      address,
      {
        onData: (bytes) => channel?.onData(bytes),
        onDrain: () => channel?.onDrain(),
        onClose: (error) => (channel === undefined ? onClosed(error) : channel.onClose(error)),
      },
      (connection) => {
        if (isSettled) return connection.destroy(); // It came after its time.
        channel = new FrameConnection(connection, ports.flusher, { onFrame, onClosed });
        writeBody(channel.outbox, JOIN, ASK_ID, body);
      },
    );
  });
}
