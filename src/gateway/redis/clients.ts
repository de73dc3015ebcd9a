/** The Redis clients that are connected to a node: for CLIENT LIST, CLIENT KILL and INFO. */
import type { RedisSession } from './session.js';

export class Clients {
  readonly #byId = new Map<number, RedisSession>();
  #lastId = 0;
  /** Connections since the start. */
  received = 0;

  get count(): number {
    return this.#byId.size;
  }

  /** Takes a client in; returns its id. Ids are never used again. */
  add(session: RedisSession): number {
    const id = ++this.#lastId;
    this.received++;
    this.#byId.set(id, session);
    return id;
  }

  remove(id: number): void {
    this.#byId.delete(id);
  }

  find(id: number): RedisSession | undefined {
    return this.#byId.get(id);
  }

  /** In the order in which they came. */
  all(): RedisSession[] {
    return [...this.#byId.values()];
  }
}
