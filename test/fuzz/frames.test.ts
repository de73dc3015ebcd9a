/**
 * Fuzzing of everything that reads bytes from strangers: valid streams with mutations, and noise, cut anywhere.
 *
 * Each round has a seed of its own; a failure prints what repeats it. QUORAL_FUZZ_SEED sets the first seed, random by
 * default, and QUORAL_FUZZ_ROUNDS how many rounds are run.
 */
import { randomInt } from 'node:crypto';
import t from 'tap';
import { messageOf } from '../../src/base/errors.js';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { parseConfig, parseMember } from '../../src/membership/cluster-config.js';
import { decodeRecord, isExpired, isRecordShape } from '../../src/version/record.js';
import { VERSION_TIME_MAX } from '../../src/version/version.js';
import { arrayField, type Body, decodeBody, encodeBody, mapField } from '../../src/wire/body.js';
import { isBoundedBody } from '../../src/wire/body-shape.js';
import {
  ASK_BODY_BYTES,
  readBudgetField,
  readExpiryField,
  readQuorumField,
  SET_BODY_BYTES,
} from '../../src/wire/client-messages.js';
import { readError } from '../../src/wire/error-message.js';
import type { Frame } from '../../src/wire/frame.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import { typeName } from '../../src/wire/message-type.js';
import {
  PING_BYTES,
  REPLICA_PREFIX_BYTES,
  REPLICA_READ_BYTES,
  REPLY_PREFIX_BYTES,
  readClockField,
  readEpochField,
  readHashHiField,
  readHashLoField,
  readHaveNodeField,
  readHaveTimeField,
  readPingWallField,
  readReplyNodeField,
  readReplyTimeField,
} from '../../src/wire/replica-messages.js';
import { concat, FrameLog, written } from '../support/wire.js';
import { EXAMPLES } from '../wire/format-examples.js';

const SEED = Number(process.env.QUORAL_FUZZ_SEED ?? randomInt(2 ** 32));
const ROUNDS = Number(process.env.QUORAL_FUZZ_ROUNDS ?? 10_000);
/** Small, so that mutated lengths are often within it. */
const FRAME_BYTES_MAX = 4096;
/** Array memory that may be in use at any time, garbage that was not collected yet included. */
const ARRAY_BYTES_MAX = 64 * 1024 * 1024;

const VALID = Object.values(EXAMPLES).map(written);

/** Values at which lengths, counts and times change their meaning. */
const EDGES = [
  0,
  1,
  7,
  8,
  12,
  0x7f,
  0x80,
  0xff,
  0xffff,
  0x10000,
  FRAME_BYTES_MAX,
  0x1000000,
  0x7fffffff,
  0xffffffff,
];

type Mutation = (bytes: Uint8Array, random: SeededRandom) => Uint8Array;

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const at = random.below(bytes.length);
    bytes[at]! ^= 1 << random.below(8);
    return bytes;
  },
  function setByte(bytes, random) {
    bytes[random.below(bytes.length)] = random.below(256);
    return bytes;
  },
  function setEdge(bytes, random) {
    const size = [1, 2, 4][random.below(3)]!;
    const at = random.below(Math.max(1, bytes.length - size));
    const value = EDGES[random.below(EDGES.length)]!;
    for (let i = 0; i < size && at + i < bytes.length; i++) bytes[at + i] = value >>> (8 * (size - 1 - i));
    return bytes;
  },
  function insert(bytes, random) {
    const at = random.below(bytes.length + 1);
    return concat([bytes.subarray(0, at), noise(1 + random.below(12), random), bytes.subarray(at)]);
  },
  function remove(bytes, random) {
    const at = random.below(bytes.length);
    return concat([bytes.subarray(0, at), bytes.subarray(at + 1 + random.below(12))]);
  },
  function repeat(bytes, random) {
    const at = random.below(bytes.length);
    const end = at + 1 + random.below(40);
    return concat([bytes.subarray(0, end), bytes.subarray(at, end), bytes.subarray(end)]);
  },
  function truncate(bytes, random) {
    return bytes.slice(0, 1 + random.below(bytes.length));
  },
];

function noise(length: number, random: SeededRandom): Uint8Array {
  return Uint8Array.from({ length }, () => random.u32() & 0xff);
}

/** Noise of the type bytes that make a codec allocate and descend. */
function packedNoise(length: number, random: SeededRandom): Uint8Array {
  const types = [
    0x81, 0x82, 0x8f, 0x91, 0x9f, 0xa1, 0xc0, 0xc4, 0xc6, 0xcb, 0xd9, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0, 1,
    0xc7,
  ];
  return Uint8Array.from({ length }, () => types[random.below(types.length)]!);
}

function makeStream(random: SeededRandom): Uint8Array {
  if (random.below(8) === 0) return noise(1 + random.below(300), random);
  const frames = Array.from({ length: 1 + random.below(4) }, () => VALID[random.below(VALID.length)]!);
  let stream = concat(frames);
  for (let left = random.below(6); left > 0 && stream.length > 0; left--) {
    stream = MUTATIONS[random.below(MUTATIONS.length)]!(stream, random);
  }
  return stream;
}

/** A decoder so simple that it needs no test: what a stream must give, however it is cut. */
function expectedOf(stream: Uint8Array): { frames: number; isRefused: boolean; left: number } {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  let at = 0;
  let frames = 0;
  while (stream.length - at >= 4) {
    const length = view.getUint32(at);
    if (length < 8) return { frames, isRefused: true, left: 0 };
    if (length > FRAME_BYTES_MAX && stream.length - at >= 12) return { frames, isRefused: true, left: 0 };
    if (stream.length - at < 4 + length) break;
    if (view.getUint16(at + 6) > length - 8) return { frames, isRefused: true, left: 0 };
    frames++;
    at += 4 + length;
  }
  return { frames, isRefused: false, left: stream.length - at };
}

/** Throws unless `fact` holds. */
function must(fact: boolean, what: string): void {
  if (!fact) throw new Error(what);
}

/** Everything that could be done with a frame, by whoever takes its body for something. */
function useFrame(frame: Frame): void {
  const { bytes, view, bodyStart, bodyLength } = frame;
  must(bodyStart + bodyLength <= bytes.length, 'a frame reaches beyond its memory');
  must(frame.key().length === frame.keyLength && frame.body().length === bodyLength, 'a window is cut off');
  typeName(frame.type);
  if (bodyLength >= ASK_BODY_BYTES) must(readQuorumField(frame) + readBudgetField(frame) >= 0, 'GET');
  if (bodyLength >= SET_BODY_BYTES) must(readExpiryField(frame) >= 0, 'SET');
  useReplicaFields(frame);
  for (const before of [0, REPLY_PREFIX_BYTES, REPLICA_PREFIX_BYTES]) {
    if (bodyLength >= before) useRecord(bytes, view, bodyStart + before, bodyLength - before);
  }
  must(readError(frame).code.length >= 0, 'ERROR');
  useBody(frame.body());
}

function useReplicaFields(frame: Frame): void {
  const { bodyLength } = frame;
  if (bodyLength >= REPLY_PREFIX_BYTES) must(readClockField(frame) >= 0, 'clock');
  if (bodyLength >= PING_BYTES) must(readEpochField(frame) + readPingWallField(frame) >= 0, 'PING');
  if (bodyLength >= REPLICA_PREFIX_BYTES) must(readHashHiField(frame) + readHashLoField(frame) >= 0, 'hash');
  if (bodyLength >= REPLICA_READ_BYTES)
    must(readHaveTimeField(frame) + readHaveNodeField(frame) >= 0, 'READ');
  if (bodyLength >= 20) must(readReplyTimeField(frame) + readReplyNodeField(frame) >= 0, 'STALE');
}

function useRecord(bytes: Uint8Array, view: DataView, start: number, length: number): void {
  if (!isRecordShape(view, start, length)) return;
  const record = decodeRecord(bytes.slice(start, start + length));
  must(record.version.time > 0 && record.version.time <= VERSION_TIME_MAX, 'a record without a time');
  must(!record.tombstone || record.value.length === 0, 'a tombstone with a value');
  must(record.value.length <= length, 'a value longer than its record');
  isExpired(view, start, record.expiryMs);
}

function useBody(bytes: Uint8Array): void {
  const body = decodeBody(bytes);
  if (body === undefined) return;
  must(isBoundedBody(encodeBody(body)), 'a body that was accepted is refused when it is sent on');
  useConfig(body);
  useConfig(mapField(body, 'config'));
  parseMember(mapField(body, 'member'));
}

function useConfig(body: Body | undefined): void {
  const config = parseConfig(body);
  if (config === undefined || body === undefined) return;
  must(config.members.length === arrayField(body, 'members')?.length, 'members are missing');
}

function runRound(seed: number): void {
  const random = new SeededRandom(seed);
  const stream = makeStream(random);
  const expected = expectedOf(stream);
  const log = new FrameLog();
  const onFrame = (frame: Frame) => {
    useFrame(frame);
    log.onFrame(frame);
  };
  const decoder = new FrameDecoder(
    { onFrame, onRefused: (error, id) => log.onRefused(error, id) },
    FRAME_BYTES_MAX,
  );
  for (let at = 0; at < stream.length; ) {
    const end = at + 1 + random.below(random.below(2) === 0 ? 9 : 200);
    // A copy in memory of its own, so that reads beyond its end are found out.
    decoder.push(stream.slice(at, end));
    must(decoder.pendingBytes <= stream.length, 'more is pending than has come');
    at = end;
  }
  must(log.frames.length === expected.frames, `${log.frames.length} frames instead of ${expected.frames}`);
  must(log.refusals.length === (expected.isRefused ? 1 : 0), `${log.refusals.length} refusals`);
  must(decoder.pendingBytes === expected.left, `${decoder.pendingBytes} bytes pending`);
  useBody(stream);
  useBody(packedNoise(1 + random.below(60), random));
}

t.test(`${ROUNDS} rounds from seed ${SEED}`, async (t) => {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const seed = SEED + round;
    try {
      runRound(seed);
    } catch (error) {
      t.fail(`${messageOf(error)}; repeat it with QUORAL_FUZZ_SEED=${seed} QUORAL_FUZZ_ROUNDS=1`, { error });
      return;
    }
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  t.ok(most < ARRAY_BYTES_MAX, `${most} bytes of array memory at most`);
});

t.test('the unmutated examples are all used and accepted', async (t) => {
  const log = new FrameLog();
  const onFrame = (frame: Frame) => {
    useFrame(frame);
    log.onFrame(frame);
  };
  new FrameDecoder({ onFrame, onRefused: () => t.fail('refused') }).push(concat(VALID));
  t.equal(log.frames.length, VALID.length);
});

t.test('the rounds reach both outcomes of everything that matters', async (t) => {
  const seen = { frames: 0, refused: 0, pending: 0, bodies: 0, configs: 0, records: 0 };
  for (let seed = 0; seed < 1500; seed++) {
    const stream = makeStream(new SeededRandom(seed));
    const { frames, isRefused, left } = expectedOf(stream);
    seen.frames += frames;
    seen.refused += isRefused ? 1 : 0;
    seen.pending += left > 0 ? 1 : 0;
    const log = new FrameLog();
    new FrameDecoder(log, FRAME_BYTES_MAX).push(stream);
    for (const { body } of log.frames) {
      const map = decodeBody(body);
      const view = new DataView(body.buffer);
      if (map !== undefined) seen.bodies++;
      if (map !== undefined && parseConfig(mapField(map, 'config')) !== undefined) seen.configs++;
      if (body.length > 8 && isRecordShape(view, 8, body.length - 8)) seen.records++;
    }
  }
  for (const [what, count] of Object.entries(seen)) t.ok(count >= 10, `${what}: ${count}`);
});
