/**
 * One node of a cluster of ours: a command line, and one process after another that runs it. It ends with this process,
 * however that ends (`--exit-with-parent`).
 *
 * States: made → (start) running → (end, a signal, its own fault) ended → (start) running …
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Address } from '../src/ports/network.js';
import type { Shell } from './shell.js';

const KVD = fileURLToPath(new URL('../cli/kvd.js', import.meta.url));
const STOP_TIMEOUT_MS = 15_000;
/** How much of a node's last output is kept, to show when it dies. */
const OUTPUT_CHARACTERS_KEPT = 4000;
/** Below the ports that the system gives to outgoing connections: one of those could take a port while its node is down. */
const PORT_FROM = 20_000;
const PORTS = 12_000;
const PORT_ATTEMPTS = 100;

export interface NodeSpec {
  readonly name: string;
  readonly address: Address;
  /** Its data directory. */
  readonly data: string;
  /** Further words of the command line. */
  readonly options: readonly string[];
}

export class NodeProcess {
  readonly name: string;
  readonly address: Address;
  readonly data: string;
  readonly #options: readonly string[];
  #child: ChildProcess | undefined;
  #ended: Promise<void> = Promise.resolve();
  #hasEnded = true;
  #how = 'was not started';
  #output = '';

  constructor(spec: NodeSpec) {
    this.name = spec.name;
    this.address = spec.address;
    this.data = spec.data;
    this.#options = spec.options;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Of the process that runs, or ran last; 0 when it could not be started. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  /** The end of what all its processes have said. */
  get output(): string {
    return this.#output;
  }

  /** How it ended, and its last words. */
  get obituary(): string {
    return `node ${this.name} ${this.#how}\n${this.#output}`.trimEnd();
  }

  /** @param join members to join by; none founds a cluster, when there is no data. */
  start(join: readonly Address[]): void {
    const args = ['--name', this.name, '--listen', this.address, '--data', this.data, ...this.#options];
    if (join.length > 0) args.push('--join', join.join(','));
    const child = spawn(process.execPath, [KVD, ...args, '--exit-with-parent'], {
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    this.#hasEnded = false;
    const keep = (text: string) => {
      this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS_KEPT);
    };
    child.stdout?.setEncoding('utf8').on('data', keep);
    child.stderr?.setEncoding('utf8').on('data', keep);
    this.#ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.#hasEnded = true;
        this.#how = how;
        resolve();
      };
      child.once('error', (error) => end(`could not be started: ${error.message}`));
      child.once('exit', (code, signal) => end(`ended with ${signal ?? `exit code ${code}`}`));
    });
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  /** Ends it as a crash would. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
  }

  /** Ends it in good order. */
  async stop(shell: Shell): Promise<void> {
    if (this.#hasEnded) return;
    this.#child?.kill('SIGCONT'); // One that stands still would not hear of its end.
    this.#child?.kill('SIGTERM');
    const timer = shell.clock.setTimer(STOP_TIMEOUT_MS, () => {
      shell.say(`node ${this.name} did not end within ${STOP_TIMEOUT_MS / 1000} s of SIGTERM and is killed`);
      this.#child?.kill('SIGKILL');
    });
    await this.#ended;
    shell.clock.clearTimer(timer);
  }
}

/** An address of this machine that nothing listens on just now, and that no outgoing connection is given. */
export async function freeAddress(shell: Shell): Promise<Address> {
  const first = Math.floor(shell.clock.wallMs() * 7 + process.pid * 13) % PORTS;
  for (let attempt = 0; ; attempt++) {
    const port = PORT_FROM + ((first + attempt * 11) % PORTS);
    try {
      const listener = await shell.network.listen(`127.0.0.1:${port}`, (connection) => {
        connection.destroy();
        return { onData() {}, onDrain() {}, onClose() {} };
      });
      await listener.close();
      return listener.address;
    } catch (error) {
      if (attempt === PORT_ATTEMPTS) throw error;
    }
  }
}
