/**
 * A directory for one node in which space can run out, and be made again: a file system of its own where the test may mount
 * one, else a limit on the files of the node's process.
 */
import { spawnSync } from 'node:child_process';
import { appendFile, mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import type { RealNode } from '../support/real-cluster.js';

const MIB = 1024 * 1024;
const DISK_BYTES = 192 * MIB;
/** Takes all the space but for what a node needs to start, and to fail only after a while. */
const BALLAST_BYTES = 160 * MIB;
/** The end of a file of the node's that is being written, when there are only limits: none may grow past it. */
const FILE_BYTES_MAX = 1_000_001;

export interface SmallDisk {
  /** How it is done, for the test's output. */
  readonly kind: string;
  /** The data directory for the node. */
  readonly data: string;
  /** Environment that the node needs. */
  readonly env: Readonly<Record<string, string>>;
  /** Leaves little space: it ends in the middle of a write, and reopening the storage may make some again. */
  tighten(node: RealNode): Promise<void>;
  /** Takes what is left as well. */
  fill(node: RealNode): Promise<void>;
  /** Makes space. */
  relax(node: RealNode): Promise<void>;
}

/** Call it before the cluster is made: what is mounted goes after the nodes have ended. Undefined: it cannot be done here. */
export async function smallDisk(t: Test): Promise<SmallDisk | undefined> {
  const directory = await mkdtemp(join(tmpdir(), 'quoral-disk-'));
  const isMounted =
    spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'tmpfs', directory]).status === 0;
  const unmount = (): void => {
    if (isMounted) spawnSync('umount', ['--lazy', directory]);
  };
  process.on('exit', unmount);
  t.teardown(async () => {
    process.removeListener('exit', unmount);
    unmount();
    if (isMounted) await rmdir(directory);
    else await rm(directory, { recursive: true, force: true });
  });
  if (isMounted) return mounted(directory);
  return spawnSync('prlimit', ['--version']).status === 0 ? limited(directory) : undefined;
}

function mounted(directory: string): SmallDisk {
  const ballast = join(directory, 'ballast');
  return {
    kind: `a file system of ${DISK_BYTES / MIB} MiB`,
    data: join(directory, 'data'),
    env: {},
    tighten: () => writeFile(ballast, Buffer.alloc(BALLAST_BYTES)),
    fill: () => appendUntilFull(ballast),
    relax: () => rm(ballast),
  };
}

function limited(directory: string): SmallDisk {
  const limit = async (node: RealNode, bytes: number | 'unlimited'): Promise<void> => {
    const words = ['--pid', `${node.program.pid}`, `--fsize=${bytes}:unlimited`];
    if (spawnSync('prlimit', words).status !== 0) throw new Error(`prlimit ${words.join(' ')} failed`);
  };
  return {
    kind: `a limit of ${FILE_BYTES_MAX} bytes for each file, as no file system can be mounted here`,
    data: join(directory, 'data'),
    // The test runner's hooks, which it puts into every child, would end the process on SIGXFSZ; Node ignores it.
    env: { NODE_OPTIONS: '' },
    tighten: (node) => limit(node, FILE_BYTES_MAX),
    fill: (node) => limit(node, 1),
    relax: (node) => limit(node, 'unlimited'),
  };
}

async function appendUntilFull(path: string): Promise<void> {
  const block = Buffer.alloc(4096);
  for (;;) {
    try {
      await appendFile(path, block);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}
