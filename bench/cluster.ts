/**
 * A cluster of node processes on this machine, for as long as a benchmark runs. Its data is removed at the end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { definite, messageOf } from '../src/base/errors.js';
import type { Address } from '../src/ports/network.js';
import { ControlConnection } from './control-connection.js';
import { fetchRing } from './node-facts.js';
import { type Shell, sleep } from './shell.js';

const KVD = fileURLToPath(new URL('../cli/kvd.js', import.meta.url));
const START_TIMEOUT_MS = 60_000;
const STOP_TIMEOUT_MS = 15_000;
const POLL_MS = 100;
/** How much of a node's last output is kept, to show when it dies. */
const OUTPUT_CHARACTERS_KEPT = 4000;

export type Fsync = 'always' | 'everysec' | 'never';
export type Storage = 'level' | 'memory';

export interface ClusterOptions {
  readonly size: number;
  readonly fsync: Fsync;
  readonly storage: Storage;
  /** Where a temporary directory for the data is made. */
  readonly dataParent: string;
}

export class Cluster {
  readonly options: ClusterOptions;
  readonly #shell: Shell;
  readonly #nodes: NodeProcess[] = [];
  #directory: string | undefined;
  #stopping: Promise<void> | undefined;

  private constructor(options: ClusterOptions, shell: Shell) {
    this.options = options;
    this.#shell = shell;
  }

  /**
   * Starts the nodes one after the other and waits until every one sees all of them alive.
   * `onCreated` is called first, so that a signal in the middle of it can {@link stop} what has been started.
   * @throws KvError `CONNECT_FAILED` with a node's last output when it does not come up.
   */
  static async start(
    options: ClusterOptions,
    shell: Shell,
    onCreated: (cluster: Cluster) => void,
  ): Promise<Cluster> {
    const cluster = new Cluster(options, shell);
    onCreated(cluster);
    try {
      await cluster.#startAll();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  get addresses(): Address[] {
    return this.#nodes.map((node) => node.address);
  }

  /** The first node that has ended by itself, with its last output; undefined when all run. */
  get problem(): string | undefined {
    return this.#nodes.find((node) => node.hasEnded)?.obituary;
  }

  /** Ends the nodes and removes their data. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #startAll(): Promise<void> {
    const { size, dataParent } = this.options;
    this.#directory = await mkdtemp(join(dataParent, 'quoral-bench-'));
    for (let count = 1; count <= size; count++) {
      this.#nodes.push(await this.#startNode(`n${count}`));
      // The first member admits the others one at a time; starting them together would only make them wait.
      await this.#untilAllLive();
    }
  }

  async #startNode(name: string): Promise<NodeProcess> {
    const address = await freeAddress(this.#shell);
    const { fsync, storage } = this.options;
    const args = ['--name', name, '--listen', address, '--data', join(this.#directory!, name)];
    args.push('--fsync', fsync, '--storage', storage);
    const first = this.#nodes[0];
    if (first !== undefined) args.push('--join', first.address);
    return new NodeProcess(name, address, args);
  }

  /** Waits until every node that was started sees all of them as live members. */
  async #untilAllLive(): Promise<void> {
    const deadlineMs = this.#shell.clock.monotonicMs() + START_TIMEOUT_MS;
    for (const node of this.#nodes) {
      let reason = await this.#notReady(node);
      while (reason !== undefined) {
        if (node.hasEnded) throw definite('CONNECT_FAILED', node.obituary);
        if (this.#shell.clock.monotonicMs() > deadlineMs) {
          const waited = `${node.name} was not ready after ${START_TIMEOUT_MS / 1000} s: ${reason}`;
          throw definite('CONNECT_FAILED', `${waited}\n${node.output}`);
        }
        await sleep(this.#shell.clock, POLL_MS);
        reason = await this.#notReady(node);
      }
    }
  }

  /** Why the node does not see the whole cluster; undefined when it does. */
  async #notReady(node: NodeProcess): Promise<string | undefined> {
    let control: ControlConnection | undefined;
    try {
      control = await ControlConnection.open(node.address, this.#shell);
      const { members, live } = await fetchRing(control);
      const expected = this.#nodes.length;
      if (members.length === expected && live.length === expected) return undefined;
      return `it sees ${members.length} members, ${live.length} of them live, of ${expected}`;
    } catch (error) {
      return messageOf(error);
    } finally {
      control?.close();
    }
  }

  async #stopAll(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop(this.#shell)));
    if (this.#directory !== undefined) await rm(this.#directory, { recursive: true, force: true });
  }
}

class NodeProcess {
  readonly name: string;
  readonly address: Address;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #hasEnded = false;
  #how = '';
  #output = '';

  constructor(name: string, address: Address, args: readonly string[]) {
    this.name = name;
    this.address = address;
    this.#child = spawn(process.execPath, [KVD, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const keep = (text: string) => {
      this.#output = (this.#output + text).slice(-OUTPUT_CHARACTERS_KEPT);
    };
    this.#child.stdout?.setEncoding('utf8').on('data', keep);
    this.#child.stderr?.setEncoding('utf8').on('data', keep);
    this.#ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.#hasEnded = true;
        this.#how = how;
        resolve();
      };
      this.#child.once('error', (error) => end(`could not be started: ${error.message}`));
      this.#child.once('exit', (code, signal) => end(`ended with ${signal ?? `exit code ${code}`}`));
    });
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  get output(): string {
    return this.#output;
  }

  /** How it ended, and its last words. */
  get obituary(): string {
    return `node ${this.name} ${this.#how}\n${this.#output}`.trimEnd();
  }

  async stop(shell: Shell): Promise<void> {
    if (this.#hasEnded) return;
    this.#child.kill('SIGTERM');
    const timer = shell.clock.setTimer(STOP_TIMEOUT_MS, () => {
      shell.say(`node ${this.name} did not end within ${STOP_TIMEOUT_MS / 1000} s of SIGTERM and is killed`);
      this.#child.kill('SIGKILL');
    });
    await this.#ended;
    shell.clock.clearTimer(timer);
  }
}

/** An address of this machine that nothing listens on just now. */
async function freeAddress(shell: Shell): Promise<Address> {
  const listener = await shell.network.listen('127.0.0.1:0', (connection) => {
    connection.destroy();
    return { onData() {}, onDrain() {}, onClose() {} };
  });
  await listener.close();
  return listener.address;
}
