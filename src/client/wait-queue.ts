/** The requests that wait for a place among those in flight, first come first. Those that end meanwhile are skipped. */
import type { Request } from './request.js';

const COMPACT_AT = 1024;

export class WaitQueue {
  #items: Request[] = [];
  #head = 0;
  /** Not later than the earliest deadline in the queue. */
  #dueMs = Number.POSITIVE_INFINITY;

  /** When {@link expire} may have something to do; infinite when nobody waits. */
  get dueMs(): number {
    return this.first() === undefined ? Number.POSITIVE_INFINITY : this.#dueMs;
  }

  push(request: Request): void {
    request.state = 'waiting';
    this.#items.push(request);
    this.#dueMs = Math.min(this.#dueMs, request.deadlineMs);
  }

  /** The request that has waited longest. */
  first(): Request | undefined {
    if (this.#items.length === 0) return undefined;
    while (this.#head < this.#items.length) {
      const request = this.#items[this.#head]!;
      if (request.state === 'waiting') return request;
      this.#head++;
    }
    this.#items.length = 0;
    this.#head = 0;
    this.#dueMs = Number.POSITIVE_INFINITY;
    return undefined;
  }

  /** Takes out what {@link first} returned. */
  shift(): void {
    this.#head++;
    if (this.#head < COMPACT_AT || this.#head * 2 < this.#items.length) return;
    this.#items = this.#items.slice(this.#head);
    this.#head = 0;
  }

  /** Takes out all whose deadline has passed, and returns them. */
  expire(nowMs: number): Request[] {
    if (nowMs < this.#dueMs) return [];
    const waiting = this.#items.slice(this.#head).filter((request) => request.state === 'waiting');
    this.#items = waiting.filter((request) => request.deadlineMs > nowMs);
    this.#head = 0;
    this.#dueMs = this.#items.reduce(
      (dueMs, request) => Math.min(dueMs, request.deadlineMs),
      Number.POSITIVE_INFINITY,
    );
    return waiting.filter((request) => request.deadlineMs <= nowMs);
  }

  /** Takes out everything, and returns it. */
  clear(): Request[] {
    return this.expire(Number.POSITIVE_INFINITY);
  }
}
