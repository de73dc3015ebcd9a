import fc from 'fast-check';
import t from 'tap';
import { FRAME_BYTES_MAX, KEY_BYTES_MAX } from '../../src/base/limits.js';
import type { Frame } from '../../src/wire/frame.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import { concat, FrameLog, rawFrame, type SeenFrame } from '../support/wire.js';

const EMPTY = new Uint8Array(0);

function filled(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 0xff);
}

function frameOf(id: number, keyBytes: number, bodyBytes: number): SeenFrame {
  return {
    type: 0x10 + (id % 7),
    flags: id % 5,
    id,
    key: filled(keyBytes, id),
    body: filled(bodyBytes, id + 1),
  };
}

/** A stream with every kind of frame: empty, key only, body only, long, and several in a row. */
const MIXED = [
  frameOf(1, 0, 0),
  frameOf(2, 3, 0),
  frameOf(0xffffffff, 0, 5),
  frameOf(4, 10, 40),
  frameOf(5, 0, 0),
  frameOf(6, 1, 1),
];
const MIXED_BYTES = concat(MIXED.map(rawFrame));

/** What a decoder makes of `bytes` in pieces that end at `cuts`. Each piece lies in memory that is reused at once. */
function decode(bytes: Uint8Array, cuts: readonly number[], frameBytesMax = FRAME_BYTES_MAX): FrameLog {
  const log = new FrameLog();
  const decoder = new FrameDecoder(log, frameBytesMax);
  const shared = new Uint8Array(bytes.length + 7);
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = shared.subarray(7, 7 + cut - from);
    piece.set(bytes.subarray(from, cut));
    decoder.push(piece);
    shared.fill(0xee);
    from = cut;
  }
  return log;
}

/** An integer in [0, length] per number, in order: where to cut. */
function cutsFrom(fractions: readonly number[], length: number): number[] {
  return fractions.map((fraction) => Math.floor(fraction * (length + 1))).sort((a, b) => a - b);
}

const cutFractions = () =>
  fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 30 });
const seenFrame = (): fc.Arbitrary<SeenFrame> =>
  fc.record({
    type: fc.integer({ min: 0, max: 255 }),
    flags: fc.integer({ min: 0, max: 255 }),
    id: fc.integer({ min: 0, max: 0xffffffff }),
    key: fc.uint8Array({ maxLength: 50 }),
    body: fc.uint8Array({ maxLength: 3000, size: 'max' }),
  });

t.test('whole in one piece', async (t) => {
  t.same(decode(MIXED_BYTES, []).frames, MIXED);
});

t.test('cut in two at every point', async (t) => {
  for (let cut = 0; cut <= MIXED_BYTES.length; cut++) {
    const log = decode(MIXED_BYTES, [cut]);
    if (JSON.stringify(log.frames) !== JSON.stringify(MIXED)) t.same(log.frames, MIXED, `cut at ${cut}`);
    if (log.refusals.length > 0) t.same(log.refusals, [], `cut at ${cut}`);
  }
});

t.test('cut in three at every pair of points', async (t) => {
  const frames = [frameOf(1, 2, 3), frameOf(2, 0, 0), frameOf(3, 0, 9)];
  const bytes = concat(frames.map(rawFrame));
  const expected = JSON.stringify(frames);
  const wrong: number[][] = [];
  for (let a = 0; a <= bytes.length; a++) {
    for (let b = a; b <= bytes.length; b++) {
      if (JSON.stringify(decode(bytes, [a, b]).frames) !== expected) wrong.push([a, b]);
    }
  }
  t.same(wrong, []);
});

t.test('a byte at a time', async (t) => {
  const cuts = Array.from({ length: MIXED_BYTES.length }, (_, i) => i);
  t.same(decode(MIXED_BYTES, cuts).frames, MIXED);
});

t.test('any frames, cut anywhere', async () => {
  fc.assert(
    fc.property(fc.array(seenFrame(), { maxLength: 12 }), cutFractions(), (frames, fractions) => {
      const bytes = concat(frames.map(rawFrame));
      const log = decode(bytes, cutsFrom(fractions, bytes.length));
      return JSON.stringify(log.frames) === JSON.stringify(frames) && log.refusals.length === 0;
    }),
  );
});

t.test('the longest key, and frames larger than any read, in pieces of 64 KiB', async (t) => {
  const frames = [
    frameOf(1, KEY_BYTES_MAX, 10),
    frameOf(2, 65535, 0),
    frameOf(3, 5, 300_000),
    frameOf(4, 0, 65536),
  ];
  const bytes = concat(frames.map(rawFrame));
  const cuts: number[] = [];
  for (let cut = 65536; cut < bytes.length; cut += 65536) cuts.push(cut);
  t.ok(Buffer.compare(allOf(decode(bytes, cuts)), allOf({ frames })) === 0);
  t.ok(Buffer.compare(allOf(decode(bytes, [1, 12, 13, 8300])), allOf({ frames })) === 0);
});

function allOf(log: { readonly frames: readonly SeenFrame[] }): Uint8Array {
  return concat(log.frames.map(rawFrame));
}

t.test('a frame of exactly the limit passes', async (t) => {
  const frame = frameOf(9, 4, 1000 - 8 - 4);
  t.same(decode(rawFrame(frame), [], 1000).frames, [frame]);
  t.same(decode(rawFrame(frame), [500], 1000).frames, [frame]);
});

t.test('many small frames in one piece', async (t) => {
  const frames = Array.from({ length: 5000 }, (_, i) => frameOf(i, i % 3, i % 4));
  t.ok(Buffer.compare(allOf(decode(concat(frames.map(rawFrame)), [])), allOf({ frames })) === 0);
});

t.test('whole frames are handed out without a copy, partial ones from memory of their own', async (t) => {
  const whole = rawFrame(frameOf(1, 3, 3));
  const bytes = concat([whole, whole, whole.subarray(0, 10)]);
  const memories: ArrayBufferLike[] = [];
  const onFrame = (frame: Frame) => void memories.push(frame.key().buffer);
  const decoder = new FrameDecoder({ onFrame, onRefused: () => t.fail('refused') });
  decoder.push(bytes);
  t.equal(memories.length, 2);
  t.ok(memories.every((memory) => memory === bytes.buffer));
  const rest = Uint8Array.from(whole.subarray(10));
  decoder.push(rest);
  t.equal(memories.length, 3);
  t.ok(memories[2] !== bytes.buffer && memories[2] !== rest.buffer);
});

t.test('a frame survives a handler that runs another decoder', async (t) => {
  const inner = rawFrame(frameOf(2, 1, 1));
  const log = new FrameLog();
  const nested = new FrameDecoder(new FrameLog());
  const onFrame = (frame: Frame) => {
    nested.push(Uint8Array.from(inner));
    log.onFrame(frame);
  };
  const decoder = new FrameDecoder({ onFrame, onRefused: () => t.fail('refused') });
  for (const byte of MIXED_BYTES) decoder.push(Uint8Array.of(byte));
  decoder.push(MIXED_BYTES);
  t.same(log.frames, [...MIXED, ...MIXED]);
});

interface RefusedCase {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly code: string;
  readonly requestId: number;
}

function header(length: number, keyLength: number, id: number): Uint8Array {
  const bytes = new Uint8Array(12);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, length);
  view.setUint16(6, keyLength);
  view.setUint32(8, id);
  return bytes;
}

const REFUSED: readonly RefusedCase[] = [
  { name: 'over the limit', bytes: header(1001, 0, 77), code: 'TOO_LARGE', requestId: 77 },
  { name: 'the largest length', bytes: header(0xffffffff, 0, 78), code: 'TOO_LARGE', requestId: 78 },
  { name: 'a length of 0', bytes: header(0, 0, 79), code: 'PROTOCOL', requestId: 0 },
  { name: 'one short of the header', bytes: header(7, 0, 80), code: 'PROTOCOL', requestId: 0 },
  { name: 'a key with no room', bytes: header(8, 1, 81), code: 'PROTOCOL', requestId: 81 },
  {
    name: 'a key longer than the body',
    bytes: concat([header(12, 5, 82), filled(4)]),
    code: 'PROTOCOL',
    requestId: 82,
  },
];

for (const { name, bytes, code, requestId } of REFUSED) {
  t.test(`refused once, after what came before it: ${name}`, async (t) => {
    const good = frameOf(1, 2, 3);
    const stream = concat([rawFrame(good), bytes, rawFrame(good), bytes]);
    for (let cut = 0; cut <= stream.length; cut++) {
      for (const cuts of [[cut], [cut, Math.min(cut + 1, stream.length)]]) {
        const log = decode(stream, cuts, 1000);
        const isRight =
          log.refusals.length === 1 && log.frames.length === 1 && log.refusals[0]!.requestId === requestId;
        if (!isRight) t.same(log, { frames: [good], refusals: [{ requestId }] }, `cut at ${cut}`);
      }
    }
    const [refusal] = decode(stream, [], 1000).refusals;
    t.match(refusal, { requestId, error: { code, definite: true } });
  });
}

t.test('a length that cannot be is refused as soon as it is there, however it arrives', async (t) => {
  const bytes = header(3, 0, 0).subarray(0, 4);
  for (let cut = 0; cut <= 4; cut++) t.equal(decode(bytes, [cut]).refusals.length, 1, `cut at ${cut}`);
});

t.test('any bytes give the same frames and the same refusal, however they are cut', async () => {
  const chunk = fc.oneof(
    seenFrame().map(rawFrame),
    fc.uint8Array({ maxLength: 30 }),
    fc
      .record({ length: fc.nat(40), key: fc.nat(40), id: fc.nat(9) })
      .map((h) => header(h.length, h.key, h.id)),
  );
  fc.assert(
    fc.property(fc.array(chunk, { maxLength: 6 }).map(concat), cutFractions(), (bytes, fractions) => {
      const whole = decode(bytes, [], 5000);
      const cut = decode(bytes, cutsFrom(fractions, bytes.length), 5000);
      return JSON.stringify(whole) === JSON.stringify(cut) && whole.refusals.length <= 1;
    }),
    { numRuns: 500 },
  );
});

t.test('after a stop nothing comes, even from the same piece', async (t) => {
  const seen: number[] = [];
  const onFrame = (frame: Frame) => {
    seen.push(frame.id);
    if (seen.length === 2) decoder.stop();
  };
  const decoder = new FrameDecoder({ onFrame, onRefused: () => t.fail('refused') });
  decoder.push(MIXED_BYTES);
  decoder.push(MIXED_BYTES);
  decoder.push(header(0, 0, 0));
  t.equal(seen.length, 2);
  t.equal(decoder.pendingBytes, 0);
});

t.test('a stop within a frame that came in pieces', async (t) => {
  let seen = 0;
  const onFrame = () => {
    seen++;
    decoder.stop();
  };
  const decoder = new FrameDecoder({ onFrame, onRefused: () => t.fail('refused') });
  for (const byte of MIXED_BYTES) decoder.push(Uint8Array.of(byte));
  t.equal(seen, 1);
});

t.test('the bytes that wait are counted', async (t) => {
  const decoder = new FrameDecoder(new FrameLog());
  const bytes = rawFrame(frameOf(1, 4, 100));
  decoder.push(bytes.subarray(0, 3));
  t.equal(decoder.pendingBytes, 3);
  decoder.push(bytes.subarray(3, 50));
  t.equal(decoder.pendingBytes, 50);
  decoder.push(bytes.subarray(50));
  t.equal(decoder.pendingBytes, 0);
  decoder.push(EMPTY);
  t.equal(decoder.pendingBytes, 0);
});

/** Bytes of array memory that `make` leaves behind, kept alive while measuring. */
function arrayMemory(make: () => unknown[]): number {
  const before = process.memoryUsage().arrayBuffers;
  const kept = make();
  const after = process.memoryUsage().arrayBuffers;
  return kept.length === 0 ? 0 : after - before;
}

t.test('a frame that declares 16 MiB and sends a byte costs about a kilobyte', async (t) => {
  const bytes = concat([header(FRAME_BYTES_MAX, 0, 1), EMPTY]);
  const taken = arrayMemory(() =>
    Array.from({ length: 100 }, () => {
      const decoder = new FrameDecoder(new FrameLog());
      decoder.push(bytes);
      decoder.push(Uint8Array.of(1));
      return decoder;
    }),
  );
  t.ok(taken < 100 * 4096, `${taken} bytes for 100 connections`);
});

t.test('what waits takes at most twice what has arrived', async (t) => {
  const piece = filled(1000);
  const taken = arrayMemory(() => {
    const decoder = new FrameDecoder(new FrameLog());
    decoder.push(header(FRAME_BYTES_MAX, 0, 1));
    for (let i = 0; i < 1100; i++) decoder.push(piece);
    return [decoder];
  });
  // Growing leaves smaller buffers behind until they are collected: 1 + 1/2 + 1/4 … of the last.
  t.ok(taken < 5 * 1_100_000, `${taken} bytes for 1.1 MB`);
});

t.test('after a large frame in pieces its memory is let go', async (t) => {
  let memory: ArrayBufferLike | undefined;
  let frame: Frame | undefined;
  const onFrame = (seen: Frame) => {
    frame = seen;
    memory = seen.bytes.buffer;
  };
  const decoder = new FrameDecoder({ onFrame, onRefused: () => t.fail('refused') });
  const bytes = rawFrame(frameOf(1, 1, 1_000_000));
  decoder.push(bytes.subarray(0, 700_000));
  decoder.push(bytes.subarray(700_000));
  t.ok(memory !== undefined && memory.byteLength >= 1_000_000);
  t.not(frame?.bytes.buffer, memory, 'an idle connection keeps nothing of it');
});
