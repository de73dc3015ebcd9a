/** One node of a development cluster: what it is started with, and how far it has come. */
import type { ChildExit, ChildListeners, ChildNode, SpawnNode } from './child-node.js';

const PLAIN_WORD = /^[\w@%+=:,./-]+$/;

export class DevNode {
  readonly name: string;
  readonly address: string;
  readonly data: string;
  readonly #options: readonly string[];
  #child: ChildNode | undefined;
  #exit: ChildExit | undefined;
  #isServing = false;
  #settled: Promise<void> = Promise.resolve();

  /** `options` are those that all nodes share, as words of a command line. */
  constructor(fields: { name: string; address: string; data: string; options: readonly string[] }) {
    this.name = fields.name;
    this.address = fields.address;
    this.data = fields.data;
    this.#options = fields.options;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#exit === undefined;
  }

  get isServing(): boolean {
    return this.#isServing;
  }

  /** How it ended; undefined while it runs. */
  get exit(): ChildExit | undefined {
    return this.#exit;
  }

  /** Resolves when it serves, or has ended before. */
  get settled(): Promise<void> {
    return this.#settled;
  }

  start(spawn: SpawnNode, join: readonly string[], onLog: ChildListeners['onLog']): void {
    this.#settled = new Promise((resolve) => {
      const onOutput = (line: string) => {
        if (!line.startsWith(`kvd: ${this.name} serves on `)) return onLog(line);
        this.#isServing = true;
        resolve();
      };
      const child = spawn(this.args(join), { onOutput, onLog });
      this.#child = child;
      void child.exited.then((exit) => {
        this.#exit = exit;
        resolve();
      });
    });
  }

  /** Resolves when it has ended; at once when it was never started. */
  async ended(): Promise<void> {
    await this.#child?.exited;
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (this.isRunning) this.#child?.kill(signal);
  }

  args(join: readonly string[]): string[] {
    const own = ['--name', this.name, '--listen', this.address, '--data', this.data];
    return [...own, ...(join.length > 0 ? ['--join', join.join(',')] : []), ...this.#options];
  }

  /** What to type to start it again. */
  command(join: readonly string[]): string {
    return ['npx', 'kvd', ...this.args(join)].map(shellWord).join(' ');
  }
}

/** A word as a POSIX shell reads it. */
export function shellWord(word: string): string {
  return PLAIN_WORD.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** `was killed by SIGKILL`, `ended with exit code 1`. */
export function describeExit({ code, signal, problem }: ChildExit): string {
  if (problem !== undefined) return `could not be started: ${problem}`;
  return signal === null ? `ended with exit code ${code}` : `was killed by ${signal}`;
}
