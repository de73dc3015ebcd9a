import { Encoder } from '@msgpack/msgpack';
import fc from 'fast-check';
import t from 'tap';
import {
  arrayField,
  bytesField,
  decodeBody,
  encodeBody,
  frameBody,
  integerField,
  mapField,
  stringField,
  writeBody,
} from '../../src/wire/body.js';
import { DEPTH_MAX, isBoundedBody, VALUES_MAX } from '../../src/wire/body-shape.js';
import { withFrame, written } from '../support/wire.js';

const hex = (text: string) => new Uint8Array(Buffer.from(text.replaceAll(' ', ''), 'hex'));
const bytes = () => fc.uint8Array({ maxLength: 60 });

/** Whatever MessagePack can say without extension types, at most `depth` deep. */
const { value: anyValue } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', maxDepth: 5 },
    fc.constantFrom(null, true, false),
    fc.integer(),
    fc.maxSafeInteger().map((value) => value + 0),
    fc.double({ noNaN: true }).map((value) => value + 0),
    fc.string({ unit: 'grapheme', maxLength: 300, size: 'max' }),
    bytes(),
    fc.array(tie('value'), { maxLength: 20 }),
    fc.dictionary(fc.string({ maxLength: 40 }), tie('value'), { maxKeys: 20 }),
  ),
}));
const anyMap = () =>
  fc.dictionary(fc.string({ maxLength: 40 }), anyValue, { maxKeys: 20 }).map((map) => ({ ...map }));

/** A value in a form that can be compared: the maps' prototypes and key orders left out. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { bin: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

t.test('whatever the encoder writes is accepted, and comes out as it went in', async (t) => {
  fc.assert(
    fc.property(anyMap(), (map) => {
      fc.pre(!JSON.stringify(plain(map)).includes('__proto__'));
      const encoded = encodeBody(map);
      const decoded = decodeBody(encoded);
      return isBoundedBody(encoded) && t.same(plain(decoded), plain(map));
    }),
  );
});

t.test('every size of string, bytes, array and map', async (t) => {
  for (const length of [0, 1, 15, 16, 31, 32, 255, 256, 65535, 65536, 70000]) {
    const map = {
      s: 'x'.repeat(length),
      b: new Uint8Array(length).fill(3),
      a: new Array(length).fill(1),
      m: Object.fromEntries(Array.from({ length }, (_, i) => [`k${i}`, i])),
    };
    const decoded = decodeBody(encodeBody(map));
    t.equal(decoded?.s, map.s);
    t.equal(decoded && Buffer.compare(bytesField(decoded, 'b')!, map.b), 0);
    t.equal(decoded && arrayField(decoded, 'a')!.length, length);
    t.equal(decoded && Object.keys(mapField(decoded, 'm')!).length, length);
  }
});

t.test('fields that are undefined are left out', async (t) => {
  t.same(encodeBody({ a: undefined, b: 1 }), hex('81 a1 62 01'));
});

t.test('only a map is a body', async (t) => {
  const cases = ['c0', '01', 'a1 61', '90', 'c4 01 00', 'c3', 'cb 3ff0000000000000'];
  for (const given of cases) {
    t.ok(isBoundedBody(hex(given)), given);
    t.equal(decodeBody(hex(given)), undefined, given);
  }
  t.same({ ...decodeBody(hex('80')) }, {});
});

const HOSTILE: [name: string, bytes: Uint8Array][] = [
  ['nothing', hex('')],
  ['a map of 2^32 - 1', hex('df ffffffff')],
  ['an array of 2^32 - 1', hex('dd ffffffff')],
  ['a nested array of 2^32 - 1', hex('81 a1 61 dd ffffffff 01')],
  ['a map that counts more than is there', hex('82 a1 61 01')],
  ['a map whose values are more than is there', hex('de 0003 a1 61 01 a1 62 02')],
  ['a string of 4 GiB', hex('81 a1 61 db ffffffff 61')],
  ['bytes of 4 GiB', hex('81 a1 61 c6 ffffffff 61')],
  ['a string cut short', hex('81 a1 61 a5 616161')],
  ['a length field cut short', hex('81 a1 61 da 00')],
  ['a number cut short', hex('81 a1 61 cf 00000000')],
  ['trailing bytes', hex('81 a1 61 01 00')],
  ['two maps', hex('80 80')],
  ['the type that is never used', hex('81 a1 61 c1')],
  ['fixext 1', hex('81 a1 61 d4 01 00')],
  ['fixext 16', hex(`81 a1 61 d8 01 ${'00'.repeat(16)}`)],
  ['ext 8', hex('81 a1 61 c7 01 05 00')],
  ['ext 32', hex('81 a1 61 c9 ffffffff 05')],
  ['a timestamp', hex('81 a1 61 d6 ff 00000000')],
  ['a key that is an array', hex('81 90 01')],
  ['a key that is nil', hex('81 c0 01')],
  ['a key that is bytes', hex('81 c4 01 61 01')],
  ['a key that would be the prototype', hex('81 a9 5f5f70726f746f5f5f 80')],
];

for (const [name, given] of HOSTILE) {
  t.test(`not a body: ${name}`, async (t) => {
    t.equal(decodeBody(given), undefined);
  });
}

/** `{ a: [[[…]]] }` with this many arrays. */
function nested(arrays: number): Uint8Array {
  return Uint8Array.from([...hex('81 a1 61'), ...new Array<number>(arrays).fill(0x91), 0x01]);
}

t.test('nesting is bounded', async (t) => {
  t.ok(decodeBody(nested(DEPTH_MAX - 1)), 'the deepest that is allowed');
  t.equal(decodeBody(nested(DEPTH_MAX)), undefined);
  t.equal(decodeBody(nested(1_000_000)), undefined, 'and no stack is used up by more');
  const maps = Uint8Array.from([...new Array<number>(100_000).fill(0x81), 0x01]);
  t.equal(decodeBody(maps), undefined);
});

/** `{ a: [v, v, …] }`. */
function arrayBody(count: number, value: number): Uint8Array {
  const body = new Uint8Array(8 + count).fill(value);
  body.set(hex('81 a1 61 dd'));
  new DataView(body.buffer).setUint32(4, count);
  return body;
}

t.test('the number of values is bounded', async (t) => {
  // The map, its key and the array count too.
  t.ok(decodeBody(arrayBody(VALUES_MAX - 3, 0x01)), 'the most that is allowed');
  t.equal(decodeBody(arrayBody(VALUES_MAX - 2, 0x01)), undefined);
});

t.test('no frame makes decoding take many times its size', async (t) => {
  for (const value of [0x80, 0x90, 0xc0, 0xa0]) {
    const body = arrayBody(16_000_000, value);
    const before = process.memoryUsage().heapUsed;
    t.equal(decodeBody(body), undefined);
    const taken = process.memoryUsage().heapUsed - before;
    t.ok(taken < 16_000_000, `${taken} bytes for 16 MB of ${value.toString(16)}`);
  }
});

t.test('random bytes never throw', async () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (given) => {
      const body = decodeBody(given);
      return body === undefined || isBoundedBody(given);
    }),
    { numRuns: 3000 },
  );
});

t.test('any single change to a body is decoded or refused, never thrown about', async () => {
  fc.assert(
    fc.property(anyMap(), fc.nat(), fc.nat(255), fc.nat(), (map, at, value, cut) => {
      const encoded = encodeBody(map);
      const changed = Uint8Array.from(encoded);
      changed[at % changed.length] = value;
      decodeBody(changed);
      decodeBody(changed.subarray(0, cut % changed.length));
      return decodeBody(encoded.subarray(0, cut % encoded.length)) === undefined;
    }),
    { numRuns: 500 },
  );
});

t.test('byte strings are copies, so the receive buffer may be reused', async (t) => {
  const encoded = encodeBody({ b: Uint8Array.of(1, 2, 3) });
  const decoded = decodeBody(encoded)!;
  encoded.fill(0);
  t.same([...bytesField(decoded, 'b')!], [1, 2, 3]);
});

t.test('a body is read within its window', async (t) => {
  const encoded = encodeBody({ a: 1 });
  const memory = new Uint8Array(encoded.length + 10).fill(0xff);
  memory.set(encoded, 5);
  t.same({ ...decodeBody(memory.subarray(5, 5 + encoded.length)) }, { a: 1 });
});

t.test('a frame with a body, with and without a key', async (t) => {
  const key = Uint8Array.of(7, 8);
  for (const given of [undefined, key]) {
    const sent = written((outbox) => writeBody(outbox, 0x16, 9, { a: 'x'.repeat(5000) }, given));
    withFrame(sent, (frame) => {
      t.match(frame, { type: 0x16, flags: 0, id: 9 });
      t.same([...frame.key()], given === undefined ? [] : [7, 8]);
      t.equal(frameBody(frame)?.a, 'x'.repeat(5000));
    });
  }
});

t.test('what has been encoded is the caller’s, whatever is encoded next', async (t) => {
  const first = encodeBody({ a: 1 });
  encodeBody({ b: 2 });
  written((outbox) => writeBody(outbox, 1, 1, { c: 3 }));
  t.same({ ...decodeBody(first) }, { a: 1 });
});

t.test('fields are given only when they have the right type', async (t) => {
  const map = { s: 'text', n: 5, f: 1.5, b: Uint8Array.of(1), a: [1], m: { x: 1 }, z: null, t: true };
  const body = decodeBody(encodeBody(map))!;
  const readers: [keyof typeof map, (name: string) => unknown][] = [
    ['s', (name) => stringField(body, name)],
    ['n', (name) => integerField(body, name, 0, 10)],
    ['b', (name) => bytesField(body, name)],
    ['a', (name) => arrayField(body, name)],
    ['m', (name) => mapField(body, name)],
  ];
  for (const [own, read] of readers) {
    for (const name of [...Object.keys(map), 'absent', 'constructor', 'toString']) {
      t.same(plain(read(name)), name === own ? plain(map[own]) : undefined, `${name} read as ${own}`);
    }
  }
});

t.test('integers are whole, safe and within bounds', async (t) => {
  const body = { low: 1, high: 9, under: 0, over: 10, half: 1.5, nan: NaN, huge: 2 ** 53, text: '5' };
  for (const name of Object.keys(body)) {
    const expected = name === 'low' ? 1 : name === 'high' ? 9 : undefined;
    t.equal(integerField(body, name, 1, 9), expected, name);
  }
  t.equal(integerField(body, 'huge', 0, Infinity), undefined, 'beyond 2^53');
});

t.test('a plain MessagePack encoder of another program is understood', async (t) => {
  const other = new Encoder({ forceIntegerToFloat: true, sortKeys: true });
  const body = decodeBody(other.encode({ n: 7, list: [1, 'a'] }))!;
  t.equal(integerField(body, 'n', 0, 10), 7, 'a float that is whole counts as an integer');
  t.same(arrayField(body, 'list'), [1, 'a']);
});
