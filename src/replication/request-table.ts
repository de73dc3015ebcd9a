/**
 * Requests in flight, in an array of slots. A reply id is a slot and a generation, so that a late reply to a request
 * that has ended finds nobody; 0 is never an id.
 *
 * Generations come round again. So a slot rests after use until many others have had their turn: an id is given again
 * after 16 million requests at the soonest, minutes at any rate, while replies are late by seconds at most.
 */
import type { Request } from './request.js';

const SLOT_BITS = 19;
const SLOT_MASK = (1 << SLOT_BITS) - 1;
/** Ids stay below this; the upper half of the u32 is for requests of other parts of the node. */
export const REQUEST_ID_LIMIT = 0x80000000;
const GENERATION_LIMIT = REQUEST_ID_LIMIT >>> SLOT_BITS;
/** Slots that are kept resting. */
const RESTING_MIN = 4096;

/** Most requests that can be in flight at once. */
export const REQUESTS_MAX = SLOT_MASK;

export class RequestTable {
  readonly #slots: (Request | undefined)[] = [];
  readonly #generations: number[] = [];
  /** The resting slots in the order in which they were freed: each names the one after it. */
  readonly #nextResting: number[] = [];
  #firstResting = 0;
  #lastResting = 0;
  #resting = 0;
  #active = 0;

  get active(): number {
    return this.#active;
  }

  /** Gives the request a slot and an id. The caller has checked that there is room. */
  add(request: Request): void {
    const slot = this.#resting > RESTING_MIN ? this.#wakeSlot() : this.#newSlot();
    this.#slots[slot] = request;
    this.#active++;
    request.index = slot;
    this.renew(request);
  }

  /** Gives the request another id; replies to the old one are no longer found. */
  renew(request: Request): void {
    const slot = request.index;
    const generation = (this.#generations[slot]! + 1) % GENERATION_LIMIT;
    this.#generations[slot] = generation;
    // Slot numbers start at 1 in ids, so that no id is 0.
    request.id = generation * (SLOT_MASK + 1) + slot + 1;
  }

  remove(request: Request): void {
    this.#slots[request.index] = undefined;
    this.#rest(request.index);
    this.#active--;
    request.id = 0;
  }

  /** The request with this id, if it still waits. */
  find(id: number): Request | undefined {
    const request = this.#slots[(id & SLOT_MASK) - 1];
    return request !== undefined && request.id === id ? request : undefined;
  }

  /** Calls `visit` for every request in flight. It may end requests, also others than the one visited. */
  forEach(visit: (request: Request) => void): void {
    const { length } = this.#slots;
    for (let i = 0; i < length; i++) {
      const request = this.#slots[i];
      if (request !== undefined) visit(request);
    }
  }

  #newSlot(): number {
    const slot = this.#slots.length;
    this.#slots.push(undefined);
    this.#generations.push(0);
    this.#nextResting.push(0);
    return slot;
  }

  #wakeSlot(): number {
    const slot = this.#firstResting;
    this.#firstResting = this.#nextResting[slot]!;
    this.#resting--;
    return slot;
  }

  #rest(slot: number): void {
    if (this.#resting === 0) this.#firstResting = slot;
    else this.#nextResting[this.#lastResting] = slot;
    this.#lastResting = slot;
    this.#resting++;
  }
}
