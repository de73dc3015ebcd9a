import { crc32 as zlibCrc32 } from 'node:zlib';

/**
 * CRC-32 (ISO-HDLC, as in zlib and gzip) of `bytes`, continuing from `seed`.
 * Records seed it with the low half of their key's hash, so a record stored under another key does not check.
 */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed);
}
