/** When a corrupt record is fetched from the other replicas, and what is put in its place. */
import t from 'tap';
import { REQUEST_TIMEOUT_MS_MAX } from '../../src/base/limits.js';
import { CorruptRecovery } from '../../src/node/corrupt-recovery.js';
import type { Coordinator } from '../../src/replication/coordinator.js';
import type { KeyRef } from '../../src/replication/key-ref.js';
import type { Replica } from '../../src/replication/replica.js';
import { keyRef } from '../replication/replica-rig.js';
import { RecordedLog } from '../storage/fixtures/recorded-log.js';
import { VirtualClock } from '../support/virtual-clock.js';

interface Rig {
  readonly clock: VirtualClock;
  readonly log: RecordedLog;
  readonly recovery: CorruptRecovery;
  /** Tokens of the reads that were asked of the coordinator. */
  readonly asked: number[];
  /** What was put in place, and for which key. */
  readonly restored: [key: string, bytes: number | undefined][];
}

function rig(): Rig {
  const clock = new VirtualClock();
  const log = new RecordedLog();
  const asked: number[] = [];
  const restored: [string, number | undefined][] = [];
  const recovery = new CorruptRecovery(clock, log);
  const coordinator: Pick<Coordinator, 'recover'> = {
    recover: (_key, _responder, token) => asked.push(token),
  };
  const replica: Pick<Replica, 'restore'> = {
    restore: (key: KeyRef, record) => restored.push([new TextDecoder().decode(key.key()), record?.length]),
  };
  recovery.attach(coordinator as Coordinator, replica as Replica);
  return { clock, log, recovery, asked, restored };
}

t.test('the others are asked when no request is left that counts on what was accepted here', async (t) => {
  const { clock, log, recovery, asked, restored } = rig();
  for (let ms = 0; ms <= REQUEST_TIMEOUT_MS_MAX; ms += 500) {
    recovery.onFound(keyRef('k'));
    clock.advance(500);
  }
  t.same(asked, [], 'a write could still be acknowledged by this replica and one that is asked too early');
  clock.advance(1000);
  recovery.onFound(keyRef('k'));
  recovery.onFound(keyRef('k'));
  t.equal(asked.length, 1, 'once');
  recovery.onRead(asked[0]!, new Uint8Array(30), 2, 20);
  t.same(restored, [['k', 20]]);
  t.equal(log.lines.length, 1, 'one line, however often it is found');
});

t.test('nothing is put in place of a record that the others do not have', async (t) => {
  const { clock, recovery, asked, restored } = rig();
  recovery.onFound(keyRef('k'));
  clock.advance(REQUEST_TIMEOUT_MS_MAX * 2);
  recovery.onFound(keyRef('k'));
  recovery.onRead(asked[0]!, new Uint8Array(0), 0, 0);
  t.same(restored, [['k', undefined]]);
});

t.test('after a failure it rests, and is tried again', async (t) => {
  const { clock, recovery, asked, restored } = rig();
  recovery.onFound(keyRef('k'));
  clock.advance(REQUEST_TIMEOUT_MS_MAX * 2);
  recovery.onFound(keyRef('k'));
  recovery.onError(asked[0]!);
  recovery.onFound(keyRef('k'));
  t.equal(asked.length, 1);
  clock.advance(1000);
  recovery.onFound(keyRef('k'));
  t.equal(asked.length, 2);
  t.same(restored, []);
});
