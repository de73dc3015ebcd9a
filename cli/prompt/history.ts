/**
 * The lines typed at earlier prompts, in a file that only the user can read. Each line is appended when it is typed, so
 * that several prompts can share the file; it is cut to size when it is loaded. A line that begins with a space is not
 * kept, as in shells: the way to type a secret.
 */
import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { messageOf } from '../../src/base/errors.js';
import { systemCode } from '../output/error-view.js';

export const HISTORY_LINES_MAX = 1000;
const PRIVATE = 0o600;

export class History {
  readonly #path: string;
  readonly #onProblem: (problem: string) => void;
  #last: string | undefined;
  #isBroken = false;

  /** `onProblem` is told once when the file cannot be used; the prompt goes on without. */
  constructor(path: string, onProblem: (problem: string) => void) {
    this.#path = path;
    this.#onProblem = onProblem;
  }

  /** The kept lines, the oldest first. */
  async load(): Promise<string[]> {
    try {
      const lines = (await readFile(this.#path, 'utf8')).split('\n').filter((line) => line !== '');
      const kept = lines.slice(-HISTORY_LINES_MAX);
      if (kept.length < lines.length) await writeFile(this.#path, `${kept.join('\n')}\n`, { mode: PRIVATE });
      this.#last = kept.at(-1);
      return kept;
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') this.#onFailure(error);
      return [];
    }
  }

  async add(line: string): Promise<void> {
    if (this.#isBroken || line.trim() === '' || line.startsWith(' ') || line === this.#last) return;
    this.#last = line;
    try {
      await appendFile(this.#path, `${line}\n`, { mode: PRIVATE });
    } catch (error) {
      this.#onFailure(error);
    }
  }

  #onFailure(error: unknown): void {
    if (!this.#isBroken) this.#onProblem(`the history is not kept: ${messageOf(error)}`);
    this.#isBroken = true;
  }
}
