/**
 * A cluster of real `kvd` processes on this machine, with real sockets and disks: its nodes can be killed, stopped,
 * paused and started again by their names. Everything ends and is removed with the test; the nodes' logs are shown when
 * it failed.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Test } from 'tap';
import { type ConnectOptions, connect, type KvClient, type StatusView } from '../../src/client/index.js';
import { freePorts, HOST, isFree } from '../process/ports.js';
import { Program, until } from '../process/program.js';

const START_ATTEMPTS = 5;
const PORT_TAKEN = /is taken by another program/;

export interface NodeSpec {
  readonly name: string;
  /** `host:port`; a free one unless told. */
  readonly address?: string;
  /** A directory of its own unless told. */
  readonly data?: string;
  /** Addresses to join by; none founds a cluster. */
  readonly join?: readonly string[];
  /** Further words of the command line. */
  readonly options?: readonly string[];
  /** Environment beside our own. */
  readonly env?: Readonly<Record<string, string>>;
}

/** With which `--join` a node is started again: as it was first, without, or with these addresses. */
export type JoinWords = 'as before' | 'none' | readonly string[];

/** One node: a command line, and its process when it runs. */
export class RealNode {
  readonly name: string;
  readonly address: string;
  readonly data: string;
  readonly #join: readonly string[];
  readonly #options: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  readonly #lives: Program[] = [];

  constructor(spec: Required<NodeSpec>) {
    this.name = spec.name;
    this.address = spec.address;
    this.data = spec.data;
    this.#join = spec.join;
    this.#options = spec.options;
    this.#env = spec.env;
  }

  /** Its latest process. */
  get program(): Program {
    const program = this.#lives.at(-1);
    if (program === undefined) throw new Error(`${this.name} was never started`);
    return program;
  }

  get isRunning(): boolean {
    return this.#lives.length > 0 && this.program.exit === undefined;
  }

  /** Starts its process, and does not wait for it. */
  start(join: JoinWords = 'as before'): void {
    if (this.isRunning) throw new Error(`${this.name} runs already`);
    const options = { hasChannel: true, env: this.#env };
    this.#lives.push(new Program('kvd', [...this.#args(join), '--exit-with-parent'], options));
  }

  /** Resolves when it serves. */
  async serves(): Promise<void> {
    await this.program.says(new RegExp(`^kvd: ${this.name} serves on `, 'm'));
  }

  /** Starts its process, again when something else holds its port for a moment, and waits until it serves. */
  async up(join: JoinWords = 'as before'): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      this.start(join);
      try {
        return await this.serves();
      } catch (error) {
        if (!PORT_TAKEN.test(this.program.stderr) || attempt === START_ATTEMPTS) throw error;
      }
      await until(`${this.address} is free`, () => isFree(Number(this.address.split(':')[1])));
    }
  }

  /** Sends a signal that ends it, and waits until its process is gone. */
  async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (!this.isRunning) return;
    this.program.kill(signal);
    await this.program.exited;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.program.kill(signal);
  }

  /** The last words of each of its lives. */
  logs(): string {
    return this.#lives.map((program) => program.tail()).join('\n');
  }

  #args(join: JoinWords): string[] {
    const own = ['--name', this.name, '--listen', this.address, '--data', this.data];
    const seeds = join === 'as before' ? this.#join : join === 'none' ? [] : join;
    return [...own, ...(seeds.length > 0 ? ['--join', seeds.join(',')] : []), ...this.#options];
  }
}

/** Nodes in one temporary directory. */
export class RealCluster {
  readonly directory: string;
  readonly #nodes = new Map<string, RealNode>();
  /** The nodes, and all others that were ever made. */
  readonly #made: RealNode[] = [];
  readonly #clients = new Set<KvClient>();

  private constructor(directory: string) {
    this.directory = directory;
  }

  /** A place for nodes, without any yet. */
  static async empty(t: Test): Promise<RealCluster> {
    const cluster = new RealCluster(await mkdtemp(join(tmpdir(), 'quoral-')));
    t.teardown(async () => {
      if (!t.passing()) process.stderr.write(`${cluster.logs()}\n`);
      await cluster.stop();
    });
    return cluster;
  }

  /** Nodes `n1` to `n<count>`, all of which serve and see each other. */
  static async start(t: Test, count: number, options: readonly string[] = []): Promise<RealCluster> {
    const cluster = await RealCluster.empty(t);
    for (let attempt = 1; ; attempt++) {
      try {
        await cluster.#form(count, options);
        return cluster;
      } catch (error) {
        const isTaken = cluster.nodes.some((node) => PORT_TAKEN.test(node.logs()));
        if (!isTaken || attempt === START_ATTEMPTS) throw error;
        await cluster.#clear();
      }
    }
  }

  get nodes(): readonly RealNode[] {
    return [...this.#nodes.values()];
  }

  get addresses(): string[] {
    return this.nodes.map(({ address }) => address);
  }

  node(name: string): RealNode {
    const node = this.#nodes.get(name);
    if (node === undefined) throw new Error(`there is no node ${name}`);
    return node;
  }

  /** Adds a node, which does not run yet; in the place of an earlier one of its name, if there is one. */
  async add(spec: NodeSpec): Promise<RealNode> {
    const node = await this.make(spec);
    this.#nodes.set(spec.name, node);
    return node;
  }

  /** A node that does not run, and is none of the cluster's: one that it will not let in. */
  async make(spec: NodeSpec): Promise<RealNode> {
    const address = spec.address ?? `${HOST}:${(await freePorts(1))[0]}`;
    const data = spec.data ?? join(this.directory, spec.name);
    const node = new RealNode({ join: [], options: [], env: {}, ...spec, address, data });
    this.#made.push(node);
    return node;
  }

  /** Ends nodes as a crash would. */
  async kill(...names: string[]): Promise<void> {
    await Promise.all(names.map((name) => this.node(name).end('SIGKILL')));
  }

  /** Starts nodes that have ended, on their data. Resolves when they serve. */
  async restart(...names: string[]): Promise<void> {
    await Promise.all(names.map((name) => this.node(name).up()));
  }

  /** Waits until the nodes that run see exactly each other alive, under one configuration. */
  async agree(): Promise<void> {
    const nodes = this.nodes.filter(({ isRunning }) => isRunning);
    await this.see(
      nodes.map(({ name }) => name),
      nodes.map(({ name }) => name),
    );
  }

  /** Waits until each of `observers` sees exactly the nodes `live` alive, and all of them name one epoch. */
  async see(observers: readonly string[], live: readonly string[]): Promise<void> {
    const expected = [...live].sort().join(' ');
    await until(`${observers.join(', ')} see ${expected} alive`, async () => {
      const views = await Promise.all(observers.map((name) => this.status(name)));
      const wrong = views.find((view) => liveIn(view) !== expected || view.epoch !== views[0]!.epoch);
      if (wrong !== undefined) throw new Error(`${wrong.name} sees ${liveIn(wrong)} at epoch ${wrong.epoch}`);
      return true;
    });
  }

  /** What the node says of itself. */
  async status(name: string): Promise<StatusView> {
    const client = await connect(this.node(name).address);
    try {
      return await client.status(this.node(name).address);
    } finally {
      await client.close();
    }
  }

  /** A client of the whole cluster, closed at the end. */
  async client(options?: ConnectOptions): Promise<KvClient> {
    const client = await connect(this.addresses, options);
    this.#clients.add(client);
    return client;
  }

  logs(): string {
    return this.#made.map((node) => node.logs()).join('\n');
  }

  /** Ends all nodes and removes what they stored. */
  async stop(): Promise<void> {
    await Promise.all([...this.#clients].map((client) => client.close()));
    await this.#clear();
    await rm(this.directory, { recursive: true, force: true });
  }

  async #form(count: number, options: readonly string[]): Promise<void> {
    const ports = await freePorts(count);
    const [founder, ...others] = ports.map((port, i) => ({ name: `n${i + 1}`, address: `${HOST}:${port}` }));
    const first = await this.add({ ...founder!, options });
    first.start();
    await first.serves();
    for (const other of others) (await this.add({ ...other, options, join: [first.address] })).start();
    await Promise.all(this.nodes.map((node) => node.serves()));
    await this.agree();
  }

  async #clear(): Promise<void> {
    await Promise.all(this.#made.map((node) => node.end('SIGKILL')));
    await Promise.all(this.#made.map(({ data }) => rm(data, { recursive: true, force: true })));
    this.#made.length = 0;
    this.#nodes.clear();
  }
}

/** The names that a status calls alive, sorted; itself included. */
function liveIn(status: StatusView): string {
  const members = (status.members ?? []) as readonly { name: string; state: string }[];
  return members
    .filter(({ state }) => state === 'alive' || state === 'self')
    .map(({ name }) => name)
    .sort()
    .join(' ');
}
