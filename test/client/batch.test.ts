import t from 'tap';
import { type KeyFailure, KvBatchError } from '../../src/client/batch.js';
import { GET, SCAN, SET } from '../../src/wire/message-type.js';
import { bodyOf, type Received, ScriptedCluster, text } from './scripted-cluster.js';

const names = (failures: readonly KeyFailure[]) =>
  failures.map(({ key, error }) => `${text(key)} ${error.code}`);

t.test('many keys are read in their order, pipelined', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  await cluster.warm(kv);
  for (const key of ['a', 'b', 'd']) cluster.stored.set(key, Buffer.from(`value of ${key}`));
  const startMs = cluster.clock.monotonicMs();
  t.same(await cluster.run(kv.getMany(['d', 'c', 'b', 'a', 'a'])), [
    'value of d',
    null,
    'value of b',
    'value of a',
    'value of a',
  ]);
  t.ok(cluster.clock.monotonicMs() - startMs <= 4, 'in one round trip');
  t.same(await cluster.run(kv.getManyBuffers(new Set(['a', 'x']))), [Buffer.from('value of a'), null]);
  t.same(await cluster.run(kv.getMany([])), []);
});

t.test('many entries are written, from any iterable', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect({ inFlightMax: 4 });
  t.equal(
    await cluster.run(
      kv.setMany(
        new Map([
          ['a', '1'],
          ['b', '2'],
        ]),
      ),
    ),
    2,
  );
  function* generate(): Generator<[string, Uint8Array]> {
    for (let i = 0; i < 50; i++) yield [`g${i}`, Buffer.from(`${i}`)];
  }
  t.equal(await cluster.run(kv.setMany(generate(), { w: 1, ttlMs: 1000 })), 50);
  async function* stream(): AsyncGenerator<[string, string]> {
    for (let i = 0; i < 50; i++) yield [`s${i}`, `${i}`];
  }
  t.equal(await cluster.run(kv.setMany(stream())), 50);
  t.equal(cluster.stored.size, 102);
  t.equal(text(cluster.stored.get('g49')!), '49');
  t.equal(text(cluster.stored.get('s49')!), '49');
  t.equal(cluster.received.filter((request) => request.quorum === 1).length, 50);
});

t.test('the source is read no faster than the cluster answers', async (t) => {
  for (const isAsync of [false, true]) {
    const cluster = new ScriptedCluster({ nodes: 1 });
    const kv = await cluster.connect({ inFlightMax: 10 });
    const held: Received[] = [];
    cluster.nodes[0]!.script = (request) => {
      held.push(request);
      return true;
    };
    let read = 0;
    function* source(): Generator<[string, string]> {
      for (; read < 1000; ) yield [`${read++}`, 'v'];
    }
    async function* slowSource(): AsyncGenerator<[string, string]> {
      yield* source();
    }
    const written = kv.setMany(isAsync ? slowSource() : source());
    await cluster.pass(10);
    t.ok(read >= 10 && read <= 11, `${read} read`);
    t.equal(held.length, 10);
    for (const request of held.splice(0, 6)) request.done();
    await cluster.pass(10);
    t.ok(read >= 15 && read <= 17, `${read} read`);
    cluster.nodes[0]!.script = undefined;
    for (const request of held.splice(0)) request.done();
    t.equal(await cluster.run(written), 1000);
  }
});

t.test('a batch that fails in part names the keys and counts the others', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect();
  cluster.nodes[0]!.script = (request) => {
    if (request.key === 'b') request.error('QUORUM_TIMEOUT', false, '1 of 2 replicas answered');
    else if (request.key === 'd') request.error('BAD_REQUEST', true);
    else return false;
    return true;
  };
  const entries: [string, string][] = ['a', 'b', 'c', 'x'.repeat(9000), 'd', 'e'].map((key) => [key, 'v']);
  const error = await cluster.failure<KvBatchError>(kv.setMany(entries));
  t.ok(error instanceof KvBatchError);
  t.match(error, { code: 'TOO_LARGE', definite: false, succeeded: 3 });
  t.same(names(error.failures), [' TOO_LARGE', 'b QUORUM_TIMEOUT', 'd BAD_REQUEST']);
  t.match(error.message, /^3 of 6 keys failed, see failures: "" \(TOO_LARGE\), "b" \(QUORUM_TIMEOUT\), "d"/);
  t.same([...cluster.stored.keys()], ['a', 'c', 'e']);
  const read = await cluster.failure<KvBatchError>(kv.getMany(['a', 'd']));
  t.match(read, { code: 'BAD_REQUEST', definite: true, succeeded: 1 });
});

t.test('a batch gives up after a thousand failures', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect({ inFlightMax: 100 });
  cluster.nodes[0]!.script = (request) => {
    request.error('BAD_REQUEST', true);
    return true;
  };
  let read = 0;
  function* endless(): Generator<[string, string]> {
    for (;;) yield [`${read++}`, 'v'];
  }
  const error = await cluster.failure<KvBatchError>(kv.setMany(endless()));
  t.ok(error.failures.length >= 1000 && error.failures.length <= 1100, `${error.failures.length}`);
  t.ok(read <= 1101);
  t.match(error.message, /and \d+ more; the first one: says the script/);
});

t.test('an abort ends a batch', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect({ inFlightMax: 10 });
  cluster.nodes[0]!.script = () => true;
  const controller = new AbortController();
  const end = cluster.failure<KvBatchError>(
    kv.setMany(
      Array.from({ length: 1000 }, (_, i): [string, string] => [`${i}`, 'v']),
      { signal: controller.signal },
    ),
  );
  await cluster.pass(5);
  controller.abort();
  t.match(await end, { code: 'ABORTED', definite: false, succeeded: 0 });
  t.equal(cluster.nodes[0]!.keys(SET).length, 10);
});

t.test('a source that throws ends the batch with its error, after what was started', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect();
  function* broken(): Generator<[string, string]> {
    yield ['a', 'v'];
    throw new Error('end of tape');
  }
  t.match(await cluster.failure(kv.setMany(broken())), { message: 'end of tape' });
  t.ok(cluster.stored.has('a'));
});

/** A node that scans the stored keys, two steps of the cursor per byte. */
function scans(cluster: ScriptedCluster) {
  const bodies: Readonly<Record<string, unknown>>[] = [];
  for (const node of cluster.nodes) {
    node.script = (request) => {
      if (request.type !== SCAN) return false;
      const body = bodyOf(request);
      bodies.push(body);
      const from = body.cursor === undefined ? 0 : (body.cursor as Uint8Array)[0]!;
      const prefix = body.prefix === undefined ? '' : text(body.prefix as Uint8Array);
      const keys = [...cluster.stored.keys()].filter((key) => key.startsWith(prefix));
      const to = Math.min(keys.length, from + (body.limit as number));
      const entries = keys.slice(from, to).map((key, i) => {
        const entry: unknown[] = [Buffer.from(key), i === 0 ? 1767225660000 : 0];
        return body.values ? [...entry, cluster.stored.get(key)] : entry;
      });
      request.result({ cursor: to < keys.length ? new Uint8Array([to]) : null, entries });
      return true;
    };
  }
  return bodies;
}

t.test('a scan brings every page', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  const bodies = scans(cluster);
  for (let i = 0; i < 10; i++) cluster.stored.set(`key ${i}`, Buffer.from(`${i}`));
  const seen: unknown[] = [];
  await cluster.run(
    (async () => {
      for await (const { keyText, valueText, expiresAtMs } of kv.scan({ pageSize: 4, values: true, r: 1 })) {
        seen.push([keyText, valueText, expiresAtMs]);
      }
    })(),
  );
  t.same(
    seen,
    Array.from({ length: 10 }, (_, i) => [`key ${i}`, `${i}`, i % 4 === 0 ? 1767225660000 : null]),
  );
  t.same(bodies, [
    { limit: 4, values: true, r: 1 },
    { limit: 4, values: true, r: 1, cursor: new Uint8Array([4]) },
    { limit: 4, values: true, r: 1, cursor: new Uint8Array([8]) },
  ]);
});

t.test('a scan with a prefix, without values', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect();
  scans(cluster);
  for (const key of ['a1', 'b1', 'a2']) cluster.stored.set(key, Buffer.from('v'));
  const seen: unknown[] = [];
  await cluster.run(
    (async () => {
      for await (const { key, value } of kv.scan({ prefix: 'a' })) seen.push([text(key), value]);
    })(),
  );
  t.same(seen, [
    ['a1', undefined],
    ['a2', undefined],
  ]);
});

t.test('a scan goes on at another node after a failure, and past empty pages', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  await cluster.warm(kv);
  let asked = 0;
  for (const node of cluster.nodes) {
    node.script = (request) => {
      asked++;
      if (asked === 2) request.error('STORAGE_FAILED', true);
      else if (asked < 4) request.result({ cursor: new Uint8Array([asked]), entries: [] });
      else request.result({ cursor: null, entries: [[Buffer.from('last'), 0]] });
      return true;
    };
  }
  const entry = await cluster.run(kv.scan().next());
  t.equal(entry.value?.keyText, 'last');
  t.ok(new Set(cluster.received.map((request) => request.node)).size > 1);
});

t.test('a scan that is left early asks for one page more at most, and swallows its failure', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect({ retries: 0 });
  let asked = 0;
  cluster.nodes[0]!.script = (request) => {
    asked++;
    if (asked > 1) request.error('INTERNAL', false);
    else request.result({ cursor: new Uint8Array([1]), entries: [[Buffer.from('a'), 0]] });
    return true;
  };
  await cluster.run(
    (async () => {
      for await (const _ of kv.scan()) break;
    })(),
  );
  await cluster.pass(100);
  t.equal(asked, 2);
});

t.test('a scan that fails says so', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect({ retries: 0 });
  cluster.nodes[0]!.script = (request) => {
    request.error('QUORUM_UNAVAILABLE', true);
    return true;
  };
  const error = await cluster.failure(kv.scan().next());
  t.match(error, { code: 'QUORUM_UNAVAILABLE' });
  t.match(error.message, /\[SCAN at n1/);
  t.equal(cluster.nodes[0]!.keys(GET).length, 0);
});
