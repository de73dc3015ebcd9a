import fc from 'fast-check';
import t from 'tap';
import { viewOf } from '../../src/base/bytes.js';
import { SeededRandom } from '../../src/base/seeded-random.js';
import type { StorageEngine } from '../../src/ports/storage-engine.js';
import { loadKeyHasher } from '../../src/ring/hash.js';
import { SLOT_COUNT, slotOf } from '../../src/ring/slot.js';
import { GroupCommitter } from '../../src/storage/group-committer.js';
import { engineKey, TREES_KEY, treePageKey } from '../../src/storage/keyspace.js';
import { RecordCache } from '../../src/storage/record-cache.js';
import { MISSING, RecordStore } from '../../src/storage/record-store.js';
import { SlotTrees } from '../../src/storage/slot-trees.js';
import { RETRY_MS, TreeBuilder } from '../../src/storage/tree-builder.js';
import { loadCheckpoint, writeCheckpoint } from '../../src/storage/tree-checkpoint.js';
import { encodeRecord } from '../../src/version/record.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { VirtualDisk } from '../support/virtual-disk.js';
import { RecordedLog } from './fixtures/recorded-log.js';

const hasher = await loadKeyHasher();
const NONE = new DataView(new ArrayBuffer(0));

/** A store with trees that are kept as the replica keeps them, and a builder, on a disk that outlives them. */
class Rig {
  readonly clock: VirtualClock;
  readonly disk: VirtualDisk;
  readonly engine: StorageEngine;
  readonly committer: GroupCommitter;
  readonly store: RecordStore;
  readonly trees = new SlotTrees();
  readonly builder: TreeBuilder;
  readonly corrupt: string[] = [];
  #time = 100;

  constructor(clock = new VirtualClock(), disk = new VirtualDisk(new SeededRandom(1))) {
    this.clock = clock;
    this.disk = disk;
    this.engine = disk.engine(clock);
    const log = new RecordedLog();
    const { engine } = this;
    this.committer = new GroupCommitter({
      engine,
      clock,
      fsync: 'everysec',
      log,
      onStateChange: (state) => {
        if (state !== 'failed') return;
        this.store.forgetMemory();
        this.trees.forgetAll();
      },
    });
    const { committer, trees } = this;
    this.store = new RecordStore({ clock, engine, committer, cache: new RecordCache({ bytes: 65536 }), log });
    const onCorrupt = (key: Uint8Array): void =>
      void this.corrupt.push(Buffer.from(key.subarray(2)).toString());
    this.builder = new TreeBuilder({ clock, store: this.store, committer, trees, hasher, onCorrupt, log });
  }

  static async open(clock?: VirtualClock, disk?: VirtualDisk): Promise<Rig> {
    const rig = new Rig(clock, disk);
    await rig.engine.open();
    return rig;
  }

  put(text: string, tombstone = false): void {
    const key = new TextEncoder().encode(text);
    hasher.hash(key);
    const { hi, lo } = hasher;
    const fields = { time: this.#time++, node: 2, tombstone, expiryMs: 0 };
    const record = encodeRecord({ ...fields, value: tombstone ? new Uint8Array(0) : key }, lo);
    const state = this.store.find(hi, lo, key, 0, key.length);
    const oldStart = state === MISSING ? -1 : this.store.start;
    this.trees.replace(hi, lo, this.store.view, oldStart, viewOf(record), 0);
    this.store.put(hi, lo, key, 0, key.length, record, 0, record.length);
  }

  /** Lets the builder do all that it can. */
  async build(): Promise<void> {
    this.builder.wake();
    while (this.builder.isBusy) await this.clock.advanceAsync(10);
  }

  /** The trees that what is stored has by definition. */
  async expected(): Promise<SlotTrees> {
    await this.clock.advanceAsync(20);
    const trees = new SlotTrees();
    for (let slot = 0; slot < SLOT_COUNT; slot++) trees.declareBuilt(slot);
    for (const [id, record] of this.disk.content) {
      const key = Buffer.from(id, 'latin1');
      if (key[0] === 0xff) continue;
      hasher.hash(key.subarray(2));
      trees.replace(hasher.hi, hasher.lo, NONE, -1, viewOf(record), 0);
    }
    return trees;
  }

  async stop(): Promise<void> {
    const { committer, trees, clock } = this;
    await this.builder.stop();
    const closed = committer.close(() => writeCheckpoint(trees, committer));
    await clock.advanceAsync(2000);
    await closed;
    await this.engine.close();
  }

  async load(): Promise<boolean> {
    const loading = loadCheckpoint(this.trees, this.engine, this.committer);
    await this.clock.advanceAsync(20);
    return loading;
  }
}

function slotOfKey(text: string): number {
  hasher.hash(new TextEncoder().encode(text));
  return slotOf(hasher.hi);
}

/** Slots whose trees differ, or that are built in one only. */
function differing(a: SlotTrees, b: SlotTrees): number[] {
  const all = Array.from({ length: SLOT_COUNT }, (_, slot) => slot);
  const shape = (trees: SlotTrees, slot: number) =>
    JSON.stringify([
      trees.isBuilt(slot),
      trees.rootHi(slot),
      trees.rootLo(slot),
      [...trees.groups(slot)],
      trees.counts(slot),
    ]);
  return all.filter((slot) => shape(a, slot) !== shape(b, slot));
}

t.test('after a crash the trees are built from what is stored', async (t) => {
  const before = await Rig.open();
  for (let i = 0; i < 500; i++) before.put(`key-${i}`, i % 7 === 0);
  await before.clock.advanceAsync(50);
  const rig = await Rig.open(before.clock, before.disk);
  t.notOk(await rig.load(), 'there is no checkpoint');
  t.equal(rig.trees.builtCount, 0);
  await rig.build();
  t.equal(rig.trees.builtCount, SLOT_COUNT);
  t.same(differing(rig.trees, await rig.expected()), []);
  t.equal(rig.builder.recordsRead, 500);
  t.equal(rig.builder.builtSlots, SLOT_COUNT);
  rig.builder.wake();
  t.notOk(rig.builder.isBusy, 'there is nothing left to do');
});

/** Keys of the slots that are built first, in one sweep. */
const FIRST_PAGE = Array.from({ length: 3000 }, (_, i) => `page-${i}`).filter((key) => slotOfKey(key) < 64);

t.test('a key that is written while its slot is being read counts once, with what is newest', async (t) => {
  const rig = await Rig.open();
  const [old, fresh, other] = FIRST_PAGE as [string, string, string];
  rig.put(old);
  rig.put(other);
  await rig.clock.advanceAsync(20);
  rig.put(other);
  rig.builder.wake();
  rig.put(old);
  rig.put(fresh);
  rig.put(fresh);
  while (rig.builder.isBusy) await rig.clock.advanceAsync(10);
  t.equal(rig.trees.builtCount, SLOT_COUNT);
  t.same(differing(rig.trees, await rig.expected()), []);
});

t.test('writes during a rebuild: the trees are those of the final content', async () => {
  const key = fc.constantFrom(...FIRST_PAGE.slice(0, 20), 'key-1', 'key-2', 'key-3');
  const step = fc.oneof(
    fc.record({ kind: fc.constant('put' as const), key, tombstone: fc.boolean() }),
    fc.record({ kind: fc.constant('time' as const), ms: fc.constantFrom(0, 0.1, 0.3, 1) }),
    fc.record({ kind: fc.constant('forget' as const), key }),
    fc.record({ kind: fc.constant('wake' as const) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(key, { maxLength: 40 }),
      fc.array(step, { maxLength: 60 }),
      async (first, steps) => {
        const rig = await Rig.open();
        for (const each of first) rig.put(each);
        rig.builder.wake();
        for (const each of steps) {
          if (each.kind === 'put') rig.put(each.key, each.tombstone);
          else if (each.kind === 'time') await rig.clock.advanceAsync(each.ms);
          else if (each.kind === 'forget') rig.trees.forget(slotOfKey(each.key));
          else rig.builder.wake();
        }
        while (rig.trees.builtCount < SLOT_COUNT) await rig.build();
        return differing(rig.trees, await rig.expected()).length === 0;
      },
    ),
    { numRuns: 60 },
  );
});

t.test('a slot with a corrupt record has no tree until it is mended', async (t) => {
  const before = await Rig.open();
  for (let i = 0; i < 20; i++) before.put(`key-${i}`);
  await before.clock.advanceAsync(50);
  const rig = await Rig.open(before.clock, before.disk);
  const key = new TextEncoder().encode('key-3');
  const slot = slotOfKey('key-3');
  const where = engineKey(slotOf(slot << 20), key);
  rig.disk.corrupt(where, 18);
  await rig.build();
  t.equal(rig.trees.builtCount, SLOT_COUNT - 1);
  t.notOk(rig.trees.isBuilt(slot));
  t.same(rig.corrupt, ['key-3']);
  t.equal(rig.builder.restingSlots, 1);
  rig.builder.wake();
  t.notOk(rig.builder.isBusy, 'it is not tried again at once');
  rig.disk.corrupt(where, 18);
  await rig.clock.advanceAsync(RETRY_MS);
  await rig.build();
  t.equal(rig.trees.builtCount, SLOT_COUNT);
  t.equal(rig.builder.restingSlots, 0);
  t.same(differing(rig.trees, await rig.expected()), []);
});

t.test('the storage fails during a rebuild: it begins anew when the storage is back', async (t) => {
  const rig = await Rig.open();
  for (let i = 0; i < 50; i++) rig.put(`key-${i}`);
  rig.disk.failure = 'no space left on device';
  rig.builder.wake();
  await rig.clock.advanceAsync(50);
  t.notOk(rig.builder.isBusy);
  t.equal(rig.trees.builtCount, 0);
  rig.builder.wake();
  t.notOk(rig.builder.isBusy, 'not while the storage has failed');
  rig.disk.failure = undefined;
  await rig.clock.advanceAsync(2000);
  for (let i = 40; i < 60; i++) rig.put(`key-${i}`);
  await rig.build();
  t.equal(rig.trees.builtCount, SLOT_COUNT);
  t.same(differing(rig.trees, await rig.expected()), []);
});

t.test('a crash in the middle of a rebuild leaves nothing behind', async (t) => {
  const before = await Rig.open();
  for (let i = 0; i < 300; i++) before.put(`key-${i}`);
  await before.clock.advanceAsync(50);
  const crashed = await Rig.open(before.clock, before.disk);
  crashed.builder.wake();
  await crashed.clock.advanceAsync(1);
  crashed.disk.crash();
  const rig = await Rig.open(before.clock, before.disk);
  t.notOk(await rig.load());
  await rig.build();
  t.same(differing(rig.trees, await rig.expected()), []);
});

t.test('stopping in the middle of a rebuild keeps what was built', async (t) => {
  const before = await Rig.open();
  for (let i = 0; i < 3000; i++) before.put(`key-${i}`);
  await before.clock.advanceAsync(50);
  const stopped = await Rig.open(before.clock, before.disk);
  stopped.builder.wake();
  await stopped.clock.advanceAsync(20);
  const built = stopped.trees.builtCount;
  t.ok(built > 0 && built < SLOT_COUNT, `${built} slots`);
  await stopped.stop();
  const rig = await Rig.open(before.clock, before.disk);
  t.ok(await rig.load());
  t.ok(rig.trees.builtCount >= built && rig.trees.builtCount < SLOT_COUNT);
  await rig.build();
  t.same(differing(rig.trees, await rig.expected()), []);
});

t.test('a clean stop and a start need no rebuild; the checkpoint serves once', async (t) => {
  const first = await Rig.open();
  for (let slot = 0; slot < SLOT_COUNT; slot++) first.trees.declareBuilt(slot);
  for (let i = 0; i < 500; i++) first.put(`key-${i}`, i % 5 === 0);
  await first.stop();
  const second = await Rig.open(first.clock, first.disk);
  t.ok(await second.load());
  t.equal(second.trees.builtCount, SLOT_COUNT);
  t.same(differing(second.trees, await second.expected()), []);
  second.builder.wake();
  t.notOk(second.builder.isBusy);
  t.notOk(second.disk.content.has(Buffer.from(TREES_KEY).toString('latin1')), 'the marker is gone');
  second.disk.losePower();
  const third = await Rig.open(first.clock, first.disk);
  t.notOk(await third.load(), 'it is gone for good: the second run may have written');
});

t.test('a stop whose checkpoint does not get to the disk counts as a crash', async (t) => {
  const rig = await Rig.open();
  rig.put('a');
  await rig.clock.advanceAsync(20);
  rig.disk.failure = 'no space left on device';
  await rig.stop();
  rig.disk.failure = undefined;
  rig.disk.content.delete(Buffer.from(TREES_KEY).toString('latin1'));
  t.notOk(await (await Rig.open(rig.clock, rig.disk)).load());
});

t.test('a checkpoint that is not whole is not believed', async (t) => {
  const id = (key: Uint8Array) => Buffer.from(key).toString('latin1');
  const damage: [string, (disk: VirtualDisk, page: Uint8Array) => void][] = [
    ['a bit of a page', (disk, page) => disk.corrupt(page, 1000)],
    ['a page is missing', (disk, page) => void disk.content.delete(id(page))],
    ['a page is short', (disk, page) => void disk.content.set(id(page), new Uint8Array(8))],
    ['another format', (disk) => disk.corrupt(TREES_KEY, 0)],
    ['a short marker', (disk) => void disk.content.set(id(TREES_KEY), new Uint8Array(3))],
  ];
  for (const [name, strike] of damage) {
    const rig = await Rig.open();
    for (let slot = 0; slot < SLOT_COUNT; slot++) rig.trees.declareBuilt(slot);
    rig.put('a');
    await rig.stop();
    strike(rig.disk, treePageKey(slotOfKey('a') >>> 6));
    const next = await Rig.open(rig.clock, rig.disk);
    t.notOk(await next.load(), name);
    t.equal(next.trees.builtCount, 0, name);
    await next.build();
    t.same(differing(next.trees, await next.expected()), [], name);
  }
});
