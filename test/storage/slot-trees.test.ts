import fc from 'fast-check';
import t from 'tap';
import { viewOf } from '../../src/base/bytes.js';
import { SLOT_COUNT } from '../../src/ring/slot.js';
import {
  GROUP_COUNT,
  LEAVES_PER_GROUP,
  leafOf,
  PAGE_SLOTS,
  SlotTrees,
} from '../../src/storage/slot-trees.js';
import { encodeRecord } from '../../src/version/record.js';

const NONE = new DataView(new ArrayBuffer(0));
const SLOT = 5;
const EXPIRY_MS = 1_800_000_000_000;

interface Item {
  /** Bits of the hash below the slot's. */
  readonly hashHi: number;
  readonly hashLo: number;
  readonly time: number;
  readonly node: number;
}

const item: fc.Arbitrary<Item> = fc.record({
  hashHi: fc.nat(0xfffff).map((bits) => ((SLOT << 20) | bits) >>> 0),
  hashLo: fc.integer({ min: 0, max: 0xffffffff }),
  time: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  node: fc.integer({ min: 0, max: 0xffffffff }),
});

/** Records of distinct keys. */
const content = fc.uniqueArray(item, {
  selector: ({ hashHi, hashLo }) => `${hashHi}:${hashLo}`,
  maxLength: 40,
});

function recordView(fields: Pick<Item, 'time' | 'node'>, tombstone = false, expiryMs = 0): DataView {
  const value = tombstone ? new Uint8Array(0) : Uint8Array.of(1, 2, 3);
  return viewOf(encodeRecord({ ...fields, tombstone, expiryMs, value }, 0));
}

function emptyTrees(): SlotTrees {
  const trees = new SlotTrees();
  for (let slot = 0; slot < SLOT_COUNT; slot++) trees.declareBuilt(slot);
  return trees;
}

function put(trees: SlotTrees, of: Item, old?: DataView, view = recordView(of)): void {
  trees.replace(of.hashHi, of.hashLo, old ?? NONE, old === undefined ? -1 : 0, view, 0);
}

function remove(trees: SlotTrees, of: Item): void {
  trees.replace(of.hashHi, of.hashLo, recordView(of), 0, NONE, -1);
}

/** All levels of one slot, in hex. */
function shape(trees: SlotTrees, slot = SLOT): string {
  const levels = [
    trees.groups(slot),
    ...Array.from({ length: GROUP_COUNT }, (_, i) => trees.leaves(slot, i)),
  ];
  const root = [trees.rootHi(slot), trees.rootLo(slot)].map((word) => word.toString(16)).join('.');
  return `${root} ${levels.map((level) => Buffer.from(level).toString('hex')).join(' ')}`;
}

function treeOf(items: readonly Item[]): SlotTrees {
  const trees = emptyTrees();
  for (const each of items) put(trees, each);
  return trees;
}

t.test('the order of writes does not matter', async () => {
  fc.assert(
    fc.property(content, fc.infiniteStream(fc.nat()), (items, ranks) => {
      const ranked = items.map((each) => ({ each, rank: ranks.next().value as number }));
      const shuffled = ranked.sort((a, b) => a.rank - b.rank).map(({ each }) => each);
      return shape(treeOf(items)) === shape(treeOf(shuffled));
    }),
  );
});

t.test('trees are equal exactly where contents are', async () => {
  const textOf = (items: readonly Item[]) =>
    items
      .map((each) => JSON.stringify(each))
      .sort()
      .join();
  fc.assert(
    fc.property(content, content, (a, b) => {
      const [left, right] = [treeOf(a), treeOf(b)];
      const isSame = left.rootHi(SLOT) === right.rootHi(SLOT) && left.rootLo(SLOT) === right.rootLo(SLOT);
      return isSame === (textOf(a) === textOf(b));
    }),
  );
});

t.test('any change of a version or a key changes the root', async () => {
  const change = fc.constantFrom<(each: Item) => Item>(
    (each) => ({ ...each, time: each.time === 1 ? 2 : each.time - 1 }),
    (each) => ({ ...each, node: (each.node ^ 1) >>> 0 }),
    (each) => ({ ...each, hashLo: (each.hashLo ^ 0x80000000) >>> 0 }),
    (each) => ({ ...each, hashHi: (each.hashHi ^ 0x4000) >>> 0 }),
  );
  fc.assert(
    fc.property(item, change, (each, changed) => shape(treeOf([each])) !== shape(treeOf([changed(each)]))),
  );
});

t.test('taking out what was put in leaves nothing', async () => {
  fc.assert(
    fc.property(content, content, (kept, gone) => {
      const ids = new Set(kept.map(({ hashHi, hashLo }) => `${hashHi}:${hashLo}`));
      const others = gone.filter(({ hashHi, hashLo }) => !ids.has(`${hashHi}:${hashLo}`));
      const trees = treeOf([...kept, ...others]);
      for (const each of others) remove(trees, each);
      return shape(trees) === shape(treeOf(kept)) && trees.counts(SLOT).records === kept.length;
    }),
  );
});

t.test('a group is the XOR of its leaves, the root that of the groups', async () => {
  fc.assert(
    fc.property(content, (items) => {
      const trees = treeOf(items);
      const xor = (bytes: Uint8Array) =>
        bytes.reduce(
          (sum, byte, i) => sum.with(i % 8, sum[i % 8]! ^ byte),
          Array.from({ length: 8 }, () => 0),
        );
      const groups = trees.groups(SLOT);
      for (let group = 0; group < GROUP_COUNT; group++) {
        const leaves = trees.leaves(SLOT, group);
        if (leaves.length !== LEAVES_PER_GROUP * 8) return false;
        if (xor(leaves).join() !== [...groups.subarray(group * 8, group * 8 + 8)].join()) return false;
      }
      const root = Buffer.alloc(8);
      root.writeUInt32BE(trees.rootHi(SLOT), 0);
      root.writeUInt32BE(trees.rootLo(SLOT), 4);
      return xor(groups).join() === [...root].join();
    }),
  );
});

t.test('a write touches its own slot and leaf only', async (t) => {
  const trees = emptyTrees();
  const written: Item = { hashHi: ((SLOT << 20) | (37 << 14)) >>> 0, hashLo: 9, time: 7, node: 2 };
  put(trees, written);
  t.equal(leafOf(written.hashHi), 37);
  const leaves = trees.leaves(SLOT, 37 >>> 3);
  for (let i = 0; i < LEAVES_PER_GROUP; i++) {
    const isZero = leaves.subarray(i * 8, i * 8 + 8).every((byte) => byte === 0);
    t.equal(isZero, i !== 37 % 8);
  }
  for (const other of [0, SLOT - 1, SLOT + 1, SLOT + PAGE_SLOTS, SLOT_COUNT - 1]) {
    t.match(shape(trees, other), /^0\.0 [0 ]+$/);
    t.equal(trees.counts(other).records, 0);
  }
});

t.test('the hash is the one that nodes and disks rely on', async (t) => {
  const trees = emptyTrees();
  // The key `user:7` of the format documents.
  put(trees, { hashHi: 0x2679338e, hashLo: 0x453be04f, time: 775736524800001, node: 0x1a2b3c4e });
  t.equal(trees.rootHi(0x267).toString(16), '6c1a8a0c');
  t.equal(trees.rootLo(0x267).toString(16), '35ff41d6');
});

t.test('counts follow flags, and the lowest expiry is a bound', async (t) => {
  const trees = emptyTrees();
  const a: Item = { hashHi: (SLOT << 20) >>> 0, hashLo: 1, time: 1, node: 2 };
  const b: Item = { ...a, hashLo: 2 };
  const expiring = recordView(a, false, EXPIRY_MS);
  const tombstone = recordView({ ...a, time: 2 }, true);
  put(trees, b);
  put(trees, a, undefined, expiring);
  t.same(trees.counts(SLOT), { records: 2, tombstones: 0, expiring: 1, lowestExpiryMs: EXPIRY_MS });
  put(trees, a, expiring, tombstone);
  t.same(trees.counts(SLOT), { records: 2, tombstones: 1, expiring: 0, lowestExpiryMs: EXPIRY_MS });
  trees.replace(a.hashHi, a.hashLo, tombstone, 0, NONE, -1);
  t.same(trees.counts(SLOT), { records: 1, tombstones: 0, expiring: 0, lowestExpiryMs: EXPIRY_MS });
  trees.beginBuilding(SLOT);
  trees.finishBuilding(SLOT);
  t.same(trees.counts(SLOT), { records: 0, tombstones: 0, expiring: 0, lowestExpiryMs: Infinity });
});

t.test('a digest tells apart roots, slots and their number', async (t) => {
  const trees = treeOf([{ hashHi: (SLOT << 20) >>> 0, hashLo: 1, time: 1, node: 2 }]);
  const digest = (from: SlotTrees, slots: number[]) => Buffer.from(from.digest(slots)).toString('hex');
  const all = Array.from({ length: SLOT_COUNT }, (_, i) => i);
  t.equal(digest(trees, all).length, 16);
  t.equal(digest(trees, all), digest(trees, [...all]));
  t.not(digest(trees, all), digest(emptyTrees(), all));
  t.equal(digest(trees, [1, 2]), digest(emptyTrees(), [1, 2]));
  const different = [[], [1], [2], [1, 2], [2, 1], [SLOT], [SLOT, 1]].map((slots) => digest(trees, slots));
  t.equal(new Set(different).size, different.length);
});

t.test('while a slot is being built, what is written counts once, and forgetting it wins', async (t) => {
  const a: Item = { hashHi: (SLOT << 20) >>> 0, hashLo: 1, time: 1, node: 2 };
  const newer = { ...a, time: 5 };
  const trees = new SlotTrees();
  put(trees, a);
  t.notOk(trees.isBuilt(SLOT));
  t.equal(trees.builtCount, 0);
  t.notOk(trees.finishBuilding(SLOT), 'it was never begun');
  trees.beginBuilding(SLOT);
  put(trees, newer, recordView(a));
  trees.add(a.hashHi, a.hashLo, recordView(a), 0);
  t.ok(trees.finishBuilding(SLOT));
  t.equal(shape(trees), shape(treeOf([newer])));
  t.equal(trees.builtCount, 1);

  trees.beginBuilding(SLOT);
  t.equal(trees.builtCount, 0);
  trees.forget(SLOT);
  trees.add(a.hashHi, a.hashLo, recordView(a), 0);
  t.notOk(trees.finishBuilding(SLOT));
  t.notOk(trees.isBuilt(SLOT));

  trees.beginBuilding(SLOT);
  trees.replace(a.hashHi, a.hashLo, recordView(a), 0, NONE, -1);
  trees.add(a.hashHi, a.hashLo, recordView(a), 0);
  t.ok(trees.finishBuilding(SLOT));
  t.equal(shape(trees), shape(emptyTrees()), 'a key that went while it was being built');
});

t.test('the memory does not grow with the keys', async (t) => {
  const trees = emptyTrees();
  t.ok(trees.bytes < 50_000, 'nothing is taken before it is needed');
  for (let slot = 0; slot < SLOT_COUNT; slot++)
    put(trees, { hashHi: (slot << 20) >>> 0, hashLo: 1, time: 1, node: 2 });
  t.equal(trees.bytes, 64 * 38_144 + 4096 * 9);
});
