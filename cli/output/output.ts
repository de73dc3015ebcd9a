/**
 * Where commands write. Data goes to standard output, everything about it (errors, progress, counts) to standard error,
 * so that `kvcli export | gzip` and `kvcli get key > file` carry nothing but data.
 */
import { type Colour, colour, wantsColour } from './colour.js';

export interface Output {
  /** Whether standard output is a terminal: a person reads it. */
  readonly isTerminal: boolean;
  /** Whether standard error is a terminal: progress can be drawn there. */
  readonly isErrorTerminal: boolean;
  /** Width of the terminal in columns. */
  readonly columns: number;
  /** For standard output. */
  readonly colour: Colour;
  /** For standard error. */
  readonly errorColour: Colour;
  /** Standard error itself, for a progress bar; undefined where there is none. */
  readonly errorStream: NodeJS.WritableStream | undefined;
  /**
   * Resolves when more can be written: whoever awaits it keeps memory bounded.
   * @throws OutputClosed when nobody reads any more, as in `kvcli scan | head`.
   */
  write(data: string | Uint8Array): Promise<void>;
  /** One line to standard error. */
  note(line: string): void;
}

/** Nobody reads the output any more. Not a failure: the reader has what it wanted. */
export class OutputClosed extends Error {
  constructor(cause: unknown) {
    super('the reader of the output is gone', { cause });
    this.name = 'OutputClosed';
  }
}

/** Writes one line of text. */
export function writeLine(output: Output, line: string): Promise<void> {
  return output.write(`${line}\n`);
}

/** Writes one JSON value on one line. */
export function writeJson(output: Output, value: unknown): Promise<void> {
  return output.write(`${JSON.stringify(value)}\n`);
}

interface TerminalStream extends NodeJS.WritableStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** The output of a process. */
export class StreamOutput implements Output {
  readonly colour: Colour;
  readonly errorColour: Colour;
  readonly errorStream: TerminalStream;
  readonly #stream: TerminalStream;
  #closed: OutputClosed | undefined;

  constructor(
    stream: TerminalStream,
    errorStream: TerminalStream,
    env: Readonly<Record<string, string | undefined>>,
  ) {
    this.#stream = stream;
    this.errorStream = errorStream;
    this.colour = colour(wantsColour(stream.isTTY === true, env));
    this.errorColour = colour(wantsColour(errorStream.isTTY === true, env));
    // Without a listener, a closed pipe would end the process with a stack trace.
    stream.on('error', (error) => {
      this.#closed ??= new OutputClosed(error);
    });
    errorStream.on('error', () => {});
  }

  get isTerminal(): boolean {
    return this.#stream.isTTY === true;
  }

  get isErrorTerminal(): boolean {
    return this.errorStream.isTTY === true;
  }

  get columns(): number {
    return this.#stream.columns ?? 80;
  }

  async write(data: string | Uint8Array): Promise<void> {
    if (this.#closed !== undefined) throw this.#closed;
    if (this.#stream.write(data)) return;
    await this.#drained();
  }

  note(line: string): void {
    this.errorStream.write(`${line}\n`);
  }

  /** Resolves when everything has left the process, or never will. */
  flush(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#closed !== undefined) return resolve();
      this.#stream.write('', () => this.errorStream.write('', () => resolve()));
    });
  }

  #drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const stream = this.#stream;
      const onDrain = () => {
        stream.removeListener('error', onError);
        resolve();
      };
      const onError = (error: unknown) => {
        stream.removeListener('drain', onDrain);
        reject(new OutputClosed(error));
      };
      stream.once('drain', onDrain);
      stream.once('error', onError);
    });
  }
}
