/**
 * The packed numbers in the bodies of anti-entropy: byte strings, because millions of small MessagePack values would cost
 * more than what they say. Reading never throws: what is not exactly well-formed is `undefined`. Layouts: `FORMAT.md`
 * of the wire.
 */
import { compareBytes, readU64, viewOf, writeU64 } from '../../base/bytes.js';
import { KEY_BYTES_MAX } from '../../base/limits.js';
import { isSlot, SLOT_COUNT, type Slot } from '../../ring/slot.js';
import { SLOT_BYTES } from '../../storage/keyspace.js';
import { GROUP_COUNT } from '../../storage/slot-trees.js';

/** A slot, and which of its 8 groups of leaves: one bit each, the first group the lowest. */
export interface SlotGroups {
  readonly slot: Slot;
  readonly groups: number;
}

/** A slot, and which of its 64 leaves: bit i of byte g is leaf 8 g + i. */
export interface SlotLeaves {
  readonly slot: Slot;
  readonly leaves: Uint8Array;
}

/** A key as it is stored (slot and key), with the version of its record. */
export interface KeyVersion {
  readonly engineKey: Uint8Array;
  readonly time: number;
  readonly node: number;
}

/** A key as it is stored, with its record. */
export interface KeyedRecord {
  readonly engineKey: Uint8Array;
  readonly record: Uint8Array;
}

const RUN_BYTES = 4;
const GROUPS_BYTES = 3;
const LEAVES_BYTES = SLOT_BYTES + GROUP_COUNT;
const LENGTH_BYTES = 2;
const VERSION_BYTES = 12;
const RECORD_LENGTH_BYTES = 4;

/** Slots in ascending order, as runs: `u16 first · u16 last` each, with a gap between two. */
export function packSlots(slots: readonly Slot[]): Uint8Array {
  const numbers: number[] = [];
  for (const slot of slots) {
    if (numbers.length > 0 && numbers.at(-1) === slot - 1) numbers[numbers.length - 1] = slot;
    else numbers.push(slot, slot);
  }
  const bytes = new Uint8Array(numbers.length * 2);
  for (const [i, number] of numbers.entries()) {
    bytes[i * 2] = number >>> 8;
    bytes[i * 2 + 1] = number;
  }
  return bytes;
}

export function unpackSlots(bytes: Uint8Array | undefined): Slot[] | undefined {
  if (bytes === undefined || bytes.length % RUN_BYTES !== 0) return undefined;
  const view = viewOf(bytes);
  const slots: Slot[] = [];
  let above = -2;
  for (let at = 0; at < bytes.length; at += RUN_BYTES) {
    const first = view.getUint16(at);
    const last = view.getUint16(at + 2);
    if (first <= above + 1 || last < first || last >= SLOT_COUNT) return undefined;
    for (let slot = first; slot <= last; slot++) slots.push(slot as Slot);
    above = last;
  }
  return slots;
}

/** `u16 slot · u8 groups` each, in ascending order of slots. */
export function packGroups(masks: readonly SlotGroups[]): Uint8Array {
  const bytes = new Uint8Array(masks.length * GROUPS_BYTES);
  for (const [i, { slot, groups }] of masks.entries()) {
    bytes.set([slot >>> 8, slot & 0xff, groups], i * GROUPS_BYTES);
  }
  return bytes;
}

export function unpackGroups(bytes: Uint8Array | undefined): SlotGroups[] | undefined {
  if (bytes === undefined || bytes.length % GROUPS_BYTES !== 0) return undefined;
  const view = viewOf(bytes);
  const masks: SlotGroups[] = [];
  for (let at = 0; at < bytes.length; at += GROUPS_BYTES) {
    const slot = view.getUint16(at);
    if (!isSlot(slot) || slot <= (masks.at(-1)?.slot ?? -1)) return undefined;
    masks.push({ slot, groups: view.getUint8(at + 2) });
  }
  return masks;
}

/** `u16 slot · 8 bytes of leaves` each, in ascending order of slots. */
export function packLeaves(masks: readonly SlotLeaves[]): Uint8Array {
  const bytes = new Uint8Array(masks.length * LEAVES_BYTES);
  for (const [i, { slot, leaves }] of masks.entries()) {
    bytes.set([slot >>> 8, slot & 0xff], i * LEAVES_BYTES);
    bytes.set(leaves, i * LEAVES_BYTES + SLOT_BYTES);
  }
  return bytes;
}

export function unpackLeaves(bytes: Uint8Array | undefined): SlotLeaves[] | undefined {
  if (bytes === undefined || bytes.length % LEAVES_BYTES !== 0) return undefined;
  const view = viewOf(bytes);
  const masks: SlotLeaves[] = [];
  for (let at = 0; at < bytes.length; at += LEAVES_BYTES) {
    const slot = view.getUint16(at);
    if (!isSlot(slot) || slot <= (masks.at(-1)?.slot ?? -1)) return undefined;
    masks.push({ slot, leaves: bytes.subarray(at + SLOT_BYTES, at + LEAVES_BYTES) });
  }
  return masks;
}

/** `u16 length · engine key · u64 time · u32 node` each, in ascending order of engine keys. */
export function packVersions(keys: readonly KeyVersion[]): Uint8Array {
  const length = keys.reduce(
    (sum, { engineKey }) => sum + LENGTH_BYTES + engineKey.length + VERSION_BYTES,
    0,
  );
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  let at = 0;
  for (const { engineKey, time, node } of keys) {
    at = putKey(bytes, at, engineKey);
    writeU64(view, at, time);
    view.setUint32(at + 8, node);
    at += VERSION_BYTES;
  }
  return bytes;
}

export function unpackVersions(bytes: Uint8Array | undefined): KeyVersion[] | undefined {
  if (bytes === undefined) return undefined;
  const view = viewOf(bytes);
  const keys: KeyVersion[] = [];
  for (let at = 0; at < bytes.length; ) {
    const engineKey = takeKey(bytes, at);
    if (engineKey === undefined) return undefined;
    at += LENGTH_BYTES + engineKey.length;
    const last = keys.at(-1);
    if (at + VERSION_BYTES > bytes.length) return undefined;
    if (last !== undefined && compareBytes(last.engineKey, engineKey) >= 0) return undefined;
    const time = readU64(view, at);
    if (time === 0 || !Number.isSafeInteger(time)) return undefined;
    keys.push({ engineKey, time, node: view.getUint32(at + 8) });
    at += VERSION_BYTES;
  }
  return keys;
}

/** `u16 length · engine key` each. */
export function packKeys(engineKeys: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(engineKeys.reduce((sum, key) => sum + LENGTH_BYTES + key.length, 0));
  let at = 0;
  for (const key of engineKeys) at = putKey(bytes, at, key);
  return bytes;
}

export function unpackKeys(bytes: Uint8Array | undefined): Uint8Array[] | undefined {
  if (bytes === undefined) return undefined;
  const keys: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const key = takeKey(bytes, at);
    if (key === undefined) return undefined;
    keys.push(key);
    at += LENGTH_BYTES + key.length;
  }
  return keys;
}

/** `u32 length · record` each; length 0 stands for a record that there is not. */
export function packRecords(records: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(records.reduce((sum, { length }) => sum + RECORD_LENGTH_BYTES + length, 0));
  let at = 0;
  for (const record of records) at = putRecord(bytes, at, record);
  return bytes;
}

export function unpackRecords(bytes: Uint8Array | undefined): Uint8Array[] | undefined {
  if (bytes === undefined) return undefined;
  const records: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const record = takeRecord(bytes, at);
    if (record === undefined) return undefined;
    records.push(record);
    at += RECORD_LENGTH_BYTES + record.length;
  }
  return records;
}

/** `u16 length · engine key · u32 length · record` each. */
export function packKeyedRecords(records: readonly KeyedRecord[]): Uint8Array {
  const bytes = new Uint8Array(records.reduce((sum, each) => sum + keyedRecordBytes(each), 0));
  let at = 0;
  for (const { engineKey, record } of records) at = putRecord(bytes, putKey(bytes, at, engineKey), record);
  return bytes;
}

export function unpackKeyedRecords(bytes: Uint8Array | undefined): KeyedRecord[] | undefined {
  if (bytes === undefined) return undefined;
  const records: KeyedRecord[] = [];
  for (let at = 0; at < bytes.length; ) {
    const engineKey = takeKey(bytes, at);
    if (engineKey === undefined) return undefined;
    at += LENGTH_BYTES + engineKey.length;
    const record = takeRecord(bytes, at);
    if (record === undefined) return undefined;
    at += RECORD_LENGTH_BYTES + record.length;
    records.push({ engineKey, record });
  }
  return records;
}

/** Bytes that a keyed record takes. */
export function keyedRecordBytes({ engineKey, record }: KeyedRecord): number {
  return LENGTH_BYTES + engineKey.length + RECORD_LENGTH_BYTES + record.length;
}

/** The numbers of the bits that are set in a byte. */
export function bitsOf(byte: number): number[] {
  return Array.from({ length: GROUP_COUNT }, (_, i) => i).filter((i) => (byte & (1 << i)) !== 0);
}

function putKey(bytes: Uint8Array, at: number, engineKey: Uint8Array): number {
  bytes[at] = engineKey.length >>> 8;
  bytes[at + 1] = engineKey.length;
  bytes.set(engineKey, at + LENGTH_BYTES);
  return at + LENGTH_BYTES + engineKey.length;
}

/** The engine key at `at`: one of a record, with a key that is neither empty nor too long. */
function takeKey(bytes: Uint8Array, at: number): Uint8Array | undefined {
  if (at + LENGTH_BYTES > bytes.length) return undefined;
  const length = (bytes[at]! << 8) | bytes[at + 1]!;
  const end = at + LENGTH_BYTES + length;
  if (length <= SLOT_BYTES || length > SLOT_BYTES + KEY_BYTES_MAX || end > bytes.length) return undefined;
  const key = bytes.subarray(at + LENGTH_BYTES, end);
  return isSlot((key[0]! << 8) | key[1]!) ? key : undefined;
}

function putRecord(bytes: Uint8Array, at: number, record: Uint8Array): number {
  viewOf(bytes).setUint32(at, record.length);
  bytes.set(record, at + RECORD_LENGTH_BYTES);
  return at + RECORD_LENGTH_BYTES + record.length;
}

function takeRecord(bytes: Uint8Array, at: number): Uint8Array | undefined {
  if (at + RECORD_LENGTH_BYTES > bytes.length) return undefined;
  const from = at + RECORD_LENGTH_BYTES;
  const length = viewOf(bytes).getUint32(at);
  return from + length > bytes.length ? undefined : bytes.subarray(from, from + length);
}
