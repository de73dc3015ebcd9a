/**
 * A shuffled round robin over names: everybody comes up once before anybody does twice, in an order that differs from
 * round to round and from node to node (SWIM §4.3: this bounds the time until a failed member is probed).
 */
import type { Random } from '../ports/random.js';

export class Rotation {
  readonly #random: Random;
  #names: string[] = [];
  #next = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Those that are new come up at random places of this round; those that are no more are left out. */
  update(names: readonly string[]): void {
    const known = new Set(this.#names);
    const wanted = new Set(names);
    const passed = this.#names.slice(0, this.#next).filter((name) => wanted.has(name));
    const ahead = this.#names.slice(this.#next).filter((name) => wanted.has(name));
    for (const name of names)
      if (!known.has(name)) ahead.splice(this.#random.below(ahead.length + 1), 0, name);
    this.#names = [...passed, ...ahead];
    this.#next = passed.length;
  }

  /** The next one that is fit; undefined when none is. */
  next(isFit: (name: string) => boolean): string | undefined {
    for (let tried = 0; tried < 2 * this.#names.length; tried++) {
      if (this.#next === 0 || this.#next >= this.#names.length) this.#shuffle();
      const name = this.#names[this.#next++]!;
      if (isFit(name)) return name;
    }
    return undefined;
  }

  #shuffle(): void {
    const names = this.#names;
    for (let i = names.length - 1; i > 0; i--) {
      const j = this.#random.below(i + 1);
      [names[i], names[j]] = [names[j]!, names[i]!];
    }
    this.#next = 0;
  }
}
