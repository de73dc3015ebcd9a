/** Each replica's part in collecting tombstones: what goes is what all have agreed on, and nothing that arrived since. */
import t from 'tap';
import { viewOf } from '../../src/base/bytes.js';
import { KeyRef } from '../../src/replication/key-ref.js';
import { SlotCollection } from '../../src/replication/slot-collection.js';
import { loadKeyHasher } from '../../src/ring/hash.js';
import { type Slot, slotOf } from '../../src/ring/slot.js';
import { encodeRecord } from '../../src/version/record.js';
import { EXPIRED_BIT } from '../../src/version/version.js';
import { type ReplicaRig, replicaRig } from './replica-rig.js';

const hasher = await loadKeyHasher();
const HORIZON = 20;
const NODE = 2;

function keyRef(text: string): KeyRef {
  const bytes = new TextEncoder().encode(text);
  hasher.hash(bytes);
  const key = new KeyRef();
  key.set(bytes, 0, bytes.length, hasher.hi, hasher.lo);
  return key;
}

const KEY = keyRef('k');
const SLOT = slotOf(KEY.hashHi) as Slot;

interface Part {
  readonly rig: ReplicaRig;
  readonly slots: SlotCollection;
}

async function part(): Promise<Part> {
  const rig = await replicaRig();
  return { rig, slots: new SlotCollection({ ...rig, hasher, isSound: () => true }) };
}

/** Stores a value, or a tombstone, as an exchange would bring it. */
async function store({ rig }: Part, time: number, node: number, value?: string): Promise<void> {
  const bytes = new TextEncoder().encode(value ?? '');
  const fields = { time, node, tombstone: value === undefined, expiryMs: 0, value: bytes };
  const record = encodeRecord(fields, KEY.hashLo);
  rig.replica.apply(KEY, record, viewOf(record), 0, record.length, true, rig.client, 1);
  await rig.settle();
  t.match(rig.client.take(), /applied/);
}

/** The version that is held, in words. */
async function held({ rig }: Part): Promise<string> {
  rig.replica.read(KEY, 0, 0, true, rig.client, 1);
  await rig.settle();
  return rig.client.take();
}

/** `promise` and `collect` wait for the disk, which waits for the virtual clock. */
async function until<T>({ rig }: Part, promise: Promise<T>): Promise<T> {
  let isDone = false;
  const done = promise.finally(() => {
    isDone = true;
  });
  while (!isDone) await rig.settle();
  return done;
}

async function promised(one: Part): Promise<Uint8Array> {
  const [digest] = await until(one, one.slots.promise([SLOT], HORIZON));
  return digest!;
}

function collected(one: Part, digest: Uint8Array): Promise<number> {
  return until(one, one.slots.collect([SLOT], HORIZON, [digest]));
}

t.test('a tombstone that the digest covers goes', async (t) => {
  const one = await part();
  await store(one, 10, NODE);
  t.equal(await collected(one, await promised(one)), 1);
  t.equal(await held(one), '1 same', 'nothing');
  t.equal(one.rig.floors.collected(SLOT), HORIZON);
});

t.test('the expired form of a value that was agreed on stays until all have it', async (t) => {
  const one = await part();
  await store(one, 10, NODE, 'v');
  const digest = await promised(one);
  // A reader settles that the value has expired, with this replica and another, but not yet with the third.
  await store(one, 10, NODE | EXPIRED_BIT);
  t.equal(await collected(one, digest), 0);
  t.equal(await held(one), `1 version 10.${NODE | EXPIRED_BIT}`);
  t.equal(one.rig.floors.collected(SLOT), 0, 'so the others can still bring what they hold');
  t.equal(await collected(one, await promised(one)), 1, 'the next round');
});

t.test('a newer tombstone than the one that was agreed on stays', async (t) => {
  const one = await part();
  await store(one, 10, NODE);
  const digest = await promised(one);
  await store(one, HORIZON + 1, NODE);
  t.equal(await collected(one, digest), 0);
  t.equal(await held(one), `1 version ${HORIZON + 1}.${NODE}`);
});

t.test('no promise, no vote: nothing goes', async (t) => {
  const one = await part();
  await store(one, 10, NODE);
  const digest = await promised(one);
  one.rig.unsynced.add(SLOT);
  t.equal(await collected(one, digest), 0, 'it has lost data since');
  one.rig.unsynced.delete(SLOT);
  t.equal(
    await until(one, one.slots.collect([SLOT], HORIZON + 1, [digest])),
    0,
    'up to there it has not promised',
  );
  t.equal(await collected(one, digest), 1);
});
