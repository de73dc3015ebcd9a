/**
 * One command of a Redis client that is under way: asks the coordinator, and writes the reply in its turn.
 *
 * Reused by its session, so that a GET or a SET allocates nothing here. Commands that take several steps run as a promise
 * of their reply instead ({@link Call.answerWith}).
 */
import type { ErrorCode } from '../../base/errors.js';
import { KeyRef } from '../../replication/key-ref.js';
import type { Responder } from '../../replication/peer.js';
import type { ReplyWriter } from '../../wire/resp/reply-writer.js';
import type { Command } from './command.js';
import { errorText, errorTextOf } from './errors.js';
import type { RedisHost } from './host.js';
import type { RedisSession } from './session.js';

/** Writes the reply to a read from the settled record; `length` 0 when there is none. The bytes are valid during the call only. */
export type RecordReply = (reply: ReplyWriter, bytes: Uint8Array, start: number, length: number) => void;
/** Writes a reply. */
export type Reply = (reply: ReplyWriter) => void;

export const OK: Reply = (reply) => reply.status('OK');

export class Call implements Responder {
  readonly session: RedisSession;
  /** The key that orders it among the others, with its hash; only during `begin` its bytes are valid. */
  readonly key = new KeyRef();
  /** Undefined: not a command that is known. */
  command: Command | undefined;
  /** `name` or `container|name`. */
  commandName = '';
  hasKey = false;
  isWrite = false;
  /** The beginning of the key, kept for the slow log. */
  readonly #noted = new Uint8Array(NOTED_BYTES_MAX);
  #notedLength = 0;
  startMs = 0;
  /** Its reply is not wanted. */
  isSilent = false;
  /** Its reply is written: to the client, or held until its turn. */
  isDone = false;
  heldStart = 0;
  heldEnd = 0;
  #recordReply: RecordReply = NO_REPLY;

  constructor(session: RedisSession) {
    this.session = session;
  }

  get host(): RedisHost {
    return this.session.host;
  }

  /** Gives it its key, which lies in bytes that are valid during `begin`. */
  takeKey(bytes: Uint8Array, start: number, length: number, hashHi: number, hashLo: number): void {
    this.key.set(bytes, start, length, hashHi, hashLo);
    this.hasKey = true;
    this.#notedLength = Math.min(length, NOTED_BYTES_MAX);
    for (let i = 0; i < this.#notedLength; i++) this.#noted[i] = bytes[start + i]!;
  }

  /** The beginning of its key, while it has one. */
  get notedKey(): Uint8Array | undefined {
    return this.hasKey ? this.#noted.slice(0, this.#notedLength) : undefined;
  }

  /** Reads {@link key}, and replies. */
  read(reply: RecordReply, r = this.session.r): void {
    this.#recordReply = reply;
    this.host.coordinator.get(this.key, r, 0, this, 0);
  }

  /** Writes {@link key}, and replies OK. `expiryMs` since 1970, 0 for none. */
  write(value: Uint8Array, start: number, length: number, expiryMs: number, w = this.session.w): void {
    this.host.coordinator.put(this.key, value, start, length, expiryMs, w, 0, this, 0);
  }

  /** Deletes {@link key}, and replies OK. */
  remove(w = this.session.w): void {
    this.host.coordinator.put(this.key, undefined, 0, 0, 0, w, 0, this, 0);
  }

  /** Replies with what the promise gives, or with its error. */
  answerWith(answer: Promise<Reply>): void {
    answer.then(
      (write) => this.answer(write),
      (error: unknown) => this.fail(errorTextOf(error, this.host.log)),
    );
  }

  answer(write: Reply): void {
    write(this.session.beginReply(this));
    this.session.endReply(this, false);
  }

  /** Replies with an error: its text with the code in front, as `ERR syntax error`. */
  fail(text: string): void {
    this.host.statistics.onError(text);
    this.session.beginReply(this).error(text);
    this.session.endReply(this, true);
  }

  onRead(_token: number, bytes: Uint8Array, start: number, length: number): void {
    this.#recordReply(this.session.beginReply(this), bytes, start, length);
    this.session.endReply(this, false);
  }

  onWritten(): void {
    this.session.beginReply(this).status('OK');
    this.session.endReply(this, false);
  }

  onError(_token: number, code: ErrorCode, message: string, definite: boolean): void {
    this.fail(errorText(code, message, definite));
  }
}

/** Bytes of a key that the slow log may want. */
const NOTED_BYTES_MAX = 64;

const NO_REPLY: RecordReply = () => {};
