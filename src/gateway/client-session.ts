/**
 * One client connection that speaks frames: checks each request, hands it to the coordinator, and writes the answers.
 *
 * Answers leave in the order in which they become ready. A client that asks for more than it reads is paused, not
 * buffered for: at most {@link IN_FLIGHT_MAX} requests and {@link UNREAD_BYTES_MAX} of answers wait per connection.
 */
import type { ErrorCode } from '../base/errors.js';
import { EXPIRY_MS_MAX, KEY_BYTES_MAX, keyLengthError, VALUE_BYTES_MAX } from '../base/limits.js';
import type { Clock } from '../ports/clock.js';
import type { Coordinator } from '../replication/coordinator.js';
import { KeyRef } from '../replication/key-ref.js';
import type { Responder } from '../replication/peer.js';
import type { KeyHasher } from '../ring/hash.js';
import { FLAG_TOMBSTONE, RECORD_FLAGS_OFFSET } from '../version/record.js';
import {
  ASK_BODY_BYTES,
  readBudgetField,
  readExpiryField,
  readQuorumField,
  SET_BODY_BYTES,
  writeAbsent,
  writeDone,
  writeValue,
} from '../wire/client-messages.js';
import { writeError } from '../wire/error-message.js';
import type { Frame } from '../wire/frame.js';
import type { FrameConnection, FrameConsumer } from '../wire/frame-connection.js';
import {
  DELETE,
  FLAG_EXISTED,
  FLAG_EXPIRY_ABSOLUTE,
  FLAG_NO_VALUE,
  GET,
  PING,
  PONG,
  SET,
} from '../wire/message-type.js';

const IN_FLIGHT_MAX = 4096;
const UNREAD_BYTES_MAX = 4 * 1024 * 1024;

/** Tokens are request ids, with this added for requests that want no value. */
const NO_VALUE_TOKEN = 0x100000000;

export interface ClientSessionOptions {
  readonly clock: Clock;
  readonly hasher: KeyHasher;
  readonly coordinator: Coordinator;
  /** Takes the frames of every other type: HELLO, SCAN, STATUS and the like; answers them itself, unknown ones too. */
  readonly onOtherFrame: (session: ClientSession, frame: Frame) => void;
}

export class ClientSession implements FrameConsumer, Responder {
  readonly channel: FrameConnection;
  readonly #options: ClientSessionOptions;
  readonly #coordinator: Coordinator;
  readonly #hasher: KeyHasher;
  readonly #key = new KeyRef();
  #inFlight = 0;
  #isPaused = false;
  #isLooking = false;

  constructor(channel: FrameConnection, options: ClientSessionOptions) {
    this.channel = channel;
    this.#options = options;
    this.#coordinator = options.coordinator;
    this.#hasher = options.hasher;
  }

  onFrame(frame: Frame): void {
    this.#dispatch(frame);
    // Whatever it was: every answer that is not read takes room.
    this.#pauseIfFull();
  }

  #dispatch(frame: Frame): void {
    switch (frame.type) {
      case GET:
        return this.#onGet(frame);
      case SET:
        return this.#onSet(frame);
      case DELETE:
        return this.#onDelete(frame);
      case PING:
        this.channel.outbox.begin(PONG, 0, frame.id, 0, 0);
        return;
      default:
        this.#options.onOtherFrame(this, frame);
    }
  }

  onDrain(): void {
    this.#resumeIfIdle();
  }

  onClosed(): void {
    // What is in flight goes on; its answers are dropped by the outbox.
  }

  // Answers of the coordinator.

  onRead(token: number, bytes: Uint8Array, start: number, length: number): void {
    const noValue = token >= NO_VALUE_TOKEN;
    const id = noValue ? token - NO_VALUE_TOKEN : token;
    const isAbsent = length === 0 || (bytes[start + RECORD_FLAGS_OFFSET]! & FLAG_TOMBSTONE) !== 0;
    if (isAbsent) writeAbsent(this.channel.outbox, id);
    else writeValue(this.channel.outbox, id, bytes, start, length, noValue);
    this.ended();
  }

  onWritten(token: number, time: number, node: number, existed: boolean): void {
    writeDone(this.channel.outbox, token, time, node, existed ? FLAG_EXISTED : 0);
    this.ended();
  }

  onError(token: number, code: ErrorCode, message: string, definite: boolean): void {
    const id = token >= NO_VALUE_TOKEN ? token - NO_VALUE_TOKEN : token;
    writeError(this.channel.outbox, id, code, message, definite);
    this.ended();
  }

  /** Answers a request with a definite error. */
  refuse(frame: Frame, code: ErrorCode, message: string): void {
    writeError(this.channel.outbox, frame.id, code, message, true);
  }

  #onGet(frame: Frame): void {
    if (!this.#takeKey(frame, ASK_BODY_BYTES, false)) return;
    const noValue = (frame.flags & FLAG_NO_VALUE) !== 0;
    const token = noValue ? frame.id + NO_VALUE_TOKEN : frame.id;
    this.began();
    this.#coordinator.get(this.#key, readQuorumField(frame), readBudgetField(frame), this, token);
  }

  #onSet(frame: Frame): void {
    if (!this.#takeKey(frame, SET_BODY_BYTES, true)) return;
    const valueLength = frame.bodyLength - SET_BODY_BYTES;
    if (valueLength > VALUE_BYTES_MAX) {
      const message = `a value of ${valueLength} bytes is over the limit of ${VALUE_BYTES_MAX}`;
      return this.refuse(frame, 'TOO_LARGE', message);
    }
    const expiryMs = this.#expiryOf(frame);
    if (expiryMs > EXPIRY_MS_MAX) {
      return this.refuse(
        frame,
        'BAD_REQUEST',
        `the expiry is too far away: at most ${EXPIRY_MS_MAX} ms since 1970`,
      );
    }
    this.began();
    this.#coordinator.put(
      this.#key,
      frame.bytes,
      frame.bodyStart + SET_BODY_BYTES,
      valueLength,
      expiryMs,
      readQuorumField(frame),
      readBudgetField(frame),
      this,
      frame.id,
    );
  }

  #onDelete(frame: Frame): void {
    if (!this.#takeKey(frame, ASK_BODY_BYTES, false)) return;
    const w = readQuorumField(frame);
    this.began();
    this.#coordinator.put(this.#key, undefined, 0, 0, 0, w, readBudgetField(frame), this, frame.id);
  }

  /** The moment a SET's record expires: in milliseconds since 1970, 0 for never. */
  #expiryOf(frame: Frame): number {
    const expiry = readExpiryField(frame);
    const isMoment = (frame.flags & FLAG_EXPIRY_ABSOLUTE) !== 0;
    return expiry === 0 || isMoment ? expiry : this.#options.clock.wallMs() + expiry;
  }

  #takeKey(frame: Frame, bodyBytes: number, orMore: boolean): boolean {
    if (frame.keyLength === 0 || frame.keyLength > KEY_BYTES_MAX) {
      const { code, message } = keyLengthError(frame.keyLength);
      this.refuse(frame, code, message);
      return false;
    }
    if (frame.bodyLength < bodyBytes || (!orMore && frame.bodyLength > bodyBytes)) {
      const expected = `${bodyBytes}${orMore ? ' or more' : ''}`;
      this.refuse(frame, 'BAD_REQUEST', `the body has ${frame.bodyLength} bytes, expected ${expected}`);
      return false;
    }
    this.#hasher.hash(frame.key());
    this.#key.set(frame.bytes, frame.keyStart, frame.keyLength, this.#hasher.hi, this.#hasher.lo);
    return true;
  }

  /** A request is under way that will be answered later. */
  began(): void {
    this.#inFlight++;
  }

  /** It has been answered. */
  ended(): void {
    this.#inFlight--;
    if (this.#isPaused) this.#resumeIfIdle();
  }

  #pauseIfFull(): void {
    if (this.#isPaused || !this.#isFull) return;
    this.#isPaused = true;
    this.channel.pause();
    this.#lookAgain();
  }

  get #isFull(): boolean {
    if (this.#inFlight >= IN_FLIGHT_MAX || this.channel.outbox.pendingBytes >= UNREAD_BYTES_MAX) return true;
    // With nothing of its own under way nobody would wake it: it asks, and is told BUSY.
    return this.#inFlight > 0 && this.#coordinator.isFull;
  }

  #resumeIfIdle(): void {
    if (!this.#isPaused || this.#inFlight > IN_FLIGHT_MAX / 2) return;
    if (this.channel.outbox.pendingBytes > UNREAD_BYTES_MAX / 2) return this.#lookAgain();
    this.#isPaused = false;
    this.channel.resume();
  }

  /**
   * What is in the outbox leaves at the end of the turn: if the network takes all of it, nothing else would say so. What
   * the network holds back ends with a drain event, what is under way with its answer.
   */
  #lookAgain(): void {
    if (this.channel.connection.bufferedBytes > 0 || this.#isLooking || !this.channel.outbox.isOpen) return;
    this.#isLooking = true;
    this.#options.clock.defer(() => {
      this.#isLooking = false;
      this.#resumeIfIdle();
    });
  }
}
