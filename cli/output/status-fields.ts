/**
 * Reads the fields of a status for people. The map comes from a node that may be of another version: a field that is
 * missing or of another type is shown as `-`, and never stops the rest.
 */
import type { StatusMap } from '../client.js';
import { formatDuration } from '../text/duration.js';
import { formatBytes, formatCount } from '../text/quantity.js';
import type { Colour } from './colour.js';

/** What stands for a field that is not there. */
export const UNKNOWN = '-';

/** What is known of one node: its status, or why it gave none. */
export interface NodeReport {
  readonly name: string;
  readonly address: string;
  readonly status?: StatusMap;
  readonly problem?: string;
}

const NAMES = new Intl.Collator('en', { numeric: true });

/** In the order in which people count: n2 before n10. */
export function byName<T extends { readonly name?: unknown }>(items: readonly T[]): T[] {
  return [...items].sort((a, b) => compareNames(text(a.name), text(b.name)));
}

/** As {@link byName}, for names alone. */
export function compareNames(a: string, b: string): number {
  return NAMES.compare(a, b);
}

export function stateCell(state: unknown, colour: Colour): string {
  const name = text(state);
  if (name === 'serving' || name === 'alive' || name === 'self') return colour.green(name);
  const isPassing = name === 'joining' || name === 'syncing' || name === 'suspect';
  return isPassing ? colour.yellow(name) : colour.red(name);
}

export function text(value: unknown): string {
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' && value !== '' ? value : UNKNOWN;
}

export function count(value: unknown): string {
  return isNumber(value) ? formatCount(value) : UNKNOWN;
}

export function bytes(value: unknown): string {
  return isNumber(value) ? formatBytes(value) : UNKNOWN;
}

export function duration(value: unknown): string {
  return isNumber(value) ? formatDuration(value) : UNKNOWN;
}

/** The number, or 0 when there is none. */
export function numberOf(value: unknown): number {
  return isNumber(value) ? value : 0;
}

export function mapOf(value: unknown): StatusMap {
  return isMap(value) ? value : {};
}

/** The items of a list that are maps. */
export function listOf(value: unknown): StatusMap[] {
  return Array.isArray(value) ? value.filter(isMap) : [];
}

export function isMap(value: unknown): value is StatusMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}
