/** The replica rule: what is accepted, what is answered to the rest, and that every word waits for the log. */
import t from 'tap';
import { viewOf } from '../../src/base/bytes.js';
import { REQUEST_TIMEOUT_MS_MAX } from '../../src/base/limits.js';
import { encodeRecord, expiredForm } from '../../src/version/record.js';
import { type ReplicaRig, replicaRig } from './replica-rig.js';

function record(time: number, value: string | undefined, node = 2, expiryMs = 0): Uint8Array {
  const bytes = new TextEncoder().encode(value ?? '');
  return encodeRecord({ time, node, tombstone: value === undefined, expiryMs, value: bytes }, 7);
}

function apply(rig: ReplicaRig, id: number, bytes: Uint8Array, repair = false): void {
  rig.replica.apply(rig.key('k'), bytes, viewOf(bytes), 0, bytes.length, repair, rig.client, id);
}

async function applied(rig: ReplicaRig, bytes: Uint8Array, repair = false): Promise<string> {
  apply(rig, 1, bytes, repair);
  await rig.settle();
  return rig.client.take();
}

t.test('a higher version is accepted, and said to be only once it is in the log', async (t) => {
  const rig = await replicaRig();
  apply(rig, 5, record(10, 'a'));
  t.equal(rig.client.take(), '', 'nothing yet');
  await rig.settle();
  t.equal(rig.client.take(), '5 applied');
  t.equal(await applied(rig, record(11, 'b')), '1 applied existed');
  t.equal(await applied(rig, record(12, undefined)), '1 applied existed');
  t.equal(await applied(rig, record(13, 'c')), '1 applied', 'what was there was deleted');
});

t.test('what it has already, and what is lower', async (t) => {
  const rig = await replicaRig();
  await applied(rig, record(10, 'a'));
  t.equal(await applied(rig, record(10, 'a')), '1 applied', 'the same again');
  t.equal(await applied(rig, record(9, 'z')), '1 stale 10.2');
  t.equal(await applied(rig, record(10, 'z', 0)), '1 stale 10.2', 'equal times are told apart by the node');
  t.equal(await applied(rig, record(9, 'z'), true), '1 stale 10.2', 'a repair too');
});

t.test('STALE and the repeated acceptance of a queued record wait for the log too', async (t) => {
  const rig = await replicaRig();
  apply(rig, 1, record(10, 'a'));
  apply(rig, 2, record(9, 'z'));
  apply(rig, 3, record(10, 'a'));
  t.equal(rig.client.take(), '');
  await rig.settle();
  t.equal(rig.client.take(), '1 applied; 2 stale 10.2; 3 applied');
});

t.test('a version that a read brought, replaced meanwhile, is still accepted from its writer', async (t) => {
  const rig = await replicaRig();
  await applied(rig, record(10, 'a'), true);
  await applied(rig, record(20, 'b'));
  t.equal(await applied(rig, record(10, 'a')), '1 applied');
  t.equal(await applied(rig, record(11, 'x')), '1 stale 20.2', 'another one is not');
});

t.test('a version whose expired form is held or was brought has been accepted', async (t) => {
  const rig = await replicaRig();
  await applied(rig, expiredForm(10, 2, 7), true);
  t.equal(await applied(rig, record(10, 'a', 2, 1000)), '1 applied', 'it is what expired');
  rig.replica.onStorageFailed();
  t.equal(await applied(rig, record(10, 'a', 2, 1000)), '1 applied', 'and that is seen without memory');
  await applied(rig, expiredForm(15, 2, 7), true);
  await applied(rig, record(20, 'b'));
  t.equal(await applied(rig, record(15, 'a', 2, 1000)), '1 applied', 'remembered');
  await rig.clock.advanceAsync(2 * REQUEST_TIMEOUT_MS_MAX);
  t.equal(await applied(rig, record(10, 'a', 4, 1000)), '1 stale 20.2', 'another node of the same time');
});

t.test('after a restart it is unsure for as long as a request can live', async (t) => {
  const rig = await replicaRig({ hasPast: true });
  await applied(rig, record(10, 'a'));
  t.equal(await applied(rig, record(9, 'z')), '1 unsure');
  t.equal(await applied(rig, record(9, 'z'), true), '1 stale 10.2', 'a repair is told what is higher');
  await rig.clock.advanceAsync(REQUEST_TIMEOUT_MS_MAX + 1);
  t.equal(await applied(rig, record(9, 'z')), '1 stale 10.2');
});

t.test(
  'after its storage failed it is unsure too: what it remembers may never have reached the log',
  async (t) => {
    const rig = await replicaRig();
    await applied(rig, record(30, 'b'), true);
    rig.fail();
    apply(rig, 1, record(40, 'c'), true);
    await rig.settle();
    t.equal(rig.client.take(), '1 lost');
    await rig.recover();
    await applied(rig, record(50, 'd'));
    t.equal(await applied(rig, record(40, 'c')), '1 unsure');
  },
);

t.test('reads: the record, its version, or the same', async (t) => {
  const rig = await replicaRig();
  const read = (time: number, versionOnly = false): string => {
    rig.replica.read(rig.key('k'), time, time === 0 ? 0 : 2, versionOnly, rig.client, 1);
    return rig.client.take();
  };
  t.equal(read(0), '1 same', 'both hold nothing');
  t.equal(read(5), '1 version 0.0');
  await applied(rig, record(10, 'a'));
  t.equal(read(0), '1 record 10.2 a');
  t.equal(read(0, true), '1 version 10.2');
  t.equal(read(10), '1 same');
  t.equal(read(11), '1 version 10.2');
  t.equal(read(9), '1 record 10.2 a');
});

t.test('a read of a queued record answers with it as it was, once it is in the log', async (t) => {
  const rig = await replicaRig();
  apply(rig, 1, record(10, 'a'));
  rig.replica.read(rig.key('k'), 0, 0, false, rig.client, 2);
  rig.replica.read(rig.key('k'), 10, 2, false, rig.client, 3);
  rig.replica.read(rig.key('k'), 0, 0, true, rig.client, 4);
  t.equal(rig.client.take(), '');
  rig.clock.runDeferred(); // The batch is on its way: what follows goes into the next one.
  apply(rig, 5, record(20, 'b'));
  await rig.settle();
  t.equal(rig.client.take(), '1 applied; 2 record 10.2 a; 3 same; 4 version 10.2; 5 applied existed');
});

t.test('a failed log: lost, then refused, then served from what is really stored', async (t) => {
  const rig = await replicaRig();
  await applied(rig, record(10, 'a'));
  rig.fail();
  apply(rig, 1, record(20, 'b'));
  rig.replica.read(rig.key('k'), 0, 0, false, rig.client, 2);
  await rig.settle();
  t.equal(rig.client.take(), '1 lost; 2 lost');
  t.notOk(rig.replica.isServing);
  rig.replica.read(rig.key('k'), 0, 0, false, rig.client, 3);
  apply(rig, 4, record(30, 'c'));
  t.equal(rig.client.take(), '3 refused STORAGE_FAILED; 4 refused STORAGE_FAILED');
  await rig.recover();
  t.ok(rig.replica.isServing);
  rig.replica.read(rig.key('k'), 0, 0, false, rig.client, 5);
  t.match(rig.client.take(), /^5 record (10\.2 a|20\.2 b)$/);
});

t.test('frozen: writes are refused, reads are not', async (t) => {
  const rig = await replicaRig();
  rig.replica.frozenBecause = 'a member is being admitted';
  apply(rig, 1, record(10, 'a'));
  rig.replica.read(rig.key('k'), 0, 0, false, rig.client, 2);
  t.equal(rig.client.take(), '1 refused CONFIG_CHANGING; 2 same');
});

t.test('a corrupt record: no word on the key, until the peers have given it back', async (t) => {
  const rig = await replicaRig();
  await applied(rig, record(10, 'a'));
  rig.corrupt('k');
  rig.replica.read(rig.key('k'), 0, 0, false, rig.client, 1);
  apply(rig, 2, record(20, 'b'));
  t.equal(rig.client.take(), '1 refused STORAGE_FAILED; 2 refused STORAGE_FAILED');
  t.equal(rig.corruptKeys.join(), 'k,k');
  rig.replica.restore(rig.key('k'), record(15, 'r'));
  await rig.settle();
  rig.replica.read(rig.key('k'), 0, 0, false, rig.client, 3);
  t.equal(rig.client.take(), '3 record 15.2 r');
  rig.replica.restore(rig.key('k'), record(12, 'old'));
  await rig.settle();
  rig.replica.read(rig.key('k'), 0, 0, false, rig.client, 4);
  t.equal(rig.client.take(), '4 record 15.2 r', 'a sound record is not replaced');
  await applied(rig, record(30, 'c'));
  t.equal(await applied(rig, record(15, 'r')), '1 applied', 'the restored version counts as accepted');
});
