/** Requests as clients send them, and what a parser makes of them, for the tests of the Redis protocol. */
import fc from 'fast-check';
import { REQUEST_LIMITS, type RequestLimits } from '../../../src/wire/resp/limits.js';
import {
  type RequestArguments,
  type RequestHandler,
  RequestParser,
} from '../../../src/wire/resp/request-parser.js';
import { concat } from '../../support/wire.js';

/** Each character as the byte of its number, and back. */
export const bytesOf = (text: string): Uint8Array => Uint8Array.from(text, (c) => c.charCodeAt(0));
export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');

/** A multibulk request, built without the code under test. */
export function multibulk(args: readonly Uint8Array[]): Uint8Array {
  const parts = args.flatMap((arg) => [bytesOf(`$${arg.length}\r\n`), arg, bytesOf('\r\n')]);
  return concat([bytesOf(`*${args.length}\r\n`), ...parts]);
}

/** Collects what a parser hands out: each request as its arguments, errors as text. */
export class RequestLog implements RequestHandler {
  readonly requests: string[][] = [];
  readonly errors: string[] = [];
  /** What to answer, by the number of requests seen and the number of calls. */
  answer: (seen: number, calls: number) => boolean = () => true;
  calls = 0;

  onRequest(args: RequestArguments): boolean {
    this.calls++;
    if (!this.answer(this.requests.length, this.calls)) return false;
    this.requests.push(argumentsOf(args));
    return true;
  }

  onProtocolError(message: string): void {
    this.errors.push(message);
  }

  get all(): { requests: string[][]; errors: string[] } {
    return { requests: this.requests, errors: this.errors };
  }
}

/** All arguments as latin1 text, read in three ways that must agree. */
export function argumentsOf(args: RequestArguments): string[] {
  return Array.from({ length: args.count }, (_, i) => {
    const text = args.text(i);
    const { bytes } = args;
    const window = latin1(bytes.slice(args.start(i), args.start(i) + args.length(i)));
    if (text !== window || text !== latin1(args.view(i)) || text !== latin1(args.copy(i))) {
      throw new Error(`argument ${i} is ${text} as text, ${window} as a window`);
    }
    return text;
  });
}

/** What a parser makes of `bytes` in pieces that end at `cuts`. Each piece lies in memory that is reused at once. */
export function parse(
  bytes: Uint8Array,
  cuts: readonly number[] = [],
  limits: RequestLimits = REQUEST_LIMITS,
): RequestLog {
  const log = new RequestLog();
  const parser = new RequestParser(log, limits);
  pushInPieces(bytes, cuts, (piece) => parser.push(piece));
  return log;
}

export function pushInPieces(
  bytes: Uint8Array,
  cuts: readonly number[],
  push: (piece: Uint8Array) => void,
): void {
  const shared = new Uint8Array(bytes.length + 7);
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    const piece = shared.subarray(7, 7 + cut - from);
    piece.set(bytes.subarray(from, cut));
    push(piece);
    shared.fill(0x2a);
    from = cut;
  }
}

export const everyByte = (bytes: Uint8Array): number[] => Array.from(bytes, (_, i) => i);

/** Places to cut `length` bytes at, in order. */
export const cutsOf = (fractions: readonly number[], length: number): number[] =>
  fractions.map((fraction) => Math.floor(fraction * (length + 1))).sort((a, b) => a - b);

export const fractions = () =>
  fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 30 });

export const someArguments = () =>
  fc.array(fc.uint8Array({ maxLength: 300, size: 'max' }), { minLength: 1, maxLength: 12 });

/** A stream with every kind of request. */
export const MIXED = concat([
  bytesOf('*2\r\n$3\r\nGET\r\n$1\r\nk\r\n'),
  bytesOf('PING\r\n'),
  bytesOf('*1\r\n$0\r\n\r\n'),
  bytesOf('\r\n\n   \r\n'),
  bytesOf('*0\r\n*-1\r\n'),
  bytesOf("SET \"a b\\x41\" 'c\\'d'\n"),
  bytesOf('*3\r\n$3\r\nSET\r\n$4\r\n\r\n*$\r\n$11\r\n\xff\x00 PING\r\nab\r\n'),
  bytesOf('*1\rX$4\rXPINGab'),
  bytesOf('get  key\r\n'),
  multibulk(Array.from({ length: 20 }, (_, i) => bytesOf('x'.repeat(i)))),
]);
export const MIXED_REQUESTS: readonly string[][] = [
  ['GET', 'k'],
  ['PING'],
  [''],
  ['SET', 'a bA', "c'd"],
  ['SET', '\r\n*$', '\xff\x00 PING\r\nab'],
  ['PING'],
  ['get', 'key'],
  Array.from({ length: 20 }, (_, i) => 'x'.repeat(i)),
];
