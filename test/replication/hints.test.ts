/** Credit, and what becomes of single hints: the pieces of hinted handoff without a cluster. */
import t from 'tap';
import { type ErrorCode, KvError } from '../../src/base/errors.js';
import { CREDIT_MS, CREDIT_TOTAL, HintCredit } from '../../src/replication/hint-credit.js';
import { HINT_DONE, HINT_KEPT, HINT_RECORDS_MAX, HintReceiver } from '../../src/replication/hint-receiver.js';
import type { KeyRef } from '../../src/replication/key-ref.js';
import type { Replica } from '../../src/replication/replica.js';
import type { ReplicaClient } from '../../src/replication/replica-client.js';
import { loadKeyHasher } from '../../src/ring/hash.js';
import { slotOf } from '../../src/ring/slot.js';
import { engineKey } from '../../src/storage/keyspace.js';
import { HybridClock } from '../../src/version/hybrid-clock.js';
import { encodeRecord } from '../../src/version/record.js';
import { packTime } from '../../src/version/version.js';
import type { Body } from '../../src/wire/body.js';
import { VirtualClock } from '../support/virtual-clock.js';

const hasher = await loadKeyHasher();

t.test('credit: shared among the holders, never more than the total in all', async (t) => {
  const clock = new VirtualClock();
  const load = { isClosed: false, queuedOperations: 0, rememberedVersions: 0 };
  const credit = new HintCredit(clock, () => load);
  t.equal(credit.grant('a', 40), 40, 'no more than there is');
  t.equal(credit.grant('a', 50_000), CREDIT_TOTAL, 'all of it to one alone');
  t.equal(credit.grant('b', 50_000), 0, 'nothing is left');
  t.ok(credit.use('a', 1000));
  t.equal(credit.grant('a', 50_000), CREDIT_TOTAL / 2, 'now there are two');
  t.equal(credit.grant('b', 50_000), CREDIT_TOTAL / 2);
  t.equal(credit.grant('c', 50_000), 0);
  t.equal(credit.grant('b', 50_000), Math.ceil(CREDIT_TOTAL / 3));
  t.equal(credit.holders, 3);
  t.ok(credit.granted <= CREDIT_TOTAL);
  t.notOk(credit.use('b', 343), 'more than was granted');
  t.notOk(credit.use('x', 1));
  await clock.advanceAsync(CREDIT_MS + 1);
  t.same([credit.granted, credit.holders], [0, 0], 'what is not used becomes void');
  t.equal(credit.grant('c', 50_000), CREDIT_TOTAL);
});

t.test('credit follows the load of the receiver', async (t) => {
  const load = { isClosed: false, queuedOperations: 0, rememberedVersions: 0 };
  const credit = new HintCredit(new VirtualClock(), () => load);
  const granted = (change: Partial<typeof load>): number => {
    Object.assign(load, { isClosed: false, queuedOperations: 0, rememberedVersions: 0 }, change);
    return credit.grant('a', 50_000);
  };
  t.equal(granted({ queuedOperations: 2000 }), CREDIT_TOTAL / 2);
  t.equal(granted({ queuedOperations: 9000 }), 0);
  t.equal(granted({ isClosed: true }), 0, 'failed, or frozen');
  t.equal(granted({ rememberedVersions: 79_900 }), 100);
  t.equal(granted({ rememberedVersions: 100_000 }), 0, 'it would be unsure of all');
  t.equal(granted({}), CREDIT_TOTAL);
});

/** A receiver over a replica that answers as the key says. */
function receiver(): { receiver: HintReceiver; applied: string[]; hybridClock: HybridClock } {
  const clock = new VirtualClock();
  const applied: string[] = [];
  const replica = {
    apply(
      key: KeyRef,
      _r: Uint8Array,
      _v: DataView,
      _s: number,
      _l: number,
      repair: boolean,
      client: ReplicaClient,
      id: number,
    ) {
      const text = Buffer.from(key.key()).toString();
      applied.push(`${text}${repair ? '' : ' as a write'}`);
      if (text.startsWith('stale')) client.onStale(id, 1, 1);
      else if (text.startsWith('refused')) client.onRefused(id, 'STORAGE_FAILED', '');
      else if (text.startsWith('lost')) clock.defer(() => client.onLost(id));
      else clock.defer(() => client.onApplied(id, true));
    },
  };
  const hybridClock = new HybridClock({ clock, storedBound: 0, persist: () => {} });
  const credit = new HintCredit(clock, () => ({
    isClosed: false,
    queuedOperations: 0,
    rememberedVersions: 0,
  }));
  const options = { credit, replica: replica as unknown as Replica, hybridClock, hasher, epoch: () => 3 };
  void clock.advanceAsync(1000);
  return { receiver: new HintReceiver(options), applied, hybridClock };
}

function entry(text: string): [Uint8Array, Uint8Array] {
  const key = Buffer.from(text);
  hasher.hash(key);
  const fields = { time: packTime(Date.UTC(2026, 0, 1)), node: 2, tombstone: false, expiryMs: 0, value: key };
  return [engineKey(slotOf(hasher.hi), key), encodeRecord(fields, hasher.lo)];
}

const rejection = (promise: Promise<unknown>): Promise<ErrorCode | string> =>
  promise.then(
    () => 'none',
    (error) => (error instanceof KvError ? error.code : String(error)),
  );

t.test('HINT: an answer for each record; only what is in the log is done', async (t) => {
  const { receiver: target, applied, hybridClock } = receiver();
  target.onOffer('a', { epoch: 3, count: 100 });
  const clock = packTime(Date.UTC(2027, 0, 1));
  const corrupt = entry('corrupt');
  corrupt[1][20]! ^= 1;
  const elsewhere = entry('elsewhere');
  elsewhere[0][0]! ^= 1;
  const records = [
    entry('applied'),
    entry('stale'),
    entry('refused'),
    entry('lost'),
    corrupt,
    elsewhere,
    [Uint8Array.of(0, 1), entry('x')[1]],
    [entry('x')[0], Uint8Array.of(1, 2)],
    'nothing',
  ];
  const { answers } = await target.onHint('a', { epoch: 3, clock, records });
  const expected = [HINT_DONE, HINT_DONE, ...new Array(7).fill(HINT_KEPT)];
  t.same([...(answers as Uint8Array)], expected);
  t.same(applied, ['applied', 'stale', 'refused', 'lost'], 'all of them as repairs');
  t.ok(hybridClock.current() >= clock, 'the clock of the sender was heard');
  t.same(await target.onHint('a', { epoch: 3, clock, records: [] }), { answers: new Uint8Array(0) });
});

t.test('HINT and HINTS_OFFER that are refused', async (t) => {
  const { receiver: target, applied } = receiver();
  const records = [entry('k')];
  const hint = (body: Body): Promise<string> => rejection(target.onHint('a', body));
  const offer = (body: Body): Promise<string> => rejection((async () => target.onOffer('a', body))());
  t.equal(await hint({ epoch: 3, clock: 1, records }), 'BUSY', 'without credit');
  t.equal(await offer({ epoch: 2, count: 1 }), 'EPOCH_MISMATCH');
  t.equal(await offer({ epoch: 3, count: 0 }), 'BAD_REQUEST');
  t.equal(await offer({ epoch: 3 }), 'BAD_REQUEST');
  t.same(target.onOffer('a', { epoch: 3, count: 1 }), { credit: 1 });
  t.equal(await hint({ epoch: 2, clock: 1, records }), 'EPOCH_MISMATCH');
  t.equal(await hint({ epoch: 3, records }), 'BAD_REQUEST');
  t.equal(await hint({ epoch: 3, clock: 1 }), 'BAD_REQUEST');
  t.equal(
    await hint({ epoch: 3, clock: 1, records: new Array(HINT_RECORDS_MAX + 1).fill(1) }),
    'BAD_REQUEST',
  );
  t.equal(await hint({ epoch: 3, clock: 1, records: [entry('k'), entry('l')] }), 'BUSY', 'more than granted');
  t.same(applied, []);
  t.equal(await hint({ epoch: 3, clock: 1, records }), 'none');
  t.equal(await hint({ epoch: 3, clock: 1, records }), 'BUSY', 'used up');
});
