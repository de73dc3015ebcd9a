/**
 * `kvcli export [FILE|-]`: every record as a line of JSON, in the order of their slots. It is a scan, not a snapshot:
 * what is written during the export may or may not be in it. A file appears only when it is complete.
 */
import type { ScanEntry } from '../client.js';
import { writeJson, writeLine } from '../output/output.js';
import { type Progress, startProgress } from '../output/progress.js';
import { DONE, type ExitCode, FAILED, readOptions, type Session } from '../session.js';
import { decodeArgument } from '../text/byte-encoding.js';
import { formatDuration } from '../text/duration.js';
import { formatBytes, plural } from '../text/quantity.js';
import { AtomicFile } from '../transfer/files.js';
import { formatRecord } from '../transfer/record-line.js';

export interface ExportOptions {
  /** Only keys that begin with this, in the encoding of keys; all when undefined. */
  readonly prefix: string | undefined;
  readonly quiet: boolean;
}

/** Lines are collected to this many characters before they are written. */
const BATCH_CHARACTERS = 64 * 1024;

interface Exported {
  records: number;
  bytes: number;
}

export async function exportRecords(
  session: Session,
  path: string,
  options: ExportOptions,
): Promise<ExitCode> {
  const { output, clock } = session;
  const startedMs = clock.monotonicMs();
  const isToFile = path !== '-';
  // A bar and the data would share the terminal.
  const quiet = options.quiet || (!isToFile && output.isTerminal);
  const progress = startProgress({ output, clock, label: 'export', totalBytes: undefined, quiet });
  const exported = { records: 0, bytes: 0 };
  try {
    if (isToFile) await exportToFile(session, path, options, { exported, progress });
    else await exportTo((text) => output.write(text), session, options, { exported, progress });
  } finally {
    progress.stop();
  }
  if (session.signal.aborted) {
    output.note(`kvcli: export interrupted after ${plural(exported.records, 'record')}`);
    return FAILED;
  }
  await summarize(session, { ...exported, elapsedMs: clock.monotonicMs() - startedMs, isToFile });
  return DONE;
}

interface Counting {
  readonly exported: Exported;
  readonly progress: Progress;
}

async function exportToFile(
  session: Session,
  path: string,
  options: ExportOptions,
  counting: Counting,
): Promise<void> {
  const file = await AtomicFile.create(path);
  try {
    await exportTo((text) => file.write(text), session, options, counting);
    if (!session.signal.aborted) await file.commit();
  } finally {
    await file.discard();
  }
}

async function exportTo(
  write: (text: string) => Promise<void>,
  session: Session,
  options: ExportOptions,
  { exported, progress }: Counting,
): Promise<void> {
  const { settings, signal } = session;
  const client = await session.client();
  const prefix =
    options.prefix === undefined ? {} : { prefix: decodeArgument(options.prefix, settings.keys, 'prefix') };
  let batch = '';
  const flush = async () => {
    exported.bytes += Buffer.byteLength(batch);
    await write(batch);
    batch = '';
    progress.update(exported.bytes, exported.records);
  };
  for await (const entry of client.scan({ ...readOptions(settings), ...prefix, values: true })) {
    if (signal.aborted) break;
    batch += `${formatRecord(withValue(entry))}\n`;
    exported.records += 1;
    if (batch.length >= BATCH_CHARACTERS) await flush();
  }
  if (batch !== '') await flush();
}

function withValue({ key, value, expiresAtMs }: ScanEntry): {
  key: Uint8Array;
  value: Uint8Array;
  expiresAtMs: number | null;
} {
  // An export that leaves values out would look complete.
  if (value === undefined) throw new Error('the scan returned a key without its value');
  return { key, value, expiresAtMs };
}

function summarize(
  { output, settings }: Session,
  { records, bytes, elapsedMs, isToFile }: Exported & { elapsedMs: number; isToFile: boolean },
): Promise<void> | void {
  const text = `exported ${plural(records, 'record')}, ${formatBytes(bytes)}, in ${formatDuration(elapsedMs)}`;
  const line = settings.json ? JSON.stringify({ records, bytes, elapsedMs: Math.round(elapsedMs) }) : text;
  // Standard output carries the data when there is no file.
  if (!isToFile) return output.note(line);
  return settings.json ? writeJson(output, JSON.parse(line)) : writeLine(output, line);
}
