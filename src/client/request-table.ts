/**
 * The requests in flight, by the id they have on the wire: an array of slots with generations. An id is the slot's
 * number and its generation, so that finding a request is one array access, and a reply to an attempt that was given
 * up finds nothing.
 */
import { assert } from '../base/errors.js';
import type { Request } from './request.js';

const INDEX_BITS = 16;
const INDEX_MASK = 0xffff;
const GENERATION_MAX = 0xffff;

/** Most requests in flight; leaves room in the 16-bit slot number for the library's own. */
export const REQUESTS_MAX = 60_000;

export class RequestTable {
  readonly #slots: (Request | undefined)[] = [];
  readonly #generations: number[] = [];
  readonly #free: number[] = [];

  /** Requests in the table. */
  get size(): number {
    return this.#slots.length - this.#free.length;
  }

  /** Gives `request` a slot and a first id. */
  add(request: Request): void {
    let index = this.#free.pop();
    if (index === undefined) {
      index = this.#slots.length;
      assert(index <= INDEX_MASK, 'the request table is full');
      this.#generations.push(0);
      this.#slots.push(undefined);
    }
    this.#slots[index] = request;
    request.index = index;
    this.renew(request);
  }

  /** Gives `request` a new id; a reply to the old one is not found any more. Never 0, which means "no request". */
  renew(request: Request): void {
    const last = this.#generations[request.index]!;
    const generation = last === GENERATION_MAX ? 1 : last + 1;
    this.#generations[request.index] = generation;
    request.id = ((generation << INDEX_BITS) | request.index) >>> 0;
  }

  /** The request that has this id now. */
  find(id: number): Request | undefined {
    const request = this.#slots[id & INDEX_MASK];
    return request !== undefined && request.id === id ? request : undefined;
  }

  remove(request: Request): void {
    this.#slots[request.index] = undefined;
    this.#free.push(request.index);
    request.index = -1;
    request.id = 0;
  }

  /** Calls `visit` with every request; it may remove any of them, and add others. */
  forEach(visit: (request: Request) => void): void {
    const end = this.#slots.length;
    for (let i = 0; i < end; i++) {
      const request = this.#slots[i];
      if (request !== undefined) visit(request);
    }
  }
}
