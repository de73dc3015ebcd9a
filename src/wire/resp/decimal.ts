/** Integers in decimal digits, written straight into bytes: a reply's lengths and numbers need no string. */

const ZERO = 0x30;
const MINUS = 0x2d;
/** Below this, dividing is exact in 32-bit integers. */
const INT32_LIMIT = 2 ** 31;

/** Characters of a safe integer. */
export function decimalLength(n: number): number {
  if (n < 0) return 1 + decimalLength(-n);
  if (n < 10) return 1;
  if (n < 100) return 2;
  if (n < 1000) return 3;
  let length = 4;
  for (let limit = 10_000; n >= limit; limit *= 10) length++;
  return length;
}

/** Writes a safe integer into `bytes` so that it ends right before `end`. */
export function writeDecimalBefore(bytes: Uint8Array, end: number, n: number): void {
  if (n < 0) {
    writeDecimalBefore(bytes, end, -n);
    bytes[end - decimalLength(n)] = MINUS;
    return;
  }
  let at = end;
  let rest = n;
  while (rest >= INT32_LIMIT) {
    const upper = Math.floor(rest / 10);
    bytes[--at] = ZERO + (rest - upper * 10);
    rest = upper;
  }
  let small = rest | 0;
  do {
    const upper = (small / 10) | 0;
    bytes[--at] = ZERO + (small - upper * 10);
    small = upper;
  } while (small > 0);
}
