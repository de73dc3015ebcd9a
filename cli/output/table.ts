/** Aligned columns without lines, by cli-table3. The only file that imports it. */
import Table from 'cli-table3';
import type { Colour } from './colour.js';

export interface Column {
  readonly title: string;
  /** Numbers are easier to compare when they end in one line. */
  readonly align?: 'left' | 'right';
}

const NO_LINES = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;

/** The table as text, each line ended by a newline. Cells must hold no newline; they may be coloured. */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  colour: Colour,
): string {
  const table = new Table({
    head: columns.map((column) => colour.bold(column.title)),
    chars: NO_LINES,
    colAligns: columns.map((column) => column.align ?? 'left'),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
  });
  for (const row of rows) table.push([...row]);
  return table
    .toString()
    .split('\n')
    .map((line) => `${line.trimEnd()}\n`)
    .join('');
}

/** Names and what belongs to them, one pair a line, indented so that the second column is aligned. */
export function renderFacts(facts: readonly (readonly [string, string])[], colour: Colour): string {
  const width = Math.max(...facts.map(([name]) => name.length));
  return facts.map(([name, fact]) => `${colour.dim(name.padEnd(width))}  ${fact}\n`).join('');
}
