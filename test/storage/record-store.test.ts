/** What the store answers from: the cache, the queue beside it, the engine, and nothing when the record is corrupt. */
import t from 'tap';
import {
  COLD,
  COMMITTED,
  CORRUPT,
  MISSING,
  QUEUED,
  type RecordStore,
} from '../../src/storage/record-store.js';
import { decodeRecord, encodeRecord } from '../../src/version/record.js';
import { HASH_HI, HASH_LO, keyRef, type ReplicaRig, replicaRig } from '../replication/replica-rig.js';

function put(store: RecordStore, key: string, value: string, time = 10): number {
  const bytes = new TextEncoder().encode(value);
  const record = encodeRecord({ time, node: 2, tombstone: false, expiryMs: 0, value: bytes }, HASH_LO);
  const ref = keyRef(key);
  return store.put(HASH_HI, HASH_LO, ref.bytes, 0, ref.length, record, 0, record.length);
}

function find(store: RecordStore, key: string, forRead = false): string {
  const { bytes, length } = keyRef(key);
  const state = forRead
    ? store.findForRead(HASH_HI, HASH_LO, bytes, 0, length)
    : store.find(HASH_HI, HASH_LO, bytes, 0, length);
  const name = {
    [MISSING]: 'missing',
    [COMMITTED]: 'committed',
    [QUEUED]: 'queued',
    [CORRUPT]: 'corrupt',
    [COLD]: 'cold',
  }[state];
  if (state !== COMMITTED && state !== QUEUED) return name;
  const record = decodeRecord(store.bytes.subarray(store.start, store.start + store.length));
  return `${name} ${new TextDecoder().decode(record.value)}`;
}

for (const cacheBytes of [65536, 0]) {
  const name = cacheBytes === 0 ? 'without a cache' : 'with a cache';
  t.test(`${name}: queued, committed, and read again from the engine`, async (t) => {
    const rig = await replicaRig({ cacheBytes });
    const { store } = rig;
    t.equal(find(store, 'k'), 'missing');
    t.ok(await store.isEmpty());
    put(store, 'k', 'a');
    t.equal(find(store, 'k'), 'queued a');
    t.notOk(await store.isEmpty(), 'a queued record counts');
    rig.clock.runDeferred();
    put(store, 'k', 'b');
    t.equal(find(store, 'k'), 'queued b', 'the newest');
    await rig.settle();
    t.equal(find(store, 'k'), 'committed b');
    store.forgetMemory();
    t.equal(find(store, 'k'), 'committed b');
    t.notOk(await store.isEmpty());
  });
}

t.test('records that are too large for the cache are found while they are queued', async (t) => {
  const rig = await replicaRig({ cacheBytes: 4096 });
  const large = 'x'.repeat(5000);
  put(rig.store, 'k', 'small');
  put(rig.store, 'k', large);
  t.equal(find(rig.store, 'k'), `queued ${large}`, 'not the small one');
  put(rig.store, 'k', 'small again');
  t.equal(find(rig.store, 'k'), 'queued small again');
  await rig.settle();
  for (let i = 0; i < 600; i++) put(rig.store, `k${i}`, large);
  t.equal(find(rig.store, 'k0'), `queued ${large}`, 'no sweep takes what is queued');
  await rig.settle();
  t.equal(find(rig.store, 'k0'), `committed ${large}`);
});

t.test('what was queued when the log failed is forgotten', async (t) => {
  const rig = await replicaRig();
  put(rig.store, 'k', 'a');
  await rig.settle();
  rig.fail();
  t.ok(put(rig.store, 'k', 'b') > 0);
  await rig.settle();
  t.equal(put(rig.store, 'k', 'c'), 0, 'nothing is taken while it has failed');
  await rig.recover();
  t.match(find(rig.store, 'k'), /^committed [ab]$/);
});

t.test('corrupt and unreadable records', async (t) => {
  const rig = await replicaRig();
  put(rig.store, 'k', 'a');
  await rig.settle();
  rig.corrupt('k');
  t.equal(find(rig.store, 'k'), 'corrupt');
  t.equal(rig.store.corruptRecords, 1);
  t.match(rig.log.lines.at(-1), /^debug a stored record cannot be read/);
  put(rig.store, 'k', 'b');
  t.equal(find(rig.store, 'k'), 'queued b');
  const { key } = { key: keyRef('k') };
  t.notOk(
    rig.store.find(HASH_HI, HASH_LO + 1, key.bytes, 0, key.length) === COMMITTED,
    'another hash, another key',
  );
});

t.test('after a few reads of the engine in one turn the rest are cold, until the turn ends', async (t) => {
  const rig = await replicaRig();
  for (let i = 0; i < 20; i++) put(rig.store, `k${i}`, `v${i}`);
  await rig.settle();
  rig.store.forgetMemory();
  const states = Array.from({ length: 20 }, (_, i) => find(rig.store, `k${i}`, true));
  t.equal(states.filter((state) => state === 'cold').length, 12);
  rig.clock.runDeferred();
  t.equal(find(rig.store, 'k15', true), 'committed v15');
});

function stored(rig: ReplicaRig, key: string): Promise<void> {
  const ref = keyRef(key);
  return rig.store.warm([{ key: ref.bytes, hashHi: HASH_HI, hashLo: HASH_LO }]);
}

t.test(
  'a record that is written while it is read from the engine is not replaced by the older one',
  async (t) => {
    const rig = await replicaRig();
    put(rig.store, 'k', 'old');
    await rig.settle();
    rig.store.forgetMemory();
    // The engine answers the first reading late, with what was there when it was asked.
    const answers: (() => void)[] = [];
    const engine = rig.engine as {
      getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]>;
    };
    const getMany = engine.getMany.bind(engine);
    engine.getMany = async (keys) => {
      const values = await getMany(keys);
      await new Promise<void>((resolve) => answers.push(resolve));
      return values;
    };
    const first = stored(rig, 'k');
    await rig.clock.settle();
    put(rig.store, 'k', 'new', 20);
    await rig.settle();
    // It leaves memory again, and is asked for a second time before the first answer has come.
    rig.cache.clear();
    const second = stored(rig, 'k');
    await rig.clock.settle();
    answers[0]!();
    await first;
    t.equal(find(rig.store, 'k'), 'committed new');
    answers[1]!();
    await second;
    t.equal(find(rig.store, 'k'), 'committed new');
  },
);
