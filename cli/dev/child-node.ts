/**
 * A node as a child process. It ends with us, however we end: an open channel between the two closes when this process
 * is gone, and the child stops by itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** The flag that makes kvd stop when the channel to its parent closes. */
export const EXIT_WITH_PARENT_FLAG = '--exit-with-parent';

export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** Why it could not even be started. */
  readonly problem?: string;
}

export interface ChildNode {
  /** Undefined when it could not be started. */
  readonly pid: number | undefined;
  /** Resolves once, when the process has ended. */
  readonly exited: Promise<ChildExit>;
  /** Signals this very process; does nothing once it has ended. */
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
}

export interface ChildListeners {
  /** A line on its standard output. */
  readonly onOutput: (line: string) => void;
  /** A line on its standard error. */
  readonly onLog: (line: string) => void;
}

export type SpawnNode = (args: readonly string[], listeners: ChildListeners) => ChildNode;

/** What a child must not take over from our environment: who it is, and whom it joins, is said on its command line. */
const OWN_VARIABLES = ['QUORAL_NAME', 'QUORAL_LISTEN', 'QUORAL_DATA', 'QUORAL_JOIN', 'QUORAL_CONFIG'];

/** Starts children that run the program `entry`. */
export function nodeSpawner(entry: string, env: NodeJS.ProcessEnv): SpawnNode {
  const childEnv = Object.fromEntries(Object.entries(env).filter(([name]) => !OWN_VARIABLES.includes(name)));
  return (args, listeners) => {
    const child = spawn(process.execPath, [entry, ...args, EXIT_WITH_PARENT_FLAG], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      env: childEnv,
    });
    return new SpawnedNode(child, listeners);
  };
}

class SpawnedNode implements ChildNode {
  readonly pid: number | undefined;
  readonly exited: Promise<ChildExit>;
  readonly #child: ChildProcess;

  constructor(child: ChildProcess, { onOutput, onLog }: ChildListeners) {
    this.#child = child;
    this.pid = child.pid;
    if (child.stdout !== null) createInterface({ input: child.stdout }).on('line', onOutput);
    if (child.stderr !== null) createInterface({ input: child.stderr }).on('line', onLog);
    this.exited = new Promise((resolve) => {
      child.once('error', (error) => resolve({ code: null, signal: null, problem: error.message }));
      // Not 'exit': its last lines are still in the pipes then.
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.#child.kill(signal);
  }
}
