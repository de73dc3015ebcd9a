/** Keys, values and expiries of the command line, and records as JSON: what the data commands share. */
import { definite, type KvError } from '../../src/base/errors.js';
import { EXPIRY_MS_MAX, KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../../src/base/limits.js';
import type { Entry } from '../client.js';
import type { Session, Settings } from '../session.js';
import { decodeArgument, jsonBytes } from '../text/byte-encoding.js';
import { formatCount } from '../text/quantity.js';
import { UsageError } from '../usage-error.js';

/** @throws UsageError for an empty key or one of another encoding; KvError `TOO_LARGE`. */
export function keyOf(text: string, settings: Settings): Uint8Array {
  const key = decodeArgument(text, settings.keys, 'key');
  if (key.length === 0) throw new UsageError('the key is empty');
  if (key.length <= KEY_BYTES_MAX) return key;
  throw definite('TOO_LARGE', `the key has ${formatCount(key.length)} bytes`);
}

/** The value itself. @throws KvError `TOO_LARGE` */
export function checkSize(value: Uint8Array): Uint8Array {
  if (value.length > VALUE_BYTES_MAX) throw tooLarge(formatCount(value.length));
  return value;
}

export function tooLarge(bytes: string): KvError {
  return definite('TOO_LARGE', `the value has ${bytes} bytes`);
}

/** The option of a write. @throws UsageError for a time that no clock here can express. */
export function ttlOption(ttlMs: number | undefined, { clock }: Session): { ttlMs?: number } {
  if (ttlMs === undefined) return {};
  if (clock.wallMs() + ttlMs <= EXPIRY_MS_MAX) return { ttlMs };
  throw new UsageError(
    `--ttl is too far away: nothing expires after ${new Date(EXPIRY_MS_MAX).toISOString()}`,
  );
}

/** A record in the form of an export, so that it can be imported; the value is null when the key is absent. */
export function entryJson(key: Uint8Array, entry: Entry | null): Record<string, unknown> {
  if (entry === null) return { ...jsonBytes('key', key), value: null };
  const expiry = entry.expiresAtMs === null ? {} : { expiresAt: entry.expiresAtMs };
  return { ...jsonBytes('key', key), ...jsonBytes('value', entry.value), ...expiry };
}
