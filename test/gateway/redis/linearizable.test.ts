/**
 * What Redis clients see of a key, through all nodes, in pipelines, while nodes crash and links are cut, is one register's
 * history. Each reply is taken as soon as it comes: within a connection commands also keep their order.
 */
import t from 'tap';
import { SeededRandom } from '../../../src/base/seeded-random.js';
import { Cluster } from '../../support/cluster.js';
import { findViolation, type Operation } from '../../support/linearizability.js';
import { encodeCommand, RespClient } from '../../support/resp-client.js';

const SEEDS = 12;
const KEYS = ['x', 'y', 'z'];
const DURATION_MS = 6000;

interface Asked {
  readonly key: string;
  readonly kind: 'read' | 'write';
  readonly value: string;
  readonly calledAt: number;
}

class Run {
  readonly cluster: Cluster;
  readonly random: SeededRandom;
  readonly histories = new Map<string, Operation[]>(KEYS.map((key) => [key, []]));
  answered = 0;
  #values = 0;

  constructor(cluster: Cluster, seed: number) {
    this.cluster = cluster;
    this.random = new SeededRandom(seed * 7919);
  }

  get nowMs(): number {
    return this.cluster.clock.monotonicMs();
  }

  /** Only the test itself lets time pass. */
  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => this.cluster.clock.setTimer(ms, resolve));
  }

  /** One client after another, each with pipelines on a connection of its own, until the time is over. */
  async client(number: number, endMs: number): Promise<void> {
    for (let life = 0; this.nowMs < endMs; life++) {
      const running = this.cluster.names.filter((name) => this.cluster.isRunning(name));
      const node = running[this.random.below(running.length)];
      const host = `redis-${number}-${life}`;
      const client =
        node === undefined
          ? undefined
          : await RespClient.open(this.cluster, node, host).catch(() => undefined);
      if (client === undefined) await this.#pause(50);
      else await this.#life(client, `${host}@${node}`, endMs);
      client?.close();
    }
  }

  async #life(client: RespClient, by: string, endMs: number): Promise<void> {
    for (let round = 0; round < 20 && this.nowMs < endMs && !client.isClosed; round++) {
      const asked = Array.from({ length: 1 + this.random.below(6) }, () => this.#randomCommand());
      const before = client.replies.length;
      const bytes = asked.map(({ key, kind, value }) =>
        encodeCommand(kind === 'read' ? ['GET', key] : ['SET', key, value]),
      );
      client.send(Buffer.concat(bytes));
      await this.#take(client, asked, before, by);
      await this.#pause(this.random.below(20));
    }
  }

  #randomCommand(): Asked {
    const key = KEYS[this.random.below(KEYS.length)]!;
    const isWrite = this.random.below(2) === 0;
    const value = isWrite ? `v${this.#values++}` : '';
    return { key, kind: isWrite ? 'write' : 'read', value, calledAt: this.nowMs };
  }

  async #take(client: RespClient, asked: readonly Asked[], before: number, by: string): Promise<void> {
    const giveUpMs = this.nowMs + 5000;
    for (const [i, ask] of asked.entries()) {
      while (client.replies.length <= before + i && !client.isClosed && this.nowMs < giveUpMs) {
        await this.#pause(1);
      }
      this.#note(ask, client.replies[before + i], by);
    }
    // What has not been answered by now may have happened: this connection is not used again.
    if (client.replies.length < before + asked.length) client.close();
  }

  #note({ key, kind, value, calledAt }: Asked, reply: string | undefined, by: string): void {
    const history = this.histories.get(key)!;
    const returnedAt = this.nowMs;
    if (reply === '+OK') history.push({ kind, value, calledAt, returnedAt, by });
    else if (reply === '$-1') history.push({ kind, value: '', calledAt, returnedAt, by });
    else if (reply?.startsWith('"'))
      history.push({ kind, value: JSON.parse(reply), calledAt, returnedAt, by });
    else if (kind === 'write' && (reply === undefined || reply.endsWith('it may have happened')))
      history.push({ kind, value, calledAt, returnedAt: Infinity, by });
    else if (reply !== undefined && !reply.startsWith('-')) throw new Error(`an odd reply: ${reply}`);
    if (reply === '+OK' || reply === '$-1' || reply?.startsWith('"')) this.answered++;
  }

  /** Something goes wrong every now and then. */
  async trouble(endMs: number): Promise<void> {
    while (this.nowMs < endMs) {
      await this.#pause(200 + this.random.below(800));
      const name = this.cluster.names[this.random.below(3)]!;
      const other = this.cluster.names[this.random.below(3)]!;
      switch (this.random.below(4)) {
        case 0:
          if (!this.cluster.isRunning(name)) break;
          this.cluster.crash(name);
          await this.cluster.start(name);
          break;
        case 1:
          if (name !== other) this.cluster.network.cutOneWay(name, other);
          break;
        case 2:
          this.cluster.heal();
          break;
        default:
          this.cluster.skew(name, (this.random.below(3) - 1) * 3_600_000);
      }
    }
    this.cluster.heal();
  }
}

t.test('pipelines of Redis clients through all nodes are linearizable per key under failures', async (t) => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const cluster = await Cluster.formed({ seed, delayMs: [0.1, 15] });
    const run = new Run(cluster, seed);
    const endMs = run.nowMs + DURATION_MS;
    const clients = Array.from({ length: 5 }, (_, number) => run.client(number, endMs));
    await cluster.until(Promise.all([...clients, run.trouble(endMs)]));
    for (const [key, history] of run.histories) {
      const violation = findViolation(history);
      t.equal(violation?.reason, undefined, `seed ${seed}, key ${key}, ${history.length} operations`);
    }
    t.ok(run.answered > 100, `seed ${seed}: ${run.answered} answered`);
  }
});
