/** Requests to a peer that are answered by RESULT or ERROR: everything off the request path, as promises. */
import { definite, indefinite, type KvError } from '../base/errors.js';
import type { Clock } from '../ports/clock.js';
import { REQUEST_ID_LIMIT } from '../replication/request-table.js';
import { type Body, writeBody } from '../wire/body.js';
import type { Outbox } from '../wire/outbox.js';

interface Call {
  readonly deadlineMs: number;
  readonly type: number;
  readonly resolve: (body: Body) => void;
  readonly reject: (error: KvError) => void;
}

/** The calls that one link waits for. Their ids are in the upper half of the u32, apart from the coordinator's. */
export class Calls {
  readonly #clock: Clock;
  readonly #peer: string;
  readonly #waiting = new Map<number, Call>();
  #next = 0;

  constructor(clock: Clock, peer: string) {
    this.#clock = clock;
    this.#peer = peer;
  }

  /** Calls that have not been answered. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /** Whether a reply with this id is for a call. */
  owns(id: number): boolean {
    return id >= REQUEST_ID_LIMIT;
  }

  /** Sends a MessagePack request; the promise settles with its RESULT, its ERROR, or when the link or time is lost. */
  send(outbox: Outbox, type: number, body: Body, timeoutMs: number): Promise<Body> {
    const id = REQUEST_ID_LIMIT + this.#next;
    this.#next = (this.#next + 1) % REQUEST_ID_LIMIT;
    return new Promise((resolve, reject) => {
      const deadlineMs = this.#clock.monotonicMs() + timeoutMs;
      this.#waiting.set(id, { deadlineMs, type, resolve, reject });
      writeBody(outbox, type, id, body);
    });
  }

  onResult(id: number, body: Body | undefined): void {
    const call = this.#take(id);
    if (body !== undefined) call?.resolve(body);
    else call?.reject(indefinite('PROTOCOL', `${this.#peer} sent a result that cannot be read`));
  }

  onError(id: number, error: KvError): void {
    this.#take(id)?.reject(error);
  }

  /** Fails the calls whose time is over. Called every so often. */
  sweep(): void {
    const now = this.#clock.monotonicMs();
    for (const [id, call] of this.#waiting) {
      if (call.deadlineMs > now) continue;
      this.#take(id)?.reject(indefinite('TIMEOUT', `${this.#peer} did not answer in time`));
    }
  }

  /** The link broke: nothing will be answered. */
  failAll(): void {
    const error = indefinite('CONNECTION_LOST', `the connection to ${this.#peer} was lost`);
    for (const id of [...this.#waiting.keys()]) this.#take(id)?.reject(error);
  }

  #take(id: number): Call | undefined {
    const call = this.#waiting.get(id);
    this.#waiting.delete(id);
    return call;
  }
}

/** The error of a call that was not sent because the link is down. */
export function notConnected(peer: string): KvError {
  return definite('CONNECT_FAILED', `there is no connection to ${peer}`);
}
