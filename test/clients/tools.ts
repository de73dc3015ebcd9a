/**
 * Redis' own programs, which these tests run when they are installed. Where they are not, a test that needs them is left
 * out with that reason; with `QUORAL_CLIENT_TOOLS=required` in the environment, as in CI, it fails instead.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import type { Test } from 'tap';
import { BOUND_MS, until } from '../process/program.js';

export type ToolName = 'redis-cli' | 'redis-benchmark' | 'redis-server' | 'stdbuf';

export interface ToolRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const found = new Map<ToolName, boolean>();

/** Whether the program can be run here. */
export function isInstalled(tool: ToolName): boolean {
  let is = found.get(tool);
  if (is === undefined) {
    is = spawnSync(tool, ['--version'], { stdio: 'ignore' }).error === undefined;
    found.set(tool, is);
  }
  return is;
}

/** A test of `t` that needs these programs. */
export async function testWith(
  t: Test,
  tools: readonly ToolName[],
  name: string,
  body: (t: Test) => Promise<void>,
): Promise<void> {
  const missing = tools.filter((tool) => !isInstalled(tool));
  const reason = `${missing.join(' and ')} not installed`;
  if (missing.length === 0) await t.test(name, body);
  else if (process.env.QUORAL_CLIENT_TOOLS === 'required') t.fail(`${name}: ${reason}, and required`);
  else await t.test(name, { skip: reason }, async () => {});
}

/** One of the programs as a process, which ends with its test. */
export class Tool {
  readonly exited: Promise<number | null>;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #stdout: Buffer[] = [];
  readonly #stderr: Buffer[] = [];
  readonly #label: string;
  #hasEnded = false;

  constructor(t: Test, tool: ToolName, args: readonly string[]) {
    this.#label = `${tool} ${args.join(' ')}`;
    // Line by line, as in a terminal: else what it has said comes when its buffer is full.
    const [command, ...words] = [...(isInstalled('stdbuf') ? ['stdbuf', '-oL'] : []), tool, ...args];
    this.#child = spawn(command!, words, {
      env: { ...process.env, REDISCLI_HISTFILE: '/dev/null' },
    });
    this.#child.stdout.on('data', (chunk: Buffer) => this.#stdout.push(chunk));
    this.#child.stderr.on('data', (chunk: Buffer) => this.#stderr.push(chunk));
    // It may end without having read its input.
    this.#child.stdin.on('error', () => {});
    this.exited = once(this.#child, 'close').then(([code]) => {
      this.#hasEnded = true;
      return code;
    });
    t.teardown(() => this.end());
  }

  get stdout(): string {
    return Buffer.concat(this.#stdout).toString();
  }

  get stderr(): string {
    return Buffer.concat(this.#stderr).toString();
  }

  /** Writes to standard input, no faster than the program reads. */
  async feed(bytes: string | Uint8Array): Promise<void> {
    if (this.#child.stdin.write(bytes)) return;
    // One that ends while it is written to has nothing to be waited for but its end.
    await Promise.race([once(this.#child.stdin, 'drain').catch(() => this.exited), this.exited]);
  }

  endInput(): void {
    this.#child.stdin.end();
  }

  /** Resolves when it has said this on standard output. */
  async says(pattern: RegExp): Promise<void> {
    await until(`${this.#label} says ${pattern}`, () => pattern.test(this.stdout) || this.#hasEnded);
    if (!pattern.test(this.stdout))
      throw new Error(`${this.#label} ended with:\n${this.stdout}${this.stderr}`);
  }

  /** Resolves when it has ended by itself. */
  async result(boundMs = BOUND_MS): Promise<ToolRun> {
    await until(`${this.#label} ends`, () => this.#hasEnded, boundMs).catch((error: Error) => {
      throw new Error(`${error.message}; so far:\n${this.stdout.slice(-2000)}${this.stderr.slice(-2000)}`);
    });
    return { code: await this.exited, stdout: this.stdout, stderr: this.stderr };
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child.kill(signal);
    await this.exited;
  }
}

/** Runs a program to its end. */
export async function runTool(
  t: Test,
  tool: ToolName,
  args: readonly string[],
  { input = '', boundMs = BOUND_MS }: { input?: string | Uint8Array; boundMs?: number } = {},
): Promise<ToolRun> {
  const program = new Tool(t, tool, args);
  await program.feed(input);
  program.endInput();
  return program.result(boundMs);
}
