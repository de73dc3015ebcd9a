/**
 * The hash trees on the disk, from a clean stop to the next start, so that a start need not read all records.
 *
 * They are written as the last thing that the group committer takes, so that nothing can follow that they do not cover.
 * A marker says that they are complete; the next start reads them and deletes the marker, synced, before it takes any
 * record. After a crash there is no marker, and the trees are built from the records. Layout: `FORMAT.md`.
 */
import { readU64, u32At, viewOf, writeU64 } from '../base/bytes.js';
import { crc32 } from '../base/crc32.js';
import type { StorageEngine } from '../ports/storage-engine.js';
import { SLOT_COUNT } from '../ring/slot.js';
import type { GroupCommitter } from './group-committer.js';
import { TREES_KEY, treePageKey } from './keyspace.js';
import type { RecordStore } from './record-store.js';
import { PAGE_COUNT, PAGE_SLOTS, PAGE_WORDS, SlotTrees } from './slot-trees.js';

const FORMAT = 1;
const BUILT_BYTES = SLOT_COUNT / 8;
const PAGES_BYTES = PAGE_COUNT / 8;
const MARKER_BYTES = 1 + 4 + PAGES_BYTES + BUILT_BYTES;
const PAGE_BYTES = PAGE_WORDS * 4 + PAGE_SLOTS * 8;
/** Pages read at a time. */
const READ_PAGES = 16;

/**
 * The trees that a node begins with: as the last stop has left them, or of a disk without records. Otherwise none is
 * built; that happens in the background.
 */
export async function openTrees(
  engine: StorageEngine,
  committer: GroupCommitter,
  store: RecordStore,
): Promise<SlotTrees> {
  const trees = new SlotTrees();
  const isLoaded = await loadCheckpoint(trees, engine, committer);
  if (!isLoaded && (await store.isEmpty())) {
    for (let slot = 0; slot < SLOT_COUNT; slot++) trees.declareBuilt(slot);
  }
  return trees;
}

/** Writes the trees of the built slots; the marker comes last. For `close` of the committer. */
export function writeCheckpoint(trees: SlotTrees, committer: GroupCommitter): void {
  const marker = new Uint8Array(MARKER_BYTES);
  let crc = 0;
  for (let page = 0; page < PAGE_COUNT; page++) {
    const bytes = encodePage(trees, page);
    if (bytes === undefined) continue;
    committer.put(treePageKey(page), bytes);
    crc = crc32(bytes, crc);
    marker[5 + (page >>> 3)]! |= 1 << (page & 7);
  }
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    if (trees.isBuilt(slot)) marker[5 + PAGES_BYTES + (slot >>> 3)]! |= 1 << (slot & 7);
  }
  marker[0] = FORMAT;
  viewOf(marker).setUint32(1, crc);
  committer.put(TREES_KEY, marker);
}

/**
 * Takes over what a clean stop has left, if it has, and deletes the marker. To be awaited before the first record is
 * taken.
 * @returns whether there was a checkpoint that could be used.
 * @throws KvError `STORAGE_FAILED` when the marker cannot be deleted: the node must not go on.
 */
export async function loadCheckpoint(
  trees: SlotTrees,
  engine: StorageEngine,
  committer: GroupCommitter,
): Promise<boolean> {
  const marker = engine.getSync(TREES_KEY);
  if (marker === undefined) return false;
  await new Promise<void>((resolve, reject) => {
    committer.deleteDurable(TREES_KEY, (error) => (error === undefined ? resolve() : reject(error)));
  });
  if (marker.length !== MARKER_BYTES || marker[0] !== FORMAT) return false;
  const pages = await readPages(marker, engine);
  if (pages === undefined) return false;
  for (const [page, bytes] of pages) restorePage(trees, page, bytes);
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    if ((marker[5 + PAGES_BYTES + (slot >>> 3)]! & (1 << (slot & 7))) !== 0) trees.declareBuilt(slot);
  }
  return true;
}

/** The pages that a marker speaks of; undefined when they are not those that were written with it. */
async function readPages(
  marker: Uint8Array,
  engine: StorageEngine,
): Promise<Map<number, Uint8Array> | undefined> {
  const found = new Map<number, Uint8Array>();
  const present: number[] = [];
  for (let page = 0; page < PAGE_COUNT; page++) {
    if ((marker[5 + (page >>> 3)]! & (1 << (page & 7))) !== 0) present.push(page);
  }
  let crc = 0;
  for (let i = 0; i < present.length; i += READ_PAGES) {
    const some = present.slice(i, i + READ_PAGES);
    const stored = await engine.getMany(some.map((page) => treePageKey(page)));
    for (const [j, page] of some.entries()) {
      const bytes = stored[j];
      if (bytes === undefined || bytes.length !== PAGE_BYTES) return undefined;
      crc = crc32(bytes, crc);
      found.set(page, bytes);
    }
  }
  return crc >>> 0 === u32At(marker, 1) ? found : undefined;
}

function encodePage(trees: SlotTrees, page: number): Uint8Array | undefined {
  const words = trees.pageWords(page);
  if (words === undefined) return undefined;
  const bytes = new Uint8Array(PAGE_BYTES);
  const view = viewOf(bytes);
  for (let i = 0; i < PAGE_WORDS; i++) view.setUint32(i * 4, words[i]!);
  for (let i = 0; i < PAGE_SLOTS; i++) {
    const lowest = trees.lowestExpiryMs(page * PAGE_SLOTS + i);
    // No record expires at 0, so that it can stand for none.
    writeU64(view, PAGE_WORDS * 4 + i * 8, lowest === Infinity ? 0 : lowest);
  }
  return bytes;
}

function restorePage(trees: SlotTrees, page: number, bytes: Uint8Array): void {
  const view = viewOf(bytes);
  const words = Uint32Array.from({ length: PAGE_WORDS }, (_, i) => view.getUint32(i * 4));
  const lowest = Float64Array.from(
    { length: PAGE_SLOTS },
    (_, i) => readU64(view, PAGE_WORDS * 4 + i * 8) || Infinity,
  );
  trees.restorePage(page, words, lowest);
}
