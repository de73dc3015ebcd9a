/**
 * Checks a MessagePack body before it is decoded: exactly one value, nested at most {@link DEPTH_MAX} deep, of at most
 * {@link VALUES_MAX} values, with no array, map or string longer than the bytes that are there. The codec allocates
 * what a length field claims, so without this a few hostile bytes could ask for gigabytes.
 */
import { viewOf } from '../base/bytes.js';

/** Deepest nesting of arrays and maps in a body; ours use five. */
export const DEPTH_MAX = 16;

/**
 * Most values in a body, counted at every depth, keys of maps included. An empty map is one byte on the wire and some
 * sixty in memory, so the size of a frame alone does not bound what decoding it takes.
 */
export const VALUES_MAX = 1 << 20;

/** Bytes of the fixed-size types from 0xc0 on: payload after the type byte. */
const FIXED: Readonly<Record<number, number>> = {
  192: 0, // nil
  194: 0, // false
  195: 0, // true
  202: 4, // float 32
  203: 8, // float 64
  204: 1, // uint 8 to 64
  205: 2,
  206: 4,
  207: 8,
  208: 1, // int 8 to 64
  209: 2,
  210: 4,
  211: 8,
};

/** The counted types: the size of their length field, and what it counts. */
const COUNTED: Readonly<Record<number, readonly [field: number, kind: 'bytes' | 'array' | 'map']>> = {
  196: [1, 'bytes'], // bin 8 to 32
  197: [2, 'bytes'],
  198: [4, 'bytes'],
  217: [1, 'bytes'], // str 8 to 32
  218: [2, 'bytes'],
  219: [4, 'bytes'],
  220: [2, 'array'],
  221: [4, 'array'],
  222: [2, 'map'],
  223: [4, 'map'],
};

/** Whether `bytes` are one well-formed value within the bounds. Extension types are not used and refused. */
export function isBoundedBody(bytes: Uint8Array): boolean {
  const walk: Walk = { view: viewOf(bytes), valuesLeft: VALUES_MAX };
  return skipValue(walk, 0, 0) === bytes.length;
}

interface Walk {
  readonly view: DataView;
  valuesLeft: number;
}

/** The offset after the value at `at`, or −1 when it is not acceptable. */
function skipValue(walk: Walk, at: number, depth: number): number {
  const { view } = walk;
  if (at < 0 || at >= view.byteLength || walk.valuesLeft-- === 0) return -1;
  const type = view.getUint8(at);
  if (type <= 0x7f || type >= 0xe0) return at + 1; // fixint
  if (type <= 0x8f) return skipValues(walk, at + 1, (type & 0x0f) * 2, depth + 1);
  if (type <= 0x9f) return skipValues(walk, at + 1, type & 0x0f, depth + 1);
  if (type <= 0xbf) return within(view, at + 1 + (type & 0x1f));
  const fixed = FIXED[type];
  if (fixed !== undefined) return within(view, at + 1 + fixed);
  const counted = COUNTED[type];
  if (counted === undefined || at + 1 + counted[0] > view.byteLength) return -1;
  const count = readCount(view, at + 1, counted[0]);
  const after = at + 1 + counted[0];
  if (counted[1] === 'bytes') return within(view, after + count);
  return skipValues(walk, after, counted[1] === 'map' ? count * 2 : count, depth + 1);
}

function skipValues(walk: Walk, from: number, count: number, depth: number): number {
  // Every value takes a byte at least, so a count beyond the bytes that are left is a lie.
  if (depth > DEPTH_MAX || count > walk.view.byteLength - from) return -1;
  let at = from;
  for (let i = 0; i < count && at >= 0; i++) at = skipValue(walk, at, depth);
  return at;
}

function readCount(view: DataView, at: number, bytes: number): number {
  if (bytes === 1) return view.getUint8(at);
  return bytes === 2 ? view.getUint16(at) : view.getUint32(at);
}

function within(view: DataView, at: number): number {
  return at <= view.byteLength ? at : -1;
}
