import * as fc from 'fast-check';
import { test } from 'tap';
import { InFlight } from '../../cli/transfer/in-flight.js';
import { type Line, readLines } from '../../cli/transfer/line-reader.js';
import { formatRecord, parseRecord } from '../../cli/transfer/record-line.js';
import { EXPIRY_MS_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../../src/base/limits.js';

test('any record survives the way through a line', async () => {
  const bytes = (minLength: number) =>
    fc.oneof(
      fc.uint8Array({ minLength, maxLength: 40 }),
      fc.string({ unit: 'binary', minLength, maxLength: 20 }).map((text) => new TextEncoder().encode(text)),
    );
  const expiresAtMs = fc.option(fc.integer({ min: 1, max: EXPIRY_MS_MAX }));
  fc.assert(
    fc.property(bytes(1), bytes(0), expiresAtMs, (key, value, expiry) => {
      const line = formatRecord({ key, value, expiresAtMs: expiry });
      const read = parseRecord(Buffer.from(line));
      const isOneLine = !line.includes('\n');
      const isSame = Buffer.from(key).equals(read.key) && Buffer.from(value).equals(read.value);
      return isOneLine && isSame && read.expiresAtMs === expiry;
    }),
    { numRuns: 500 },
  );
});

test('the shape of a line', async (t) => {
  const text = { key: Buffer.from('k'), value: Buffer.from('"\n'), expiresAtMs: null };
  t.equal(formatRecord(text), '{"key":"k","value":"\\"\\n"}');
  const binary = { key: Uint8Array.of(255, 0), value: Uint8Array.of(137), expiresAtMs: 7 };
  t.equal(formatRecord(binary), '{"keyBase64":"/wA=","valueBase64":"iQ==","expiresAt":7}');
  // A byte order mark in a value is data.
  t.equal(formatRecord({ ...text, value: Buffer.from('\ufeff') }), '{"key":"k","value":"\ufeff"}');
});

test('malformed lines say what is wrong with them', async (t) => {
  const cases: [string | Uint8Array, RegExp][] = [
    ['', /^not JSON: /],
    ['{"key":"k"', /^not JSON: /],
    ['[1]', /^not a JSON object/],
    ['null', /^not a JSON object/],
    [Uint8Array.of(0x7b, 0xff, 0x7d), /^not UTF-8$/],
    ['{"value":"v"}', /^neither "key" and "keyBase64"/],
    ['{"key":"k"}', /^neither "value" and "valueBase64"/],
    ['{"key":"k","keyBase64":"aw==","value":"v"}', /^both "key" and "keyBase64"/],
    ['{"key":"k","value":null}', /^"value" is null, not a string$/],
    ['{"key":"k","value":{}}', /^"value" is an object, not a string$/],
    ['{"key":"k","value":5}', /^"value" is a number, not a string$/],
    ['{"key":"","value":"v"}', /^the key is empty$/],
    ['{"keyBase64":"a","value":"v"}', /^"keyBase64" is not base64$/],
    ['{"keyBase64":5,"value":"v"}', /^"keyBase64" is not base64$/],
    ['{"key":"\\ud800","value":"v"}', /^"key" holds half a surrogate pair/],
    ['{"key":"k","value":"v","ttl":5}', /^unknown field "ttl"; allowed are key, keyBase64/],
    ['{"key":"k","value":"v","expiresAt":"2030"}', /^"expiresAt" is not a moment/],
    ['{"key":"k","value":"v","expiresAt":0}', /^"expiresAt" is not a moment/],
    ['{"key":"k","value":"v","expiresAt":1.5}', /^"expiresAt" is not a moment/],
    [`{"key":"k","value":"v","expiresAt":${EXPIRY_MS_MAX + 1}}`, /^"expiresAt" is not a moment/],
    [
      JSON.stringify({ key: 'k'.repeat(KEY_BYTES_MAX + 1), value: '' }),
      /^the key has 8,193 bytes, more than 8,192$/,
    ],
    [JSON.stringify({ key: 'k', value: 'v'.repeat(VALUE_BYTES_MAX + 1) }), /^the value has 16,711,681 bytes/],
  ];
  for (const [line, message] of cases) {
    t.throws(
      () => parseRecord(Buffer.from(line as string)),
      { name: 'MalformedLine', message },
      String(message),
    );
  }
});

async function* chunked(bytes: Uint8Array, ...cuts: number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...cuts, bytes.length]) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
}

async function collect(lines: AsyncIterable<Line>): Promise<[number, string | undefined, number][]> {
  const collected: [number, string | undefined, number][] = [];
  for await (const { number, bytes, endOffset } of lines) {
    collected.push([number, bytes === undefined ? undefined : Buffer.from(bytes).toString(), endOffset]);
  }
  return collected;
}

test('lines come out whole wherever the stream is cut', async (t) => {
  const bytes = Buffer.from('one\n\nthrée\r\nfour');
  const expected = [
    [1, 'one', 4],
    [2, '', 5],
    [3, 'thrée\r', 13],
    [4, 'four', 17],
  ];
  for (let a = 0; a <= bytes.length; a += 1) {
    for (let b = a; b <= bytes.length; b += 1) {
      t.same(await collect(readLines(chunked(bytes, a, b), 100)), expected, `cut at ${a} and ${b}`);
    }
  }
});

test('a line that is too long is passed over, and the next ones are read', async (t) => {
  const bytes = Buffer.from('123456\n12345\n1234567');
  for (let cut = 0; cut <= bytes.length; cut += 1) {
    const lines = await collect(readLines(chunked(bytes, cut), 5));
    t.same(
      lines.map(([, text]) => text),
      [undefined, '12345', undefined],
      `cut at ${cut}`,
    );
  }
  t.same(await collect(readLines(chunked(Buffer.alloc(0)), 5)), []);
  t.same(await collect(readLines(chunked(Buffer.from('a\n')), 5)), [[1, 'a', 2]]);
});

test('what is in flight is bounded by count and by bytes', async (t) => {
  const inFlight = new InFlight({ tasksMax: 3, bytesMax: 100 });
  let running = 0;
  let runningBytes = 0;
  let peak = 0;
  let peakBytes = 0;
  const run = async (i: number, bytes: number) => {
    await inFlight.room(bytes);
    inFlight.start(Buffer.from(`k${i}`), bytes, async () => {
      peak = Math.max(peak, ++running);
      runningBytes += bytes;
      // A task larger than the limit runs alone; all others share it.
      if (running > 1) peakBytes = Math.max(peakBytes, runningBytes);
      for (let turns = 0; turns < 1 + (i % 3); turns += 1)
        await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      runningBytes -= bytes;
    });
  };
  for (let i = 0; i < 20; i += 1) await run(i, 10);
  await inFlight.idle();
  t.equal(peak, 3);
  for (let i = 0; i < 20; i += 1) await run(i, i % 5 === 0 ? 500 : 45);
  await inFlight.idle();
  t.equal(running, 0);
  t.equal(peakBytes, 90);
});

test('tasks of one key run one after the other, in order', async (t) => {
  const inFlight = new InFlight({ tasksMax: 10, bytesMax: 1000 });
  const order: string[] = [];
  const delays = [5, 1, 3];
  for (const [i, turns] of delays.entries()) {
    inFlight.start(Buffer.from('same'), 1, async () => {
      order.push(`begin ${i}`);
      for (let j = 0; j < turns; j += 1) await new Promise((resolve) => setImmediate(resolve));
      order.push(`end ${i}`);
    });
  }
  inFlight.start(Buffer.from('other'), 1, async () => {
    order.push('other');
  });
  await inFlight.idle();
  t.same(order, ['begin 0', 'other', 'end 0', 'begin 1', 'end 1', 'begin 2', 'end 2']);
});
