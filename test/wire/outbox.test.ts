import fc from 'fast-check';
import t from 'tap';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import { Flusher, Outbox } from '../../src/wire/outbox.js';
import { VirtualClock } from '../support/virtual-clock.js';
import {
  concat,
  FrameLog,
  RecordingConnection,
  rawFrame,
  recordingOutbox,
  type SeenFrame,
} from '../support/wire.js';

function send(outbox: Outbox, frame: SeenFrame): void {
  const at = outbox.begin(frame.type, frame.flags, frame.id, frame.key.length, frame.body.length);
  outbox.bytes.set(frame.key, at);
  outbox.bytes.set(frame.body, at + frame.key.length);
}

function frameOf(id: number, keyBytes: number, bodyBytes: number): SeenFrame {
  return {
    type: 255 - (id % 9),
    flags: 255,
    id,
    key: new Uint8Array(keyBytes).fill(id),
    body: new Uint8Array(bodyBytes).fill(id + 1),
  };
}

function decoded(bytes: Uint8Array): readonly SeenFrame[] {
  const log = new FrameLog();
  new FrameDecoder(log).push(bytes);
  return log.frames;
}

t.test('the header that begin writes', async (t) => {
  const { clock, connection, outbox } = recordingOutbox();
  const at = outbox.begin(0xfe, 0xfd, 0xfcfbfaf9, 0xffff, 3);
  t.equal(at, 12);
  clock.runDeferred();
  t.equal(Buffer.from(connection.copies[0]!.subarray(0, 12)).toString('hex'), '0001000afefdfffffcfbfaf9');
});

t.test('what becomes ready in one turn leaves in one write', async (t) => {
  const { clock, connection, outbox } = recordingOutbox();
  const frames = Array.from({ length: 50 }, (_, i) => frameOf(i, i % 4, i));
  for (const frame of frames) send(outbox, frame);
  t.equal(connection.writes.length, 0, 'nothing before the end of the turn');
  t.equal(outbox.pendingBytes, concat(frames.map(rawFrame)).length);
  clock.runDeferred();
  t.equal(connection.writes.length, 1);
  t.same(decoded(connection.copies[0]!), frames);
  t.equal(outbox.pendingBytes, 0);
});

t.test('each turn writes only its own', async (t) => {
  const { clock, connection, outbox } = recordingOutbox();
  for (let turn = 0; turn < 3; turn++) {
    send(outbox, frameOf(turn, 1, 1));
    clock.runDeferred();
  }
  clock.runDeferred();
  t.equal(connection.writes.length, 3);
  t.same(
    connection.copies.flatMap(decoded),
    [0, 1, 2].map((id) => frameOf(id, 1, 1)),
  );
});

t.test('one flush serves all outboxes that have something', async (t) => {
  const clock = new VirtualClock();
  const flusher = new Flusher(clock);
  const connections = Array.from({ length: 4 }, () => new RecordingConnection());
  const outboxes = connections.map((connection) => new Outbox(connection, flusher));
  for (const i of [0, 2, 0, 2]) send(outboxes[i]!, frameOf(i, 1, 1));
  t.equal(clock.pendingDeferred, 1);
  clock.runDeferred();
  t.same(
    connections.map((connection) => connection.writes.length),
    [1, 0, 1, 0],
  );
  send(outboxes[1]!, frameOf(1, 1, 1));
  clock.runDeferred();
  t.same(
    connections.map((connection) => connection.writes.length),
    [1, 1, 1, 0],
  );
});

t.test('what a write makes ready leaves in the next turn', async (t) => {
  const clock = new VirtualClock();
  const flusher = new Flusher(clock);
  const second = new RecordingConnection();
  const secondBox = new Outbox(second, flusher);
  class Chatty extends RecordingConnection {
    override write(bytes: Uint8Array): boolean {
      send(secondBox, frameOf(9, 0, 0));
      return super.write(bytes);
    }
  }
  const outbox = new Outbox(new Chatty(), flusher);
  send(outbox, frameOf(1, 0, 0));
  clock.runDeferred();
  t.same(second.copies.flatMap(decoded), [frameOf(9, 0, 0)]);
});

t.test('the buffer grows and keeps what is in it', async (t) => {
  const { clock, connection, outbox } = recordingOutbox();
  const frames = [frameOf(1, 5, 4000), frameOf(2, 5, 3000), frameOf(3, 0, 100_000), frameOf(4, 1, 1)];
  for (const frame of frames) send(outbox, frame);
  clock.runDeferred();
  t.equal(connection.writes.length, 1);
  t.same(decoded(connection.copies[0]!), frames);
});

t.test(
  'any frames in any turns arrive as they were sent, whether the connection takes or keeps them',
  async () => {
    const size = () => fc.oneof(fc.nat(40), fc.nat(9000));
    const turn = () => fc.array(fc.record({ key: fc.nat(60), body: size() }), { maxLength: 8 });
    fc.assert(
      fc.property(fc.array(turn(), { maxLength: 8 }), fc.boolean(), (turns, takes) => {
        const { clock, connection, outbox } = recordingOutbox();
        connection.takes = takes;
        const sent: SeenFrame[] = [];
        for (const frames of turns) {
          for (const { key, body } of frames) {
            sent.push(frameOf(sent.length, key, body));
            send(outbox, sent.at(-1)!);
          }
          clock.runDeferred();
        }
        // What is kept must still be there at the end: the very arrays, not the copies made at the time.
        const received = concat(takes ? connection.copies : connection.writes);
        return Buffer.compare(received, concat(sent.map(rawFrame))) === 0;
      }),
    );
  },
);

t.test('frames that just fit, and that just do not', async (t) => {
  for (let total = 4090; total <= 4102; total++) {
    for (const first of [0, 12, 100]) {
      const { clock, connection, outbox } = recordingOutbox();
      const frames = [frameOf(1, 0, total - 12 - first)];
      if (first > 0) frames.unshift(frameOf(2, 0, first - 12));
      for (const frame of frames) send(outbox, frame);
      clock.runDeferred();
      t.equal(Buffer.compare(concat(connection.copies), concat(frames.map(rawFrame))), 0, `${total} bytes`);
    }
  }
});

t.test('an outbox is flushed only in the turns in which it has something', async (t) => {
  let flushes = 0;
  class CountingOutbox extends Outbox {
    override flush(): void {
      flushes++;
      super.flush();
    }
  }
  const clock = new VirtualClock();
  const flusher = new Flusher(clock);
  const counting = new CountingOutbox(new RecordingConnection(), flusher);
  const other = new Outbox(new RecordingConnection(), flusher);
  send(counting, frameOf(1, 1, 1));
  for (let turn = 0; turn < 5; turn++) {
    send(other, frameOf(2, 1, 1));
    clock.runDeferred();
  }
  t.equal(flushes, 1);
});

t.test('a buffer that was taken is used again', async (t) => {
  const { clock, outbox } = recordingOutbox();
  send(outbox, frameOf(1, 1, 1));
  const before = outbox.bytes;
  clock.runDeferred();
  send(outbox, frameOf(2, 1, 1));
  t.equal(outbox.bytes, before);
});

t.test('a buffer that the connection keeps is not touched again', async (t) => {
  const { clock, connection, outbox } = recordingOutbox();
  connection.takes = false;
  const frames = [1, 2, 3].map((id) => frameOf(id, 10, 100));
  for (const frame of frames) {
    send(outbox, frame);
    clock.runDeferred();
  }
  t.equal(new Set(connection.writes.map((bytes) => bytes.buffer)).size, 3);
  t.same(connection.writes.flatMap(decoded), frames, 'all three are still as they were written');
  t.equal(outbox.pendingBytes, connection.bufferedBytes, 'and count as pending');
});

t.test('a buffer that one large frame needed is given back', async (t) => {
  const { clock, outbox } = recordingOutbox();
  send(outbox, frameOf(1, 1, 1_000_000));
  t.ok(outbox.bytes.length > 1_000_000);
  clock.runDeferred();
  t.ok(outbox.bytes.length <= 4096);
  t.equal(outbox.view.buffer, outbox.bytes.buffer);
});

t.test('a flush by hand before the end writes once', async (t) => {
  const { clock, connection, outbox } = recordingOutbox();
  send(outbox, frameOf(1, 1, 1));
  outbox.flush();
  t.equal(connection.writes.length, 1);
  clock.runDeferred();
  t.equal(connection.writes.length, 1);
});

t.test('closing drops what waits and what comes later', async (t) => {
  const { clock, connection, outbox } = recordingOutbox();
  send(outbox, frameOf(1, 1, 1));
  t.ok(outbox.isOpen);
  outbox.close();
  t.notOk(outbox.isOpen);
  t.equal(outbox.pendingBytes, 0);
  send(outbox, frameOf(2, 1, 200_000));
  send(outbox, frameOf(3, 1, 1));
  clock.runDeferred();
  t.equal(connection.writes.length, 0);
  t.equal(outbox.pendingBytes, 0);
});

t.test('a closed outbox does not keep the memory of what it drops', async (t) => {
  const { clock, outbox } = recordingOutbox();
  outbox.close();
  send(outbox, frameOf(2, 1, 1_000_000));
  clock.runDeferred();
  t.ok(outbox.bytes.length <= 4096, `${outbox.bytes.length} bytes`);
});
