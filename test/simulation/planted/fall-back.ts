/**
 * A cluster whose wall clocks fall back by hours while it is down. A version that one node had issued just before, and
 * that only one replica has, must not be issued again: two records would have it, and no replica could tell.
 */
import { Cluster } from '../../support/cluster.js';
import { isLinearizable, type Operation } from '../../support/linearizability.js';

const KEY = 'key';
const AHEAD_MS = 2 * 3_600_000;
/** A batch that does not get written before the crash. */
const SLOW_MS = [1000, 2000] as const;
const READS = 4;
const TRIES_MAX = 5;
const RETRY_MS = 100;

/** @returns the key, if no order explains what was seen of it. */
export async function runFallBack(seed: number): Promise<string[]> {
  const run = new FallBack(await Cluster.formed({ seed }));
  return isLinearizable(await run.history()) ? [] : [KEY];
}

class FallBack {
  readonly #cluster: Cluster;
  readonly #history: Operation[] = [];

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  async history(): Promise<readonly Operation[]> {
    await this.#writeAhead();
    await this.#writeToOne();
    await this.#fallBack();
    await this.#writeUntilDone('again');
    await this.#cluster.until(this.#cluster.start('c'));
    await this.#cluster.linked();
    for (let i = 0; i < READS; i++)
      for (const name of this.#cluster.names) await this.#cluster.until(this.#read(name));
    return this.#history;
  }

  /** From here on versions follow each other without gaps: the clocks of all nodes are ahead of the wall. */
  async #writeAhead(): Promise<void> {
    for (const name of this.#cluster.names) this.#cluster.skew(name, AHEAD_MS);
    await this.#writeUntilDone('first');
    for (const name of this.#cluster.names) this.#cluster.skew(name, 0);
    // One more after it, for the clocks have moved on meanwhile.
    await this.#writeUntilDone('second');
    await this.#cluster.run(10);
  }

  /** What a writes now is on its way to b, and not yet in its own log. */
  async #writeToOne(): Promise<void> {
    this.#cluster.network.cutOneWay('a', 'b');
    this.#cluster.disk('a').writeMs = SLOW_MS;
    this.#write('a', 'lost');
    await this.#cluster.run(10);
  }

  /** Everybody crashes; a and b come back. */
  async #fallBack(): Promise<void> {
    for (const name of this.#cluster.names) this.#cluster.crash(name);
    this.#cluster.heal();
    this.#cluster.disk('a').writeMs = [0.05, 0.5];
    for (const name of ['a', 'b']) await this.#cluster.until(this.#cluster.start(name));
    await this.#cluster.linked();
  }

  /** The clock has leapt: the node must first store a new bound. */
  async #writeUntilDone(value: string): Promise<void> {
    for (let i = 0; i < TRIES_MAX; i++) {
      if (await this.#cluster.until(this.#write('a', `${value} ${i}`))) return;
      await this.#cluster.run(RETRY_MS);
    }
  }

  /** @returns whether it was done. */
  async #write(name: string, value: string): Promise<boolean> {
    const calledAt = this.#now;
    const operation = { kind: 'write', value, calledAt, returnedAt: Infinity, by: name } as const;
    const index = this.#history.push(operation) - 1;
    const answer = await this.#cluster.client(name).set(KEY, value);
    if (answer.kind === 'done') this.#history[index] = { ...operation, returnedAt: this.#now };
    return answer.kind === 'done';
  }

  async #read(name: string): Promise<void> {
    const calledAt = this.#now;
    const answer = await this.#cluster.client(name).get(KEY);
    if (answer.kind === 'error') return;
    const value = answer.kind === 'value' ? answer.value : '';
    this.#history.push({ kind: 'read', value, calledAt, returnedAt: this.#now, by: name });
  }

  get #now(): number {
    return this.#cluster.clock.monotonicMs();
  }
}
