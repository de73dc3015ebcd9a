/**
 * Splits a stream of bytes into lines, with their numbers. Memory is bounded: a line that is longer than allowed is
 * passed over and reported without its bytes, however long it is.
 */

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the newline; undefined when the line was too long. */
  readonly bytes: Uint8Array | undefined;
  /** Bytes of the stream up to the end of this line. */
  readonly endOffset: number;
}

const NEWLINE = 0x0a;

export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<Line> {
  let number = 0;
  let offset = 0;
  const parts = new LineParts(lineBytesMax);
  for await (const chunk of chunks) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, from)) {
      parts.add(chunk.subarray(from, end));
      from = end + 1;
      number += 1;
      yield { number, bytes: parts.take(), endOffset: offset + from };
    }
    parts.add(chunk.subarray(from));
    offset += chunk.length;
  }
  if (parts.length > 0) yield { number: number + 1, bytes: parts.take(), endOffset: offset };
}

/** The parts of one line, as long as they are not too long together. */
class LineParts {
  length = 0;
  #parts: Uint8Array[] = [];
  readonly #bytesMax: number;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  add(part: Uint8Array): void {
    this.length += part.length;
    if (this.length <= this.#bytesMax) this.#parts.push(part);
    else this.#parts = [];
  }

  take(): Uint8Array | undefined {
    const isTooLong = this.length > this.#bytesMax;
    const parts = this.#parts;
    this.#parts = [];
    this.length = 0;
    if (isTooLong) return undefined;
    return parts.length === 1 ? parts[0] : Buffer.concat(parts);
  }
}
