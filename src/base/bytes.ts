/**
 * Byte helpers shared by every floor: comparing, converting and reading 64-bit integers as JavaScript numbers.
 * Integers are big-endian and stay below 2^53, so no BigInt is needed on the request path.
 */

const TWO_32 = 4294967296;
const encoder = new TextEncoder();

/** Keys and values as users pass them: text is UTF-8. */
export type BytesLike = string | Uint8Array;

/** The bytes of `value`; a Uint8Array is returned as it is, not copied. */
export function toBytes(value: BytesLike): Uint8Array {
  return typeof value === 'string' ? encoder.encode(value) : value;
}

/** Lexicographic order of unsigned bytes: negative, zero or positive. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const difference = a[i]! - b[i]!;
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Whether both hold the same bytes. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && compareBytes(a, b) === 0;
}

/** An owned copy of `bytes`, safe to keep after the buffer under it is reused. */
export function copyBytes(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** A DataView of exactly the bytes of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Reads a u64 that is below 2^53; larger ones lose precision and must be refused by the caller. */
export function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset) * TWO_32 + view.getUint32(offset + 4);
}

/** Writes a non-negative safe integer as a u64. */
export function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, Math.floor(value / TWO_32));
  view.setUint32(offset + 4, value >>> 0);
}

/** Reads a big-endian u32 where making a DataView would cost more than the read. */
export function u32At(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) | bytes[offset + 3]!) >>>
    0
  );
}

/** Reads a u64 below 2^53; see {@link u32At}. */
export function u64At(bytes: Uint8Array, offset: number): number {
  return u32At(bytes, offset) * TWO_32 + u32At(bytes, offset + 4);
}
