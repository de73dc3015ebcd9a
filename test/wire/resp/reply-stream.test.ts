/** Replies as a client reads them: every type, in pieces of any size; limits; and what is no reply. */
import fc from 'fast-check';
import t from 'tap';
import { KvError } from '../../../src/base/errors.js';
import {
  REPLY_LIMITS,
  type Reply,
  type ReplyLimits,
  ReplyReader,
} from '../../../src/wire/resp/reply-reader.js';
import { bytesOf, latin1 } from './support.js';

/** What is read from `bytes` in pieces that end at `cuts`: replies as {@link plain}, and the error if there is one. */
function readIn(bytes: Uint8Array, cuts: readonly number[], limits: ReplyLimits = REPLY_LIMITS): unknown[] {
  const reader = new ReplyReader(limits);
  const found: unknown[] = [];
  try {
    let from = 0;
    for (const to of [...cuts, bytes.length]) {
      // The memory of a piece is reused at once.
      const piece = bytes.slice(from, to);
      found.push(...reader.read(piece).map(plain));
      piece.fill(0x2a);
      from = to;
    }
    reader.read(new Uint8Array(0));
  } catch (error) {
    if (!(error instanceof KvError) || error.code !== 'PROTOCOL' || error.definite) throw error;
    found.push(`PROTOCOL ${error.message.replace('what came is no reply of Redis: ', '')}`);
    t.throws(() => reader.read(bytesOf('+OK\r\n')), error, 'from then on');
  }
  return found;
}

const readAll = (text: string, limits?: ReplyLimits) => readIn(bytesOf(text), [], limits);

/** A reply as a short value: its type and its content. */
function plain(reply: Reply): unknown {
  switch (reply.type) {
    case 'status':
    case 'error':
    case 'string':
      return [reply.type, latin1(reply.bytes)];
    case 'verbatim':
      return ['verbatim', reply.kind, latin1(reply.bytes)];
    case 'integer':
      return ['integer', String(reply.value)];
    case 'boolean':
      return ['boolean', reply.value];
    case 'double':
    case 'bigNumber':
      return [reply.type, reply.text];
    case 'nil':
      return ['nil'];
    case 'map':
      return ['map', ...reply.pairs.map(([key, value]) => [plain(key), plain(value)])];
    default:
      return [reply.type, ...reply.items.map(plain)];
  }
}

const TYPES: readonly [bytes: string, replies: unknown[]][] = [
  ['+OK\r\n', [['status', 'OK']]],
  ['+\r\n', [['status', '']]],
  ['+\xff\xfe\r\n', [['status', '\xff\xfe']]],
  ['-ERR no\r\n', [['error', 'ERR no']]],
  ['!10\r\nERR a\r\nb c\r\n', [['error', 'ERR a\r\nb c']]],
  [
    ':0\r\n:-1\r\n:+7\r\n',
    [
      ['integer', '0'],
      ['integer', '-1'],
      ['integer', '7'],
    ],
  ],
  [':9223372036854775807\r\n', [['integer', '9223372036854775807']]],
  [':-9223372036854775808\r\n', [['integer', '-9223372036854775808']]],
  ['$0\r\n\r\n', [['string', '']]],
  ['$5\r\na\r\n\0b\r\n', [['string', 'a\r\n\0b']]],
  ['$-1\r\n*-1\r\n_\r\n', [['nil'], ['nil'], ['nil']]],
  [
    '#t\r\n#f\r\n',
    [
      ['boolean', true],
      ['boolean', false],
    ],
  ],
  [
    ',1.5\r\n,-0\r\n,1e-9\r\n,10\r\n',
    [
      ['double', '1.5'],
      ['double', '-0'],
      ['double', '1e-9'],
      ['double', '10'],
    ],
  ],
  [
    ',inf\r\n,-inf\r\n,nan\r\n',
    [
      ['double', 'inf'],
      ['double', '-inf'],
      ['double', 'nan'],
    ],
  ],
  ['(-12345678901234567890123\r\n', [['bigNumber', '-12345678901234567890123']]],
  ['=7\r\ntxt:a\nb\r\n', [['verbatim', 'txt', 'a\nb']]],
  ['=4\r\nmkd:\r\n', [['verbatim', 'mkd', '']]],
  ['*0\r\n%0\r\n~0\r\n>0\r\n', [['array'], ['map'], ['set'], ['push']]],
  ['*2\r\n:1\r\n$1\r\na\r\n', [['array', ['integer', '1'], ['string', 'a']]]],
  ['*2\r\n*1\r\n*0\r\n*1\r\n_\r\n', [['array', ['array', ['array']], ['array', ['nil']]]]],
  ['~1\r\n+a\r\n', [['set', ['status', 'a']]]],
  ['>2\r\n+pubsub\r\n:1\r\n', [['push', ['status', 'pubsub'], ['integer', '1']]]],
  [
    '%2\r\n+a\r\n:1\r\n:2\r\n*0\r\n',
    [
      [
        'map',
        [
          ['status', 'a'],
          ['integer', '1'],
        ],
        [['integer', '2'], ['array']],
      ],
    ],
  ],
  ['*1\r\n-ERR in\r\n', [['array', ['error', 'ERR in']]]],
  ['|1\r\n+ttl\r\n:9\r\n+OK\r\n', [['status', 'OK']]],
  ['|0\r\n:1\r\n', [['integer', '1']]],
  ['*2\r\n|1\r\n+a\r\n*1\r\n+b\r\n:1\r\n:2\r\n', [['array', ['integer', '1'], ['integer', '2']]]],
];

t.test('every type, at every split', async (t) => {
  for (const [text, replies] of TYPES) {
    const bytes = bytesOf(text);
    t.same(readAll(text), replies, JSON.stringify(text));
    for (let cut = 0; cut <= bytes.length; cut++)
      t.same(readIn(bytes, [cut]), replies, `${JSON.stringify(text)} at ${cut}`);
    t.same(readIn(bytes, [...bytes.keys()]), replies, `${JSON.stringify(text)} byte by byte`);
  }
  const all = TYPES.map(([text]) => text).join('');
  t.same(
    readAll(all),
    TYPES.flatMap(([, replies]) => replies),
  );
});

const SMALL: ReplyLimits = { depthMax: 2, itemsMax: 5, replyBytesMax: 60, lineBytesMax: 10 };

const REFUSED: readonly [bytes: string, problem: RegExp][] = [
  ['HTTP/1.1 400 Bad Request\r\n', /"H" begins no reply/],
  ['H', /"H" begins no reply/],
  ['\r\n', /"\\r" begins no reply/],
  ['\n', /"\\n" begins no reply/],
  ['+OK\n', /does not end as lines do/],
  ['+a\rb\r\n', /holds a carriage return/],
  [':\r\n', /"" is no integer/],
  [':1.5\r\n', /"1.5" is no integer/],
  [':--1\r\n', /is no integer/],
  ['$-2\r\n', /"\$-2" holds no length/],
  ['$01\r\n', /holds no length/],
  ['$+1\r\n', /holds no length/],
  ['$?\r\n', /holds no length/],
  ['*?\r\n', /holds no length/],
  ['!-1\r\n', /holds no length/],
  ['%-1\r\n', /holds no length/],
  ['*9999999999999999\r\n', /no length|a line/],
  ['$1\r\nabc', /no line end after the 1 bytes/],
  ['#x\r\n', /"x" is no boolean/],
  ['_x\r\n', /"x" is no nil/],
  [',1,5\r\n', /"1,5" is no double/],
  [',\r\n', /is no double/],
  ['(1.5\r\n', /is no big number/],
  ['=3\r\ntxt\r\n', /does not say its kind/],
  ['=5\r\ntext:\r\n', /does not say its kind/],
];

const OVER: readonly [bytes: string, problem: RegExp][] = [
  ['*1\r\n*1\r\n*1\r\n', /more than 2 replies deep/],
  ['*1\r\n|1\r\n%1\r\n', /more than 2 replies deep/],
  ['*6\r\n', /more than 5 items/],
  ['%3\r\n', /more than 5 items/],
  ['*2\r\n*4\r\n', /more than 5 items/],
  ['+12345678901\r\n', /a line of more than 10 bytes/],
  ['+123456789012', /a line of more than 10 bytes/],
  ['$60\r\n', /more than 60 bytes/],
  ['*2\r\n$25\r\nabcdefghijklmnopqrstuvwxy\r\n$25\r\n', /more than 60 bytes/],
];

t.test('what is no reply, or over a limit, is an error that says so, at every split', async (t) => {
  const cases = [
    ...REFUSED.map(([text, problem]) => [text, problem, REPLY_LIMITS] as const),
    ...OVER.map(([text, problem]) => [text, problem, SMALL] as const),
    [':9223372036854775808\r\n', /more than 64 bits/, REPLY_LIMITS] as const,
  ];
  for (const [text, problem, limits] of cases) {
    const [whole, ...rest] = readAll(text, limits);
    t.same(rest, [], JSON.stringify(text));
    t.match(whole, problem, JSON.stringify(text));
    for (let cut = 1; cut < text.length; cut++) {
      t.same(readIn(bytesOf(text), [cut], limits), [whole], `${JSON.stringify(text)} at ${cut}`);
    }
  }
  t.same(readAll('+OK\r\n:1\r\nnonsense'), [
    ['status', 'OK'],
    ['integer', '1'],
    'PROTOCOL "n" begins no reply',
  ]);
});

t.test('limits hold for one reply, not for many', async (t) => {
  t.same(readAll('+12345678\r\n'.repeat(50), SMALL).length, 50);
  t.same(readAll('*2\r\n:1\r\n:2\r\n'.repeat(50), SMALL).length, 50);
  t.same(
    readAll('*1\r\n*1\r\n*0\r\n', SMALL),
    [['array', ['array', ['array']]]],
    'an empty one is no deeper',
  );
});

t.test('whether a reply has begun', async (t) => {
  const bytes = bytesOf('|1\r\n+a\r\n+b\r\n*2\r\n$1\r\nx\r\n#t\r\n');
  const reader = new ReplyReader();
  t.notOk(reader.isWithinReply);
  for (const byte of bytes.subarray(0, -1)) {
    reader.read(Uint8Array.of(byte));
    t.ok(reader.isWithinReply);
  }
  t.equal(reader.read(bytes.subarray(-1)).length, 1);
  t.notOk(reader.isWithinReply);
});

/** A reply in bytes, written here without the code under test, and what it is read as. */
interface Sample {
  readonly bytes: string;
  readonly read: unknown;
}

const line = fc.stringMatching(/^[ -~\xa0-\xff]{0,30}$/);
const content = fc.uint8Array({ maxLength: 60 }).map(latin1);
const bulk = (sign: string, text: string) => `${sign}${text.length}\r\n${text}\r\n`;
const leaf: fc.Arbitrary<Sample> = fc.oneof(
  line.map((text) => ({ bytes: `+${text}\r\n`, read: ['status', text] })),
  line.map((text) => ({ bytes: `-${text}\r\n`, read: ['error', text] })),
  content.map((text) => ({ bytes: bulk('$', text), read: ['string', text] })),
  content.map((text) => ({ bytes: bulk('!', text), read: ['error', text] })),
  content.map((text) => ({ bytes: bulk('=', `txt:${text}`), read: ['verbatim', 'txt', text] })),
  fc
    .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    .map((n) => ({ bytes: `:${n}\r\n`, read: ['integer', String(n)] })),
  fc.bigInt().map((n) => ({ bytes: `(${n}\r\n`, read: ['bigNumber', String(n)] })),
  fc
    .double({ noNaN: true, noDefaultInfinity: true })
    .map((x) => ({ bytes: `,${x}\r\n`, read: ['double', String(x)] })),
  fc.boolean().map((b) => ({ bytes: b ? '#t\r\n' : '#f\r\n', read: ['boolean', b] })),
  fc.constantFrom('$-1\r\n', '*-1\r\n', '_\r\n').map((bytes) => ({ bytes, read: ['nil'] })),
);

const { tree } = fc.letrec<{ tree: Sample }>((tie) => {
  const items = fc.array(tie('tree'), { maxLength: 5 });
  const pairs = fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 3 });
  const joined = (list: readonly Sample[]) => list.map(({ bytes }) => bytes).join('');
  const signs = [
    ['*', 'array'],
    ['~', 'set'],
    ['>', 'push'],
  ] as const;
  const collection = fc.tuple(fc.constantFrom(...signs), items).map(([[sign, name], list]) => ({
    bytes: `${sign}${list.length}\r\n${joined(list)}`,
    read: [name, ...list.map(({ read }) => read)],
  }));
  const map = pairs.map((list) => ({
    bytes: `%${list.length}\r\n${joined(list.flat())}`,
    read: ['map', ...list.map(([key, value]) => [key.read, value.read])],
  }));
  const attributed = fc.tuple(pairs, leaf).map(([list, about]) => ({
    bytes: `|${list.length}\r\n${joined(list.flat())}${about.bytes}`,
    read: about.read,
  }));
  return { tree: fc.oneof({ depthSize: 'small', withCrossShrink: true }, leaf, collection, map, attributed) };
});

t.test('replies of any shape, in pieces of any size', async (t) => {
  fc.assert(
    fc.property(fc.array(tree, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 12 }), (list, places) => {
      const bytes = bytesOf(list.map((sample) => sample.bytes).join(''));
      const cuts = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
      const expected = JSON.stringify(list.map(({ read }) => read));
      t.equal(JSON.stringify(readIn(bytes, cuts)), expected);
      t.equal(JSON.stringify(readIn(bytes, [...bytes.keys()])), expected);
    }),
    { numRuns: 200 },
  );
});

t.test('any bytes are replies or an error, the same in pieces of any size', async (t) => {
  const signs = fc.constantFrom(...'+-:$*_#,(!=%~>|0123-\r\n\r\n\r\ntf'.split(''));
  fc.assert(
    fc.property(fc.array(signs, { maxLength: 40 }), (characters) => {
      const bytes = bytesOf(characters.join(''));
      const whole = JSON.stringify(readIn(bytes, [], SMALL));
      t.equal(JSON.stringify(readIn(bytes, [...bytes.keys()], SMALL)), whole);
    }),
    { numRuns: 500 },
  );
});

t.test('a large string in small pieces', async (t) => {
  const length = 4 * 1024 * 1024;
  const reader = new ReplyReader();
  reader.read(bytesOf(`*2\r\n$${length}\r\n`));
  const piece = new Uint8Array(1000).fill(0x61);
  for (let sent = 0; sent < length; sent += piece.length) {
    t.same(reader.read(piece.subarray(0, Math.min(piece.length, length - sent))), []);
  }
  const [reply] = reader.read(bytesOf('\r\n:1\r\n'));
  t.equal(
    reply?.type === 'array' && reply.items[0]?.type === 'string' && reply.items[0].bytes.length,
    length,
  );
});
