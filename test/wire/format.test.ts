/** Keeps FORMAT.md true: every number, field and byte in it is compared with the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { viewOf } from '../../src/base/bytes.js';
import * as limits from '../../src/base/limits.js';
import { parseConfig, parseMember } from '../../src/membership/cluster-config.js';
import { loadKeyHasher } from '../../src/ring/hash.js';
import { checkRecord, isRecordShape } from '../../src/version/record.js';
import { decodeBody, mapField } from '../../src/wire/body.js';
import * as bodyShape from '../../src/wire/body-shape.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import * as messageType from '../../src/wire/message-type.js';
import { projectRoot } from '../support/project-root.js';
import { concat, FrameLog, type SeenFrame, written } from '../support/wire.js';
import {
  type BodyField,
  type Example,
  type ExampleField,
  LINE_BYTES_MAX,
  notation,
  parseBodyFields,
  parseExamples,
  parseTable,
} from './format-document.js';
import { EXAMPLES, HASH_HI, HASH_LO, KEY } from './format-examples.js';

const DOCUMENT = readFileSync(join(projectRoot(), 'src', 'wire', 'FORMAT.md'), 'utf8');
const TYPES = parseTable(DOCUMENT, 'Number');
const SHOWN = parseExamples(DOCUMENT);

/** The types that have ever been given out. Rows are only ever added at the end of their group. */
const GIVEN_OUT: Readonly<Record<string, number>> = {
  HELLO: 0x01,
  WELCOME: 0x02,
  ERROR: 0x03,
  PING: 0x04,
  PONG: 0x05,
  GET: 0x10,
  SET: 0x11,
  DELETE: 0x12,
  SCAN: 0x13,
  STATUS: 0x14,
  RING: 0x15,
  OWNERS: 0x16,
  REPAIR: 0x17,
  LOG_LEVEL: 0x18,
  VALUE: 0x20,
  ABSENT: 0x21,
  DONE: 0x22,
  RESULT: 0x23,
  JOIN: 0x40,
  CONFIG_PUSH: 0x41,
  CONFIG_PULL: 0x42,
  FREEZE: 0x43,
  RELEASE: 0x44,
  PROBE: 0x45,
  PROBE_REQUEST: 0x46,
  GOSSIP: 0x47,
  PUSH_PULL: 0x48,
  HINTS_OFFER: 0x60,
  TREE_DIGEST: 0x61,
  TREE_LEAVES: 0x62,
  TREE_KEYS: 0x63,
  RECORDS: 0x64,
  RECORDS_PUSH: 0x65,
  HINT: 0x66,
  BARRIER: 0x67,
  COLLECT_PROMISE: 0x68,
  COLLECT: 0x69,
  COUNT_KEYS: 0x6a,
  REPLICA_READ: 0x50,
  REPLICA_APPLY: 0x51,
  REPLICA_SCAN: 0x52,
  READ_SAME: 0x58,
  READ_VERSION: 0x59,
  READ_RECORD: 0x5a,
  APPLIED: 0x5b,
  STALE: 0x5c,
  UNSURE: 0x5d,
};

const CONSTANTS: Readonly<Record<string, unknown>> = { ...messageType };
const CODE_TYPES = Object.keys(CONSTANTS).filter(
  (name) => typeof CONSTANTS[name] === 'number' && !name.startsWith('FLAG_') && name !== 'PROTOCOL_VERSION',
);

const hexOf = (bytes: Uint8Array) =>
  Buffer.from(bytes)
    .toString('hex')
    .replace(/..(?!$)/g, '$& ');
const bytesOf = (example: Example) => concat(example.fields.map((field) => field.bytes));
const typeOf = (title: string) => title.split(' ')[0]!;
const rowOf = (example: Example) => TYPES.find((row) => row.Name === typeOf(example.title))!;

t.test('no type is ever changed or taken back', async (t) => {
  for (const [name, number] of Object.entries(GIVEN_OUT)) t.equal(CONSTANTS[name], number, name);
  t.same([...CODE_TYPES].sort(), Object.keys(GIVEN_OUT).sort(), 'add new types to this test');
});

t.test('the table lists exactly the types of the code, in order', async (t) => {
  t.same(TYPES.map((row) => row.Name).sort(), [...CODE_TYPES].sort());
  const numbers = TYPES.map((row) => Number(row.Number));
  t.same(
    numbers,
    [...numbers].sort((a, b) => a - b),
  );
  t.equal(new Set(numbers).size, numbers.length);
  for (const row of TYPES) {
    t.equal(Number(row.Number), CONSTANTS[row.Name!], row.Name!);
    t.equal(messageType.typeName(Number(row.Number)), row.Name);
  }
});

t.test('flags and replies in the table exist', async (t) => {
  for (const row of TYPES) {
    for (const [, number, name] of row.Flags!.matchAll(/(\d+) (\w+)/g)) {
      t.equal(CONSTANTS[`FLAG_${name}`], Number(number), `${row.Name}: ${name}`);
    }
    const replies = row.Reply === '–' ? [] : row.Reply!.split(', ');
    for (const reply of replies) t.ok(CODE_TYPES.includes(reply), `${row.Name} is answered by ${reply}`);
  }
});

t.test('the limits in the document are those of the code', async (t) => {
  const known: Record<string, unknown> = { ...limits, ...bodyShape };
  const rows = parseTable(DOCUMENT, 'Limit');
  t.ok(rows.length >= 6);
  for (const row of rows) t.equal(Number(row.Value!.replaceAll(' ', '')), known[row.Limit!], row.Limit!);
});

t.test('every type has an example, and every example is one that the code writes', async (t) => {
  const titles = SHOWN.map((example) => example.title);
  t.same(titles.sort(), Object.keys(EXAMPLES).sort());
  t.equal(new Set(titles).size, titles.length);
  for (const name of CODE_TYPES)
    t.ok(
      titles.some((title) => typeOf(title) === name),
      name,
    );
});

for (const example of SHOWN) {
  t.test(`the example of ${example.title}, line ${example.line}`, async (t) => {
    const write = EXAMPLES[example.title];
    if (write === undefined) throw new Error('the code has no such example');
    t.equal(hexOf(bytesOf(example)), hexOf(written(write)), 'the writers make exactly these bytes');
    const frame = checkHeader(t, example);
    if (rowOf(example).Body === 'map') checkMapBody(t, example, frame);
    else checkFixedBody(t, example);
  });
}

/** The header's lines, against what the decoder says and what the notes say. */
function checkHeader(t: Test, example: Example): SeenFrame {
  const log = new FrameLog();
  new FrameDecoder(log).push(bytesOf(example));
  t.equal(log.frames.length, 1, 'one frame');
  const frame = log.frames[0]!;
  const row = rowOf(example);
  t.equal(frame.type, Number(row.Number));
  t.equal(frame.key.length > 0, row.Key === 'key', 'a key where the table has one');
  const known = [...row.Flags!.matchAll(/(\d+) \w+/g)].reduce(
    (flags, [, number]) => flags | Number(number),
    0,
  );
  t.equal(frame.flags & ~known, 0, 'only flags that the table has');
  const notes = headerFields(example).map(({ name, value }) => `${name} ${value}`);
  const expected = [
    `length ${8 + frame.key.length + frame.body.length}`,
    `type ${row.Name}`,
    `flags ${frame.flags}`,
    `key-length ${frame.key.length}`,
    `request-id ${frame.id}`,
  ];
  if (frame.key.length > 0) expected.push(`key ${JSON.stringify(Buffer.from(frame.key).toString())}`);
  t.same(notes, expected);
  t.same(
    headerFields(example)
      .map((field) => field.bytes.length)
      .slice(0, 5),
    [4, 1, 1, 2, 4],
  );
  t.equal(headerFields(example)[5]?.bytes.length ?? 0, frame.key.length);
  return frame;
}

function headerFields(example: Example): readonly ExampleField[] {
  return example.fields.slice(0, rowOf(example).Key === 'key' ? 6 : 5);
}

function bodyFields(example: Example): readonly ExampleField[] {
  return example.fields.slice(headerFields(example).length);
}

/** One line for the map, one field per entry, each noted as it decodes. */
function checkMapBody(t: Test, example: Example, frame: SeenFrame): void {
  const body = decodeBody(frame.body);
  if (body === undefined) throw new Error('the body is not a map');
  const [head, ...entries] = bodyFields(example);
  t.match(head, { name: 'map', value: `of ${Object.keys(body).length}` });
  t.equal(head?.bytes.length, 1);
  t.same(
    entries.map((entry) => entry.name),
    Object.keys(body),
  );
  for (const { name, value, bytes } of entries) {
    const entry = decodeBody(Uint8Array.from([0x81, ...bytes]));
    t.equal(value, notation(entry?.[name]), name);
    t.same(notation(body[name]), value);
  }
}

/** The fields of the table, in order, with their sizes, each noted with its value. */
function checkFixedBody(t: Test, example: Example): void {
  const row = rowOf(example);
  const declared = row.Body === '–' ? [] : parseBodyFields(row.Body!);
  const shown = bodyFields(example);
  const present = declared.filter((field) => !isLeftOut(field, shown));
  t.same(
    shown.map((field) => field.name),
    present.map((field) => field.name),
  );
  for (const [i, field] of shown.entries()) {
    const { size } = present[i]!;
    if (size !== undefined) t.equal(field.bytes.length, size, field.name);
    t.ok(isNoted(field), `${field.name} ${field.value} is not ${hexOf(field.bytes)}`);
  }
}

/** Optional fields may be absent, and so may the rest of the frame when it is empty. */
function isLeftOut(field: BodyField, shown: readonly ExampleField[]): boolean {
  return (field.isOptional || field.size === undefined) && !shown.some((other) => other.name === field.name);
}

/** Whether the note is the value of the bytes: text in quotes, or a number, in hex or not. */
function isNoted({ value, bytes }: ExampleField): boolean {
  if (value.startsWith('"')) return value === JSON.stringify(Buffer.from(bytes).toString());
  const number = BigInt(`0x${Buffer.from(bytes).toString('hex')}`);
  return /^(\d+|0x[0-9a-f]+)$/.test(value) && BigInt(value) === number;
}

t.test('the hash in the examples is that of their key, and the records check under it', async (t) => {
  const hasher = await loadKeyHasher();
  hasher.hash(KEY);
  t.equal(hasher.hi, HASH_HI);
  t.equal(hasher.lo, HASH_LO);
  const records = SHOWN.filter((example) => example.fields.some((field) => field.name === 'crc'));
  t.ok(records.length >= 3);
  for (const example of records) {
    const from = example.fields.findIndex((field) => field.name === 'crc');
    const record = concat(example.fields.slice(from).map((field) => field.bytes));
    t.ok(isRecordShape(viewOf(record), 0, record.length), example.title);
    t.ok(checkRecord(record, HASH_LO), example.title);
  }
});

t.test('the members and configurations in the examples are valid', async (t) => {
  const bodyOf = (title: string) => {
    const fields = bodyFields(SHOWN.find((example) => example.title === title)!);
    return decodeBody(concat(fields.map((field) => field.bytes)))!;
  };
  t.ok(parseMember(mapField(bodyOf('JOIN'), 'member')));
  t.ok(parseConfig(mapField(bodyOf('CONFIG_PUSH'), 'config')));
  t.ok(parseConfig(mapField(bodyOf('RESULT (to JOIN)'), 'config')));
  t.ok(parseConfig(bodyOf('RESULT (to RING)')));
});

t.test('the reader of the document refuses what is not in its form', async (t) => {
  const block = (...lines: string[]) => ['```frame X', ...lines, '```'].join('\n');
  t.same(parseExamples(block('00 01  a 1', '02', '03  b "x"')), [
    {
      title: 'X',
      line: 1,
      fields: [
        { name: 'a', value: '1', bytes: Uint8Array.of(0, 1, 2) },
        { name: 'b', value: '"x"', bytes: Uint8Array.of(3) },
      ],
    },
  ]);
  const long = new Array(LINE_BYTES_MAX + 1).fill('00').join(' ');
  for (const line of ['', '0', '00 1', '00  name', '00 name 1', 'zz  a 1', 'AA  a 1', '00', `${long}  a 1`]) {
    t.throws(() => parseExamples(block(line)), /FORMAT.md:2/, line);
  }
  t.throws(() => parseExamples('```frame X\n00  a 1'), /does not end/);
  t.throws(() => parseTable('| a | b |\n|---|---|\n| 1 |', 'a'), /1 cells/);
  t.throws(() => parseTable('', 'a'), /no table/);
  t.throws(() => parseBodyFields('a:u24'), /not a field/);
  t.same(parseBodyFields('[a:u8 b:u64] c:bytes'), [
    { name: 'a', size: 1, isOptional: true },
    { name: 'b', size: 8, isOptional: true },
    { name: 'c', size: undefined, isOptional: false },
  ]);
  const wrong: [string, number[]][] = [
    ['2', [0, 1]],
    ['0x2', [1]],
    ['"b"', [0x61]],
    ['one', [1]],
  ];
  for (const [value, bytes] of wrong) {
    t.notOk(isNoted({ name: 'a', value, bytes: Uint8Array.from(bytes) }), value);
  }
});
