/** However the network cuts a stream of requests, the same requests come out. */
import fc from 'fast-check';
import t from 'tap';
import { REQUEST_LIMITS } from '../../../src/wire/resp/limits.js';
import { type RequestArguments, RequestParser } from '../../../src/wire/resp/request-parser.js';
import { concat } from '../../support/wire.js';
import {
  argumentsOf,
  bytesOf,
  cutsOf,
  everyByte,
  fractions,
  latin1,
  MIXED,
  MIXED_REQUESTS,
  multibulk,
  parse,
  RequestLog,
  someArguments,
} from './support.js';

const GET = bytesOf('*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n');
const text = JSON.stringify;

/** A parser that does `see` with each request, and takes it. */
function parserThat(see: (args: RequestArguments) => void): RequestParser {
  const onRequest = (args: RequestArguments) => {
    see(args);
    return true;
  };
  return new RequestParser({ onRequest, onProtocolError: (message) => t.fail(message) }, REQUEST_LIMITS);
}

t.test('whole in one piece', async (t) => {
  t.same(parse(MIXED).all, { requests: MIXED_REQUESTS, errors: [] });
});

t.test('cut in two at every point', async (t) => {
  for (let cut = 0; cut <= MIXED.length; cut++) {
    const { all } = parse(MIXED, [cut]);
    if (text(all.requests) !== text(MIXED_REQUESTS)) t.same(all.requests, MIXED_REQUESTS, `cut at ${cut}`);
    if (all.errors.length > 0) t.same(all.errors, [], `cut at ${cut}`);
  }
});

t.test('cut in three at every pair of points', async (t) => {
  const bytes = concat([GET, bytesOf('SET "x" y\r\n*0\r\n'), GET]);
  const expected = text([
    ['GET', 'key'],
    ['SET', 'x', 'y'],
    ['GET', 'key'],
  ]);
  const wrong: number[][] = [];
  for (let a = 0; a <= bytes.length; a++) {
    for (let b = a; b <= bytes.length; b++) {
      if (text(parse(bytes, [a, b]).requests) !== expected) wrong.push([a, b]);
    }
  }
  t.same(wrong, []);
});

t.test('a byte at a time', async (t) => {
  t.same(parse(MIXED, everyByte(MIXED)).all, { requests: MIXED_REQUESTS, errors: [] });
});

t.test('any arguments, cut anywhere', async () => {
  fc.assert(
    fc.property(fc.array(someArguments(), { maxLength: 8 }), fractions(), (requests, where) => {
      const bytes = concat(requests.map(multibulk));
      const log = parse(bytes, cutsOf(where, bytes.length));
      return text(log.requests) === text(requests.map((args) => args.map(latin1))) && log.errors.length === 0;
    }),
    { numRuns: 300 },
  );
});

t.test('any bytes give the same requests and the same error, however they are cut', async () => {
  const limits = { argumentsMax: 30, bulkBytesMax: 200, inlineBytesMax: 40, requestBytesMax: 400 };
  const pieces = [
    '*1\r\n',
    '*2\r\n',
    '$3\r\nabc\r\n',
    '$0\r\n\r\n',
    '\r',
    '\n',
    '"',
    "'",
    '\\',
    'PING ',
    '*',
    '$',
  ];
  const piece = fc.oneof(
    fc.constantFrom(...pieces).map(bytesOf),
    fc.integer({ min: -2, max: 1e9 }).map((n) => bytesOf(`$${n}\r\n`)),
    fc.integer({ min: -2, max: 40 }).map((n) => bytesOf(`*${n}\r\n`)),
    fc.uint8Array({ maxLength: 60 }),
    fc.array(fc.uint8Array({ maxLength: 250 }), { minLength: 1, maxLength: 3 }).map(multibulk),
  );
  const stream = fc.array(piece, { maxLength: 14 }).map(concat);
  for (const requestBytesMax of [400, 30]) {
    fc.assert(
      fc.property(stream, fractions(), (bytes, where) => {
        const whole = text(parse(bytes, [], { ...limits, requestBytesMax }).all);
        const cut = text(parse(bytes, cutsOf(where, bytes.length), { ...limits, requestBytesMax }).all);
        const single = text(parse(bytes, everyByte(bytes), { ...limits, requestBytesMax }).all);
        return whole === cut && whole === single;
      }),
      { numRuns: 1000 },
    );
  }
});

t.test('requests larger than any read, in pieces of 64 KiB', async (t) => {
  const args = [bytesOf('SET'), new Uint8Array(300_000).fill(1), new Uint8Array(65536).fill(2)];
  const bytes = concat([multibulk(args), GET, multibulk(args)]);
  const cuts = Array.from({ length: Math.floor(bytes.length / 65536) }, (_, i) => (i + 1) * 65536);
  const expected = args.map(latin1);
  t.ok(text(parse(bytes, cuts).requests) === text([expected, ['GET', 'key'], expected]));
});

t.test('more arguments than there is room for at first', async (t) => {
  const args = Array.from({ length: 5000 }, (_, i) => bytesOf(String(i)));
  const bytes = concat([GET, multibulk(args), GET]);
  const expected = text([['GET', 'key'], args.map(latin1), ['GET', 'key']]);
  t.ok(text(parse(bytes).requests) === expected);
  t.ok(text(parse(bytes, [30, 31, 1000, 20_000]).requests) === expected);
});

t.test(
  'whole requests are handed out without a copy, incomplete ones from memory of their own',
  async (t) => {
    const memories: ArrayBufferLike[] = [];
    const parser = parserThat((args) => void memories.push(args.bytes.buffer));
    const inline = bytesOf('GET key\r\n');
    const chunk = concat([GET, inline, GET, GET.subarray(0, 9)]);
    parser.push(chunk);
    t.equal(memories.length, 3);
    t.ok(memories.every((memory) => memory === chunk.buffer));
    const rest = concat([GET.subarray(9), GET]);
    parser.push(rest);
    t.equal(memories.length, 5);
    t.ok(memories[3] !== chunk.buffer && memories[3] !== rest.buffer, 'the completed one');
    t.equal(memories[4], rest.buffer, 'what follows it in the same piece');
  },
);

t.test('inline or not', async (t) => {
  const kinds: boolean[] = [];
  const parser = parserThat((args) => void kinds.push(args.isInline));
  parser.push(concat([GET, bytesOf('PING\r\n'), GET, bytesOf('*0\r\n"x"\n'), GET]));
  t.same(kinds, [false, true, false, true, false]);
});

t.test('the arguments let go of the bytes after the call', async (t) => {
  let kept: RequestArguments | undefined;
  const parser = parserThat((args) => {
    kept = args;
    t.equal(args.bytes.length, GET.length);
  });
  parser.push(GET);
  t.equal(kept?.bytes.length, 0);
});

t.test('a copy is owned, a view is not', async (t) => {
  const chunk = Uint8Array.from(GET);
  let copy = new Uint8Array(0);
  let view = new Uint8Array(0);
  parserThat((args) => {
    copy = new Uint8Array(args.copy(1));
    view = args.view(1) as Uint8Array<ArrayBuffer>;
  }).push(chunk);
  chunk.fill(0x78);
  t.equal(latin1(copy), 'key');
  t.equal(latin1(view), 'xxx');
});

t.test('text of every byte, short and long', async (t) => {
  const all = Uint8Array.from({ length: 256 }, (_, i) => i);
  const long = concat(Array.from({ length: 40 }, () => all));
  t.ok(
    text(parse(multibulk([all.subarray(240), long])).requests) ===
      text([[latin1(all.subarray(240)), latin1(long)]]),
  );
});

t.test('pendingBytes tells how much of a request has come', async (t) => {
  const log = new RequestLog();
  const parser = new RequestParser(log, REQUEST_LIMITS);
  parser.push(GET.subarray(0, 3));
  t.equal(parser.pendingBytes, 3);
  parser.push(GET.subarray(3, 20));
  t.equal(parser.pendingBytes, 20);
  parser.push(concat([GET.subarray(20), GET, GET.subarray(0, 5)]));
  t.equal(parser.pendingBytes, 5);
  parser.push(GET.subarray(5));
  t.equal(parser.pendingBytes, 0);
  t.equal(parser.heldBytes, 0);
  t.equal(log.requests.length, 3);
});

t.test('pushing from within the handler is our own bug', async (t) => {
  const parser = parserThat((args) => {
    t.same(argumentsOf(args), ['GET', 'key']);
    t.throws(() => parser.push(GET), /assertion failed/);
  });
  parser.push(GET);
});
