/** A parser that is paused, refused or stopped, by its handler or from outside, loses nothing and changes no order. */
import fc from 'fast-check';
import t from 'tap';
import { REQUEST_LIMITS } from '../../../src/wire/resp/limits.js';
import { RequestParser } from '../../../src/wire/resp/request-parser.js';
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
  pushInPieces,
  RequestLog,
  someArguments,
} from './support.js';

const GET = bytesOf('*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n');
const text = JSON.stringify;

/** Pushes `bytes` in pieces, and resumes until nothing is kept back, `resumes` says after which pieces. */
function parseWithPauses(
  bytes: Uint8Array,
  cuts: readonly number[],
  log: RequestLog,
  resumes: (piece: number) => boolean = () => true,
): RequestParser {
  const parser = new RequestParser(log, REQUEST_LIMITS);
  let piece = 0;
  pushInPieces(bytes, cuts, (bytes) => {
    parser.push(bytes);
    if (resumes(piece++)) parser.resume();
  });
  for (let i = 0; parser.heldBytes > 0 && i < 10_000; i++) parser.resume();
  return parser;
}

for (const [name, cutsIn] of [
  ['whole', () => []],
  ['a byte at a time', everyByte],
  ['in sevens', (bytes) => everyByte(bytes).filter((i) => i % 7 === 0)],
] as const satisfies readonly [string, (bytes: Uint8Array) => number[]][]) {
  t.test(`each request refused at first, ${name}`, async (t) => {
    for (let refused = 0; refused < MIXED_REQUESTS.length; refused++) {
      const log = new RequestLog();
      let times = 3;
      log.answer = (seen) => seen !== refused || times-- <= 0;
      parseWithPauses(MIXED, cutsIn(MIXED), log);
      t.same(log.all, { requests: MIXED_REQUESTS, errors: [] }, `request ${refused}`);
      t.equal(log.calls, MIXED_REQUESTS.length + 3);
    }
  });

  t.test(`every request refused twice, ${name}`, async (t) => {
    const log = new RequestLog();
    log.answer = (_seen, calls) => calls % 3 === 0;
    parseWithPauses(MIXED, cutsIn(MIXED), log);
    t.same(log.all, { requests: MIXED_REQUESTS, errors: [] });
  });
}

t.test('a refused request is kept, though the memory it came in is reused', async (t) => {
  const log = new RequestLog();
  log.answer = () => false;
  const parser = new RequestParser(log, REQUEST_LIMITS);
  const chunk = concat([GET, bytesOf('SET "a b" c\r\n'), GET.subarray(0, 8)]);
  parser.push(chunk);
  chunk.fill(0x2a);
  t.same([parser.heldBytes, parser.pendingBytes], [chunk.length, 0]);
  t.equal(log.calls, 1, 'nothing else was handed out');
  log.answer = (seen) => seen === 0;
  parser.resume();
  t.same(log.requests, [['GET', 'key']]);
  log.answer = () => true;
  parser.resume();
  t.same(log.requests, [
    ['GET', 'key'],
    ['SET', 'a b', 'c'],
  ]);
  t.same([parser.heldBytes, parser.pendingBytes], [0, 8]);
  parser.push(GET.subarray(8));
  t.equal(log.requests.length, 3);
});

t.test('nothing is handed out while paused, all of it afterwards', async (t) => {
  const log = new RequestLog();
  log.answer = (seen) => {
    if (seen === 1) parser.pause();
    return true;
  };
  const parser = new RequestParser(log, REQUEST_LIMITS);
  const chunk = concat([GET, GET, GET, GET]);
  parser.push(chunk);
  parser.push(chunk);
  chunk.fill(0x2a);
  t.equal(log.requests.length, 2, 'the one that paused was taken');
  t.equal(parser.heldBytes, 6 * GET.length);
  parser.resume();
  t.equal(log.requests.length, 8);
  t.equal(parser.heldBytes, 0);
});

t.test('paused from outside in the middle of a request', async (t) => {
  for (let cut = 0; cut <= MIXED.length; cut++) {
    const log = new RequestLog();
    const parser = new RequestParser(log, REQUEST_LIMITS);
    parser.push(MIXED.subarray(0, cut));
    const before = log.requests.length;
    parser.pause();
    for (let i = cut; i < MIXED.length; i++) parser.push(MIXED.subarray(i, i + 1));
    if (log.requests.length !== before) t.fail(`handed out while paused at ${cut}`);
    parser.resume();
    if (text(log.requests) !== text(MIXED_REQUESTS)) t.same(log.requests, MIXED_REQUESTS, `paused at ${cut}`);
  }
});

t.test('resumed from within the handler, it goes on by itself', async (t) => {
  type Act = 'pause' | 'resume';
  const cases: [name: string, acts: Act[], takes: (calls: number) => boolean, calls: number, seen: number][] =
    [
      ['after a pause', ['pause', 'resume'], () => true, 3, 3],
      ['before a pause', ['resume', 'pause'], () => true, 1, 1],
      ['and taken', ['resume'], () => true, 3, 3],
      ['and refused: handed out again', ['resume'], (calls) => calls > 4, 7, 3],
      ['and refused, then paused', ['resume', 'pause'], () => false, 1, 0],
    ];
  for (const [name, acts, takes, calls, seen] of cases) {
    for (const isCut of [false, true]) {
      const log = new RequestLog();
      const parser = new RequestParser(log, REQUEST_LIMITS);
      log.answer = () => {
        for (const act of acts) parser[act]();
        return takes(log.calls);
      };
      const bytes = concat([GET, GET, GET]);
      if (isCut) parser.push(bytes.subarray(0, 10));
      parser.push(bytes.subarray(isCut ? 10 : 0));
      t.same([log.calls, log.requests.length], [calls, seen], `${name}${isCut ? ', cut' : ''}`);
    }
  }
});

t.test('resumed from within the handler while it runs out of what was kept', async (t) => {
  const log = new RequestLog();
  const parser = new RequestParser(log, REQUEST_LIMITS);
  parser.pause();
  parser.push(concat([GET, GET, GET]));
  log.answer = () => {
    parser.resume();
    return true;
  };
  parser.resume();
  t.equal(log.requests.length, 3);
  t.equal(log.calls, 3, 'none was handed out twice');
});

t.test(
  'stopped from within the handler: nothing more, and the arguments stay valid to its end',
  async (t) => {
    for (const cuts of [[], [10], everyByte(concat([GET, GET]))]) {
      const seen: string[][] = [];
      const parser: RequestParser = new RequestParser(
        {
          onRequest: (args) => {
            parser.stop();
            parser.resume();
            seen.push(argumentsOf(args));
            return seen.length > 5;
          },
          onProtocolError: (message) => t.fail(message),
        },
        REQUEST_LIMITS,
      );
      pushInPieces(concat([GET, GET]), cuts, (piece) => parser.push(piece));
      parser.resume();
      t.same(seen, [['GET', 'key']]);
      t.equal(parser.heldBytes + parser.pendingBytes, 0);
    }
  },
);

t.test('stopped while it hands out what was kept', async (t) => {
  const log = new RequestLog();
  const parser = new RequestParser(log, REQUEST_LIMITS);
  parser.pause();
  parser.push(concat([GET, GET, GET]));
  log.answer = (seen) => {
    if (seen === 1) parser.stop();
    return true;
  };
  parser.resume();
  parser.push(GET);
  t.equal(log.requests.length, 2);
  t.same([parser.heldBytes, parser.pendingBytes], [0, 0]);
});

t.test('an error after a refused request comes only after it', async (t) => {
  const log = new RequestLog();
  log.answer = (_seen, calls) => calls > 1;
  const parser = new RequestParser(log, REQUEST_LIMITS);
  parser.push(concat([GET, bytesOf('*x\r\n'), GET]));
  t.same(log.all, { requests: [], errors: [] });
  parser.resume();
  t.same(log.all, { requests: [['GET', 'key']], errors: ['Protocol error: invalid multibulk length'] });
});

t.test('however the stream is cut, whatever is refused, whenever it is paused', async () => {
  fc.assert(
    fc.property(
      fc.array(someArguments(), { maxLength: 8 }),
      fractions(),
      fc.array(fc.constantFrom('take', 'take', 'refuse', 'pause'), { minLength: 1 }),
      fc.array(fc.boolean(), { minLength: 1 }),
      (requests, where, answers, resumes) => {
        const bytes = concat(requests.flatMap((args) => [multibulk(args), bytesOf('x "y z"\r\n')]));
        const log = new RequestLog();
        let turn = 0;
        const answer = () => {
          // After so many it takes everything, so that the stream ends.
          const next = turn > 40 ? 'take' : answers[turn % answers.length];
          turn++;
          if (next === 'pause') parser.pause();
          return next !== 'refuse';
        };
        log.answer = answer;
        const parser: RequestParser = new RequestParser(log, REQUEST_LIMITS);
        let piece = 0;
        pushInPieces(bytes, cutsOf(where, bytes.length), (bytes) => {
          parser.push(bytes);
          if (resumes[piece++ % resumes.length]) parser.resume();
        });
        for (let i = 0; parser.heldBytes > 0 && i < 1000; i++) parser.resume();
        const expected = requests.flatMap((args) => [args.map(latin1), ['x', 'y z']]);
        return text(log.requests) === text(expected) && parser.pendingBytes === 0;
      },
    ),
    { numRuns: 500 },
  );
});
