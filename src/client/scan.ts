/** Scans: pages of entries from the cluster, handed out one entry at a time. */
import { EXPIRY_MS_MAX } from '../base/limits.js';
import { arrayField, type Body, bytesField } from '../wire/body.js';
import type { Frame } from '../wire/frame.js';
import { readResult } from './replies.js';

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** A key that a scan has found. */
export class ScanEntry {
  readonly key: Uint8Array;
  /** Only with the scan's `values` option. */
  readonly value?: Uint8Array;
  /** Milliseconds since 1970, or null when it does not expire. */
  readonly expiresAtMs: number | null;

  constructor(key: Uint8Array, value: Uint8Array | undefined, expiresAtMs: number | null) {
    this.key = key;
    if (value !== undefined) this.value = value;
    this.expiresAtMs = expiresAtMs;
  }

  /** The key as UTF-8 text; bytes that are none become U+FFFD. Decoded at each call. */
  get keyText(): string {
    return decoder.decode(this.key);
  }

  /** The value as UTF-8 text. */
  get valueText(): string | undefined {
    return this.value === undefined ? undefined : decoder.decode(this.value);
  }
}

export interface ScanPage {
  readonly entries: readonly ScanEntry[];
  /** Where the next page begins; null at the end. */
  readonly cursor: Uint8Array | null;
}

/** Every entry of every page. The next page is asked for while the caller works on this one. */
export async function* scanPages(
  fetchPage: (cursor: Uint8Array | undefined) => Promise<ScanPage>,
): AsyncGenerator<ScanEntry, void, undefined> {
  let page = await fetchPage(undefined);
  while (page.cursor !== null) {
    const next = fetchPage(page.cursor);
    // It is awaited below; when the caller stops before that, its failure concerns nobody.
    next.catch(() => {});
    yield* page.entries;
    page = await next;
  }
  yield* page.entries;
}

/** Reads a page. `hasValues`: every entry must bring its value. */
export function readPage(frame: Frame, hasValues: boolean): ScanPage | undefined {
  const body = readResult(frame);
  const items = body === undefined ? undefined : arrayField(body, 'entries');
  if (body === undefined || items === undefined) return undefined;
  const cursor = body.cursor === null ? null : bytesField(body, 'cursor');
  const entries = parseEntries(items, hasValues);
  return cursor === undefined || entries === undefined ? undefined : { entries, cursor };
}

/** The body of a SCAN. */
export function scanBody(fields: {
  readonly prefix: Uint8Array | undefined;
  readonly cursor: Uint8Array | undefined;
  readonly limit: number;
  readonly values: boolean;
  /** 0: the cluster's. */
  readonly r: number;
}): Body {
  const { prefix, cursor, limit, values, r } = fields;
  return { prefix, cursor, limit, values, r: r === 0 ? undefined : r };
}

function parseEntries(items: readonly unknown[], hasValues: boolean): ScanEntry[] | undefined {
  const entries: ScanEntry[] = [];
  for (const item of items) {
    if (!Array.isArray(item)) return undefined;
    const [key, expiryMs, value] = item as unknown[];
    if (!(key instanceof Uint8Array) || !isExpiry(expiryMs)) return undefined;
    if (hasValues && !(value instanceof Uint8Array)) return undefined;
    entries.push(
      new ScanEntry(key, hasValues ? (value as Uint8Array) : undefined, expiryMs === 0 ? null : expiryMs),
    );
  }
  return entries;
}

function isExpiry(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= EXPIRY_MS_MAX;
}
