/** Whatever is written is read back: by a small reader of ours, and by the parser of node-redis. */
import { Decoder } from '@redis/client/dist/lib/RESP/decoder.js';
import fc from 'fast-check';
import t from 'tap';
import { HeldBytes } from '../../../src/wire/resp/held-bytes.js';
import { typedReply } from '../../../src/wire/resp/reply-value.js';
import { type ReplyValue, ReplyWriter } from '../../../src/wire/resp/reply-writer.js';
import { type ReadReply, readReplies } from './reply-reader.js';
import { latin1 } from './support.js';

/** A value, what our reader gives for it, and what node-redis gives, in one version of the protocol. */
interface Sample {
  readonly value: ReplyValue;
  readonly read: ReadReply;
  readonly decoded: unknown;
}

function written(protocol: 2 | 3, values: readonly ReplyValue[]): Uint8Array {
  const sink = new HeldBytes();
  const reply = new ReplyWriter(sink);
  reply.protocol = protocol;
  for (const value of values) reply.value(value);
  return sink.bytes.slice(0, sink.length);
}

function decodedByNodeRedis(bytes: Uint8Array): unknown[] {
  const replies: unknown[] = [];
  const decoder = new Decoder({
    onReply: (reply) => replies.push(reply),
    onErrorReply: (error) => replies.push(`error ${error.message}`),
    onPush: (push) => replies.push(push),
    getTypeMapping: () => ({}),
  });
  decoder.write(Buffer.from(bytes));
  return replies;
}

const utf8 = (text: string) => latin1(new TextEncoder().encode(text));
const word = fc.stringMatching(/^[A-Za-z][A-Za-z0-9 ]{0,40}$/);
const unicode = fc.string({ unit: 'grapheme', maxLength: 80 });
/** Only so far node-redis reads integers without rounding them. */
const EXACT_MAX = 2 ** 52;
const number = fc.oneof(
  fc.maxSafeInteger().map((n) => n % EXACT_MAX),
  fc.integer({ min: -1000, max: 1000 }),
);
const fraction = fc.double({ noNaN: true, noDefaultInfinity: true }).filter((x) => !Number.isSafeInteger(x));

function leaf(protocol: 2 | 3): fc.Arbitrary<Sample> {
  const three = protocol === 3;
  return fc.oneof(
    unicode.map((value): Sample => ({ value, read: ['$', utf8(value)], decoded: value })),
    word.map(
      (text): Sample => ({ value: typedReply({ type: 'status', text }), read: ['+', text], decoded: text }),
    ),
    number.map((value): Sample => ({ value, read: [':', String(value)], decoded: value })),
    fc.boolean().map((value): Sample => {
      const digit = value ? '1' : '0';
      return three
        ? { value, read: ['#', value ? 't' : 'f'], decoded: value }
        : { value, read: [':', digit], decoded: Number(value) };
    }),
    fc.constant<Sample>({ value: null, read: three ? ['_', ''] : ['$', null], decoded: null }),
  );
}

function samples(protocol: 2 | 3): fc.Arbitrary<Sample> {
  const { tree } = fc.letrec<{ tree: Sample }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      leaf(protocol),
      fc.array(tie('tree'), { maxLength: 5 }).map(
        (items): Sample => ({
          value: items.map((item) => item.value),
          read: ['*', items.map((item) => item.read)],
          decoded: items.map((item) => item.decoded),
        }),
      ),
    ),
  }));
  return tree;
}

for (const protocol of [2, 3] as const) {
  t.test(`values of any shape, version ${protocol}`, async (t) => {
    fc.assert(
      fc.property(fc.array(samples(protocol), { maxLength: 6 }), (list) => {
        const bytes = written(
          protocol,
          list.map((sample) => sample.value),
        );
        t.equal(JSON.stringify(readReplies(bytes)), JSON.stringify(list.map((sample) => sample.read)));
        t.equal(
          JSON.stringify(decodedByNodeRedis(bytes)),
          JSON.stringify(list.map((sample) => sample.decoded)),
        );
      }),
      { numRuns: 300 },
    );
  });

  t.test(`maps and sets, version ${protocol}`, async (t) => {
    fc.assert(
      fc.property(fc.dictionary(unicode, number, { noNullPrototype: true }), (record) => {
        const flat = Object.entries(record).flatMap(([name, n]): ReadReply[] => [
          ['$', utf8(name)],
          [':', String(n)],
        ]);
        const expected: ReadReply = [protocol === 3 ? '%' : '*', flat];
        for (const value of [record, new Map<ReplyValue, ReplyValue>(Object.entries(record))]) {
          t.same(readReplies(written(protocol, [value])), [expected]);
        }
        const set = new Set(Object.keys(record));
        const members = [...set].map((name): ReadReply => ['$', utf8(name)]);
        t.same(readReplies(written(protocol, [set])), [[protocol === 3 ? '~' : '*', members]]);
      }),
    );
  });
}

t.test('errors, between other replies', async (t) => {
  fc.assert(
    fc.property(word, unicode, (text, before) => {
      const bytes = written(2, [before, typedReply({ type: 'error', text }), 1]);
      t.same(decodedByNodeRedis(bytes), [before, `error ${text}`, 1]);
    }),
  );
});

t.test('doubles come back as they were', async (t) => {
  fc.assert(
    fc.property(fraction, (x) => {
      t.ok(Object.is(decodedByNodeRedis(written(3, [x]))[0], x), `${x}`);
      t.ok(Object.is(Number(decodedByNodeRedis(written(2, [x]))[0]), x), `${x} in version 2`);
    }),
    { numRuns: 1000 },
  );
});
