/** A node that stops for a while without ending: SIGSTOP is what a suspended machine looks like to the others. */
import t from 'tap';
import { connect, type Member } from '../../src/client/index.js';
import { GET, VALUE } from '../../src/wire/message-type.js';
import { RealCluster } from '../support/real-cluster.js';
import { until } from './program.js';
import { RawClient } from './raw-client.js';
import { stopAndCompare, untilInSync } from './replica-data.js';
import { Writers } from './writers.js';

const NODES = 5;
const PAUSE_MS = 30_000;
const WRITERS = 10;

t.test('one of five nodes pauses for half a minute under load', { timeout: 240_000 }, async (t) => {
  const cluster = await RealCluster.start(t, NODES);
  const client = await cluster.client();
  const writers = new Writers({ client, writers: WRITERS, keysEach: 20, prefix: 'paused', pauseMs: 10 });
  await writers.progress(20);
  t.same(writers.failures, [], 'all is well before');
  t.comment(`before: ${writers.takeTimes()}`);

  const paused = cluster.node('n2');
  const healthy = cluster.nodes.map(({ name }) => name).filter((name) => name !== 'n2');
  const suspicions = new Suspicions(cluster, healthy);
  const startMs = performance.now();
  paused.signal('SIGSTOP');
  // Also should the test fail meanwhile: a stopped process cannot be asked to end.
  t.teardown(() => paused.isRunning && paused.signal('SIGCONT'));
  await cluster.see(healthy, healthy);
  t.comment(`not alive for the others after ${(performance.now() - startMs).toFixed()} ms`);
  await suspicions.until(() => suspicions.isFaultyForAll('n2'));
  t.comment(`faulty for all others after ${(performance.now() - startMs).toFixed()} ms`);
  writers.takeTimes();
  await writers.progress(100);
  t.pass('reads and writes go on');
  await suspicions.until(() => performance.now() - startMs >= PAUSE_MS);
  t.comment(`while it is paused: ${writers.takeTimes()}`);
  const failed = writers.failures.length;
  t.same(
    writers.unexplained(0, paused.address),
    [],
    `${failed} writes at the paused node failed, nothing else`,
  );

  const wokenMs = performance.now();
  paused.signal('SIGCONT');
  await cluster.agree();
  t.comment(`alive for all ${(performance.now() - wokenMs).toFixed()} ms after it woke up`);
  const failuresAtReturn = writers.failures.length;
  const unexplained = writers.unexplained(failed, paused.address);
  t.same(unexplained, [], `${failuresAtReturn - failed} more failed when it woke up`);
  await writers.progress(100);
  await suspicions.look();
  t.same(suspicions.ofHealthy, [], 'nobody has taken a healthy node for faulty');
  t.same(writers.failures.slice(failuresAtReturn), [], 'all is well after');
  await writers.stop();
  t.same(writers.wrong, [], `${writers.rounds} rounds of write and read, each read the value it should`);
  t.same(writers.failedReads, [], 'no read failed');

  t.comment(`in sync ${(await untilInSync(cluster)).toFixed()} ms after the last write`);
  const direct = await connect(paused.address);
  t.teardown(() => direct.close());
  t.equal(typeof (await direct.get('paused:0:0')), 'string', 'it serves');
  const { problems, keys, hints } = await stopAndCompare(cluster, await client.ring());
  t.same([problems, hints], [[], 0], `every owner holds the same, of ${keys} keys`);
});

t.test('a paused node that wakes up does not answer with what it has missed', async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const keys = Array.from({ length: 300 }, (_, i) => `key:${i}`);
  const write = async (value: string) =>
    (await cluster.client()).setMany(keys.map((key): [string, string] => [key, value]));
  await write('before');
  const paused = cluster.node('n1');
  const raw = await RawClient.open(t, paused.address);
  paused.signal('SIGSTOP');
  t.teardown(() => paused.isRunning && paused.signal('SIGCONT'));
  await cluster.see(['n2', 'n3'], ['n2', 'n3']);
  // By a new client, which has nothing to do with the paused node.
  t.equal(await write('meanwhile'), keys.length, 'every key is written by the two others');
  // They lie there when it wakes up, before any word of its peers.
  keys.forEach((key, i) => {
    raw.frame({ type: GET, id: i + 1, key: Buffer.from(key), body: new Uint8Array(4) });
  });
  paused.signal('SIGCONT');
  await raw.answers(keys.length);
  const answers = raw.frames.filter(({ type }) => type === VALUE).map(({ body }) => valueIn(body));
  t.same([...new Set(answers)], ['meanwhile'], `${answers.length} of ${keys.length} answers are values`);
  await cluster.agree();
  t.same([...new Set(await (await cluster.client()).getMany(keys))], ['meanwhile']);
});

/** The value in the body of a VALUE without an expiry, which begins with time, node and flags. */
function valueIn(body: Uint8Array): string {
  return Buffer.from(body.subarray(8 + 4 + 1)).toString();
}

/** What the healthy nodes say of each other, and of the one that is not, again and again. */
class Suspicions {
  /** Who took which healthy node for faulty. */
  readonly ofHealthy: string[] = [];
  readonly #cluster: RealCluster;
  readonly #healthy: readonly string[];
  #faulty = new Map<string, string[]>();

  constructor(cluster: RealCluster, healthy: readonly string[]) {
    this.#cluster = cluster;
    this.#healthy = healthy;
  }

  isFaultyForAll(name: string): boolean {
    return this.#healthy.every((observer) => this.#faulty.get(observer)?.includes(name) === true);
  }

  /** Asks every healthy node once. */
  async look(): Promise<void> {
    for (const observer of this.#healthy) {
      const { members } = await this.#cluster.status(observer);
      const faulty = (members as readonly (Member & { state: string })[])
        .filter(({ state }) => state === 'faulty')
        .map(({ name }) => name);
      this.#faulty.set(observer, faulty);
      const wrong = faulty.filter((name) => this.#healthy.includes(name));
      this.ofHealthy.push(...wrong.map((name) => `${name} by ${observer}`));
    }
  }

  /** Goes on asking until the condition holds. */
  async until(isOver: () => boolean): Promise<void> {
    await until(
      'the end of the pause',
      async () => {
        await this.look();
        return isOver();
      },
      2 * PAUSE_MS,
    );
  }
}
