/** A block of text on a terminal that is painted again in its place. */
import { stripVTControlCharacters } from 'node:util';
import type { Output } from './output.js';

const ESCAPE = '\u001b[';

export class Repaint {
  readonly #output: Output;
  /** Lines of the terminal that the last block takes. */
  #height = 0;

  constructor(output: Output) {
    this.#output = output;
  }

  /** @param block lines, each ended by a newline. */
  async show(block: string): Promise<void> {
    const up = this.#height === 0 ? '' : `${ESCAPE}${this.#height}A\r${ESCAPE}J`;
    this.#height = heightOf(block, this.#output.columns);
    await this.#output.write(`${up}${block}`);
  }

  /** The block stays where it is: the next one is painted below. */
  leave(): void {
    this.#height = 0;
  }
}

/** How many lines of the terminal this takes: long ones take several. */
export function heightOf(block: string, columns: number): number {
  const lines = stripVTControlCharacters(block).split('\n').slice(0, -1);
  return lines.reduce((sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)), 0);
}
