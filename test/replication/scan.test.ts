/** Scans over the whole cluster: every key that lived throughout, exactly once. */
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { SCAN } from '../../src/wire/message-type.js';
import { brief, Cluster } from '../support/cluster.js';
import type { FrameClient } from '../support/frame-client.js';

interface ScanOptions {
  readonly limit?: number;
  readonly prefix?: string;
  readonly values?: boolean;
  readonly r?: number;
  readonly between?: () => Promise<void>;
}

/** All pages; the error of one ends it. */
async function scan(cluster: Cluster, client: FrameClient, options: ScanOptions = {}): Promise<string[]> {
  const { limit = 7, prefix = '', values = false, r = 0, between } = options;
  const found: string[] = [];
  let cursor: unknown;
  for (let page = 0; page < 5000; page++) {
    const body = {
      limit,
      prefix: new TextEncoder().encode(prefix),
      values,
      r,
      ...(cursor ? { cursor } : {}),
    };
    const answer = await cluster.until(client.call(SCAN, body));
    if (answer.kind !== 'result')
      return [...found, `${brief(answer)} ${answer.kind === 'error' ? answer.message : ''}`];
    for (const [key, , value] of answer.body.entries as [Uint8Array, number, Uint8Array?][]) {
      const text = new TextDecoder().decode(key);
      found.push(values ? `${text}=${new TextDecoder().decode(value)}` : text);
    }
    cursor = answer.body.cursor;
    if (cursor === null) return found;
    await between?.();
  }
  throw new Error('the scan does not end');
}

async function fill(cluster: Cluster, keys: readonly string[]): Promise<void> {
  const client = cluster.client('a');
  await cluster.until(Promise.all(keys.map((key) => client.set(key, `v-${key}`))));
  await cluster.run(50);
}

const KEYS = Array.from({ length: 100 }, (_, i) => `${i % 2 ? 'odd' : 'even'}:${i}`);

t.test('every key once, in pages of any size, through every node', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a', 'b', 'c', 'd', 'e'] });
  await fill(cluster, KEYS);
  for (const limit of [1, 7, 100, 500]) {
    const found = await scan(cluster, cluster.client(cluster.names[limit % 5]!), { limit });
    t.same(found.toSorted(), KEYS.toSorted(), `pages of ${limit}`);
  }
  const odd = await scan(cluster, cluster.client('b'), { prefix: 'odd:', values: true });
  t.same(
    odd.toSorted(),
    KEYS.filter((key) => key.startsWith('odd'))
      .map((key) => `${key}=v-${key}`)
      .toSorted(),
  );
  t.same(await scan(cluster, cluster.client('c'), { prefix: 'none' }), []);
});

t.test('an empty cluster has no keys', async (t) => {
  const cluster = await Cluster.formed();
  t.same(await scan(cluster, cluster.client('b')), []);
});

t.test('deleted and expired keys are passed over', async (t) => {
  const cluster = await Cluster.formed();
  await fill(cluster, KEYS.slice(0, 10));
  const client = cluster.client('a');
  await cluster.until(client.delete(KEYS[3]!));
  await cluster.until(client.set(KEYS[4]!, 'short', { ttlMs: 100 }));
  t.equal((await scan(cluster, client)).length, 9);
  await cluster.run(200);
  t.same(
    (await scan(cluster, client)).toSorted(),
    KEYS.slice(0, 10)
      .filter((_, i) => i !== 3 && i !== 4)
      .toSorted(),
  );
});

t.test('one replica down: what was deleted or changed without it counts', async (t) => {
  const cluster = await Cluster.formed();
  await fill(cluster, KEYS.slice(0, 20));
  cluster.crash('c');
  await cluster.run(50);
  await cluster.until(cluster.client('a').delete(KEYS[5]!));
  await cluster.until(cluster.client('a').set(KEYS[6]!, 'changed'));
  t.equal((await scan(cluster, cluster.client('b'))).length, 19);
  await cluster.restart('c');
  await cluster.linked();
  const found = await scan(cluster, cluster.client('c'), { values: true });
  t.equal(found.length, 19);
  t.ok(found.includes(`${KEYS[6]}=changed`));
});

t.test('two replicas down: it says which slot it could not read', async (t) => {
  const cluster = await Cluster.formed();
  await fill(cluster, KEYS);
  cluster.crash('b');
  cluster.crash('c');
  await cluster.run(50);
  const [problem] = await scan(cluster, cluster.client('a'));
  t.match(problem, /^QUORUM_UNAVAILABLE! a scan needs 2 replicas of every slot; slot \d+ has 1 of 3/);
  t.same((await scan(cluster, cluster.client('a'), { r: 1 })).toSorted(), KEYS.toSorted());
});

t.test('while keys come and go: those that stay are seen once, none twice', async (t) => {
  for (let seed = 0; seed < 6; seed++) {
    const cluster = await Cluster.formed({ seed, nodes: ['a', 'b', 'c', 'd'] });
    await fill(cluster, KEYS);
    const writer = cluster.client('b');
    const random = new SeededRandom(seed);
    const between = async (): Promise<void> => {
      for (let i = 0; i < 3; i++) {
        const key = `other:${random.below(60)}`;
        if (random.below(2) === 0) await cluster.until(writer.set(key, 'x'));
        else await cluster.until(writer.delete(key));
        await cluster.until(writer.set(KEYS[random.below(KEYS.length)]!, 'rewritten'));
      }
    };
    const found = await scan(cluster, cluster.client('a'), { limit: 5, between });
    t.equal(new Set(found).size, found.length, `seed ${seed}: none twice`);
    t.same(found.filter((key) => !key.startsWith('other')).toSorted(), KEYS.toSorted(), `seed ${seed}`);
  }
});

t.test('large values: pages stay within a frame', async (t) => {
  const cluster = await Cluster.formed({ options: { cacheBytes: 0 } });
  cluster.network.pieceBytesMax = 0;
  cluster.network.windowBytes = 64 * 1024 * 1024;
  const client = cluster.client('a');
  for (let i = 0; i < 12; i++) await cluster.until(client.set(`small${i}`, 'x'.repeat(300_000)));
  const large = 'y'.repeat(16 * 1024 * 1024 - 70_000);
  for (let i = 0; i < 3; i++) t.equal(brief(await cluster.until(client.set(`large${i}`, large))), 'done');
  await cluster.run(100);
  const found = await scan(cluster, client, { limit: 100, values: true });
  t.equal(found.length, 15, found.map((each) => each.slice(0, 80)).join());
});

t.test('a corrupt record is not listed as it is, and its key is not missed', async (t) => {
  const cluster = await Cluster.formed();
  await fill(cluster, KEYS.slice(0, 20));
  for (const name of cluster.names) cluster.crash(name);
  // A flipped bit in the version, the flags and the value of three records of one replica.
  for (const [i, byte] of [5, 16, 18].entries()) cluster.disk('a').corrupt(cluster.engineKey(KEYS[i]!), byte);
  for (const name of cluster.names) await cluster.until(cluster.start(name));
  await cluster.linked();
  const found = await scan(cluster, cluster.client('a'), { values: true });
  t.same(
    found.toSorted(),
    KEYS.slice(0, 20)
      .map((key) => `${key}=v-${key}`)
      .toSorted(),
  );
});
