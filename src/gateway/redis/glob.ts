/**
 * Redis' patterns, on bytes: `*`, `?`, `[abc]`, `[a-z]`, `[^a]`, and `\` before a byte that is meant as it is.
 *
 * Everything but `*` takes exactly one byte of the text. So after a mismatch only the last `*` has to take one byte more; what
 * earlier ones took can stay. The time is therefore bounded by the product of both lengths, whatever the pattern.
 */
const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BACKSLASH = 0x5c;
const CARET = 0x5e;
const DASH = 0x2d;

/** Whether the pattern covers the whole text. A class without its `]` ends with the pattern, as in Redis. */
export function globMatches(pattern: Uint8Array, text: Uint8Array): boolean {
  let at = 0;
  let inText = 0;
  /** Behind the last `*` of the pattern, and where in the text what follows it was last tried. */
  let afterStar = -1;
  let triedAt = 0;
  while (inText < text.length) {
    if (at < pattern.length && pattern[at] === STAR) {
      at++;
      afterStar = at;
      triedAt = inText;
    } else if (at < pattern.length && takesByte(pattern, at, text[inText]!)) {
      at = nextElement(pattern, at);
      inText++;
    } else if (afterStar >= 0) {
      at = afterStar;
      inText = ++triedAt;
    } else {
      return false;
    }
  }
  while (at < pattern.length && pattern[at] === STAR) at++;
  return at === pattern.length;
}

/** Whether a pattern matches everything, so that nothing need be compared. */
export function matchesAll(pattern: Uint8Array): boolean {
  return pattern.length > 0 && pattern.every((byte) => byte === STAR);
}

/** Whether the element of the pattern at `at`, which is no `*`, takes this byte. */
function takesByte(pattern: Uint8Array, at: number, byte: number): boolean {
  switch (pattern[at]) {
    case QUESTION:
      return true;
    case OPEN:
      return classTakes(pattern, at + 1, byte);
    case BACKSLASH:
      return pattern[isEscape(pattern, at) ? at + 1 : at] === byte;
    default:
      return pattern[at] === byte;
  }
}

/** Where the element after the one at `at` begins. */
function nextElement(pattern: Uint8Array, at: number): number {
  if (pattern[at] === BACKSLASH) return isEscape(pattern, at) ? at + 2 : at + 1;
  if (pattern[at] !== OPEN) return at + 1;
  let i = pattern[at + 1] === CARET ? at + 2 : at + 1;
  while (i < pattern.length && pattern[i] !== CLOSE) i = nextMember(pattern, i);
  return Math.min(i + 1, pattern.length);
}

/** @param from behind the `[`. */
function classTakes(pattern: Uint8Array, from: number, byte: number): boolean {
  const isNegated = pattern[from] === CARET;
  let i = isNegated ? from + 1 : from;
  let isMember = false;
  while (i < pattern.length && pattern[i] !== CLOSE && !isMember) {
    isMember = memberTakes(pattern, i, byte);
    i = nextMember(pattern, i);
  }
  return isMember !== isNegated;
}

function memberTakes(pattern: Uint8Array, i: number, byte: number): boolean {
  if (isEscape(pattern, i)) return pattern[i + 1] === byte;
  if (!isRange(pattern, i)) return pattern[i] === byte;
  const low = Math.min(pattern[i]!, pattern[i + 2]!);
  const high = Math.max(pattern[i]!, pattern[i + 2]!);
  return byte >= low && byte <= high;
}

function nextMember(pattern: Uint8Array, i: number): number {
  if (isEscape(pattern, i)) return i + 2;
  return isRange(pattern, i) ? i + 3 : i + 1;
}

/** A `\` at the very end stands for itself. */
function isEscape(pattern: Uint8Array, i: number): boolean {
  return pattern[i] === BACKSLASH && i + 1 < pattern.length;
}

/** The end of a range may be any byte, even `]`. */
function isRange(pattern: Uint8Array, i: number): boolean {
  return pattern[i + 1] === DASH && i + 2 < pattern.length;
}
