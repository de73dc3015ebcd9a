/** What parsing costs, in bytes copied, lines read and memory kept rather than in time: nothing grows with the square. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import t from 'tap';
import { CountLineReader, LINE_INCOMPLETE } from '../../../src/wire/resp/count-line.js';
import { REQUEST_LIMITS } from '../../../src/wire/resp/limits.js';
import { type RequestArguments, RequestParser } from '../../../src/wire/resp/request-parser.js';
import { concat } from '../../support/wire.js';
import { bytesOf, multibulk } from './support.js';

setFlagsFromString('--expose-gc');
const collectOnce = runInNewContext('gc') as () => void;

/** Array memory is swept beside the program, and counted as free by the next collection. */
function collectGarbage(): void {
  for (let i = 0; i < 3; i++) collectOnce();
}

const MIB = 1024 * 1024;
const GET = bytesOf('*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n');

/** Counts the bytes that typed arrays copy within `run`. */
function bytesCopied(run: () => void): number {
  const prototype = Object.getPrototypeOf(Uint8Array.prototype) as Uint8Array;
  const { set, copyWithin } = prototype;
  let copied = 0;
  prototype.set = function (this: Uint8Array, source: ArrayLike<number>, at?: number): void {
    copied += source.length;
    set.call(this, source, at);
  };
  prototype.copyWithin = function (this: Uint8Array, target: number, start: number, end?: number) {
    copied += (end ?? this.length) - start;
    return copyWithin.call(this, target, start, end);
  } as typeof copyWithin;
  try {
    run();
  } finally {
    Object.assign(prototype, { set, copyWithin });
  }
  return copied;
}

function linesRead(run: () => void): number {
  const { read } = CountLineReader.prototype;
  let lines = 0;
  CountLineReader.prototype.read = function (this: CountLineReader, ...args) {
    lines++;
    return read.apply(this, args);
  };
  try {
    run();
  } finally {
    CountLineReader.prototype.read = read;
  }
  return lines;
}

/** A parser that counts what it hands out, and refuses what `takes` says. */
function countingParser(takes: (calls: number) => boolean = () => true) {
  const counter = { calls: 0, taken: 0, arguments: 0, memory: 0 };
  const onRequest = (args: RequestArguments) => {
    counter.memory = args.bytes.buffer.byteLength;
    if (!takes(++counter.calls)) return false;
    counter.taken++;
    counter.arguments += args.count;
    return true;
  };
  const onProtocolError = (message: string) => t.fail(message);
  return { counter, parser: new RequestParser({ onRequest, onProtocolError }, REQUEST_LIMITS) };
}

function pushAll(parser: RequestParser, bytes: Uint8Array, pieceBytes: number): void {
  for (let at = 0; at < bytes.length; at += pieceBytes) parser.push(bytes.subarray(at, at + pieceBytes));
}

t.test('a large argument in pieces of 64 KiB', async (t) => {
  const bytes = multibulk([bytesOf('SET'), bytesOf('key'), new Uint8Array(15 * MIB)]);
  const { counter, parser } = countingParser();
  let lines = 0;
  const copied = bytesCopied(() => {
    lines = linesRead(() => pushAll(parser, bytes, 64 * 1024));
  });
  t.equal(counter.taken, 1);
  t.equal(lines, 4);
  t.ok(copied <= 3 * bytes.length, `${copied} bytes copied for ${bytes.length}`);
  t.ok(
    counter.memory < bytes.length + 1024,
    `${counter.memory} bytes of memory: the last argument is no reason to double`,
  );
});

t.test('100,000 arguments, one by one and in other pieces', async (t) => {
  const bytes = multibulk(Array.from({ length: 100_000 }, (_, i) => bytesOf(String(1e9 + i))));
  for (const pieceBytes of [17, 64, 1000, 65536]) {
    const { counter, parser } = countingParser();
    let lines = 0;
    const copied = bytesCopied(() => {
      lines = linesRead(() => pushAll(parser, bytes, pieceBytes));
    });
    t.equal(counter.arguments, 100_000);
    const pieces = Math.ceil(bytes.length / pieceBytes);
    t.ok(lines <= 100_001 + 12 * pieces, `${lines} lines in pieces of ${pieceBytes}`);
    t.ok(copied <= 6 * bytes.length, `${copied} bytes copied for ${bytes.length} in pieces of ${pieceBytes}`);
  }
});

t.test('many middling arguments: room for the next is not made one at a time', async (t) => {
  const bytes = multibulk(Array.from({ length: 3000 }, () => new Uint8Array(6000)));
  const { counter, parser } = countingParser();
  const copied = bytesCopied(() => pushAll(parser, bytes, 5000));
  t.equal(counter.arguments, 3000);
  t.ok(copied <= 4 * bytes.length, `${copied} bytes copied for ${bytes.length}`);
});

t.test('a pipeline whose every piece ends within a request', async (t) => {
  const bytes = concat(Array.from({ length: 20_000 }, () => GET));
  const { counter, parser } = countingParser();
  const copied = bytesCopied(() => pushAll(parser, bytes, 16_000));
  t.equal(counter.taken, 20_000);
  t.ok(copied <= 700 * Math.ceil(bytes.length / 16_000), `${copied} bytes copied: only what is cut`);
});

t.test('what comes while paused, and is then taken one request at a time', async (t) => {
  const bytes = concat(Array.from({ length: 40_000 }, () => GET));
  const { counter, parser } = countingParser((calls) => calls % 2 === 0);
  let lines = 0;
  const copied = bytesCopied(() => {
    lines = linesRead(() => {
      pushAll(parser, bytes, 1000);
      for (let i = 0; i < 40_000; i++) parser.resume();
    });
  });
  t.equal(counter.taken, 40_000);
  t.equal(lines, 120_000, 'a refused request is not read again');
  t.ok(copied <= 4 * bytes.length, `${copied} bytes copied for ${bytes.length}`);
});

t.test('what comes while paused in the middle of a last argument', async (t) => {
  const { counter, parser } = countingParser();
  parser.push(GET.subarray(0, -3));
  parser.pause();
  const rest = concat([GET.subarray(-3), ...Array.from({ length: 20_000 }, () => GET)]);
  const copied = bytesCopied(() => pushAll(parser, rest, 100));
  parser.resume();
  t.equal(counter.taken, 20_001);
  t.ok(copied <= 4 * rest.length, `${copied} bytes copied for ${rest.length}`);
});

t.test('pushing and taking in turn while something is always kept', async (t) => {
  const { counter, parser } = countingParser((calls) => calls % 2 === 0);
  const piece = concat([GET, GET]);
  const copied = bytesCopied(() => {
    for (let i = 0; i < 20_000; i++) {
      parser.push(piece);
      parser.resume();
    }
  });
  t.ok(counter.taken >= 19_999);
  t.ok(copied <= 6 * 20_000 * piece.length, `${copied} bytes copied`);
});

/** Bytes whose every look-up is counted. */
function watched(bytes: Uint8Array): { bytes: Uint8Array; looks: () => number } {
  let looks = 0;
  const get = (target: Uint8Array, name: string | symbol) => {
    if (typeof name === 'string' && /^\d+$/.test(name)) looks++;
    const value: unknown = Reflect.get(target, name, target);
    return typeof value === 'function' ? value.bind(target) : value;
  };
  return { bytes: new Proxy(bytes, { get }), looks: () => looks };
}

t.test('a line that comes byte by byte is searched once', async (t) => {
  const line = bytesOf(`*${'1'.repeat(5000)}`);
  const { bytes, looks } = watched(line);
  const reader = new CountLineReader(REQUEST_LIMITS.inlineBytesMax);
  for (let end = 1; end <= line.length; end++) {
    if (reader.read(bytes, 0, end) !== LINE_INCOMPLETE) t.fail(`an end at ${end}`);
  }
  t.ok(looks() < 15 * line.length, `${looks()} looks at ${line.length} bytes`);
});

t.test('a count is no reason to take memory', async (t) => {
  const before = process.memoryUsage().arrayBuffers;
  const parsers = Array.from({ length: 100 }, () => {
    const { parser } = countingParser();
    parser.push(bytesOf('*1048576\r\n$16000000\r\n'));
    parser.push(bytesOf('a'));
    return parser;
  });
  const taken = process.memoryUsage().arrayBuffers - before;
  t.equal(parsers.length, 100);
  t.ok(taken < 100 * 4096, `${taken} bytes for 100 connections`);
});

t.test('after a large request its memory is let go, windows included', async (t) => {
  const large = multibulk(Array.from({ length: 200_000 }, () => bytesOf('abcdefgh')));
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const parsers = Array.from({ length: 10 }, () => {
    const { parser } = countingParser((calls) => calls > 1);
    pushAll(parser, large, 64 * 1024);
    parser.resume();
    parser.push(GET);
    return parser;
  });
  collectGarbage();
  const kept = process.memoryUsage().arrayBuffers - before;
  t.ok(parsers.every((parser) => parser.heldBytes + parser.pendingBytes === 0));
  t.ok(kept < 10 * 4096, `${kept} bytes kept by ten parsers of ${large.length} each`);
});
