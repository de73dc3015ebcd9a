import t from 'tap';
import { definite } from '../../src/base/errors.js';
import { readError } from '../../src/wire/error-message.js';
import type { Frame } from '../../src/wire/frame.js';
import { FrameConnection, type FrameConsumer } from '../../src/wire/frame-connection.js';
import { ERROR } from '../../src/wire/message-type.js';
import { Flusher } from '../../src/wire/outbox.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { concat, RecordingConnection, rawFrame, withFrame } from '../support/wire.js';

class RecordingConsumer implements FrameConsumer {
  readonly ids: number[] = [];
  readonly events: string[] = [];

  onFrame(frame: Frame): void {
    this.ids.push(frame.id);
  }

  onDrain(): void {
    this.events.push('drain');
  }

  onClosed(error?: Error): void {
    this.events.push(`closed ${error?.message ?? 'in good order'}`);
  }
}

function setUp() {
  const clock = new VirtualClock();
  const connection = new RecordingConnection();
  const consumer = new RecordingConsumer();
  const channel = new FrameConnection(connection, new Flusher(clock), consumer);
  return { clock, connection, consumer, channel };
}

const EMPTY = new Uint8Array(0);
const frameOf = (id: number) => rawFrame({ type: 0x10, flags: 0, id, key: EMPTY, body: EMPTY });
const OVERSIZED = Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9);

t.test('frames reach the consumer, also one that takes over', async (t) => {
  const { consumer, channel } = setUp();
  channel.onData(concat([frameOf(1), frameOf(2).subarray(0, 5)]));
  const second = new RecordingConsumer();
  channel.consumer = second;
  channel.onData(frameOf(2).subarray(5));
  t.same(consumer.ids, [1]);
  t.same(second.ids, [2]);
});

t.test('draining and closing reach the consumer; nothing leaves after the end', async (t) => {
  const { clock, connection, consumer, channel } = setUp();
  channel.onDrain();
  channel.outbox.begin(1, 0, 1, 0, 0);
  channel.onClose(new Error('reset'));
  clock.runDeferred();
  t.same(consumer.events, ['drain', 'closed reset']);
  t.equal(connection.writes.length, 0);
  t.notOk(channel.outbox.isOpen);
});

t.test('a stream that is refused gets what waited, an ERROR, and the end', async (t) => {
  const { clock, connection, consumer, channel } = setUp();
  channel.onData(frameOf(1));
  channel.outbox.begin(0x20, 0, 5, 0, 0);
  channel.onData(OVERSIZED);
  t.same(connection.events, ['write', 'end'], 'in this order');
  const sent = connection.copies[0]!;
  t.same(sent.subarray(0, 12), rawFrame({ type: 0x20, flags: 0, id: 5, key: EMPTY, body: EMPTY }));
  withFrame(sent.subarray(12), (frame) => {
    t.match(frame, { type: ERROR, id: 9 });
    t.match(readError(frame), { code: 'TOO_LARGE', definite: true });
  });
  channel.onData(frameOf(2));
  clock.runDeferred();
  t.same(consumer.ids, [1], 'nothing that follows is read');
});

t.test(
  'replies that come after a refusal are dropped, not written to a connection that has ended',
  async (t) => {
    const { clock, connection, channel } = setUp();
    channel.refuse(3, definite('PROTOCOL', 'no'));
    channel.outbox.begin(0x20, 0, 5, 0, 0);
    clock.runDeferred();
    t.same(connection.events, ['write', 'end']);
  },
);

t.test('a sender that stops within a frame is found at the second look', async (t) => {
  const { channel } = setUp();
  t.notOk(channel.isStuck(), 'idle between frames');
  channel.onData(frameOf(1).subarray(0, 6));
  t.notOk(channel.isStuck(), 'bytes have come since the last look');
  t.ok(channel.isStuck());
  channel.onData(frameOf(1).subarray(6));
  t.notOk(channel.isStuck());
  t.notOk(channel.isStuck());
});
