/** An output that keeps what is written, for a terminal or not. */
import { colour } from '../../cli/output/colour.js';
import { type Output, OutputClosed } from '../../cli/output/output.js';

export class MemoryOutput implements Output {
  readonly isTerminal: boolean;
  readonly isErrorTerminal = false;
  readonly columns = 80;
  readonly colour = colour(false);
  readonly errorColour = colour(false);
  readonly errorStream = undefined;
  readonly notes: string[] = [];
  /** Fails as a closed pipe does after so many writes. */
  writesMax = Number.POSITIVE_INFINITY;
  readonly #chunks: Buffer[] = [];

  constructor(isTerminal = false) {
    this.isTerminal = isTerminal;
  }

  async write(data: string | Uint8Array): Promise<void> {
    if (this.#chunks.length >= this.writesMax) throw new OutputClosed(new Error('EPIPE'));
    this.#chunks.push(Buffer.from(data as string));
  }

  note(line: string): void {
    this.notes.push(line);
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString('utf8');
  }

  /** The JSON values, one a line. */
  get json(): unknown[] {
    return this.text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as unknown);
  }
}
