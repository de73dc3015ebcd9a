/**
 * Bounds what is under way: how many tasks, how many bytes they hold, and one task for a key at a time, in the order of
 * their arrival. So the last of several lines with one key wins, and memory does not depend on the size of the file.
 */

export interface InFlightLimits {
  readonly tasksMax: number;
  readonly bytesMax: number;
}

export class InFlight {
  readonly #limits: InFlightLimits;
  /** The last task of every key that has one. */
  readonly #lastOfKey = new Map<string, Promise<void>>();
  #tasks = 0;
  #bytes = 0;
  #wakeUp: (() => void) | undefined;

  constructor(limits: InFlightLimits) {
    this.#limits = limits;
  }

  get tasks(): number {
    return this.#tasks;
  }

  /** Resolves when there is room for a task of `bytes`. One that is larger than the limit runs alone. One caller at a time. */
  async room(bytes: number): Promise<void> {
    while (this.#tasks > 0 && !this.#fits(bytes)) await this.#change();
  }

  /** Starts `task` once the earlier ones of its key have ended. It must not throw. */
  start(key: Uint8Array, bytes: number, task: () => Promise<void>): void {
    const name = Buffer.from(key).toString('latin1');
    const earlier = this.#lastOfKey.get(name);
    this.#tasks += 1;
    this.#bytes += bytes;
    const running = earlier === undefined ? task() : earlier.then(task);
    const ended = running.then(() => {
      if (this.#lastOfKey.get(name) === ended) this.#lastOfKey.delete(name);
      this.#tasks -= 1;
      this.#bytes -= bytes;
      this.#wakeUp?.();
    });
    this.#lastOfKey.set(name, ended);
  }

  /** Resolves when nothing is under way. */
  async idle(): Promise<void> {
    while (this.#tasks > 0) await this.#change();
  }

  #fits(bytes: number): boolean {
    return this.#tasks < this.#limits.tasksMax && this.#bytes + bytes <= this.#limits.bytesMax;
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeUp = resolve;
    });
  }
}
