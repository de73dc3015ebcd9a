/**
 * A small file system in memory for the data of one node, that can be filled and emptied. Mounting one takes the right to
 * do so; without it there is no phase with a full disk.
 */
import { spawnSync } from 'node:child_process';
import { appendFile, mkdtemp, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Stoppable } from '../command.js';

const DISK_MIB = 256;
const BLOCK = Buffer.alloc(256 * 1024);
const SMALL_BLOCK = Buffer.alloc(4096);

export class SmallDisk implements Stoppable {
  readonly #directory: string;
  readonly #mebibytes: number;
  #isMounted = true;

  private constructor(directory: string, mebibytes: number) {
    this.#directory = directory;
    this.#mebibytes = mebibytes;
  }

  /** Undefined when it cannot be mounted. */
  static async mount(parent: string, mebibytes = DISK_MIB): Promise<SmallDisk | undefined> {
    const directory = await mkdtemp(join(parent, 'quoral-bench-disk-'));
    const words = ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'tmpfs', directory];
    if (spawnSync('mount', words).status === 0) return new SmallDisk(directory, mebibytes);
    await rmdir(directory);
    return undefined;
  }

  /** The data directory for the node. */
  get data(): string {
    return join(this.#directory, 'data');
  }

  /** Takes all the space that there is. */
  async fill(): Promise<void> {
    // Large blocks first; the last few KiB count as well.
    const bytesMax = this.#mebibytes * 2 ** 20;
    for (const block of [BLOCK, SMALL_BLOCK]) await appendUntilFull(this.#ballast, block, bytesMax);
  }

  async empty(): Promise<void> {
    await rm(this.#ballast, { force: true });
  }

  /** Unmounts it. To be called when its node has ended. */
  async stop(): Promise<void> {
    if (!this.#isMounted) return;
    this.#isMounted = false;
    spawnSync('umount', ['--lazy', this.#directory]);
    await rmdir(this.#directory);
  }

  get #ballast(): string {
    return join(this.#directory, 'ballast');
  }
}

async function appendUntilFull(path: string, block: Uint8Array, bytesMax: number): Promise<void> {
  for (let bytes = 0; bytes <= bytesMax; bytes += block.length) {
    try {
      await appendFile(path, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}
