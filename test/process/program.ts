/**
 * Our programs as processes, as a user's shell would run them: started, watched from outside, and ended with the test
 * that started them, however that test ends.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Test } from 'tap';

export type ProgramName = 'kvd' | 'kvcli';

export interface ProgramOptions {
  /** Beside our own environment, of which no `QUORAL_…` is passed on. */
  readonly env?: Readonly<Record<string, string>>;
  /** The program gets a channel to this process, so that one that looks after it ends when this process is gone. */
  readonly hasChannel?: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export interface RunResult {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** How long anything may take that ends by itself on a machine with nothing else to do in well under a second. */
export const BOUND_MS = 30_000;
const POLL_MS = 25;
const LOG_LINES_SHOWN = 40;

const running = new Set<Program>();
process.on('exit', () => {
  for (const program of running) program.kill('SIGKILL');
});

/** One process of `kvd` or `kvcli`. */
export class Program {
  readonly exited: Promise<Exit>;
  exit: Exit | undefined;
  readonly #label: string;
  readonly #child: ChildProcess;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];

  constructor(name: ProgramName, args: readonly string[], { env, hasChannel = false }: ProgramOptions = {}) {
    const path = fileURLToPath(new URL(`../../cli/${name}.js`, import.meta.url));
    this.#label = `${name} ${args.join(' ')}`;
    this.#child = spawn(process.execPath, [path, ...args], {
      stdio: ['pipe', 'pipe', 'pipe', ...(hasChannel ? (['ipc'] as const) : [])],
      env: { ...plainEnvironment(), ...env },
    });
    this.#child.stdout!.on('data', (chunk: Buffer) => this.#stdout.push(chunk));
    this.#child.stderr!.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    // A program may end without having read its input.
    this.#child.stdin!.on('error', () => {});
    running.add(this);
    this.exited = once(this.#child, 'close').then(([code, signal]) => {
      running.delete(this);
      this.exit = { code, signal };
      return this.exit;
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get stdout(): Buffer {
    return Buffer.concat(this.#stdout);
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  /** What a person would read of standard error: all that is not a log line in JSON. */
  get said(): string[] {
    return this.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('{'));
  }

  /** Writes to standard input, no faster than the program reads. */
  async feed(bytes: string | Uint8Array): Promise<void> {
    if (this.#child.stdin!.write(bytes)) return;
    await Promise.race([once(this.#child.stdin!, 'drain'), this.exited]);
  }

  endInput(): void {
    this.#child.stdin!.end();
  }

  /** Signals this very process; does nothing once it has ended. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Resolves when the process has ended by itself. */
  ended(boundMs = BOUND_MS): Promise<Exit> {
    return until(`"${this.#label}" has ended`, () => this.exit, boundMs).catch((error) => this.#fail(error));
  }

  /** Resolves when standard output or standard error match; rejects when the program ends before. */
  async says(pattern: RegExp): Promise<void> {
    const isSaid = () => pattern.test(this.stdout.toString()) || pattern.test(this.stderr);
    await until(`"${this.#label}" says ${pattern}`, () => isSaid() || this.exit !== undefined).catch(
      (error) => this.#fail(error),
    );
    if (!isSaid()) this.#fail(new Error(`"${this.#label}" ended without saying ${pattern}`));
  }

  /** Its last words, for the messages of failures. */
  tail(): string {
    const lines = `${this.stdout}${this.stderr}`.trimEnd().split('\n');
    const { exit } = this;
    const end = exit === undefined ? 'is running' : `ended with ${exit.signal ?? exit.code}`;
    return [`--- ${this.#label} (${end})`, ...lines.slice(-LOG_LINES_SHOWN)].join('\n');
  }

  #fail(error: unknown): never {
    throw new Error(`${error instanceof Error ? error.message : error}\n${this.tail()}`);
  }
}

/** Starts a program that ends with the test `t` at the latest. */
export function startProgram(
  t: Test,
  name: ProgramName,
  args: readonly string[],
  options?: ProgramOptions,
): Program {
  const program = new Program(name, args, options);
  t.teardown(async () => {
    program.kill('SIGKILL');
    await program.exited;
  });
  return program;
}

/** Runs a program to its end. `boundMs` is for those that have a lot to do. */
export async function run(
  t: Test,
  name: ProgramName,
  args: readonly string[],
  { input = '', boundMs = BOUND_MS }: { input?: string | Uint8Array; boundMs?: number } = {},
): Promise<RunResult> {
  const program = startProgram(t, name, args);
  await program.feed(input);
  program.endInput();
  const { code } = await program.ended(boundMs);
  return { code, stdout: program.stdout, stderr: program.stderr };
}

/**
 * Waits until `attempt` returns something other than undefined and false, and resolves with it. An attempt that throws
 * counts as not yet.
 * @param what the condition, for the error when the time is up.
 */
export async function until<T>(
  what: string,
  attempt: () => T | Promise<T>,
  boundMs = BOUND_MS,
): Promise<Exclude<T, undefined | false>> {
  const startMs = performance.now();
  for (;;) {
    let last = '';
    try {
      const result = await attempt();
      if (result !== undefined && result !== false) return result as Exclude<T, undefined | false>;
    } catch (error) {
      last = `; last: ${error instanceof Error ? error.message : error}`;
    }
    if (performance.now() - startMs > boundMs) throw new Error(`not within ${boundMs} ms: ${what}${last}`);
    await delay(POLL_MS);
  }
}

/** Whether there is a process of this id that still runs: not one that has ended and that nobody has asked about. */
export function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  const path = `/proc/${pid}/stat`;
  if (!existsSync('/proc/self/stat')) return true;
  try {
    // The state follows the name, which is in brackets.
    return !/\) [ZX] /.test(readFileSync(path, 'latin1'));
  } catch {
    return false;
  }
}

/** What the person who runs the tests has set for nodes of their own must not reach ours. */
function plainEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('QUORAL_')));
}
