import t from 'tap';
import type { KvError } from '../../src/base/errors.js';
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from '../../src/base/limits.js';
import { DELETE, GET, OWNERS, SET, STATUS } from '../../src/wire/message-type.js';
import { ScriptedCluster } from './scripted-cluster.js';

t.test('set, get, exists and delete', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  t.equal(await cluster.run(kv.get('a')), null);
  t.equal(await cluster.run(kv.exists('a')), false);
  t.same(await cluster.run(kv.set('a', 'Grüße')), { time: 8192, node: 6 });
  t.equal(await cluster.run(kv.get('a')), 'Grüße');
  t.equal(await cluster.run(kv.exists('a')), true);
  t.equal(await cluster.run(kv.delete('a')), true);
  t.equal(await cluster.run(kv.delete('a')), false);
});

t.test('keys and values are bytes as well', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  const value = new Uint8Array(100_000).map((_, i) => (i * 7) & 0xff);
  await cluster.run(kv.set(new Uint8Array([0xff, 0]), value));
  t.same(await cluster.run(kv.getBuffer(new Uint8Array([0xff, 0]))), value);
  t.equal(await cluster.run(kv.getBuffer('b')), null);
  await cluster.run(kv.set('empty', ''));
  t.equal(await cluster.run(kv.get('empty')), '');
  await cluster.run(kv.set('mark', '\ufeffx'));
  t.equal(await cluster.run(kv.get('mark')), '\ufeffx');
});

t.test('what a node is sent', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect({ timeoutMs: 1500 });
  const [node] = cluster.nodes;
  const ask = async (promise: Promise<unknown>) => {
    node!.received.length = 0;
    await cluster.run(promise);
    const { type, frame } = node!.received[0]!;
    return [type, frame.flags, [...frame.body]];
  };
  const at = (ms: number) => [ms >> 8, ms & 0xff];
  t.same(await ask(kv.get('k')), [GET, 0, [0, 0, ...at(1500)]]);
  t.same(await ask(kv.get('k', { r: 3, timeoutMs: 700.9 })), [GET, 0, [3, 0, ...at(700)]]);
  t.same(await ask(kv.exists('k', { r: 1 })), [GET, 1, [1, 0, ...at(1500)]]);
  t.same(await ask(kv.delete('k', { w: 2 })), [DELETE, 0, [2, 0, ...at(1500)]]);
  t.same(await ask(kv.set('k', 'v', { w: 1 })), [SET, 0, [1, 0, ...at(1500), 0, 0, 0, 0, 0, 0, 0, 0, 118]]);
  t.same(await ask(kv.set('k', 'v', { ttlMs: 258 })), [
    SET,
    0,
    [0, 0, ...at(1500), 0, 0, 0, 0, 0, 0, 1, 2, 118],
  ]);
  t.same(await ask(kv.set('k', '', { expiresAtMs: 2 ** 40 })), [
    SET,
    1,
    [0, 0, ...at(1500), 0, 0, 1, 0, 0, 0, 0, 0],
  ]);
});

t.test('entries and times to live', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect();
  let expiryMs = 0;
  cluster.nodes[0]!.script = (request) => {
    if (request.key === 'absent') return false;
    request.value(request.frame.flags & 1 ? '' : 'v', expiryMs, 2 ** 52 + 5, 0xfffffffe);
    return true;
  };
  const version = { time: 2 ** 52 + 5, node: 0xfffffffe };
  t.same(await cluster.run(kv.getEntry('k')), { value: Buffer.from('v'), version, expiresAtMs: null });
  t.equal(await cluster.run(kv.ttl('k')), Number.POSITIVE_INFINITY);
  expiryMs = cluster.clock.wallMs() + 1000;
  t.same(await cluster.run(kv.getEntry('k')), { value: Buffer.from('v'), version, expiresAtMs: expiryMs });
  const before = cluster.clock.wallMs();
  const ttlMs = (await cluster.run(kv.ttl('k')))!;
  t.ok(ttlMs >= expiryMs - cluster.clock.wallMs() && ttlMs <= expiryMs - before, `${ttlMs}`);
  expiryMs = cluster.clock.wallMs() - 1;
  t.equal(await cluster.run(kv.ttl('k')), 0);
  t.equal(await cluster.run(kv.ttl('absent')), null);
  t.equal(await cluster.run(kv.getEntry('absent')), null);
});

t.test('wrong arguments are refused before anything is sent', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  const long = 'x'.repeat(KEY_BYTES_MAX + 1);
  const table: [() => Promise<unknown>, string, RegExp][] = [
    [() => kv.get(long), 'TOO_LARGE', /the key "x{40}"… has 8193 bytes; at most 8192/],
    [() => kv.set('k', new Uint8Array(VALUE_BYTES_MAX + 1)), 'TOO_LARGE', /the value of "k" has/],
    [
      () => kv.get(7 as unknown as string),
      'BAD_REQUEST',
      /a key must be a string or a Uint8Array, not number/,
    ],
    [() => kv.set('k', null as unknown as string), 'BAD_REQUEST', /the value of "k" must be .* not null/],
    [() => kv.get('k', { r: 9 }), 'BAD_REQUEST', /r must be/],
    [() => kv.set('k', 'v', { w: 0 }), 'BAD_REQUEST', /w must be/],
    [() => kv.delete('k', { timeoutMs: 0 }), 'BAD_REQUEST', /timeoutMs/],
    [() => kv.owners([] as unknown as string), 'BAD_REQUEST', /a key must be/],
    [() => kv.status('nobody'), 'BAD_REQUEST', /HOST:PORT/],
    [() => kv.scan({ pageSize: 0 }).next(), 'BAD_REQUEST', /pageSize/],
    [() => kv.getMany(['a', long]), 'TOO_LARGE', /1 of 2 keys failed/],
  ];
  for (const [ask, code, message] of table) {
    const error = await cluster.failure<KvError>(ask());
    t.match(error, { code, definite: true }, error.message);
    t.match(error.message, message);
  }
  t.same(
    cluster.received.map((request) => request.key),
    ['a'],
  );
  await cluster.run(kv.set('k'.repeat(KEY_BYTES_MAX), new Uint8Array(VALUE_BYTES_MAX)));
});

t.test('the operator views', async (t) => {
  const cluster = new ScriptedCluster();
  cluster.live = ['n1', 'n3'];
  const kv = await cluster.connect();
  cluster.nodes.forEach((node) => {
    node.script = (request) => {
      if (request.type === STATUS) request.result({ node: node.name, ready: true });
      if (request.type === OWNERS) {
        request.result({ slot: 615, hash: '26', owners: [{ name: 'n2', address: 'a:1', live: false }] });
      }
      return true;
    };
  });
  const ring = await cluster.run(kv.ring());
  t.match(ring, { clusterId: 'c', epoch: 1, replicas: 3, live: ['n1', 'n3'], self: 'n1' });
  t.same(
    ring.members.map((member) => member.name),
    ['n1', 'n2', 'n3'],
  );
  t.same(await cluster.run(kv.status('n2')), { node: 'n2', ready: true });
  t.same(await cluster.run(kv.status(cluster.nodes[2]!.address)), { node: 'n3', ready: true });
  t.match(await cluster.run(kv.status()), { ready: true });
  t.same(await cluster.run(kv.owners('k')), {
    slot: 615,
    hash: '26',
    owners: [{ name: 'n2', address: 'a:1', live: false }],
  });
});

t.test(
  'the status of a node that is down is an error about that node, not another one’s status',
  async (t) => {
    const cluster = new ScriptedCluster();
    const kv = await cluster.connect();
    await cluster.warm(kv);
    cluster.nodes[1]!.crash();
    await cluster.pass(2);
    const error = await cluster.failure<KvError>(kv.status('n2'));
    t.match(error, { code: 'CONNECT_FAILED', definite: true });
    t.match(error.message, /10\.0\.0\.2:7400/);
  },
);

t.test('the stack of an error shows who called', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect();
  cluster.nodes[0]!.script = (request) => {
    request.error('BAD_REQUEST', true);
    return true;
  };
  async function somebodyWhoCalls() {
    await kv.get('k');
  }
  const error = await cluster.failure(somebodyWhoCalls());
  t.match(error.stack, /^KvError: says the script \[GET "k" at n1 \(10\.0\.0\.1:7400\)\]/);
  t.match(error.stack, /somebodyWhoCalls/);
});
