import fc from 'fast-check';
import t from 'tap';
import { copyRange, Frame } from '../../src/wire/frame.js';
import * as messageType from '../../src/wire/message-type.js';

t.test('key and body are views into the memory of the frame', async (t) => {
  const frame = new Frame();
  frame.bytes = Uint8Array.of(9, 9, 1, 2, 3, 4, 5, 9);
  frame.keyStart = 2;
  frame.keyLength = 2;
  frame.bodyStart = 4;
  frame.bodyLength = 3;
  t.same([...frame.key()], [1, 2]);
  t.same([...frame.body()], [3, 4, 5]);
  t.equal(frame.body().buffer, frame.bytes.buffer);
});

t.test('copying a range copies exactly it, short or long', async () => {
  const source = Uint8Array.from({ length: 200 }, (_, i) => i + 1);
  fc.assert(
    fc.property(fc.nat(200), fc.nat(200), fc.nat(50), (from, wanted, at) => {
      const length = Math.min(wanted, source.length - from);
      const target = new Uint8Array(300);
      copyRange(target, at, source, from, length);
      const expected = new Uint8Array(300);
      expected.set(source.subarray(from, from + length), at);
      return Buffer.compare(target, expected) === 0;
    }),
  );
});

t.test('a prefix of a longer array is copied alone', async (t) => {
  const target = new Uint8Array(80);
  copyRange(target, 1, new Uint8Array(100).fill(7), 0, 60);
  t.same([...target.subarray(0, 2)], [0, 7]);
  t.same([...target.subarray(60, 62)], [7, 0]);
});

t.test('types have names, unknown ones a number', async (t) => {
  t.equal(messageType.typeName(messageType.REPLICA_APPLY), 'REPLICA_APPLY');
  t.equal(messageType.typeName(0x0f), '0x0f');
  t.equal(messageType.typeName(0xff), '0xff');
});
