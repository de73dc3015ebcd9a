/** The questions of one exchange to one peer: each carries the epoch, and what they cost is counted. */
import { definite, type KvError } from '../../base/errors.js';
import type { Body } from '../../wire/body.js';
import { typeName } from '../../wire/message-type.js';
import { CALL_TIMEOUT_MS } from './limits.js';

/** A replica to exchange with: the link to it. */
export interface ExchangePeer {
  readonly name: string;
  call(type: number, body: Body, timeoutMs: number): Promise<Body>;
}

/** About what a frame and a small map take beside the byte strings. */
const OVERHEAD_BYTES = 32;

export class Conversation {
  readonly peer: ExchangePeer;
  readonly #epoch: () => number;
  /** Bytes sent and received, about. */
  bytesMoved = 0;

  constructor(peer: ExchangePeer, epoch: () => number) {
    this.peer = peer;
    this.#epoch = epoch;
  }

  async ask(type: number, question: Body): Promise<Body> {
    this.bytesMoved += bytesOf(question);
    const answer = await this.peer.call(type, { epoch: this.#epoch(), ...question }, CALL_TIMEOUT_MS);
    this.bytesMoved += bytesOf(answer);
    return answer;
  }

  /** The error of an answer that cannot be what was asked for. */
  nonsense(type: number): KvError {
    return definite('PROTOCOL', `${this.peer.name} gave a malformed answer to ${typeName(type)}`);
  }
}

function bytesOf(body: Body): number {
  const lengths = Object.values(body).map((value) => (value instanceof Uint8Array ? value.length : 0));
  return lengths.reduce((sum, length) => sum + length, OVERHEAD_BYTES);
}
