/** Inline requests are split as Redis 7.0.15 splits them, which was compared with this table. */
import fc from 'fast-check';
import t from 'tap';
import { splitInlineArguments } from '../../../src/wire/resp/inline-arguments.js';
import { RequestArguments } from '../../../src/wire/resp/request-arguments.js';
import { argumentsOf, bytesOf } from './support.js';

/** The arguments of a line, or undefined when its quotes are unbalanced. */
function split(line: string): string[] | undefined {
  const args = new RequestArguments();
  const memory = splitInlineArguments(bytesOf(line), args);
  if (memory === undefined) return undefined;
  args.place(memory, 0);
  return argumentsOf(args);
}

const TABLE: readonly [line: string, args: string[] | undefined][] = [
  ['', []],
  [' \t \v\f ', []],
  ['a b', ['a', 'b']],
  ['  a\tb  ', ['a', 'b']],
  ['a\vb', ['a\vb']],
  ['\va \vb', ['a', 'b']],
  ['a\rb', ['a', 'b']],
  ['""', ['']],
  [`"" ''`, ['', '']],
  ['"a b"', ['a b']],
  ['"a\\x41\\n\\q\\xzz"', ['aA\nqxzz']],
  ['"\\r\\t\\b\\a\\\\\\""', ['\r\t\b\x07\\"']],
  ['"\\xfF\\x00"', ['\xff\x00']],
  ['"\\x4"', ['x4']],
  ['"\\x4g"', ['x4g']],
  ['"\\x"', ['x']],
  [`'a\\'b\\n'`, [`a'b\\n`]],
  [`'"'`, ['"']],
  [`"'"`, [`'`]],
  ['a"b c"', ['ab c']],
  [`a'b c' d`, ['ab c', 'd']],
  [`'a'\vb`, ['a', 'b']],
  ['\\n', ['\\n']],
  ['\xe9\x00', ['\xe9\x00']],
  ['"a"b', undefined],
  [`'a'b`, undefined],
  ['a"b"c', undefined],
  [`"a"'b'`, undefined],
  ['"a', undefined],
  [`'a`, undefined],
  ['a "', undefined],
  ['"a\\"', undefined],
  [`'a\\'`, undefined],
  ['"\\', undefined],
];

for (const [line, args] of TABLE) {
  t.test(JSON.stringify(line), async (t) => {
    t.same(split(line), args);
    const withMore = split(`first ${line}`);
    t.same(withMore, args && ['first', ...args], 'after another');
    const quoted = split(`'q' ${line}`);
    t.same(quoted, args && ['q', ...args], 'on a line with quotes');
  });
}

t.test('any bytes, quoted, are read back', async () => {
  const escaped = (bytes: Uint8Array) =>
    `"${Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, '0')}`).join('')}"`;
  const raw = (bytes: Uint8Array) => String.fromCharCode(...bytes);
  const single = (bytes: Uint8Array) =>
    /\\'|\\$/.test(raw(bytes)) ? escaped(bytes) : `'${raw(bytes).replaceAll("'", "\\'")}'`;
  const double = (bytes: Uint8Array) => `"${raw(bytes).replace(/["\\]/g, '\\$&')}"`;
  const form = fc.constantFrom(escaped, single, double);
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.uint8Array({ maxLength: 12 }), form), { maxLength: 6 }), (args) => {
      const line = args.map(([bytes, quote]) => quote(bytes)).join(' ');
      return JSON.stringify(split(line)) === JSON.stringify(args.map(([bytes]) => raw(bytes)));
    }),
    { numRuns: 1000 },
  );
});

t.test('any line at all is split or refused, never longer than it was', async () => {
  const piece = fc.constantFrom('a', ' ', '"', "'", '\\', 'x', '4', 'n', '\t', '\v', '\xff');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const args = split(pieces.join('')) ?? [];
      return args.join('').length <= pieces.length && args.length <= pieces.length;
    }),
    { numRuns: 2000 },
  );
});

t.test('without quotes nothing is copied', async (t) => {
  const line = bytesOf('GET key');
  t.equal(splitInlineArguments(line, new RequestArguments()), line);
});
