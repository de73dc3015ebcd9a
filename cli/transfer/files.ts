/**
 * The files of imports and exports. An export appears under its name only when it is complete: it is written beside it
 * and renamed, so that a crash leaves no half of one and never harms an older one.
 */
import { createReadStream, type ReadStream } from 'node:fs';
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { messageOf } from '../../src/base/errors.js';
import { systemCode } from '../output/error-view.js';
import { UsageError } from '../usage-error.js';

export interface Source {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Undefined when nobody knows, as for a pipe. */
  readonly totalBytes: number | undefined;
  close(): void;
}

const REASONS = new Map([
  ['ENOENT', 'there is no such file or directory'],
  ['EACCES', 'permission denied'],
  ['EISDIR', 'it is a directory'],
  ['ENOSPC', 'the disk is full'],
  ['EROFS', 'the file system is read-only'],
]);

/** @throws UsageError when the file cannot be opened. */
export async function openSource(path: string): Promise<Source> {
  try {
    const facts = await stat(path);
    if (facts.isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' });
    const stream = createReadStream(path, { highWaterMark: 256 * 1024 });
    await opened(stream);
    return {
      chunks: stream,
      totalBytes: facts.isFile() ? facts.size : undefined,
      close: () => stream.destroy(),
    };
  } catch (error) {
    throw fileError('read', path, error);
  }
}

function opened(stream: ReadStream): Promise<unknown> {
  return new Promise((resolve, reject) => {
    stream.once('open', resolve);
    stream.once('error', reject);
  });
}

/** A file that takes its name only at {@link commit}. Devices and pipes cannot be replaced, and are written as they are. */
export class AtomicFile {
  readonly #path: string;
  /** Equal to the path for what is no regular file. */
  readonly #temporaryPath: string;
  readonly #file: FileHandle;

  private constructor(path: string, temporaryPath: string, file: FileHandle) {
    this.#path = path;
    this.#temporaryPath = temporaryPath;
    this.#file = file;
  }

  /** @throws UsageError when the file cannot be made. */
  static async create(path: string): Promise<AtomicFile> {
    try {
      // A symbolic link stays: what it names is replaced.
      const target = await realpath(path).catch(() => path);
      const facts = await stat(target).catch(() => undefined);
      if (facts?.isDirectory()) throw Object.assign(new Error('a directory'), { code: 'EISDIR' });
      const isReplaceable = facts?.isFile() ?? true;
      const temporaryPath = isReplaceable ? `${target}.tmp-${process.pid}` : target;
      return new AtomicFile(target, temporaryPath, await open(temporaryPath, 'w'));
    } catch (error) {
      throw fileError('write', path, error);
    }
  }

  async write(data: string | Uint8Array): Promise<void> {
    try {
      await this.#file.writeFile(data);
    } catch (error) {
      throw fileError('write', this.#path, error);
    }
  }

  /** Puts the file in place, durably. */
  async commit(): Promise<void> {
    try {
      if (this.#temporaryPath !== this.#path) await this.#file.sync();
      await this.#file.close();
      if (this.#temporaryPath !== this.#path) await rename(this.#temporaryPath, this.#path);
    } catch (error) {
      throw fileError('write', this.#path, error);
    }
  }

  /** Forgets what was written. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => {});
    if (this.#temporaryPath !== this.#path) await rm(this.#temporaryPath, { force: true });
  }
}

/** `cannot read data.ndjson: there is no such file or directory`. */
export function fileError(action: 'read' | 'write', path: string, error: unknown): UsageError {
  const reason = REASONS.get(systemCode(error) ?? '') ?? messageOf(error);
  return new UsageError(`cannot ${action} ${path}: ${reason}`, { cause: error });
}
