/** What cannot be followed is refused once, in the words of Redis 7.0.15, which was compared with this table. */
import t from 'tap';
import { REQUEST_LIMITS, type RequestLimits } from '../../../src/wire/resp/limits.js';
import { RequestParser } from '../../../src/wire/resp/request-parser.js';
import { bytesOf, everyByte, multibulk, parse, RequestLog } from './support.js';

const COUNT = 'invalid multibulk length';
const LENGTH = 'invalid bulk length';
const QUOTES = 'unbalanced quotes in request';
const PING = '*1\r\n$4\r\nPING\r\n';

const WRONG: readonly [stream: string, problem: string][] = [
  ['*01\r\n', COUNT],
  ['*+1\r\n', COUNT],
  ['*\r\n', COUNT],
  ['*00\r\n', COUNT],
  ['*-0\r\n', COUNT],
  ['*-\r\n', COUNT],
  ['*a\r\n', COUNT],
  ['* 1\r\n', COUNT],
  ['*1 \r\n', COUNT],
  ['*1\n\r\n', COUNT],
  ['*1048577\r\n', COUNT],
  ['*2147483648\r\n', COUNT],
  ['*9223372036854775807\r\n', COUNT],
  ['*-9223372036854775809\r\n', COUNT],
  [`*${'1'.repeat(65535)}\r\n`, COUNT],
  [`*${'1'.repeat(65536)}\r\n`, 'too big mbulk count string'],
  ['*1\r\n$-1\r\n', LENGTH],
  ['*1\r\n$04\r\n', LENGTH],
  ['*1\r\n$\r\n', LENGTH],
  ['*1\r\n$4x\r\n', LENGTH],
  ['*1\r\n$536870913\r\n', LENGTH],
  ['*1\r\n$99999999999999999999\r\n', LENGTH],
  [`*1\r\n$${'1'.repeat(65536)}\r\n`, 'too big bulk count string'],
  [`*1\r\n${'a'.repeat(65537)}\r\n`, 'too big bulk count string'],
  ['*1\r\nx\r\n', `expected '$', got 'x'`],
  ['*1\r\n\r\n', `expected '$', got '\r'`],
  ['*1\r\n\xff\r\n', `expected '$', got '\xff'`],
  ['*2\r\n$3\r\nGET\r\n*1\r\n', `expected '$', got '*'`],
  ['ECHO "a"b\r\n', QUOTES],
  ['ECHO "a\r\n', QUOTES],
  ['ECHO a"b"c\r\n', QUOTES],
  [`${'a'.repeat(65537)}\n`, 'too big inline request'],
];

function shown(stream: string): string {
  return JSON.stringify(stream.length > 60 ? `${stream.slice(0, 60)}…` : stream);
}

for (const [stream, problem] of WRONG) {
  t.test(`${shown(stream)}: ${shown(problem)}`, async (t) => {
    const bytes = bytesOf(`${PING}${stream}${PING}${stream}`);
    const expected = { requests: [['PING']], errors: [`Protocol error: ${problem}`] };
    t.same(parse(bytes).all, expected);
    const cuts = stream.length < 100 ? everyByte(bytes) : [15, 16, 20, 60_000, 65_549, 65_550, 65_551];
    t.same(parse(bytes, cuts).all, expected, 'in pieces');
  });
}

const FINE: readonly [stream: string, requests: string[][]][] = [
  ['*0\r\n*-1\r\n*-77\r\n*-9223372036854775808\r\n', []],
  ['*1048576\r\n', []],
  ['\n\r\n  \n\t\r\n', []],
  [`${'a'.repeat(65536)}\n`, [['a'.repeat(65536)]]],
  ['*1\r\nx\r', []],
  ['*1\r\nx', []],
  ['*1\r\n$0\r\n\r\n', [['']]],
  ['""\r\n', [['']]],
  ['PING\r\r\n', [['PING']]],
];

for (const [stream, requests] of FINE) {
  t.test(`${shown(stream)} is no error`, async (t) => {
    t.same(parse(bytesOf(stream)).all, { requests, errors: [] });
    if (stream.length < 100) t.same(parse(bytesOf(stream), everyByte(bytesOf(stream))).requests, requests);
  });
}

const SMALL: RequestLimits = { argumentsMax: 4, bulkBytesMax: 10, inlineBytesMax: 12, requestBytesMax: 50 };

function small(stream: Uint8Array): unknown {
  const whole = parse(stream, [], SMALL).all;
  t.same(parse(stream, everyByte(stream), SMALL).all, whole, 'in pieces');
  return { requests: whole.requests.length, errors: whole.errors };
}

t.test('exactly the limits pass, one more does not', async (t) => {
  const sized = (...sizes: number[]) => multibulk(sizes.map((size) => new Uint8Array(size).fill(0x61)));
  const refused = (problem: string) => ({ requests: 0, errors: [`Protocol error: ${problem}`] });
  const taken = { requests: 1, errors: [] };
  t.same(small(sized(1, 1, 1, 1)), taken);
  t.same(small(sized(1, 1, 1, 1, 1)), refused(COUNT));
  t.same(small(sized(10)), taken);
  t.same(small(sized(11)), refused(LENGTH));
  t.equal(sized(8, 8, 8).length, 46);
  t.same(small(sized(9, 9, 10)), refused('too big request'), '51 bytes');
  t.same(small(sized(9, 9, 9)), taken, '49 bytes');
  t.same(small(bytesOf(`${'a'.repeat(12)}\n`)), taken);
  t.same(small(bytesOf(`${'a'.repeat(13)}\n`)), refused('too big inline request'));
});

t.test('a line limit below the digits of a number', async (t) => {
  const limits = { ...SMALL, inlineBytesMax: 4 };
  for (const [line, problem] of [
    ['*123\r\n', COUNT],
    ['*1234\r\n', 'too big mbulk count string'],
  ] as const) {
    t.same(parse(bytesOf(line), [], limits).errors, [`Protocol error: ${problem}`]);
    t.same(parse(bytesOf(line), everyByte(bytesOf(line)), limits).errors, [`Protocol error: ${problem}`]);
  }
});

t.test('an inline request counts as a request too', async (t) => {
  const limits = { ...SMALL, requestBytesMax: 8 };
  t.same(parse(bytesOf('PINGabc\n'), [], limits).errors, []);
  t.same(parse(bytesOf('PINGabcd\n'), [], limits).errors, ['Protocol error: too big request']);
});

t.test('a request over the limit is refused when its length says so, not when it has come', async (t) => {
  t.same(parse(bytesOf('*9\r\n$16000000\r\n')).errors, []);
  const limits = { ...REQUEST_LIMITS, requestBytesMax: 1000 };
  t.same(parse(bytesOf('*9\r\n$990\r\n'), [], limits).errors, ['Protocol error: too big request']);
});

t.test('after an error nothing is kept, and nothing comes', async (t) => {
  const log = new RequestLog();
  const parser = new RequestParser(log, REQUEST_LIMITS);
  parser.push(bytesOf('*1\r\n$4\r\nPI'));
  parser.push(bytesOf('NG\r\n*x\r\n*1\r\n$4\r\nPING\r\n'));
  parser.push(bytesOf(PING));
  parser.resume();
  t.same(log.all, { requests: [['PING']], errors: [`Protocol error: ${COUNT}`] });
  t.equal(parser.pendingBytes + parser.heldBytes, 0);
});
