/** The signals, the exit and the parent of a process, for programs that are tested inside of another one. */
import { EventEmitter } from 'node:events';
import type { NodeProcess } from '../../cli/node/run-node.js';

export class FakeProcess implements NodeProcess {
  readonly exits: number[] = [];
  readonly #events = new EventEmitter();
  onParentGone?: (listener: () => void) => void;

  /** A process whose parent can be gone. */
  static child(): FakeProcess {
    const process = new FakeProcess();
    process.onParentGone = (listener) => process.#events.once('parent gone', listener);
    return process;
  }

  on(signal: NodeJS.Signals, listener: () => void): void {
    this.#events.on(signal, listener);
  }

  removeListener(signal: NodeJS.Signals, listener: () => void): void {
    this.#events.removeListener(signal, listener);
  }

  exit(code: number): void {
    this.exits.push(code);
  }

  /** Whether anybody listened; if not, a real process would have died of it. */
  send(signal: NodeJS.Signals): boolean {
    return this.#events.emit(signal);
  }

  loseParent(): void {
    this.#events.emit('parent gone');
  }
}
