/**
 * `kvd dev`: a cluster on this machine, every node a process of its own, to try things out.
 *
 * States: starting (one node, then the others, which join it) → up → stopping. A node that dies while the cluster
 * is up is not started again: killing nodes is what one does with such a cluster. A node that dies earlier ends it all.
 */
import { join } from 'node:path';
import type { Clock } from '../../src/ports/clock.js';
import { onStopSignals, type SignalSource } from '../node/stop-signals.js';
import type { Colour } from '../output/colour.js';
import type { Output } from '../output/output.js';
import { renderTable } from '../output/table.js';
import { pause } from '../session.js';
import { plural } from '../text/quantity.js';
import type { SpawnNode } from './child-node.js';
import { DevNode, describeExit, shellWord } from './dev-node.js';
import { readLogLine } from './log-line.js';
import { freeBasePort, type IsPortFree, takenPort } from './ports.js';

export interface DevOptions {
  readonly nodes: number;
  readonly basePort: number;
  readonly data: string;
  /** Options for every node, as words of a command line. */
  readonly nodeOptions: readonly string[];
  /** Show everything that nodes log; otherwise warnings, and changes of state once the cluster has been up for a while. */
  readonly verbose: boolean;
}

export interface DevWorld {
  readonly output: Output;
  readonly clock: Clock;
  readonly spawn: SpawnNode;
  readonly isPortFree: IsPortFree;
  readonly signals: SignalSource;
  /** The names in a directory; none when it is not there. */
  readonly list: (directory: string) => Promise<string[]>;
}

const HOST = '127.0.0.1';
/**
 * The others start after the first one serves, so that they have something to join. It gets this long: a first node
 * with data of an earlier run may be waiting for the others.
 */
const HEAD_START_MS = 5000;
/** Nodes that have just come up still tell that they have found each other. */
const SETTLE_MS = 2000;
const START_MS_MAX = 60_000;
/** Nodes that have not stopped by then are killed; stopping takes less than five seconds in all. */
const STOP_MS_MAX = 4000;

/** Resolves with the exit code: 0 after a wish to stop, 1 when the cluster could not start or has died. */
export async function runDevCluster(options: DevOptions, world: DevWorld): Promise<number> {
  const range = { host: HOST, basePort: options.basePort, count: options.nodes };
  const port = await takenPort(range, world.isPortFree);
  if (port === undefined) {
    await warnOfAbsentNodes(options, world);
    return new DevCluster(options, world).run();
  }
  const basePort = await freeBasePort(range, world.isPortFree);
  // Nodes keep their addresses: data of these ports is of no use with others.
  const other = `--base-port ${basePort ?? 'PORT'} --data ${shellWord(`${options.data}-${basePort ?? 'PORT'}`)}`;
  world.output.note(
    `kvd dev: port ${port} on ${HOST} is taken by another program; stop that one, or use other ports: ${other}`,
  );
  return 1;
}

/** A node that ran here earlier is still a member: without it, its part of the replicas is missing. */
async function warnOfAbsentNodes({ data, nodes }: DevOptions, { list, output }: DevWorld): Promise<void> {
  const numbers = (await list(data)).map((name) => Number(/^n([1-9]\d*)$/.exec(name)?.[1] ?? 0));
  const highest = Math.max(0, ...numbers);
  if (highest <= nodes) return;
  output.note(
    `kvd dev: ${data} has nodes up to n${highest} of an earlier run, which stay members of the cluster; ` +
      `start them as well with --nodes ${highest}, or use another directory with --data`,
  );
}

class DevCluster {
  readonly #options: DevOptions;
  readonly #world: DevWorld;
  readonly #nodes: readonly DevNode[];
  readonly #stopRequested: Promise<'stop'>;
  #requestStop: (wish: 'stop') => void = () => {};
  /** Aborted when there is nothing to wait for any more. */
  readonly #waiting = new AbortController();
  #upMs = 0;
  #phase: 'starting' | 'up' | 'stopping' = 'starting';

  constructor(options: DevOptions, world: DevWorld) {
    this.#options = options;
    this.#world = world;
    this.#nodes = Array.from({ length: options.nodes }, (_, i) => {
      const name = `n${i + 1}`;
      const address = `${HOST}:${options.basePort + i}`;
      return new DevNode({ name, address, data: join(options.data, name), options: options.nodeOptions });
    });
    this.#stopRequested = new Promise((resolve) => {
      this.#requestStop = resolve;
    });
  }

  async run(): Promise<number> {
    const stopListening = onStopSignals({
      source: this.#world.signals,
      signals: ['SIGINT', 'SIGTERM', 'SIGHUP'],
      clock: this.#world.clock,
      onStop: () => this.#requestStop('stop'),
      onHurry: () => this.#killAll(),
    });
    const ended = await Promise.race([this.#stopRequested, this.#startAndWatch()]);
    await this.#stopAll();
    stopListening();
    return ended === 'stop' ? 0 : 1;
  }

  /** Whether changes of state are news. */
  get #isSettled(): boolean {
    return this.#isUp && this.#world.clock.monotonicMs() - this.#upMs >= SETTLE_MS;
  }

  get #isUp(): boolean {
    return this.#phase === 'up';
  }

  /** Resolves when the cluster is of no use any more. */
  async #startAndWatch(): Promise<'failed'> {
    const { output } = this.#world;
    await this.#startAll();
    this.#waiting.abort();
    if (this.#phase === 'stopping') return 'failed';
    const missing = this.#nodes.filter((node) => !node.isServing || !node.isRunning);
    if (missing.length > 0) {
      // A node that ended has been told already, and is why the others were not waited for.
      const isTimeUp = missing.every((node) => node.isRunning);
      const names = missing.map((node) => node.name).join(', ');
      if (isTimeUp) output.note(`kvd dev: ${names} did not come up within ${START_MS_MAX / 1000} s`);
      return 'failed';
    }
    this.#phase = 'up';
    this.#upMs = this.#world.clock.monotonicMs();
    await output.write(this.#welcome());
    await Promise.all(this.#nodes.map((node) => node.ended()));
    // While the cluster stops, this is how it should be.
    if (this.#isUp) output.note('kvd dev: no node is left');
    return 'failed';
  }

  /** Resolves when every node serves or has ended, or the time is up. */
  async #startAll(): Promise<void> {
    const { clock } = this.#world;
    const { signal } = this.#waiting;
    const timeIsUp = pause(clock, START_MS_MAX, signal);
    const [first, ...others] = await this.#inOrder();
    this.#start(first!, []);
    await Promise.race([first!.settled, pause(clock, HEAD_START_MS, signal)]);
    if (this.#phase === 'stopping' || first!.exit !== undefined) return;
    for (const node of others) this.#start(node, [first!.address]);
    const oneFailed = Promise.race(this.#nodes.map((node) => node.ended()));
    await Promise.race([Promise.all(this.#nodes.map((node) => node.settled)), oneFailed, timeIsUp]);
  }

  /** First one that knows the cluster: a node without data would found a new one. */
  async #inOrder(): Promise<DevNode[]> {
    const contents = await Promise.all(this.#nodes.map((node) => this.#world.list(node.data)));
    const first = this.#nodes.find((_, i) => contents[i]!.length > 0) ?? this.#nodes[0]!;
    return [first, ...this.#nodes.filter((node) => node !== first)];
  }

  #start(node: DevNode, join: readonly string[]): void {
    node.start(this.#world.spawn, join, (line) => this.#onLog(node, line));
    void node.ended().then(() => this.#onEnd(node));
  }

  #onLog(node: DevNode, line: string): void {
    const { output } = this.#world;
    const { text, isImportant } = readLogLine(line);
    if (!isImportant && !this.#options.verbose && !this.#isSettled) return;
    output.note(`${this.#prefix(node)} ${text}`);
  }

  #onEnd(node: DevNode): void {
    if (this.#phase === 'stopping' || node.exit === undefined) return;
    const { output } = this.#world;
    output.note(`${this.#prefix(node)} (pid ${node.pid ?? 'none'}) ${describeExit(node.exit)}`);
    if (!this.#isUp) return;
    const live = this.#nodes.find((other) => other !== node && other.isRunning);
    output.note(`start it again with:\n  ${node.command(live === undefined ? [] : [live.address])}`);
  }

  #welcome(): string {
    const { colour } = this.#world.output;
    const columns = [
      { title: 'NODE' },
      { title: 'ADDRESS' },
      { title: 'PID', align: 'right' },
      { title: 'DATA' },
    ] as const;
    const rows = this.#nodes.map((node) => [
      this.#coloured(node, colour),
      node.address,
      String(node.pid),
      node.data,
    ]);
    const host = this.#options.basePort === 7400 ? '' : ` -h ${this.#nodes[0]!.address}`;
    const victim = this.#nodes.at(-1)!;
    const lines = [
      `${plural(this.#nodes.length, 'node serves', 'nodes serve')}. Try in another terminal:`,
      '',
      `  npx kvcli${host} set greeting hello`,
      `  npx kvcli${host} get greeting`,
      `  npx kvcli${host} status`,
      ...(this.#nodes.length > 2
        ? [`  kill -9 ${victim.pid}   (${victim.name} dies; everything goes on)`]
        : []),
      '',
      'Ctrl-C stops all nodes; their data stays.',
    ];
    return `${renderTable(columns, rows, colour)}\n${lines.join('\n')}\n`;
  }

  async #stopAll(): Promise<void> {
    this.#phase = 'stopping';
    this.#waiting.abort();
    for (const node of this.#nodes) node.kill('SIGTERM');
    const { clock } = this.#world;
    const timer = clock.setTimer(STOP_MS_MAX, () => this.#killAll());
    await Promise.all(this.#nodes.map((node) => node.ended()));
    clock.clearTimer(timer);
  }

  #killAll(): void {
    for (const node of this.#nodes) node.kill('SIGKILL');
  }

  #prefix(node: DevNode): string {
    const width = `n${this.#nodes.length}`.length;
    return `${this.#coloured(node, this.#world.output.errorColour, width)} │`;
  }

  #coloured(node: DevNode, colour: Colour, width = 0): string {
    const paints = [colour.cyan, colour.magenta, colour.yellow, colour.green, colour.blue];
    const paint = paints[this.#nodes.indexOf(node) % paints.length]!;
    return paint(node.name.padEnd(width));
  }
}
