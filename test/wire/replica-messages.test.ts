import fc from 'fast-check';
import t from 'tap';
import { VERSION_TIME_MAX } from '../../src/version/version.js';
import type { Frame } from '../../src/wire/frame.js';
import {
  APPLIED,
  FLAG_EXISTED,
  FLAG_REPAIR,
  FLAG_VERSION_ONLY,
  PING,
  PONG,
  READ_RECORD,
  READ_SAME,
  READ_VERSION,
  REPLICA_APPLY,
  REPLICA_READ,
  STALE,
  UNSURE,
} from '../../src/wire/message-type.js';
import type { Outbox } from '../../src/wire/outbox.js';
import {
  PING_BYTES,
  REPLICA_PREFIX_BYTES,
  REPLICA_READ_BYTES,
  REPLY_PREFIX_BYTES,
  type ReplicaPrefix,
  readClockField,
  readEpochField,
  readHashHiField,
  readHashLoField,
  readHaveNodeField,
  readHaveTimeField,
  readPingWallField,
  readReplyNodeField,
  readReplyTimeField,
  writeApplied,
  writePing,
  writeReadRecord,
  writeReadSame,
  writeReadVersion,
  writeReplicaApply,
  writeReplicaRead,
  writeStale,
  writeUnsure,
} from '../../src/wire/replica-messages.js';
import { withFrame, written } from '../support/wire.js';

const u32 = () => fc.integer({ min: 0, max: 0xffffffff });
const time = () => fc.integer({ min: 0, max: VERSION_TIME_MAX });
const bytes = () => fc.uint8Array({ maxLength: 100 });
const prefix = (): fc.Arbitrary<ReplicaPrefix> =>
  fc.record({ clock: time(), epoch: u32(), hashHi: u32(), hashLo: u32() });

const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

function hasPrefix(frame: Frame, prefix: ReplicaPrefix): boolean {
  const isSender = readClockField(frame) === prefix.clock && readEpochField(frame) === prefix.epoch;
  return isSender && readHashHiField(frame) === prefix.hashHi && readHashLoField(frame) === prefix.hashLo;
}

t.test('REPLICA_READ, with the key taken from a longer buffer', async () => {
  fc.assert(
    fc.property(
      u32(),
      prefix(),
      bytes(),
      bytes(),
      time(),
      u32(),
      fc.boolean(),
      (id, head, key, rest, t, node, only) => {
        const buffer = Uint8Array.from([...key, ...rest]);
        const sent = written((outbox) =>
          writeReplicaRead(outbox, id, head, buffer, key.length, t, node, only),
        );
        return withFrame(sent, (frame) => {
          const isRead = frame.type === REPLICA_READ && frame.flags === (only ? FLAG_VERSION_ONLY : 0);
          const isWhole =
            frame.id === id && isSame(frame.key(), key) && frame.bodyLength === REPLICA_READ_BYTES;
          const isVersion = readHaveTimeField(frame) === t && readHaveNodeField(frame) === node;
          return isRead && isWhole && hasPrefix(frame, head) && isVersion;
        });
      },
    ),
  );
});

t.test('REPLICA_APPLY, with key and record taken from longer buffers', async () => {
  fc.assert(
    fc.property(
      u32(),
      prefix(),
      bytes(),
      bytes(),
      bytes(),
      fc.boolean(),
      (id, head, key, record, rest, repair) => {
        const keys = Uint8Array.from([...key, ...rest]);
        const records = Uint8Array.from([...record, ...rest]);
        const send = (outbox: Outbox) =>
          writeReplicaApply(outbox, id, head, keys, key.length, records, record.length, repair);
        return withFrame(written(send), (frame) => {
          const isApply =
            frame.type === REPLICA_APPLY && frame.flags === (repair ? FLAG_REPAIR : 0) && frame.id === id;
          const isWhole =
            isSame(frame.key(), key) && isSame(frame.body().subarray(REPLICA_PREFIX_BYTES), record);
          return isApply && isWhole && hasPrefix(frame, head);
        });
      },
    ),
  );
});

t.test('replies that carry the clock alone', async () => {
  const cases: [number, number, (outbox: Outbox, id: number, clock: number) => void][] = [
    [READ_SAME, 0, writeReadSame],
    [UNSURE, 0, writeUnsure],
    [APPLIED, 0, (outbox, id, clock) => writeApplied(outbox, id, clock, 0)],
    [APPLIED, FLAG_EXISTED, (outbox, id, clock) => writeApplied(outbox, id, clock, FLAG_EXISTED)],
  ];
  fc.assert(
    fc.property(fc.constantFrom(...cases), u32(), time(), ([type, flags, write], id, clock) => {
      return withFrame(
        written((outbox) => write(outbox, id, clock)),
        (frame) => {
          const isReply =
            frame.type === type && frame.flags === flags && frame.id === id && frame.keyLength === 0;
          return isReply && frame.bodyLength === REPLY_PREFIX_BYTES && readClockField(frame) === clock;
        },
      );
    }),
  );
});

t.test('replies that carry a version', async () => {
  const cases = [
    [READ_VERSION, writeReadVersion],
    [STALE, writeStale],
  ] as const;
  fc.assert(
    fc.property(
      fc.constantFrom(...cases),
      u32(),
      time(),
      time(),
      u32(),
      ([type, write], id, clock, at, node) => {
        return withFrame(
          written((outbox) => write(outbox, id, clock, at, node)),
          (frame) => {
            const isReply =
              frame.type === type && frame.flags === 0 && frame.id === id && readClockField(frame) === clock;
            const isVersion = readReplyTimeField(frame) === at && readReplyNodeField(frame) === node;
            return isReply && isVersion && frame.bodyLength === 20;
          },
        );
      },
    ),
  );
});

t.test('READ_RECORD, taken from the middle of a buffer', async () => {
  fc.assert(
    fc.property(u32(), time(), bytes(), bytes(), bytes(), (id, clock, before, record, after) => {
      const buffer = Uint8Array.from([...before, ...record, ...after]);
      const send = (outbox: Outbox) =>
        writeReadRecord(outbox, id, clock, buffer, before.length, record.length);
      return withFrame(written(send), (frame) => {
        const isReply = frame.type === READ_RECORD && frame.id === id && readClockField(frame) === clock;
        return isReply && isSame(frame.body().subarray(REPLY_PREFIX_BYTES), record);
      });
    }),
  );
});

t.test('PING and PONG between peers', async () => {
  fc.assert(
    fc.property(u32(), time(), u32(), fc.maxSafeNat(), fc.boolean(), (id, clock, epoch, wallMs, answer) => {
      const send = (outbox: Outbox) => writePing(outbox, id, clock, epoch, wallMs, answer);
      return withFrame(written(send), (frame) => {
        const isPing =
          frame.type === (answer ? PONG : PING) && frame.id === id && frame.bodyLength === PING_BYTES;
        const isSender = readClockField(frame) === clock && readEpochField(frame) === epoch;
        return isPing && isSender && readPingWallField(frame) === wallMs;
      });
    }),
  );
});
