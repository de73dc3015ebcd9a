import fc from 'fast-check';
import t from 'tap';
import { packKeyedRecords, packSlots, packVersions } from '../../../src/replication/anti-entropy/packed.js';
import type { Slot } from '../../../src/ring/slot.js';
import { encodeRecord } from '../../../src/version/record.js';
import type { Body } from '../../../src/wire/body.js';
import {
  RECORDS,
  RECORDS_PUSH,
  TREE_DIGEST,
  TREE_KEYS,
  TREE_LEAVES,
} from '../../../src/wire/message-type.js';
import { VirtualClock } from '../../support/virtual-clock.js';
import { ALL_SLOTS, engineKeyOf, refOf, Side, slotOfKey } from './anti-entropy-rig.js';

const keysOf = (howMany: number) => Array.from({ length: howMany }, (_, i) => `key-${i}`);

async function pair(): Promise<[Side, Side, () => Promise<void>]> {
  const clock = new VirtualClock();
  const here = await Side.open('here', clock);
  const there = await Side.open('there', clock);
  return [here, there, () => clock.advanceAsync(50)];
}

t.test('both ways, whatever the two hold: afterwards both have the newest of each key', async () => {
  const time = fc.nat(3);
  const side = fc.array(time, { minLength: 12, maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(side, side, fc.boolean(), fc.boolean(), async (ours, theirs, isBuilt, isBuiltThere) => {
      const [here, there, settle] = await pair();
      const keys = keysOf(12);
      for (const [i, key] of keys.entries()) {
        if (ours[i]! > 0) here.put(key, ours[i]!, ours[i] === 2 ? undefined : 'v');
        if (theirs[i]! > 0) there.put(key, theirs[i]!, theirs[i] === 2 ? undefined : 'v');
      }
      if (!isBuilt) here.trees.forgetAll();
      if (!isBuiltThere) there.trees.forgetAll();
      await settle();
      const result = await here.exchange(there, { unbuilt: 'list' });
      const newest = ours.map((each, i) => Math.max(each, theirs[i]!));
      const moved = ours.filter((each, i) => each !== theirs[i]).length;
      return (
        result.problem === undefined &&
        result.completed.length === ALL_SLOTS.length &&
        result.keysFetched + result.keysSent === moved &&
        here.times(keys).join() === newest.join() &&
        there.times(keys).join() === newest.join()
      );
    }),
    { numRuns: 40 },
  );
});

t.test('equal replicas: one question, and nothing is moved', async (t) => {
  const [here, there, settle] = await pair();
  for (const key of keysOf(200)) for (const side of [here, there]) side.put(key, 5);
  await settle();
  const result = await here.exchange(there);
  t.same(there.asked, ['TREE_DIGEST']);
  t.ok(result.bytesMoved < 100);
  t.match(result, { slotsCompared: 4096, slotsDiffering: 0, keysFetched: 0, keysSent: 0 });
  t.equal(result.completed.length, 4096);
});

t.test('only what differs is moved, and a second exchange moves nothing', async (t) => {
  const [here, there, settle] = await pair();
  const keys = keysOf(500);
  for (const key of keys) for (const side of [here, there]) side.put(key, 5);
  for (const key of keys.slice(0, 20)) there.put(key, 6);
  for (const key of keys.slice(20, 50)) here.put(key, 7);
  await settle();
  t.match(await here.exchange(there), { keysFetched: 20, keysSent: 30, doubtful: [], failed: [] });
  t.same(here.times(keys), there.times(keys));
  there.asked = [];
  t.match(await here.exchange(there), { keysFetched: 0, keysSent: 0, slotsDiffering: 0 });
  t.same(there.asked, ['TREE_DIGEST']);
});

t.test('two that help a third at the same time from different ends do not do the same work', async (t) => {
  const clock = new VirtualClock();
  const behind = await Side.open('behind', clock);
  const helpers = [await Side.open('one', clock), await Side.open('two', clock)];
  const keys = keysOf(4000);
  for (const key of keys) for (const helper of helpers) helper.put(key, 5);
  await clock.advanceAsync(50);
  const running = Promise.all(helpers.map((helper, i) => helper.begin(behind, { startAt: i / 2 })));
  let results: Awaited<typeof running> | undefined;
  void running.then((done) => {
    results = done;
  });
  for (let i = 0; results === undefined && i < 60_000; i++) await clock.advanceAsync(1);
  const sent = results!.reduce((sum, { keysSent }) => sum + keysSent, 0);
  t.ok(sent >= 4000 && sent < 4400, `${sent} keys sent`);
  for (const { completed } of results!) t.equal(completed.length, 4096);
  t.same(behind.times(keys), helpers[0]!.times(keys));
});

t.test('one direction only', async (t) => {
  for (const [direction, fetched, sent] of [
    ['pull', 1, 0],
    ['push', 0, 1],
  ] as const) {
    const [here, there, settle] = await pair();
    here.put('mine', 5);
    there.put('theirs', 5);
    await settle();
    const result = await here.exchange(there, { direction });
    t.match(result, { keysFetched: fetched, keysSent: sent }, direction);
    t.same(here.times(['mine', 'theirs']), [5, fetched === 1 ? 5 : 0], direction);
    t.same(there.times(['mine', 'theirs']), [sent === 1 ? 5 : 0, 5], direction);
    t.ok(result.completed.includes(slotOfKey('mine')) && result.completed.includes(slotOfKey('theirs')));
  }
});

t.test('slots without a tree are skipped, or listed when that is asked for', async (t) => {
  for (const isOurs of [true, false]) {
    const [here, there, settle] = await pair();
    there.put('k', 5);
    await settle();
    const slot = slotOfKey('k');
    (isOurs ? here : there).trees.forget(slot);
    const skipped = await here.exchange(there);
    t.match(skipped, { slotsUnbuilt: 1, keysFetched: 0 });
    t.notOk(skipped.completed.includes(slot));
    t.equal(skipped.completed.length, 4095);
    const listed = await here.exchange(there, { unbuilt: 'list', direction: 'pull' }, [slot]);
    t.match(listed, { slotsUnbuilt: 0, keysFetched: 1, completed: [slot] });
  }
});

t.test('many keys come page by page, on either side', async (t) => {
  for (const isOurs of [true, false]) {
    const [here, there, settle] = await pair();
    const keys = keysOf(2600);
    for (const key of keys) (isOurs ? here : there).put(key, 5);
    await settle();
    await settle();
    const result = await here.exchange(there, {}, ALL_SLOTS, { recordsPerSecond: 1e6, bytesPerSecond: 1e9 });
    t.match(result, isOurs ? { keysSent: 2600 } : { keysFetched: 2600 });
    t.equal(result.completed.length, 4096);
    t.same(here.times(keys), there.times(keys));
  }
});

t.test('many keys of few slots take several lists, on either side', async (t) => {
  const keys = Array.from({ length: 400_000 }, (_, i) => `k${i}`).filter((key) => slotOfKey(key) < 12);
  t.ok(keys.length > 1000);
  for (const isOurs of [true, false]) {
    const [here, there, settle] = await pair();
    for (const key of keys) (isOurs ? here : there).put(key, 5);
    await settle();
    const result = await here.exchange(there, {}, ALL_SLOTS, { recordsPerSecond: 1e6, bytesPerSecond: 1e9 });
    t.match(result, isOurs ? { keysSent: keys.length } : { keysFetched: keys.length });
    t.same(here.times(keys), there.times(keys));
    t.equal(there.asked.filter((type) => type === 'TREE_KEYS').length, isOurs ? 1 : 2);
  }
});

t.test('large records come one by one', async (t) => {
  const [here, there, settle] = await pair();
  const large = 'x'.repeat(700_000);
  for (const key of keysOf(4)) there.put(key, 5, large);
  here.put('ours', 5, large);
  await settle();
  const fast = { recordsPerSecond: 1e6, bytesPerSecond: 1e9 };
  t.match(await here.exchange(there, {}, ALL_SLOTS, fast), { keysFetched: 4, keysSent: 1 });
  t.equal(there.asked.filter((type) => type === 'RECORDS').length, 4);
});

t.test('the rate limit is kept to', async (t) => {
  const [here, there, settle] = await pair();
  for (const key of keysOf(600)) there.put(key, 5);
  await settle();
  const startMs = here.clock.monotonicMs();
  await here.exchange(there, {}, ALL_SLOTS, { recordsPerSecond: 100, bytesPerSecond: 1e9 });
  const tookMs = here.clock.monotonicMs() - startMs;
  t.ok(tookMs > 5500 && tookMs < 7000, `${tookMs} ms`);
});

t.test('writes under way differ for an instant only', async (t) => {
  const [here, there] = await pair();
  here.put('k', 5);
  const exchanging = here.exchange(there, { recheckMs: 250 });
  await here.clock.advanceAsync(20);
  there.put('k', 5);
  const result = await exchanging;
  t.match(result, { slotsDiffering: 0, keysSent: 0 });
  t.same(there.asked, ['TREE_DIGEST', 'TREE_DIGEST']);
});

t.test('a corrupt record here or there: the slot is not completed, and whoever has it is told', async (t) => {
  for (const isOurs of [true, false]) {
    for (const direction of ['pull', 'push', 'both'] as const) {
      const [here, there, settle] = await pair();
      for (const side of [here, there]) side.put('k', 5);
      here.put('newer', 6);
      there.put('k', 6);
      await settle();
      const damaged = isOurs ? here : there;
      damaged.flip('k');
      const slot = slotOfKey('k');
      const result = await here.exchange(there, { direction });
      t.notOk(result.completed.includes(slot), `${direction}, ${damaged.name}`);
      t.ok(result.completed.includes(slotOfKey('newer')));
      t.same([...new Set(damaged.corrupt)], ['k']);
      t.notOk(damaged.trees.isBuilt(slot), 'it takes part again when it is mended');
      t.equal(result.keysFetched, 0);
    }
  }
});

t.test('a tree that is wrong is noticed: it differs, and no key does', async (t) => {
  const [here, there, settle] = await pair();
  for (const side of [here, there]) side.put('k', 5);
  await settle();
  const slot = slotOfKey('k');
  here.trees.beginBuilding(slot);
  here.trees.finishBuilding(slot);
  const result = await here.exchange(there);
  t.match(result, { slotsDiffering: 1, keysFetched: 0, keysSent: 0, doubtful: [slot] });
  t.ok(result.completed.includes(slot), 'the keys were compared all the same');
});

t.test('nothing is completed on the strength of what is only queued', async (t) => {
  const [here, there] = await pair();
  here.disk.writeMs = [500, 500];
  there.put('k', 5);
  await here.clock.advanceAsync(50);
  here.put('k', 5);
  const exchanging = here.exchange(there);
  await here.clock.advanceAsync(100);
  here.disk.failure = 'no space left on device';
  const result = await exchanging;
  t.same(result.completed, []);
  t.match(result.problem, /storage of this node has failed/);
});

t.test('a peer says nothing that rests on what is only queued', async (t) => {
  const [here, there] = await pair();
  there.disk.writeMs = [500, 500];
  here.put('k', 5);
  await here.clock.advanceAsync(50);
  there.put('k', 5);
  const exchanging = here.exchange(there);
  await here.clock.advanceAsync(100);
  there.disk.failure = 'no space left on device';
  const result = await exchanging;
  t.same(result.completed, []);
  t.match(result.problem, /storage of this replica has failed/);
});

t.test('a record that cannot be taken here keeps its slot from being completed', async (t) => {
  for (const direction of ['pull', 'push'] as const) {
    const [here, there, settle] = await pair();
    (direction === 'pull' ? there : here).put('k', 5);
    await settle();
    (direction === 'pull' ? here : there).replica.frozenBecause = 'a member is being admitted';
    const result = await here.exchange(there, { direction });
    t.notOk(result.completed.includes(slotOfKey('k')));
    t.same(result.failed, [slotOfKey('k')]);
    t.equal(result.completed.length, 4095);
  }
});

t.test('a record that is gone, or changed on the way, is not taken', async (t) => {
  const spoil: [string, (answer: Body) => Body][] = [
    ['no bytes', () => ({ records: new Uint8Array(4) })],
    [
      'another bit',
      (answer) => ({
        records: (answer.records as Uint8Array).map((byte, i) => (i === 10 ? byte ^ 1 : byte)),
      }),
    ],
  ];
  for (const [name, change] of spoil) {
    const [here, there, settle] = await pair();
    there.put('k', 5);
    await settle();
    there.interfere = async (type, answer) => (type === RECORDS ? change(await answer()) : answer());
    const result = await here.exchange(there);
    t.same(result.failed, [slotOfKey('k')], name);
    t.same(here.times(['k']), [0], name);
    t.equal(result.keysFetched, 0, name);
  }
});

t.test('an answer that makes no sense ends the exchange', async (t) => {
  const bytes = (length: number) => new Uint8Array(length);
  const keyOf = (key: string) => ({ engineKey: engineKeyOf(key), time: 9, node: 2 });
  const none = packSlots([]);
  const nonsense: [string, number, Body][] = [
    ['a digest without roots', TREE_DIGEST, {}],
    ['too few roots', TREE_DIGEST, { roots: bytes(8), unbuilt: none }],
    ['roots without the unbuilt', TREE_DIGEST, { roots: bytes(8 * 4096) }],
    ['too few groups', TREE_LEAVES, { groups: bytes(8), unbuilt: none }],
    ['unbuilt slots that are none', TREE_LEAVES, { groups: bytes(64), unbuilt: bytes(3) }],
    ['no keys', TREE_KEYS, { upTo: null, corrupt: none }],
    [
      'keys that were not asked for',
      TREE_KEYS,
      { keys: packVersions([keyOf('other')]), upTo: null, corrupt: none },
    ],
    ['no progress', TREE_KEYS, { keys: bytes(0), upTo: bytes(0), corrupt: none }],
    ['no end', TREE_KEYS, { keys: bytes(0), corrupt: none }],
    ['no records', RECORDS, { records: bytes(0) }],
    ['more records than asked for', RECORDS, { records: bytes(8) }],
    ['no outcome', RECORDS_PUSH, {}],
    ['too many outcomes', RECORDS_PUSH, { logged: bytes(2) }],
  ];
  for (const [name, type, answer] of nonsense) {
    const [here, there, settle] = await pair();
    const isPush = type === RECORDS_PUSH;
    (isPush ? here : there).put('k', 5);
    await settle();
    there.interfere = async (asked, honest) => (asked === type ? answer : honest());
    const result = await here.exchange(there);
    t.match(result.problem, /malformed answer/, name);
    t.notOk(result.completed.includes(slotOfKey('k')), name);
  }
});

t.test('pages that never end are not believed', async (t) => {
  const [here, there, settle] = await pair();
  there.put('k', 5);
  await settle();
  const upTo = engineKeyOf('k');
  there.interfere = async (type, honest) =>
    type === TREE_KEYS ? { keys: new Uint8Array(0), upTo, corrupt: packSlots([]) } : honest();
  t.match((await here.exchange(there)).problem, /malformed answer/);
});

t.test('malformed questions are refused, and so are those of another epoch', async (t) => {
  const [, there, settle] = await pair();
  there.put('k', 5);
  await settle();
  const slots = packSlots(ALL_SLOTS);
  const some = packSlots(ALL_SLOTS.slice(0, 257) as Slot[]);
  const good: [number, Body][] = [
    [TREE_DIGEST, { epoch: 1, slots, digest: new Uint8Array(8) }],
    [TREE_LEAVES, { epoch: 1, slots: packSlots([1 as Slot]) }],
    [TREE_LEAVES, { epoch: 1, groups: Uint8Array.of(0, 1, 255) }],
    [TREE_KEYS, { epoch: 1, leaves: new Uint8Array(10) }],
    [RECORDS, { epoch: 1, keys: new Uint8Array(0) }],
    [RECORDS_PUSH, { epoch: 1, records: new Uint8Array(0) }],
  ];
  for (const [type, body] of good) {
    t.equal(await there.refusal(type, body), 'none');
    t.equal(await there.refusal(type, { ...body, epoch: 2 }), 'EPOCH_MISMATCH');
    t.equal(await there.refusal(type, { ...body, epoch: undefined }), 'EPOCH_MISMATCH');
    t.equal(await there.refusal(type, { epoch: 1 }), 'BAD_REQUEST');
  }
  const record = (key: string, of: string, value = new Uint8Array(3)) => {
    const fields = { time: 5, node: 2, tombstone: false, expiryMs: 0, value };
    return { engineKey: engineKeyOf(key), record: encodeRecord(fields, refOf(of).hashLo) };
  };
  const misplaced = { ...record('k', 'k'), engineKey: Uint8Array.of(0, 0, 0x6b) };
  const bad: [string, number, Body][] = [
    ['a short digest', TREE_DIGEST, { epoch: 1, slots, digest: new Uint8Array(7) }],
    ['half a run of slots', TREE_DIGEST, { epoch: 1, slots: new Uint8Array(2), digest: new Uint8Array(8) }],
    ['leaves of too many slots', TREE_LEAVES, { epoch: 1, slots: some }],
    ['keys of half a slot', TREE_KEYS, { epoch: 1, leaves: new Uint8Array(9) }],
    ['from a text', TREE_KEYS, { epoch: 1, leaves: new Uint8Array(10), from: 'a' }],
    [
      'too many keys',
      RECORDS,
      { epoch: 1, keys: Uint8Array.from({ length: 5 * 1001 }, (_, i) => [0, 3, 0, 0, 97][i % 5]!) },
    ],
    ['a record under another key', RECORDS_PUSH, { epoch: 1, records: packKeyedRecords([record('k', 'j')]) }],
    ['a record in another slot', RECORDS_PUSH, { epoch: 1, records: packKeyedRecords([misplaced]) }],
    [
      'no record at all',
      RECORDS_PUSH,
      { epoch: 1, records: packKeyedRecords([{ engineKey: engineKeyOf('k'), record: new Uint8Array(0) }]) },
    ],
  ];
  for (const [name, type, body] of bad) t.equal(await there.refusal(type, body), 'BAD_REQUEST', name);
  t.same(there.times(['k']), [5]);
});

t.test('while the storage of a replica has failed, it answers nothing', async (t) => {
  const [here, there] = await pair();
  there.disk.failure = 'no space left on device';
  there.put('k', 5);
  await here.clock.advanceAsync(50);
  const questions: [number, Body][] = [
    [TREE_DIGEST, { epoch: 1, slots: packSlots([]), digest: new Uint8Array(8) }],
    [TREE_LEAVES, { epoch: 1, slots: packSlots([1 as Slot]) }],
    [TREE_KEYS, { epoch: 1, leaves: new Uint8Array(10) }],
    [RECORDS, { epoch: 1, keys: new Uint8Array(0) }],
    [RECORDS_PUSH, { epoch: 1, records: new Uint8Array(0) }],
  ];
  for (const [type, body] of questions) t.equal(await there.refusal(type, body), 'STORAGE_FAILED');
});

t.test('when the storage fails, nothing is known of what the trees rest on', async (t) => {
  const [here, , settle] = await pair();
  here.disk.failure = 'no space left on device';
  here.put('k', 5);
  t.ok(here.trees.isBuilt(slotOfKey('k')));
  await settle();
  t.equal(here.trees.builtCount, 0);
});
