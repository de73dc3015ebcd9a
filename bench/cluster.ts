/**
 * A cluster of node processes on this machine, for as long as a benchmark runs. Its data is removed at the end.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { definite, messageOf } from '../src/base/errors.js';
import type { Address } from '../src/ports/network.js';
import { ControlConnection } from './control-connection.js';
import { fetchRing } from './node-facts.js';
import { freeAddress, NodeProcess } from './node-process.js';
import { type Shell, sleep } from './shell.js';

const START_TIMEOUT_MS = 60_000;
const POLL_MS = 100;

export type Fsync = 'always' | 'everysec' | 'never';
export type Storage = 'level' | 'memory';

export interface ClusterOptions {
  readonly size: number;
  readonly fsync: Fsync;
  readonly storage: Storage;
  /** Where a temporary directory for the data is made. */
  readonly dataParent: string;
  /** Directories for the data of single nodes, by name, when they are not to be in that one. */
  readonly dataOf?: Readonly<Record<string, string>>;
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

  get nodes(): readonly NodeProcess[] {
    return this.#nodes;
  }

  /** Process ids of the nodes that run. */
  get pids(): number[] {
    return this.#nodes.filter(({ hasEnded }) => !hasEnded).map(({ pid }) => pid);
  }

  /** Starts a node again that has ended. It joins by the others, for it may have lost what it knew. Does not wait for it. */
  restart(node: NodeProcess): void {
    const others = this.#nodes.filter((other) => other !== node).map(({ address }) => address);
    node.start(others);
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
    const { fsync, storage, dataOf } = this.options;
    const first = this.#nodes[0];
    const node = new NodeProcess({
      name,
      address: await freeAddress(this.#shell),
      data: dataOf?.[name] ?? join(this.#directory!, name),
      options: ['--fsync', fsync, '--storage', storage],
    });
    node.start(first === undefined ? [] : [first.address]);
    return node;
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
