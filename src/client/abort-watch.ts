/**
 * Listens to the signals of requests: once per signal, however many requests share it (Node warns of a leak at the
 * eleventh listener of one signal).
 */
import type { Request } from './request.js';

interface Watched {
  readonly requests: Set<Request>;
  readonly listener: () => void;
}

export class AbortWatch {
  readonly #watched = new Map<AbortSignal, Watched>();
  readonly #onAbort: (request: Request) => void;

  constructor(onAbort: (request: Request) => void) {
    this.#onAbort = onAbort;
  }

  /** Reports `request` when its signal fires. For requests that have a signal, which has not fired yet. */
  add(signal: AbortSignal, request: Request): void {
    let watched = this.#watched.get(signal);
    if (watched === undefined) {
      watched = { requests: new Set(), listener: () => this.#fire(signal) };
      this.#watched.set(signal, watched);
      signal.addEventListener('abort', watched.listener);
    }
    watched.requests.add(request);
  }

  remove(signal: AbortSignal, request: Request): void {
    const watched = this.#watched.get(signal);
    if (watched === undefined) return;
    watched.requests.delete(request);
    if (watched.requests.size > 0) return;
    this.#watched.delete(signal);
    signal.removeEventListener('abort', watched.listener);
  }

  #fire(signal: AbortSignal): void {
    const requests = this.#watched.get(signal)?.requests ?? [];
    // Ending a request takes it out of the set, and may end others with it.
    for (const request of [...requests]) if (request.state !== 'done') this.#onAbort(request);
  }
}
