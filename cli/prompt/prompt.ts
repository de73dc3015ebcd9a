/**
 * The prompt: reads lines, runs each as a command, until the end of input, `exit` or `quit`. Errors never end it.
 * Ctrl-C interrupts the command that runs, or clears the line; Ctrl-D leaves. Without a terminal it runs the piped lines.
 */
import { createInterface, type Interface } from 'node:readline';
import { DONE, type ExitCode, FAILED } from '../session.js';
import { complete, type Grammar } from './completer.js';
import type { History } from './history.js';
import { tokenize } from './tokenizer.js';

export interface PromptOptions {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Whether a person types; otherwise nothing is shown but what commands write. */
  readonly isTerminal: boolean;
  readonly grammar: Grammar;
  /** Undefined keeps none. */
  readonly history: History | undefined;
  /** What stands before the cursor; asked before each line. */
  readonly label: () => Promise<string>;
  /** Runs one command; tells its errors itself. */
  readonly run: (words: readonly string[], signal: AbortSignal) => Promise<ExitCode>;
  /** For errors of the line itself. */
  readonly note: (line: string) => void;
}

const LEAVE = new Set(['exit', 'quit']);

/** Resolves at the end: with the worst exit code for piped lines, and with `DONE` for a person. */
export async function runPrompt(options: PromptOptions): Promise<ExitCode> {
  const history = (await options.history?.load()) ?? [];
  const firstLabel = options.isTerminal ? await options.label() : '';
  const lines = createInterface({
    input: options.input,
    ...(options.isTerminal ? { output: options.output } : {}),
    terminal: options.isTerminal,
    history: history.reverse(),
    historySize: 1000,
    removeHistoryDuplicates: true,
    completer: (line: string) => complete(line, options.grammar),
    prompt: firstLabel,
  });
  return new Prompt(options, lines).run();
}

class Prompt {
  readonly #options: PromptOptions;
  readonly #lines: Interface;
  #running: AbortController | undefined;
  #worst: ExitCode = DONE;

  constructor(options: PromptOptions, lines: Interface) {
    this.#options = options;
    this.#lines = lines;
    lines.on('SIGINT', () => this.#onInterrupt());
  }

  async run(): Promise<ExitCode> {
    const { isTerminal, label, output, history } = this.#options;
    if (isTerminal) this.#lines.prompt();
    let isLeaving = false;
    for await (const line of this.#lines) {
      await history?.add(line.trimEnd());
      isLeaving = await this.#onLine(line);
      if (isLeaving) break;
      if (!isTerminal) continue;
      this.#lines.setPrompt(await label());
      this.#lines.prompt();
    }
    this.#lines.close();
    // Ctrl-D leaves the cursor behind the prompt.
    if (isTerminal && !isLeaving) output.write('\n');
    return isTerminal ? DONE : this.#worst;
  }

  /** Whether this was the last line. */
  async #onLine(line: string): Promise<boolean> {
    if (line.trimStart().startsWith('#')) return false;
    const { words, unclosed } = tokenize(line);
    if (unclosed !== undefined) {
      this.#worst = FAILED;
      this.#options.note(
        unclosed === '\\' ? 'a \\ at the end of the line' : `the quote ${unclosed} is not closed`,
      );
      return false;
    }
    const first = words[0]?.text;
    if (first === undefined) return false;
    if (LEAVE.has(first) && words.length === 1) return true;
    await this.#execute(words.map((word) => word.text));
    return false;
  }

  async #execute(words: readonly string[]): Promise<void> {
    this.#running = new AbortController();
    const exitCode = await this.#options.run(words, this.#running.signal);
    this.#running = undefined;
    if (exitCode === FAILED) this.#worst = FAILED;
  }

  #onInterrupt(): void {
    if (this.#running !== undefined) {
      this.#running.abort();
      return;
    }
    // To the end of the line, then delete it all: what a person would press.
    this.#lines.write(null, { ctrl: true, name: 'e' });
    this.#lines.write(null, { ctrl: true, name: 'u' });
    this.#options.output.write('\n(Ctrl-D leaves)\n');
    this.#lines.prompt();
  }
}
