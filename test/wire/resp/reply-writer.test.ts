/** What replies look like on the wire, in both versions of the protocol. */
import t from 'tap';
import { decimalLength } from '../../../src/wire/resp/decimal.js';
import { HeldBytes } from '../../../src/wire/resp/held-bytes.js';
import { typedReply } from '../../../src/wire/resp/reply-value.js';
import { type ReplyValue, ReplyWriter } from '../../../src/wire/resp/reply-writer.js';
import { concat } from '../../support/wire.js';
import { bytesOf, latin1 } from './support.js';

function written(protocol: 2 | 3, write: (reply: ReplyWriter) => void): string {
  const sink = new HeldBytes();
  const reply = new ReplyWriter(sink);
  reply.protocol = protocol;
  write(reply);
  return latin1(sink.bytes.slice(0, sink.length));
}

type Case = readonly [write: (reply: ReplyWriter) => void, two: string, three?: string];
const BYTES = bytesOf('xxhello\r\n\x00\xffyy');

/** Without a third column both versions are the same. */
const TABLE: Readonly<Record<string, Case>> = {
  'status OK': [(r) => r.status('OK'), '+OK\r\n'],
  'status PONG': [(r) => r.status('PONG'), '+PONG\r\n'],
  'status empty': [(r) => r.status(''), '+\r\n'],
  'status with a line end': [(r) => r.status('a\r\nb'), '+a  b\r\n'],
  error: [(r) => r.error('ERR syntax error'), '-ERR syntax error\r\n'],
  'error with line ends': [(r) => r.error('ERR a\r\n+OK\nb'), '-ERR a  +OK b\r\n'],
  'error with bytes of a client': [(r) => r.error(`ERR '\xff\xe9'`), `-ERR '\xff\xe9'\r\n`],
  'error with other text': [(r) => r.error('ERR é →\n'), '-ERR \xc3\xa9 \xe2\x86\x92 \r\n'],
  'integer 0': [(r) => r.integer(0), ':0\r\n'],
  'integer −0': [(r) => r.integer(-0), ':0\r\n'],
  'integer 9': [(r) => r.integer(9), ':9\r\n'],
  'integer −9': [(r) => r.integer(-9), ':-9\r\n'],
  'integer 1234567890123': [(r) => r.integer(1234567890123), ':1234567890123\r\n'],
  bulk: [(r) => r.bulk(BYTES, 2, 9), '$9\r\nhello\r\n\x00\xff\r\n'],
  'bulk of nothing': [(r) => r.bulk(BYTES, 2, 0), '$0\r\n\r\n'],
  text: [(r) => r.text('key'), '$3\r\nkey\r\n'],
  'text empty': [(r) => r.text(''), '$0\r\n\r\n'],
  'text in UTF-8': [(r) => r.text('é→😀'), '$9\r\n\xc3\xa9\xe2\x86\x92\xf0\x9f\x98\x80\r\n'],
  'text with half a pair': [(r) => r.text('\ud800a\udc00'), '$7\r\n\xef\xbf\xbda\xef\xbf\xbd\r\n'],
  'long text': [(r) => r.text('a'.repeat(100)), `$100\r\n${'a'.repeat(100)}\r\n`],
  nil: [(r) => r.nil(), '$-1\r\n', '_\r\n'],
  'nil array': [(r) => r.nilArray(), '*-1\r\n', '_\r\n'],
  array: [(r) => r.array(12), '*12\r\n'],
  'array empty': [(r) => r.array(0), '*0\r\n'],
  map: [(r) => r.map(6), '*12\r\n', '%6\r\n'],
  set: [(r) => r.set(100), '*100\r\n', '~100\r\n'],
  push: [(r) => r.push(3), '*3\r\n', '>3\r\n'],
  double: [(r) => r.double(1.5), '$3\r\n1.5\r\n', ',1.5\r\n'],
  'double inf': [(r) => r.double(-Infinity), '$4\r\n-inf\r\n', ',-inf\r\n'],
  true: [(r) => r.boolean(true), ':1\r\n', '#t\r\n'],
  false: [(r) => r.boolean(false), ':0\r\n', '#f\r\n'],
  verbatim: [(r) => r.verbatim('a\né'), '$4\r\na\n\xc3\xa9\r\n', '=8\r\ntxt:a\n\xc3\xa9\r\n'],
  'big number': [
    (r) => r.bigNumber('123456789012345678901'),
    '$21\r\n123456789012345678901\r\n',
    '(123456789012345678901\r\n',
  ],
};

for (const [name, [write, two, three = two]] of Object.entries(TABLE)) {
  t.test(name, async (t) => {
    t.equal(written(2, write), two, 'version 2');
    t.equal(written(3, write), three, 'version 3');
  });
}

const VALUES: readonly [value: ReplyValue, two: string, three?: string][] = [
  ['é', '$2\r\n\xc3\xa9\r\n'],
  [BYTES.subarray(2, 4), '$2\r\nhe\r\n'],
  [Buffer.from('ab'), '$2\r\nab\r\n'],
  [7, ':7\r\n'],
  [0.5, '$3\r\n0.5\r\n', ',0.5\r\n'],
  [2 ** 53, '$16\r\n9007199254740992\r\n', ',9007199254740992\r\n'],
  [NaN, '$3\r\nnan\r\n', ',nan\r\n'],
  [-(2n ** 63n), ':-9223372036854775808\r\n'],
  [2n ** 63n, '$19\r\n9223372036854775808\r\n', '(9223372036854775808\r\n'],
  [true, ':1\r\n', '#t\r\n'],
  [null, '$-1\r\n', '_\r\n'],
  [undefined, '$-1\r\n', '_\r\n'],
  [[1, ['a'], []], '*3\r\n:1\r\n*1\r\n$1\r\na\r\n*0\r\n'],
  [new Set([1, 2]), '*2\r\n:1\r\n:2\r\n', '~2\r\n:1\r\n:2\r\n'],
  [
    new Map<ReplyValue, ReplyValue>([
      [1, 'a'],
      ['b', []],
    ]),
    '*4\r\n:1\r\n$1\r\na\r\n$1\r\nb\r\n*0\r\n',
    '%2\r\n:1\r\n$1\r\na\r\n$1\r\nb\r\n*0\r\n',
  ],
  [
    { a: 1, left: undefined, b: null },
    '*4\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n$-1\r\n',
    '%2\r\n$1\r\na\r\n:1\r\n$1\r\nb\r\n_\r\n',
  ],
  [
    { type: 'status', text: 'x' },
    '*4\r\n$4\r\ntype\r\n$6\r\nstatus\r\n$4\r\ntext\r\n$1\r\nx\r\n',
    '%2\r\n$4\r\ntype\r\n$6\r\nstatus\r\n$4\r\ntext\r\n$1\r\nx\r\n',
  ],
  [typedReply({ type: 'status', text: 'OK' }), '+OK\r\n'],
  [typedReply({ type: 'error', text: 'ERR no' }), '-ERR no\r\n'],
  [typedReply({ type: 'verbatim', text: 'a' }), '$1\r\na\r\n', '=5\r\ntxt:a\r\n'],
  [typedReply({ type: 'bigNumber', text: '1' }), '$1\r\n1\r\n', '(1\r\n'],
  [typedReply({ type: 'double', number: 3 }), '$1\r\n3\r\n', ',3\r\n'],
  [typedReply({ type: 'nilArray' }), '*-1\r\n', '_\r\n'],
  [typedReply({ type: 'push', items: ['a', 1] }), '*2\r\n$1\r\na\r\n:1\r\n', '>2\r\n$1\r\na\r\n:1\r\n'],
];

VALUES.forEach(([value, two, three = two], i) => {
  t.test(`value ${i}: ${JSON.stringify(two)}`, async (t) => {
    t.equal(
      written(2, (reply) => reply.value(value)),
      two,
      'version 2',
    );
    t.equal(
      written(3, (reply) => reply.value(value)),
      three,
      'version 3',
    );
  });
});

t.test('every number of digits, and both sides of each', async (t) => {
  const numbers = [
    0,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 31 + 1,
    2 ** 32,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
  ];
  for (let power = 1; power < Number.MAX_SAFE_INTEGER / 10; power *= 10) {
    numbers.push(power - 1, power, power + 1, power * 9, -power, 1 - power, -power - 1);
  }
  for (const n of numbers) {
    const expected = String(n === 0 ? 0 : n);
    if (written(2, (reply) => reply.integer(n)) !== `:${expected}\r\n`) t.fail(`${n}`);
    if (decimalLength(n) !== expected.length) t.fail(`the length of ${n}`);
  }
});

t.test('a reply for each size of content around those at which lengths change', async (t) => {
  for (const size of [9, 10, 31, 32, 33, 63, 64, 65, 99, 100, 999, 1000, 1017, 1018, 1019, 65536]) {
    const content = new Uint8Array(size + 3).map((_, i) => i);
    const expected = latin1(concat([bytesOf(`$${size}\r\n`), content.subarray(3), bytesOf('\r\n')]));
    t.ok(written(2, (reply) => reply.bulk(content, 3, size)) === expected, `bulk of ${size}`);
    t.ok(
      written(2, (reply) => reply.text('b'.repeat(size))) === `$${size}\r\n${'b'.repeat(size)}\r\n`,
      `text of ${size}`,
    );
  }
});

t.test('without a sink it fails', async (t) => {
  t.throws(() => new ReplyWriter().status('OK'), /no sink/);
});
