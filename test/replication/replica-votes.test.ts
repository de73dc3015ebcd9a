/** What a replica says of slots that it has lost, and of versions that are older than what has been collected. */
import t from 'tap';
import { viewOf } from '../../src/base/bytes.js';
import { UnsyncedSlots } from '../../src/replication/unsynced-slots.js';
import { SLOT_COUNT, type Slot } from '../../src/ring/slot.js';
import { engineKey, floorKey } from '../../src/storage/keyspace.js';
import { encodeFloor, SlotFloors } from '../../src/storage/slot-floors.js';
import { encodeRecord } from '../../src/version/record.js';
import { type ReplicaRig, replicaRig } from './replica-rig.js';

const SLOT = 0 as Slot;

function record(time: number, value: string | undefined): Uint8Array {
  const bytes = new TextEncoder().encode(value ?? '');
  return encodeRecord({ time, node: 2, tombstone: value === undefined, expiryMs: 0, value: bytes }, 7);
}

async function applied(rig: ReplicaRig, bytes: Uint8Array, repair = false): Promise<string> {
  rig.replica.apply(rig.key('k'), bytes, viewOf(bytes), 0, bytes.length, repair, rig.client, 1);
  await rig.settle();
  return rig.client.take();
}

async function read(rig: ReplicaRig): Promise<string> {
  rig.replica.read(rig.key('k'), 0, 0, false, rig.client, 1);
  await rig.settle();
  return rig.client.take();
}

t.test('a slot that is not synced: everything is taken, nothing is vouched for', async (t) => {
  const rig = await replicaRig();
  rig.unsynced.add(SLOT);
  t.equal(await read(rig), '1 refused SYNCING', 'not “absent”');
  t.equal(await applied(rig, record(10, 'a')), '1 unsure', 'a new write');
  t.equal(await applied(rig, record(10, 'a')), '1 unsure', 'the same again');
  t.equal(await applied(rig, record(9, 'z')), '1 unsure', 'an older one');
  t.equal(await applied(rig, record(12, 'b'), true), '1 applied existed', 'what syncing brings');
  t.equal(await applied(rig, record(11, 'x'), true), '1 stale 12.2', 'and what it brings too late');
  rig.unsynced.delete(SLOT);
  t.equal(await read(rig), '1 record 12.2 b', 'it has taken all of it');
  t.equal(await applied(rig, record(13, 'c')), '1 applied existed');
});

t.test('an unsynced replica is unsure only when the record is in its log', async (t) => {
  const rig = await replicaRig();
  rig.unsynced.add(SLOT);
  const bytes = record(10, 'a');
  rig.replica.apply(rig.key('k'), bytes, viewOf(bytes), 0, bytes.length, false, rig.client, 1);
  t.equal(rig.client.take(), '');
  rig.fail();
  await rig.settle();
  t.equal(rig.client.take(), '1 lost');
});

t.test(
  'after a promise no write of an old version is accepted, but what others hold already is',
  async (t) => {
    const rig = await replicaRig();
    await applied(rig, record(10, 'a'));
    rig.floors.promise(SLOT, 20);
    t.equal(await applied(rig, record(15, 'late')), '1 lost', 'neither accepted nor called overtaken');
    t.equal(await applied(rig, record(20, 'late')), '1 lost', 'the floor itself');
    t.equal(await read(rig), '1 record 10.2 a');
    t.equal(await applied(rig, record(9, 'z')), '1 stale 10.2', 'what is held speaks for itself');
    t.equal(await applied(rig, record(10, 'a')), '1 applied');
    t.equal(await applied(rig, record(15, 'b'), true), '1 applied existed', 'a repair');
    t.equal(await applied(rig, record(21, 'c')), '1 applied existed', 'a version above it');
  },
);

t.test('below what has been collected a missing key stays missing', async (t) => {
  const rig = await replicaRig();
  await applied(rig, record(10, undefined));
  t.equal(rig.replica.dropTombstone(rig.key('k'), 10, 2), 0, 'nobody has agreed to it');
  rig.floors.collect(SLOT, 20);
  t.not(rig.replica.dropTombstone(rig.key('k'), 10, 2), 0);
  t.equal(await read(rig), '1 same', 'nothing is held, before it is in the log and after');
  await rig.settle();
  t.equal(rig.disk.content.size, 0, 'nothing is stored');
  t.same(rig.trees.counts(SLOT).tombstones, 0);
  t.equal(
    await applied(rig, record(5, 'zombie'), true),
    '1 refused STORAGE_FAILED',
    'an old value by any way',
  );
  t.equal(await applied(rig, record(5, 'zombie')), '1 lost');
  t.equal(await applied(rig, record(10, undefined), true), '1 applied', 'a tombstone does no harm');
  t.equal(await applied(rig, record(21, 'new')), '1 applied');
});

t.test('only the committed tombstone that was agreed on is dropped', async (t) => {
  const cases: [string, Uint8Array, number, boolean][] = [
    ['a tombstone up to the floor', record(20, undefined), 20, true],
    ['a younger one', record(21, undefined), 21, false],
    ['another one than was agreed on', record(20, undefined), 19, false],
    ['a value', record(10, 'a'), 10, false],
  ];
  for (const [what, bytes, time, isDropped] of cases) {
    const rig = await replicaRig();
    rig.replica.apply(rig.key('k'), bytes, viewOf(bytes), 0, bytes.length, false, rig.client, 1);
    rig.floors.collect(SLOT, 20);
    t.equal(rig.replica.dropTombstone(rig.key('k'), time, 2), 0, `${what}, not in the log yet`);
    await rig.settle();
    t.equal(rig.replica.dropTombstone(rig.key('k'), time, 2) > 0, isDropped, what);
  }
});

t.test('a key written again right after its tombstone was dropped keeps its record', async (t) => {
  for (const cacheBytes of [65536, 0]) {
    const rig = await replicaRig({ cacheBytes });
    await applied(rig, record(10, undefined));
    rig.floors.collect(SLOT, 20);
    rig.replica.dropTombstone(rig.key('k'), 10, 2);
    t.equal(await applied(rig, record(30, 'b')), '1 applied', 'it did not exist');
    t.equal(await read(rig), '1 record 30.2 b');
    t.equal(rig.disk.content.size, 1);
  }
});

t.test('when the storage fails before a tombstone is gone, it is held as the disk has it', async (t) => {
  const rig = await replicaRig();
  await applied(rig, record(10, undefined));
  rig.floors.collect(SLOT, 20);
  rig.fail();
  rig.replica.dropTombstone(rig.key('k'), 10, 2);
  await rig.settle();
  await rig.recover();
  // A batch that fails may be stored all the same.
  const isThere = rig.disk.content.has(Buffer.from(engineKey(SLOT, rig.key('k').key())).toString('latin1'));
  t.equal(await read(rig), isThere ? '1 record 10.2 ' : '1 same');
  t.notOk(rig.trees.isBuilt(SLOT), 'nobody trusts the tree');
});

t.test('floors are remembered from run to run, and only rise', async (t) => {
  const rig = await replicaRig();
  rig.committer.put(floorKey(7 as Slot), encodeFloor(1234));
  await rig.settle();
  const floors = new SlotFloors();
  await floors.load(rig.engine);
  t.same([floors.collected(7), floors.promised(7), floors.collected(8)], [1234, 1234, 0]);
  floors.collect(7, 1000);
  t.equal(floors.collected(7), 1234);
});

t.test('the slots that are left are stored as one bit each', async (t) => {
  const slots = new UnsyncedSlots();
  for (const slot of [0, 9, 9, SLOT_COUNT - 1]) slots.add(slot);
  slots.delete(4);
  t.same([slots.count, slots.slots()], [3, [0, 9, SLOT_COUNT - 1]]);
  const again = new UnsyncedSlots();
  again.add(5);
  t.ok(again.restore(slots.encode()));
  t.same([again.count, again.slots()], [3, [0, 9, SLOT_COUNT - 1]]);
  t.notOk(again.restore(new Uint8Array(3)));
  for (const slot of again.slots()) again.delete(slot);
  t.equal(again.count, 0);
});
