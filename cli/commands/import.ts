/**
 * `kvcli import FILE|-`: stores the records of a newline-delimited JSON file.
 *
 * Each line becomes one write of a value with an absolute expiry. Sending such a write twice leaves the same record, so
 * a failed one is sent again even when it may have happened; only another program that writes the same key in between
 * could notice. Records are stored in parallel, those of one key in the order of the file. A line that cannot be stored
 * is reported with its number and does not stop the others.
 */
import { KvError, messageOf } from '../../src/base/errors.js';
import { VALUE_BYTES_MAX } from '../../src/base/limits.js';
import type { CliClient } from '../client.js';
import { errorLine, viewError } from '../output/error-view.js';
import { writeJson, writeLine } from '../output/output.js';
import { type Progress, startProgress } from '../output/progress.js';
import { DONE, type ExitCode, FAILED, pause, type Session, writeOptions } from '../session.js';
import { formatDuration } from '../text/duration.js';
import { formatCount, plural } from '../text/quantity.js';
import { AtomicFile, fileError, openSource, type Source } from '../transfer/files.js';
import { InFlight } from '../transfer/in-flight.js';
import { type Line, readLines } from '../transfer/line-reader.js';
import { MalformedLine, parseRecord, type RecordLine } from '../transfer/record-line.js';
import { UsageError } from '../usage-error.js';

export interface ImportOptions {
  /** Most records under way at once. */
  readonly concurrency: number;
  /** How often a record is sent before it counts as failed. */
  readonly attempts: number;
  /** Stop at the first failure. */
  readonly strict: boolean;
  readonly quiet: boolean;
  /** Where to keep the lines that were not stored, as they were. */
  readonly rejects: string | undefined;
}

/** JSON may write one byte of a value as six characters, `\u0000`; the rest of a line is small. */
const LINE_BYTES_MAX = 6 * VALUE_BYTES_MAX + 64 * 1024;
/** Keys and values under way at once; with large values the concurrency is lower. */
const BYTES_IN_FLIGHT_MAX = 32 * 1024 * 1024;
/** So many failures in a row mean that the cluster is away: going on would only take hours. */
const FAILURES_IN_A_ROW_MAX = 1000;
/** Failures that are told one by one; the rest is counted. */
const FAILURES_TOLD_MAX = 100;
const BACKOFF_MS_MIN = 100;
const BACKOFF_MS_MAX = 2000;

/** Sending these again would fail again. */
const FINAL_CODES = new Set([
  'BAD_REQUEST',
  'TOO_LARGE',
  'UNKNOWN_TYPE',
  'PROTOCOL',
  'ABORTED',
  'CLOSED',
  'INTERNAL',
]);

interface Failure {
  readonly line: number;
  readonly reason: string;
}

export async function importRecords(
  session: Session,
  path: string,
  options: ImportOptions,
): Promise<ExitCode> {
  const source = await openInput(session, path);
  const rejects = options.rejects === undefined ? undefined : await AtomicFile.create(options.rejects);
  try {
    const client = await session.client();
    const run = new ImportRun({ session, client, options, source, rejects });
    const exitCode = await run.run(path);
    await rejects?.commit();
    return exitCode;
  } finally {
    await rejects?.discard();
    source.close();
  }
}

function openInput({ input }: Session, path: string): Source | Promise<Source> {
  if (path !== '-') return openSource(path);
  if (input === undefined) throw new UsageError('standard input is taken by the prompt; name a file');
  return { chunks: input, totalBytes: undefined, close: () => {} };
}

class ImportRun {
  readonly #session: Session;
  readonly #client: CliClient;
  readonly #options: ImportOptions;
  readonly #source: Source;
  readonly #rejects: AtomicFile | undefined;
  readonly #progress: Progress;
  readonly #inFlight: InFlight;
  readonly #startedMs: number;
  readonly #failures: Failure[] = [];
  #lines = 0;
  #stored = 0;
  #expired = 0;
  #failed = 0;
  #resent = 0;
  #failedInARow = 0;
  #doneBytes = 0;
  /** Why reading ended before the end of the file. */
  #stopReason: string | undefined;
  #rejected: Promise<void> = Promise.resolve();

  constructor(options: {
    session: Session;
    client: CliClient;
    options: ImportOptions;
    source: Source;
    rejects: AtomicFile | undefined;
  }) {
    this.#session = options.session;
    this.#client = options.client;
    this.#options = options.options;
    this.#source = options.source;
    this.#rejects = options.rejects;
    const { output, clock } = options.session;
    const { totalBytes } = options.source;
    this.#startedMs = clock.monotonicMs();
    this.#progress = startProgress({
      output,
      clock,
      label: 'import',
      totalBytes,
      quiet: this.#options.quiet,
    });
    this.#inFlight = new InFlight({ tasksMax: this.#options.concurrency, bytesMax: BYTES_IN_FLIGHT_MAX });
  }

  async run(path: string): Promise<ExitCode> {
    try {
      await this.#readAll();
    } catch (error) {
      this.#stopReason = fileError('read', path, error).message;
    }
    await this.#inFlight.idle();
    this.#progress.stop();
    await this.#rejected;
    await this.#summarize();
    return this.#failed > 0 || this.#stopReason !== undefined ? FAILED : DONE;
  }

  async #readAll(): Promise<void> {
    for await (const line of readLines(this.#source.chunks, LINE_BYTES_MAX)) {
      if (this.#session.signal.aborted) this.#stopReason = `interrupted before line ${line.number}`;
      if (this.#stopReason !== undefined) return;
      await this.#onLine(line);
    }
  }

  async #onLine(line: Line): Promise<void> {
    this.#lines = line.number;
    this.#doneBytes = line.endOffset;
    const record = this.#parse(line);
    if (record === undefined) return;
    const bytes = record.key.length + record.value.length;
    await this.#inFlight.room(bytes);
    this.#inFlight.start(record.key, bytes, () => this.#store(line, record));
  }

  /** The record of a line, or undefined when there is nothing to store. */
  #parse(line: Line): RecordLine | undefined {
    try {
      if (line.bytes === undefined) throw new MalformedLine('the line is too long to be a record');
      if (isBlank(line.bytes)) return undefined;
      const record = parseRecord(line.number === 1 ? withoutByteOrderMark(line.bytes) : line.bytes);
      if (record.expiresAtMs === null || record.expiresAtMs > this.#session.clock.wallMs()) return record;
      this.#expired += 1;
    } catch (error) {
      this.#onFailure(line, messageOf(error));
    }
    return undefined;
  }

  async #store(line: Line, record: RecordLine): Promise<void> {
    const error = await this.#send(record);
    if (error === undefined) {
      this.#stored += 1;
      this.#failedInARow = 0;
    } else {
      this.#failedInARow += 1;
      this.#onFailure(line, errorLine(viewError(error, 'writes'), 'writes'));
      if (this.#failedInARow === FAILURES_IN_A_ROW_MAX) {
        this.#stopReason = `gave up: ${formatCount(FAILURES_IN_A_ROW_MAX)} records in a row could not be stored`;
      }
    }
    this.#progress.update(this.#doneBytes, this.#stored);
  }

  /** What went wrong in the last of several attempts, or undefined when the record is stored. */
  async #send({ key, value, expiresAtMs }: RecordLine): Promise<unknown> {
    const { settings, clock, signal } = this.#session;
    const expiry = expiresAtMs === null ? {} : { expiresAtMs };
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#client.set(key, value, { ...writeOptions(settings), ...expiry });
        return undefined;
      } catch (error) {
        const isFinal = !(error instanceof KvError) || FINAL_CODES.has(error.code);
        if (isFinal || attempt >= this.#options.attempts || signal.aborted) return error;
        this.#resent += 1;
        await pause(clock, backoffMs(attempt));
      }
    }
  }

  #onFailure(line: Line, reason: string): void {
    this.#failed += 1;
    this.#reject(line);
    if (this.#options.strict) this.#stopReason ??= `stopped at line ${line.number}, because of --strict`;
    if (this.#failures.length >= FAILURES_TOLD_MAX) return;
    this.#failures.push({ line: line.number, reason });
    if (!this.#session.settings.json) this.#progress.note(`line ${line.number}: ${reason}`);
  }

  #reject({ number, bytes }: Line): void {
    if (this.#rejects === undefined || bytes === undefined) return;
    const rejects = this.#rejects;
    // The chunk under the line may be large; a copy of the line lets go of it.
    const text = Buffer.concat([bytes, Buffer.from('\n')]);
    this.#rejected = this.#rejected
      .then(() => rejects.write(text))
      .catch((error) => {
        this.#stopReason ??= `stopped at line ${number}: ${messageOf(error)}`;
      });
  }

  async #summarize(): Promise<void> {
    const { output, settings, clock } = this.#session;
    const elapsedMs = clock.monotonicMs() - this.#startedMs;
    const counts = { lines: this.#lines, stored: this.#stored, expired: this.#expired, failed: this.#failed };
    if (settings.json) {
      const stopped = this.#stopReason ?? null;
      const failures = this.#failures;
      return writeJson(output, {
        ...counts,
        resent: this.#resent,
        elapsedMs: Math.round(elapsedMs),
        stopped,
        failures,
      });
    }
    const untold = this.#failed - this.#failures.length;
    if (untold > 0) output.note(`and ${plural(untold, 'failure')} more; --rejects FILE keeps all such lines`);
    if (this.#stopReason !== undefined) output.note(`kvcli: import ${this.#stopReason}`);
    const rate = elapsedMs > 0 ? `, ${formatCount((this.#stored * 1000) / elapsedMs)}/s` : '';
    const parts = [`stored ${plural(this.#stored, 'record')} in ${formatDuration(elapsedMs)}${rate}`];
    if (this.#expired > 0) parts.push(`${formatCount(this.#expired)} had expired`);
    if (this.#resent > 0) parts.push(`${formatCount(this.#resent)} sent again`);
    parts.push(this.#failed > 0 ? output.colour.red(`${formatCount(this.#failed)} failed`) : 'none failed');
    return writeLine(output, parts.join('; '));
  }
}

/** How long to wait before attempt `attempt + 1`: doubling, so that a cluster in trouble is not pushed further. */
export function backoffMs(attempt: number): number {
  return Math.min(BACKOFF_MS_MAX, BACKOFF_MS_MIN * 2 ** (attempt - 1));
}

function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}

function withoutByteOrderMark(bytes: Uint8Array): Uint8Array {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;
}
