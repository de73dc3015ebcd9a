/** The cases of the micro benchmarks. To add one, add an entry: `prepare` makes its inputs and returns the operation. */
import { crc32 } from '../src/base/crc32.js';
import type { Connection } from '../src/ports/network.js';
import { loadKeyHasher } from '../src/ring/hash.js';
import { checkRecord, encodeRecord, sealRecord } from '../src/version/record.js';
import { packTime } from '../src/version/version.js';
import { decodeBody, encodeBody } from '../src/wire/body.js';
import { writeGet, writeSet, writeValue } from '../src/wire/client-messages.js';
import { FrameDecoder } from '../src/wire/frame-decoder.js';
import { Flusher, Outbox } from '../src/wire/outbox.js';
import { LatencyHistogram } from './histogram.js';
import { Payload } from './payload.js';
import { Workload } from './workload.js';

export interface MicroCase {
  readonly name: string;
  /** Makes the inputs; the function it returns is what is timed, and returns something that depends on the work. */
  readonly prepare: () => (() => unknown) | Promise<() => unknown>;
}

const VALUE_BYTES = 100;
const KEYS = 100_000;
const FRAMES_PER_CHUNK = 16;
const SET_FIELDS = { w: 0, budgetMs: 0, expiry: 0, absolute: false };
const STATUS_LIKE = { name: 'n1', cpu: { userUs: 123456789, systemUs: 23456789 }, live: ['n1', 'n2', 'n3'] };

export const MICRO_CASES: readonly MicroCase[] = [
  {
    name: 'key hash, 16 bytes',
    async prepare() {
      const hasher = await loadKeyHasher();
      const key = new Payload(VALUE_BYTES, 1).key(12345);
      return () => {
        hasher.hash(key);
        return hasher.hi ^ hasher.lo;
      };
    },
  },
  {
    name: 'frame write, GET',
    prepare() {
      const { outbox, written } = outboxToNowhere();
      const payload = new Payload(VALUE_BYTES, 1);
      const key = payload.key(12345);
      return everyFlush(outbox, written, (id) => writeGet(outbox, id, key, 0, 0, false));
    },
  },
  {
    name: `frame write, SET of ${VALUE_BYTES} bytes`,
    prepare() {
      const { outbox, written } = outboxToNowhere();
      const payload = new Payload(VALUE_BYTES, 1);
      const [key, value] = [payload.key(12345), payload.value(12345)];
      return everyFlush(outbox, written, (id) => writeSet(outbox, id, key, value, SET_FIELDS));
    },
  },
  {
    name: `frame decode, VALUE of ${VALUE_BYTES} bytes, whole`,
    prepare() {
      const chunk = valueFrames(FRAMES_PER_CHUNK);
      const counter = new FrameCounter();
      const decoder = new FrameDecoder(counter);
      let left = 0;
      return () => {
        // One operation is one frame: a chunk is pushed once for every 16 calls.
        if (left === 0) {
          decoder.push(chunk);
          left = FRAMES_PER_CHUNK;
        }
        left--;
        return counter.bodyBytes;
      };
    },
  },
  {
    name: `frame decode, VALUE of ${VALUE_BYTES} bytes, cut in two`,
    prepare() {
      const frame = valueFrames(1);
      const [head, tail] = [frame.slice(0, 40), frame.slice(40)];
      const counter = new FrameCounter();
      const decoder = new FrameDecoder(counter);
      return () => {
        decoder.push(head);
        decoder.push(tail);
        return counter.bodyBytes;
      };
    },
  },
  {
    name: `record seal, ${VALUE_BYTES} bytes`,
    prepare() {
      const record = sampleRecord();
      return () => {
        sealRecord(record, 7);
        return record[0];
      };
    },
  },
  {
    name: `record check, ${VALUE_BYTES} bytes`,
    prepare() {
      const record = sampleRecord();
      return () => checkRecord(record, 7);
    },
  },
  {
    name: `record encode, ${VALUE_BYTES} bytes`,
    prepare() {
      return () => sampleRecord();
    },
  },
  {
    name: 'crc32, 4096 bytes',
    prepare() {
      const bytes = new Uint8Array(4096).fill(7);
      return () => crc32(bytes);
    },
  },
  {
    name: 'MessagePack encode, small map',
    prepare() {
      return () => encodeBody(STATUS_LIKE).length;
    },
  },
  {
    name: 'MessagePack decode, small map',
    prepare() {
      const bytes = encodeBody(STATUS_LIKE);
      return () => decodeBody(bytes);
    },
  },
  {
    name: 'generator: next zipfian operation',
    prepare() {
      const workload = new Workload({ workload: 'a', distribution: 'zipfian', keys: KEYS, seed: 1 });
      return () => {
        workload.advance();
        return workload.key;
      };
    },
  },
  {
    name: 'generator: key and value',
    prepare() {
      const payload = new Payload(VALUE_BYTES, 1);
      let index = 0;
      return () => {
        index = (index + 1) % KEYS;
        return payload.key(index)[15]! + payload.value(index)[3]!;
      };
    },
  },
  {
    name: 'generator: record a latency',
    prepare() {
      const histogram = new LatencyHistogram();
      let ms = 0;
      return () => {
        ms = ms > 5 ? 0.1 : ms * 1.01 + 0.001;
        histogram.record(ms);
        return ms;
      };
    },
  },
];

class FrameCounter {
  bodyBytes = 0;

  onFrame(frame: { bodyLength: number }): void {
    this.bodyBytes += frame.bodyLength;
  }

  onRefused(error: Error): void {
    throw error;
  }
}

/** An outbox whose bytes are counted and dropped. */
function outboxToNowhere(): { outbox: Outbox; written: () => number } {
  let bytes = 0;
  const connection: Connection = {
    remote: 'nowhere:0',
    bufferedBytes: 0,
    write(chunk) {
      bytes += chunk.length;
      return true;
    },
    pause() {},
    resume() {},
    end() {},
    destroy() {},
  };
  const clock = {
    wallMs: () => 0,
    monotonicMs: () => 0,
    setTimer: () => ({ timer: 0 }),
    clearTimer() {},
    defer() {},
  };
  return { outbox: new Outbox(connection, new Flusher(clock)), written: () => bytes };
}

/** Writes a frame per call and flushes as often as a busy connection does. */
function everyFlush(outbox: Outbox, written: () => number, write: (id: number) => void): () => number {
  let id = 0;
  return () => {
    write(++id & 0xffff);
    if (id % FRAMES_PER_CHUNK === 0) outbox.flush();
    return written();
  };
}

function sampleRecord(): Uint8Array {
  const value = SAMPLE_VALUE;
  return encodeRecord({ time: SAMPLE_TIME, node: 2, tombstone: false, expiryMs: 0, value }, 7);
}

const SAMPLE_VALUE = new Uint8Array(VALUE_BYTES).fill(42);
const SAMPLE_TIME = packTime(Date.UTC(2026, 0, 1));

function valueFrames(count: number): Uint8Array {
  const { outbox } = outboxToNowhere();
  const record = sampleRecord();
  for (let id = 1; id <= count; id++) writeValue(outbox, id, record, 0, record.length, false);
  return outbox.bytes.slice(0, count * (12 + record.length - 4));
}
