import fc from 'fast-check';
import t from 'tap';
import { readU64, viewOf } from '../../src/base/bytes.js';
import { EXPIRY_MS_MAX } from '../../src/base/limits.js';
import { decodeRecord, encodeRecord } from '../../src/version/record.js';
import { VERSION_TIME_MAX } from '../../src/version/version.js';
import {
  ASK_BODY_BYTES,
  readBudgetField,
  readExpiryField,
  readQuorumField,
  SET_BODY_BYTES,
  VALUE_BODY_BYTES_MIN,
  writeAbsent,
  writeDelete,
  writeDone,
  writeGet,
  writeSet,
  writeValue,
} from '../../src/wire/client-messages.js';
import type { Frame } from '../../src/wire/frame.js';
import {
  ABSENT,
  DELETE,
  DONE,
  FLAG_EXISTED,
  FLAG_EXPIRY_ABSOLUTE,
  FLAG_NO_VALUE,
  GET,
  SET,
  VALUE,
} from '../../src/wire/message-type.js';
import { withFrame, written } from '../support/wire.js';

const u8 = () => fc.integer({ min: 0, max: 255 });
const u16 = () => fc.integer({ min: 0, max: 0xffff });
const u32 = () => fc.integer({ min: 0, max: 0xffffffff });
const bytes = () => fc.uint8Array({ maxLength: 100 });

const isSame = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

function isAsk(frame: Frame, id: number, key: Uint8Array, quorum: number, budgetMs: number): boolean {
  const hasHead = frame.id === id && isSame(frame.key(), key) && frame.bodyLength >= ASK_BODY_BYTES;
  return hasHead && readQuorumField(frame) === quorum && readBudgetField(frame) === budgetMs;
}

t.test('GET', async () => {
  fc.assert(
    fc.property(u32(), bytes(), u8(), u16(), fc.boolean(), (id, key, r, budgetMs, noValue) => {
      const sent = written((outbox) => writeGet(outbox, id, key, r, budgetMs, noValue));
      return withFrame(sent, (frame) => {
        const isGet = frame.type === GET && frame.flags === (noValue ? FLAG_NO_VALUE : 0);
        return isGet && frame.bodyLength === ASK_BODY_BYTES && isAsk(frame, id, key, r, budgetMs);
      });
    }),
  );
});

t.test('DELETE', async () => {
  fc.assert(
    fc.property(u32(), bytes(), u8(), u16(), (id, key, w, budgetMs) => {
      const sent = written((outbox) => writeDelete(outbox, id, key, w, budgetMs));
      return withFrame(sent, (frame) => {
        const isDelete = frame.type === DELETE && frame.flags === 0 && frame.bodyLength === ASK_BODY_BYTES;
        return isDelete && isAsk(frame, id, key, w, budgetMs);
      });
    }),
  );
});

t.test('SET', async () => {
  const fields = fc.record({
    w: u8(),
    budgetMs: u16(),
    expiry: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: EXPIRY_MS_MAX })),
    absolute: fc.boolean(),
  });
  fc.assert(
    fc.property(u32(), bytes(), bytes(), fields, (id, key, value, fields) => {
      const sent = written((outbox) => writeSet(outbox, id, key, value, fields));
      return withFrame(sent, (frame) => {
        const isSet = frame.type === SET && frame.flags === (fields.absolute ? FLAG_EXPIRY_ABSOLUTE : 0);
        const isAsked =
          isAsk(frame, id, key, fields.w, fields.budgetMs) && readExpiryField(frame) === fields.expiry;
        return isSet && isAsked && isSame(frame.body().subarray(SET_BODY_BYTES), value);
      });
    }),
  );
});

t.test('an expiry beyond what numbers can hold is seen as too large, not as another one', async (t) => {
  const fields = { w: 0, budgetMs: 0, expiry: 1, absolute: true };
  const sent = written((outbox) => writeSet(outbox, 1, Uint8Array.of(1), Uint8Array.of(2), fields));
  sent.fill(0xff, 17, 25);
  withFrame(sent, (frame) => t.ok(readExpiryField(frame) > EXPIRY_MS_MAX));
});

t.test('VALUE is the record without its CRC, taken from anywhere', async () => {
  const record = fc.record({
    time: fc.integer({ min: 1, max: VERSION_TIME_MAX }),
    node: u32(),
    tombstone: fc.constant(false),
    expiryMs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: EXPIRY_MS_MAX })),
    value: bytes(),
  });
  fc.assert(
    fc.property(u32(), record, u32(), fc.nat(20), (id, fields, hashLo, from) => {
      const encoded = encodeRecord(fields, hashLo);
      const memory = new Uint8Array(from + encoded.length + 9).fill(0xee);
      memory.set(encoded, from);
      const sent = written((outbox) => writeValue(outbox, id, memory, from, encoded.length, false));
      return withFrame(sent, (frame) => {
        const body = frame.body();
        const seen = decodeRecord(Uint8Array.from([0, 0, 0, 0, ...body]));
        const isValue = frame.type === VALUE && frame.flags === 0 && frame.id === id && frame.keyLength === 0;
        const isVersion = seen.version.time === fields.time && seen.version.node === fields.node;
        const isRest = seen.expiryMs === fields.expiryMs && isSame(seen.value, fields.value);
        return isValue && isVersion && isRest && body.length >= VALUE_BODY_BYTES_MIN;
      });
    }),
  );
});

t.test('VALUE without the value has its fields only, and its flag', async (t) => {
  const record = encodeRecord(
    { time: 5, node: 6, tombstone: false, expiryMs: 0, value: Uint8Array.of(1, 2) },
    0,
  );
  const sent = written((outbox) => writeValue(outbox, 1, record, 0, record.length, true));
  withFrame(sent, (frame) => {
    t.match(frame, { type: VALUE, flags: FLAG_NO_VALUE, bodyLength: VALUE_BODY_BYTES_MIN });
  });
  const expiring = encodeRecord(
    { time: 5, node: 6, tombstone: false, expiryMs: 9, value: Uint8Array.of(1, 2) },
    0,
  );
  const memory = Uint8Array.from([7, 7, 7, ...expiring]);
  withFrame(
    written((outbox) => writeValue(outbox, 1, memory, 3, expiring.length, true)),
    (frame) => t.same([...frame.body()], [...expiring.subarray(4, 25)], 'the expiry is still there'),
  );
});

t.test('ABSENT', async (t) => {
  withFrame(
    written((outbox) => writeAbsent(outbox, 8)),
    (frame) => {
      t.match(frame, { type: ABSENT, flags: 0, id: 8, keyLength: 0, bodyLength: 0 });
    },
  );
});

t.test('DONE', async () => {
  fc.assert(
    fc.property(
      u32(),
      fc.integer({ min: 1, max: VERSION_TIME_MAX }),
      u32(),
      fc.boolean(),
      (id, time, node, existed) => {
        const flags = existed ? FLAG_EXISTED : 0;
        const sent = written((outbox) => writeDone(outbox, id, time, node, flags));
        return withFrame(sent, (frame) => {
          const view = viewOf(frame.body());
          const isDone =
            frame.type === DONE && frame.flags === flags && frame.id === id && view.byteLength === 12;
          return isDone && readU64(view, 0) === time && view.getUint32(8) === node;
        });
      },
    ),
  );
});
