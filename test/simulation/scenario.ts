/**
 * The frame that scenarios are written in: a cluster of real nodes on a virtual clock, requests whose answers are few
 * words, and expectations that become the lines of a story. A scenario says what is done and what must come of it,
 * with exact counts; it holds under every seed.
 */
import { isDeepStrictEqual } from 'node:util';
import { OWNERS, SCAN } from '../../src/wire/message-type.js';
import { brief, Cluster, type ClusterOptions } from '../support/cluster.js';
import type { Answer, AskOptions, FrameClient, SetOptions } from '../support/frame-client.js';

export interface Scenario {
  /** As its file is named, and as `--scenario` takes it. */
  readonly name: string;
  /** One or two sentences: what happens, and what must come of it. */
  readonly story: string;
  readonly run: (world: World) => Promise<void>;
}

export interface ScenarioOutcome {
  readonly name: string;
  readonly story: string;
  readonly seed: number;
  /** What was done and found, with virtual milliseconds. */
  readonly lines: readonly string[];
  /** Expectations that held. */
  readonly checks: number;
  readonly virtualMs: number;
  /** Undefined: everything came as expected. */
  readonly failure: string | undefined;
}

/** Long enough for what is under way between healthy nodes to end, in virtual milliseconds. */
const QUIET_MS = 50;
const ENTRIES_SHOWN_MAX = 120;

/** Runs one scenario; never rejects: what goes wrong is its `failure`. */
export async function play(scenario: Scenario, seed = 1): Promise<ScenarioOutcome> {
  const { name, story } = scenario;
  const world = new World(seed);
  let failure: string | undefined;
  try {
    await scenario.run(world);
    if (world.checks === 0) failure = 'it expects nothing';
  } catch (error) {
    failure =
      error instanceof Unexpected ? error.message : String(error instanceof Error ? error.stack : error);
  }
  return { name, story, seed, lines: world.lines, checks: world.checks, virtualMs: world.nowMs, failure };
}

/** An expectation that did not hold. */
class Unexpected extends Error {}

export class World {
  readonly seed: number;
  readonly lines: string[] = [];
  checks = 0;
  #cluster: Cluster | undefined;
  readonly #clients = new Map<string, FrameClient>();

  constructor(seed: number) {
    this.seed = seed;
  }

  get cluster(): Cluster {
    if (this.#cluster === undefined) throw new Error('the scenario has made no cluster yet');
    return this.#cluster;
  }

  get nowMs(): number {
    return this.#cluster?.clock.monotonicMs() ?? 0;
  }

  /** A cluster whose nodes all serve and see each other; `a`, `b` and `c` unless told otherwise. */
  async formed(options: ClusterOptions = {}): Promise<Cluster> {
    const cluster = this.machines(options);
    for (const name of cluster.names) await cluster.until(cluster.start(name));
    await cluster.linked();
    return cluster;
  }

  /** The machines of a cluster, none of them started. */
  machines(options: ClusterOptions = {}): Cluster {
    this.#clients.clear();
    this.#cluster = new Cluster({ seed: this.seed, ...options });
    return this.#cluster;
  }

  /** Tells what happens, without expecting anything. */
  note(what: string): void {
    this.lines.push(`${this.nowMs.toFixed(1).padStart(9)} ms  ${what}`);
  }

  /** Ends the scenario unless both are deeply equal. */
  equal<T>(actual: T, expected: T, what: string): void {
    if (!isDeepStrictEqual(actual, expected)) {
      this.note(`UNEXPECTED: ${what}`);
      throw new Unexpected(`${what}: expected ${shown(expected)}, found ${shown(actual)}`);
    }
    this.checks++;
    this.note(`${what}: ${shown(actual)}`);
  }

  ok(condition: boolean, what: string): void {
    if (!condition) throw new Unexpected(`not so: ${what}`);
    this.checks++;
    this.note(what);
  }

  /** A client of one node, the same one every time. */
  client(node: string): FrameClient {
    const known = this.#clients.get(node);
    if (known !== undefined) return known;
    const client = this.cluster.client(node);
    this.#clients.set(node, client);
    return client;
  }

  /** Lets time pass until it is answered. */
  until<T>(promise: Promise<T>): Promise<T> {
    return this.cluster.until(promise);
  }

  /** A read in few words: the value, `absent`, or the error's code with `!` when it is definite and `?` when not. */
  async get(node: string, key: string, options: AskOptions = {}): Promise<string> {
    return brief(await this.until(this.client(node).get(key, options)));
  }

  /** A write in few words: `done`, or the error's code as for {@link get}. */
  async set(node: string, key: string, value: string, options: SetOptions = {}): Promise<string> {
    return brief(await this.until(this.client(node).set(key, value, options)));
  }

  async delete(node: string, key: string, options: AskOptions = {}): Promise<string> {
    return brief(await this.until(this.client(node).delete(key, options)));
  }

  /** Asks for many at once and counts the answers: of writes also whether there was a value before. */
  async tally(requests: readonly Promise<Answer>[]): Promise<Record<string, number>> {
    return count((await this.until(Promise.all(requests))).map(outcomeOf));
  }

  /** What each node has to say about a key. */
  async everywhere(key: string, options: AskOptions = {}): Promise<Record<string, string>> {
    const answers: Record<string, string> = {};
    for (const name of this.running()) answers[name] = await this.get(name, key, options);
    return answers;
  }

  /** Values stored for these keys on all disks, counted; `-` is a tombstone. */
  stored(keys: readonly string[]): Record<string, number> {
    return count(keys.flatMap((key) => this.cluster.storedValues(key)).filter((value) => value !== ''));
  }

  /** What each machine has stored for one key: the value, `-` for a tombstone, nothing for nothing. */
  disks(key: string): Record<string, string> {
    const { names } = this.cluster;
    return Object.fromEntries(this.cluster.storedValues(key).map((value, i) => [names[i]!, value]));
  }

  /** Distinct versions that the machines have stored for a key. */
  versions(key: string): number {
    const records = this.cluster.names.map((name) => this.cluster.stored(name, key)?.version);
    const held = records.filter((version) => version !== undefined);
    return new Set(held.map(({ time, node }) => `${time}@${node}`)).size;
  }

  running(): string[] {
    return this.cluster.names.filter((name) => this.cluster.isRunning(name));
  }

  /** The names of a key's replicas, first owner first. */
  async owners(key: string): Promise<string[]> {
    const answer = await this.until(this.client(this.running()[0]!).call(OWNERS, {}, key));
    if (answer.kind !== 'result') throw new Error(`no owners of ${key}: ${brief(answer)}`);
    return (answer.body.owners as { name: string }[]).map(({ name }) => name);
  }

  /** The nodes that are no replica of a key. */
  async others(key: string): Promise<string[]> {
    const owners = await this.owners(key);
    return this.cluster.names.filter((name) => !owners.includes(name));
  }

  /** Whom each running node sees as unreachable, suspect or faulty; nodes that see everybody are left out. */
  async unreachable(): Promise<Record<string, string[]>> {
    const views: Record<string, string[]> = {};
    for (const name of this.running()) {
      const { members = [] } = await this.cluster.status(name);
      const missing = (members as { name: string; state: string }[]).filter(
        ({ state }) => state !== 'alive' && state !== 'self',
      );
      if (missing.length > 0) views[name] = missing.map((member) => member.name);
    }
    return views;
  }

  /** One counter of the coordinators, summed over the running nodes. */
  async counted(counter: string): Promise<number> {
    let sum = 0;
    for (const name of this.running()) sum += (await this.cluster.requests(name))[counter] ?? 0;
    return sum;
  }

  /** Keys of a whole scan through one node, page by page; `between` runs after each page. */
  async scan(
    node: string,
    limit: number,
    between: (page: number) => Promise<void> = async () => {},
  ): Promise<string[]> {
    const keys: string[] = [];
    let cursor: unknown;
    for (let page = 1; cursor !== null; page++) {
      const body = { limit, ...(cursor === undefined ? {} : { cursor: cursor as Uint8Array }) };
      const answer = await this.until(this.client(node).call(SCAN, body));
      if (answer.kind !== 'result') throw new Unexpected(`page ${page} of a scan: ${brief(answer)}`);
      for (const [key] of answer.body.entries as [Uint8Array][]) keys.push(new TextDecoder().decode(key));
      cursor = answer.body.cursor;
      await between(page);
    }
    return keys;
  }

  /** Lets what is under way between healthy nodes end. */
  quiet(ms = QUIET_MS): Promise<void> {
    return this.cluster.run(ms);
  }

  crash(...names: readonly string[]): void {
    for (const name of names) this.cluster.crash(name);
    this.note(`crash of ${names.join(' and ')}`);
  }

  /** Starts nodes that do not run, and waits until all running ones see each other. */
  async restart(...names: readonly string[]): Promise<void> {
    await this.until(Promise.all(names.map((name) => this.cluster.start(name))));
    await this.cluster.linked();
    this.note(`${names.join(' and ')} came back`);
  }
}

/** `key-0`, `key-1`, … */
export function keysOf(howMany: number, prefix = 'key'): string[] {
  return Array.from({ length: howMany }, (_, i) => `${prefix}-${i}`);
}

export function count(items: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of [...items].sort()) counts[item] = (counts[item] ?? 0) + 1;
  return counts;
}

/** A write's answer with whether it found a value: `done, replaced` or `done, new`. */
function outcomeOf(answer: Answer): string {
  if (answer.kind !== 'done') return brief(answer);
  return answer.existed ? 'done, replaced' : 'done, new';
}

function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : cut(value.map(String).join(', '));
  if (typeof value !== 'object' || value === null) return cut(String(value));
  const entries = Object.entries(value).map(([name, held]) => `${name} ${shown(held)}`);
  return entries.length === 0 ? 'none' : cut(entries.join(' · '));
}

function cut(text: string): string {
  return text.length <= ENTRIES_SHOWN_MAX ? text : `${text.slice(0, ENTRIES_SHOWN_MAX)} …`;
}

/** Five machines: with three replicas every key has two that are none of its. */
export const FIVE: readonly string[] = ['a', 'b', 'c', 'd', 'e'];
/** Ten, as in the course store. */
export const TEN: readonly string[] = [...FIVE, 'f', 'g', 'h', 'i', 'j'];
