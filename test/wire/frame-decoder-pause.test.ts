/** A decoder that is paused, by its handler or from outside, loses nothing and changes no order. */
import fc from 'fast-check';
import t from 'tap';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import { concat, rawFrame } from '../support/wire.js';

const EMPTY = new Uint8Array(0);

function stream(count: number): Uint8Array {
  const frames = Array.from({ length: count }, (_, i) =>
    rawFrame({ type: 0x10, flags: 0, id: i, key: EMPTY, body: new Uint8Array((i * 37) % 300) }),
  );
  return concat(frames);
}

t.test('no frame is handed out while paused, all of them afterwards', async (t) => {
  const seen: number[] = [];
  const decoder = new FrameDecoder({
    onFrame: (frame) => {
      seen.push(frame.id);
      if (frame.id === 1) decoder.pause();
    },
    onRefused: (error) => t.fail(error.message),
  });
  const bytes = stream(5);
  decoder.push(bytes);
  t.same(seen, [0, 1]);
  bytes.fill(0xff); // The memory is reused by the next read.
  decoder.resume();
  t.same(seen, [0, 1, 2, 3, 4]);
});

t.test('however the stream is cut and whenever it is paused', async () => {
  const piece = fc.integer({ min: 1, max: 700 });
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1 }),
      fc.array(fc.boolean(), { minLength: 1 }),
      (pieces, pauses) => {
        const seen: number[] = [];
        let isPaused = false;
        let turn = 0;
        const decoder = new FrameDecoder({
          onFrame: (frame) => {
            if (isPaused) throw new Error(`frame ${frame.id} came while paused`);
            seen.push(frame.id);
            if (pauses[turn++ % pauses.length]) {
              isPaused = true;
              decoder.pause();
            }
          },
          onRefused: (error) => {
            throw error;
          },
        });
        const bytes = stream(20);
        for (let at = 0, i = 0; at < bytes.length; i++) {
          const end = Math.min(bytes.length, at + pieces[i % pieces.length]!);
          const chunk = bytes.slice(at, end);
          decoder.push(chunk);
          chunk.fill(0xff);
          if (isPaused && i % 3 === 0) {
            isPaused = false;
            decoder.resume();
          }
          at = end;
        }
        for (let i = 0; i < 30 && seen.length < 20; i++) {
          isPaused = false;
          decoder.resume();
        }
        return seen.length === 20 && seen.every((id, i) => id === i);
      },
    ),
  );
});
