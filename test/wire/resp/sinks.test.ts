/** Where replies are written: bytes that wait for their turn, and the outbox. */
import fc from 'fast-check';
import t from 'tap';
import { HeldBytes } from '../../../src/wire/resp/held-bytes.js';
import { type ByteSink, ReplyWriter } from '../../../src/wire/resp/reply-writer.js';
import { concat, rawFrame, recordingOutbox } from '../../support/wire.js';
import { bytesOf, latin1 } from './support.js';

function put(sink: ByteSink, size: number, byte: number): void {
  const at = sink.reserve(size);
  sink.bytes.fill(byte, at, at + size);
}

t.test('held bytes grow and keep what is in them', async () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.nat(20), fc.nat(5000)), { maxLength: 30 }), (sizes) => {
      const held = new HeldBytes();
      for (const [i, size] of sizes.entries()) put(held, size, i);
      const expected = concat(sizes.map((size, i) => new Uint8Array(size).fill(i)));
      return (
        held.length === expected.length &&
        Buffer.compare(held.bytes.subarray(0, held.length), expected) === 0 &&
        held.bytes.length <= Math.max(1024, expected.length * 2)
      );
    }),
  );
});

t.test('held bytes that were released start over in the same buffer', async (t) => {
  const held = new HeldBytes();
  t.equal(held.bytes.length, 0, 'none before it is needed');
  put(held, 5000, 1);
  const { bytes } = held;
  held.release();
  t.equal(held.length, 0);
  t.equal(held.reserve(10), 0);
  t.equal(held.bytes, bytes);
});

t.test('a large buffer is given back', async (t) => {
  const held = new HeldBytes();
  put(held, 256 * 1024, 1);
  held.release();
  t.equal(held.bytes.length, 256 * 1024);
  put(held, 256 * 1024 + 1, 1);
  held.release();
  t.equal(held.bytes.length, 0);
});

t.test('replies and frames leave an outbox together, in order, at the end of the turn', async (t) => {
  const { clock, connection, outbox } = recordingOutbox();
  const reply = new ReplyWriter(outbox);
  reply.status('OK');
  const frame = { type: 9, flags: 0, id: 5, key: new Uint8Array(0), body: Uint8Array.of(7) };
  outbox.bytes[outbox.begin(9, 0, 5, 0, 1)] = 7;
  reply.integer(12);
  t.equal(connection.writes.length, 0);
  t.equal(outbox.pendingBytes, 23);
  clock.runDeferred();
  t.equal(connection.writes.length, 1);
  t.equal(
    latin1(concat(connection.copies)),
    latin1(concat([bytesOf('+OK\r\n'), rawFrame(frame), bytesOf(':12\r\n')])),
  );
  clock.runDeferred();
  t.equal(connection.writes.length, 1);
  reply.nil();
  clock.runDeferred();
  t.equal(latin1(connection.copies[1]!), '$-1\r\n');
});

t.test('any reservations leave as they were written, in whatever writes', async () => {
  const sizes = fc.array(fc.oneof(fc.nat(40), fc.nat(9000), fc.nat(300_000)), { maxLength: 20 });
  fc.assert(
    fc.property(sizes, fc.boolean(), (sizes, takes) => {
      const { clock, connection, outbox } = recordingOutbox();
      connection.takes = takes;
      for (const [i, size] of sizes.entries()) put(outbox, size, i);
      clock.runDeferred();
      const expected = concat(sizes.map((size, i) => new Uint8Array(size).fill(i)));
      return Buffer.compare(concat(takes ? connection.copies : connection.writes), expected) === 0;
    }),
  );
});

t.test('much does not wait for the end of the turn', async (t) => {
  const { connection, outbox } = recordingOutbox();
  put(outbox, 256 * 1024, 1);
  t.equal(connection.writes.length, 0);
  put(outbox, 1, 2);
  t.equal(connection.writes.length, 1);
  t.equal(outbox.pendingBytes, 1);
});

t.test('a closed outbox drops what is reserved', async (t) => {
  const { clock, connection, outbox } = recordingOutbox();
  outbox.close();
  put(outbox, 100, 1);
  clock.runDeferred();
  t.equal(connection.writes.length, 0);
  t.equal(outbox.pendingBytes, 0);
});
