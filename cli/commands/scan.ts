/** `kvcli scan [PREFIX]`: the keys that begin with it, in the order of their slots, as they arrive. */
import type { ScanEntry } from '../client.js';
import { writeJson, writeLine } from '../output/output.js';
import { DONE, type ExitCode, FAILED, readOptions, type Session } from '../session.js';
import { decodeArgument, jsonBytes, showBytes } from '../text/byte-encoding.js';
import { plural } from '../text/quantity.js';

export interface ScanCommandOptions {
  readonly values: boolean;
  /** Most keys to show; undefined for all. */
  readonly limit: number | undefined;
}

const PAGE_SIZE_MAX = 1000;

export async function scan(
  session: Session,
  prefix: string | undefined,
  options: ScanCommandOptions,
): Promise<ExitCode> {
  const { output, settings, signal } = session;
  const limit = options.limit ?? Number.POSITIVE_INFINITY;
  const client = await session.client();
  const entries = client.scan({
    ...readOptions(settings),
    ...(prefix === undefined ? {} : { prefix: decodeArgument(prefix, settings.keys, 'prefix') }),
    values: options.values,
    pageSize: Math.min(limit, PAGE_SIZE_MAX),
  });
  let shown = 0;
  for await (const entry of entries) {
    if (signal.aborted) return FAILED;
    if (settings.json) await writeJson(output, entryJson(entry));
    else await writeLine(output, entryLine(session, entry));
    shown += 1;
    if (shown >= limit) break;
  }
  if (output.isTerminal && !settings.json) output.note(output.errorColour.dim(`(${plural(shown, 'key')})`));
  return DONE;
}

function entryJson({ key, value, expiresAtMs }: ScanEntry): Record<string, unknown> {
  return {
    ...jsonBytes('key', key),
    ...(value === undefined ? {} : jsonBytes('value', value)),
    ...(expiresAtMs === null ? {} : { expiresAt: expiresAtMs }),
  };
}

/** Key, or key, tab, value. A person sees as much of the value as fits the line. */
function entryLine({ output, settings }: Session, { key, value }: ScanEntry): string {
  const name = showBytes(key, settings.keys);
  if (value === undefined) return name;
  if (!output.isTerminal) return `${name}\t${showBytes(value, settings.values)}`;
  const room = Math.max(20, output.columns - name.length - 3);
  const text = showBytes(beginning(value, room * 4), settings.values);
  return `${name}  ${text.length > room ? `${text.slice(0, room - 1)}${output.colour.dim('…')}` : text}`;
}

/** At most `bytesMax` bytes, and no part of a character. */
function beginning(value: Uint8Array, bytesMax: number): Uint8Array {
  let end = Math.min(value.length, bytesMax);
  while (end < value.length && end > 0 && (value[end]! & 0xc0) === 0x80) end -= 1;
  return value.subarray(0, end);
}
