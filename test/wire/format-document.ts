/**
 * Reads src/wire/FORMAT.md. Two things in it are for programs too, and every line of them must have its exact form:
 *
 * - Tables, found by the first column of their head.
 * - Examples: a block fenced as `frame TITLE`. A line is up to 16 bytes in hex, and behind two or more spaces what they
 *   are: a field's name and value. A line without such a note continues the field above it.
 */

/** Bytes on one line of an example. */
export const LINE_BYTES_MAX = 16;

export interface ExampleField {
  readonly name: string;
  /** What the document says the bytes stand for. */
  readonly value: string;
  readonly bytes: Uint8Array;
}

export interface Example {
  readonly title: string;
  readonly line: number;
  readonly fields: readonly ExampleField[];
}

/** A field of a fixed body as the table of types has it; `size` is undefined for the rest of the frame. */
export interface BodyField {
  readonly name: string;
  readonly size: number | undefined;
  readonly isOptional: boolean;
}

const FENCE = /^```frame (\S.*)$/;
const EXAMPLE_LINE = /^((?:[0-9a-f]{2} )*[0-9a-f]{2})(?: {2,}(\S+) (\S.*))?$/;
const SIZES: Readonly<Record<string, number | undefined>> = {
  u8: 1,
  u16: 2,
  u32: 4,
  u64: 8,
  bytes: undefined,
};

/** All examples, in the order of the document. */
export function parseExamples(document: string): Example[] {
  const examples: Example[] = [];
  const lines = document.split('\n');
  for (let i = 0; i < lines.length; i++) {
    const title = FENCE.exec(lines[i]!)?.[1];
    if (title === undefined) continue;
    const end = lines.indexOf('```', i);
    if (end < 0) throw new Error(`FORMAT.md:${i + 1}: the block does not end`);
    examples.push({ title, line: i + 1, fields: parseFields(lines.slice(i + 1, end), i + 2) });
    i = end;
  }
  return examples;
}

function parseFields(lines: readonly string[], first: number): ExampleField[] {
  const fields: { name: string; value: string; bytes: Uint8Array }[] = [];
  for (const [i, line] of lines.entries()) {
    const [, hex, name, value] = EXAMPLE_LINE.exec(line) ?? [];
    const bytes = Buffer.from((hex ?? '').replaceAll(' ', ''), 'hex');
    const last = fields.at(-1);
    if (bytes.length === 0 || bytes.length > LINE_BYTES_MAX || (name === undefined && last === undefined)) {
      throw new Error(`FORMAT.md:${first + i}: not a line of an example: ${line}`);
    }
    if (name === undefined) last!.bytes = new Uint8Array(Buffer.concat([last!.bytes, bytes]));
    else fields.push({ name, value: value!, bytes: new Uint8Array(bytes) });
  }
  return fields;
}

/** The rows of the table whose head begins with `column`; each row by the names of the columns, without backquotes. */
export function parseTable(document: string, column: string): Record<string, string>[] {
  const lines = document.split('\n');
  const head = lines.findIndex((line) => line.startsWith('|') && cells(line)[0] === column);
  if (head < 0) throw new Error(`FORMAT.md has no table of ${column}`);
  const names = cells(lines[head]!);
  const rows: Record<string, string>[] = [];
  for (let i = head + 2; lines[i]?.startsWith('|'); i++) {
    const row = cells(lines[i]!);
    if (row.length !== names.length) throw new Error(`FORMAT.md:${i + 1}: ${row.length} cells`);
    rows.push(Object.fromEntries(names.map((name, at) => [name, row[at]!])));
  }
  return rows;
}

function cells(line: string): string[] {
  const inner = line.trim().slice(1, -1);
  return inner.split('|').map((cell) => cell.trim().replaceAll('`', ''));
}

/** `clock:u64 [expiry:u64] value:bytes`; fields in brackets are there or not. */
export function parseBodyFields(text: string): BodyField[] {
  let isOptional = false;
  return text.split(' ').map((part) => {
    if (part.startsWith('[')) isOptional = true;
    const [, name, kind] = /^\[?([\w-]+):(\w+)\]?$/.exec(part) ?? [];
    if (name === undefined || !(kind! in SIZES)) throw new Error(`not a field: ${part}`);
    const field = { name, size: SIZES[kind!], isOptional };
    if (part.endsWith(']')) isOptional = false;
    return field;
  });
}

/** A decoded MessagePack value as the document writes it: JSON, with byte strings as `h'00ff'`. */
export function notation(value: unknown): string {
  if (value instanceof Uint8Array) return `h'${Buffer.from(value).toString('hex')}'`;
  if (Array.isArray(value)) return `[${value.map(notation).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(([key, item]) => `${key}: ${notation(item)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}
