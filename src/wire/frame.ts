/**
 * The frame: a 12-byte header, then key and body (DESIGN of the wire: FORMAT.md).
 *
 *     u32 length of what follows · u8 type · u8 flags · u16 key length · u32 request id · key · body
 *
 * A received frame is a window into the receive buffer, described by one reused {@link Frame} object: whoever keeps
 * bytes of it past the handler copies them.
 */

/** Bytes of the header, the length field included. */
export const HEADER_BYTES = 12;

/** Bytes of the length field, which does not count itself. */
export const LENGTH_BYTES = 4;

/** Smallest length field: the header after it. */
export const LENGTH_MIN = HEADER_BYTES - LENGTH_BYTES;

/** A received frame. Offsets are into `bytes`, which is the whole memory that the frame lies in. */
export class Frame {
  type = 0;
  flags = 0;
  id = 0;
  bytes: Uint8Array = EMPTY;
  view: DataView = EMPTY_VIEW;
  keyStart = 0;
  keyLength = 0;
  bodyStart = 0;
  bodyLength = 0;

  /** Lets go of the memory that the last frame lay in, so that an idle connection does not hold on to it. */
  release(): void {
    this.bytes = EMPTY;
    this.view = EMPTY_VIEW;
  }

  /** A view of the key. */
  key(): Uint8Array {
    return this.bytes.subarray(this.keyStart, this.keyStart + this.keyLength);
  }

  /** A view of the body. */
  body(): Uint8Array {
    return this.bytes.subarray(this.bodyStart, this.bodyStart + this.bodyLength);
  }
}

const EMPTY = new Uint8Array(0);
const EMPTY_VIEW = new DataView(EMPTY.buffer);

/** Below this, a loop beats `set(subarray)`, which allocates a view. */
const LOOP_BYTES_MAX = 32;

/** Copies `length` bytes of `source` at `from` to `target` at `at`, without allocating for short ones. */
export function copyRange(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  from: number,
  length: number,
): void {
  if (length <= LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i++) target[at + i] = source[from + i]!;
  } else if (from === 0 && length === source.length) {
    target.set(source, at);
  } else {
    target.set(source.subarray(from, from + length), at);
  }
}
