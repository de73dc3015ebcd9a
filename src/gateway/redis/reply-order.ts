/**
 * Replies in the order of their commands, whichever of them is ready first.
 *
 * The first command in the queue replies straight into the outbox. A later one replies into a buffer, from where its bytes
 * follow when its turn has come. One that is silent replies into nothing.
 */
import type { Outbox } from '../../wire/outbox.js';
import { HeldBytes } from '../../wire/resp/held-bytes.js';
import type { ByteSink } from '../../wire/resp/reply-writer.js';
import type { Call } from './call.js';

/** Commands of one connection that are under way at a time; a power of two. */
export const CALLS_MAX = 128;
const PLACE_MASK = CALLS_MAX - 1;

export class ReplyOrder {
  readonly #outbox: Outbox;
  readonly #calls: (Call | undefined)[] = new Array(CALLS_MAX).fill(undefined);
  readonly #held = new HeldBytes();
  readonly #unwanted = new HeldBytes();
  #head = 0;
  #count = 0;
  #running = 0;

  constructor(outbox: Outbox) {
    this.#outbox = outbox;
  }

  /** Commands whose replies have not been written to the client. */
  get count(): number {
    return this.#count;
  }

  /** Commands that have no reply yet. */
  get running(): number {
    return this.#running;
  }

  /** Bytes of replies that wait for their turn. */
  get heldBytes(): number {
    return this.#held.length;
  }

  get isFull(): boolean {
    return this.#count === CALLS_MAX;
  }

  /** The command that is next in turn. Not to be called when it is full. */
  push(call: Call): void {
    this.#calls[(this.#head + this.#count) & PLACE_MASK] = call;
    this.#count++;
    this.#running++;
  }

  /** Whether a command on this key must wait: one under way is on it too, and not both only read. */
  conflicts(hashHi: number, hashLo: number, isWrite: boolean): boolean {
    if (this.#running === 0) return false;
    for (let i = 0; i < this.#count; i++) {
      const call = this.#calls[(this.#head + i) & PLACE_MASK]!;
      if (call.isDone || !call.hasKey || call.key.hashLo !== hashLo || call.key.hashHi !== hashHi) continue;
      if (isWrite || call.isWrite) return true;
    }
    return false;
  }

  /** Where the call's reply is to be written. */
  begin(call: Call): ByteSink {
    if (call.isSilent) return this.#unwanted;
    if (this.#calls[this.#head] === call) return this.#outbox;
    call.heldStart = this.#held.length;
    return this.#held;
  }

  /** The reply is written: it leaves, if it is its turn, and with it what has waited for it. `onGone` is told of each call. */
  end(call: Call, onGone: (call: Call) => void): void {
    call.isDone = true;
    call.heldEnd = this.#held.length;
    this.#running--;
    if (call.isSilent) this.#unwanted.release();
    if (this.#calls[this.#head] !== call) return;
    this.#drop(onGone);
    while (this.#count > 0 && this.#calls[this.#head]!.isDone) {
      this.#send(this.#calls[this.#head]!);
      this.#drop(onGone);
    }
    if (this.#held.length > 0 && this.#nobodyIsHeld()) this.#held.release();
  }

  #send({ isSilent, heldStart, heldEnd }: Call): void {
    if (isSilent || heldStart === heldEnd) return;
    const at = this.#outbox.reserve(heldEnd - heldStart);
    this.#outbox.bytes.set(this.#held.bytes.subarray(heldStart, heldEnd), at);
  }

  #drop(onGone: (call: Call) => void): void {
    const call = this.#calls[this.#head]!;
    this.#calls[this.#head] = undefined;
    this.#head = (this.#head + 1) & PLACE_MASK;
    this.#count--;
    onGone(call);
  }

  #nobodyIsHeld(): boolean {
    for (let i = 0; i < this.#count; i++) {
      const call = this.#calls[(this.#head + i) & PLACE_MASK]!;
      if (call.isDone && !call.isSilent) return false;
    }
    return true;
  }
}
