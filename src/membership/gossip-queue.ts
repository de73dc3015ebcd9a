/**
 * News of members that has still to be passed on. It holds only names and how often each has been passed on: what is
 * sent is what holds at that moment, so an older claim of a member is never sent after a newer one.
 */
export class GossipQueue {
  readonly #sent = new Map<string, number>();

  get size(): number {
    return this.#sent.size;
  }

  /** There is something new to say of this member. */
  add(name: string): void {
    // Behind the others of its kind, so that the order of sending does not depend on what was there before.
    this.#sent.delete(name);
    this.#sent.set(name, 0);
  }

  remove(name: string): void {
    this.#sent.delete(name);
  }

  /**
   * The members to speak of in one message, least often sent first.
   * @param max how many fit.
   * @param transmissions after so many times a piece of news is known widely enough.
   */
  take(max: number, transmissions: number): string[] {
    const names = [...this.#sent]
      .sort(([, a], [, b]) => a - b)
      .slice(0, max)
      .map(([name]) => name);
    for (const name of names) {
      const sent = this.#sent.get(name)! + 1;
      if (sent >= transmissions) this.#sent.delete(name);
      else this.#sent.set(name, sent);
    }
    return names;
  }
}
