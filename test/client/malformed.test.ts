import t from 'tap';
import type { KvError } from '../../src/base/errors.js';
import { encodeBody } from '../../src/wire/body.js';
import {
  ABSENT,
  DONE,
  ERROR,
  OWNERS,
  PONG,
  RESULT,
  SCAN,
  VALUE,
  WELCOME,
} from '../../src/wire/message-type.js';
import { rawFrame } from '../support/wire.js';
import { type Received, ScriptedCluster } from './scripted-cluster.js';

const NONE = new Uint8Array(0);

function bytes(length: number, at: Record<number, number> = {}): Uint8Array {
  const made = new Uint8Array(length);
  for (const [index, value] of Object.entries(at)) made[Number(index)] = value;
  return made;
}

const frame = (type: number, body: Uint8Array, id = 0, flags = 0) =>
  rawFrame({ type, flags, id, key: NONE, body });

type Ask = 'get' | 'entry' | 'exists' | 'set' | 'delete' | 'scan' | 'owners' | 'status';

const REPLIES: readonly [name: string, ask: Ask, reply: (request: Received) => void][] = [
  ['a VALUE without its fields', 'get', (request) => request.raw(VALUE, bytes(12))],
  ['a VALUE that is a tombstone', 'get', (request) => request.raw(VALUE, bytes(13, { 12: 1 }))],
  ['a VALUE with unknown record flags', 'get', (request) => request.raw(VALUE, bytes(13, { 12: 4 }))],
  ['a VALUE too short for its expiry', 'get', (request) => request.raw(VALUE, bytes(20, { 12: 2 }))],
  ['a VALUE that should have its value', 'get', (request) => request.raw(VALUE, bytes(13), 1)],
  ['a VALUE with a value nobody wanted', 'exists', (request) => request.raw(VALUE, bytes(13), 0)],
  ['a version beyond 2^53', 'entry', (request) => request.raw(VALUE, bytes(13, { 0: 255 }))],
  ['an expiry out of range', 'entry', (request) => request.raw(VALUE, bytes(21, { 12: 2, 13: 255 }))],
  ['a DONE for a read', 'get', (request) => request.raw(DONE, bytes(12))],
  ['a VALUE for a write', 'set', (request) => request.raw(VALUE, bytes(13))],
  ['an ABSENT for a delete', 'delete', (request) => request.raw(ABSENT)],
  ['a DONE that is too short', 'set', (request) => request.raw(DONE, bytes(11))],
  ['a DONE that is too long', 'delete', (request) => request.raw(DONE, bytes(13))],
  ['a DONE with a version beyond 2^53', 'set', (request) => request.raw(DONE, bytes(12, { 0: 255 }))],
  ['a type that is no reply', 'get', (request) => request.raw(0x77, bytes(3))],
  ['an ERROR that is no MessagePack', 'get', (request) => request.raw(ERROR, bytes(3, { 0: 0xc1 }))],
  [
    'an ERROR without code',
    'set',
    (request) => request.raw(ERROR, encodeBody({ message: '', definite: true })),
  ],
  [
    'an ERROR without definite',
    'set',
    (request) => request.raw(ERROR, encodeBody({ code: 'BUSY', message: '' })),
  ],
  ['a RESULT that is an array', 'status', (request) => request.raw(RESULT, encodeBody([]))],
  ['a RESULT with something after it', 'status', (request) => request.raw(RESULT, bytes(2, { 0: 0x80 }))],
  ['a page without entries', 'scan', (request) => request.result({ cursor: null })],
  ['a page with a text cursor', 'scan', (request) => request.result({ cursor: 'a', entries: [] })],
  ['an entry that is no array', 'scan', (request) => request.result({ cursor: null, entries: [{}] })],
  [
    'an entry with a text key',
    'scan',
    (request) => request.result({ cursor: null, entries: [['k', 0, NONE]] }),
  ],
  ['an entry without expiry', 'scan', (request) => request.result({ cursor: null, entries: [[NONE]] })],
  ['an entry without value', 'scan', (request) => request.result({ cursor: null, entries: [[NONE, 0]] })],
  ['owners without slot', 'owners', (request) => request.result({ hash: 'x', owners: [] })],
  [
    'owners with a slot out of range',
    'owners',
    (request) => request.result({ slot: 4096, hash: '', owners: [] }),
  ],
  [
    'an owner without address',
    'owners',
    (request) => request.result({ slot: 1, hash: '', owners: [{ name: 'a' }] }),
  ],
];

t.test('a reply that makes no sense costs the node its connection, and leaves no doubt untold', async (t) => {
  for (const [name, ask, reply] of REPLIES) {
    const cluster = new ScriptedCluster({ nodes: 1 });
    const kv = await cluster.connect({ retries: 0 });
    const node = cluster.nodes[0]!;
    node.script = (request) => {
      if (request.key !== 'other') reply(request);
      return true;
    };
    const asks: Record<Ask, () => Promise<unknown>> = {
      get: () => kv.get('k'),
      entry: () => kv.getEntry('k'),
      exists: () => kv.exists('k'),
      set: () => kv.set('k', 'v'),
      delete: () => kv.delete('k'),
      scan: () => kv.scan({ values: true }).next(),
      owners: () => kv.owners('k'),
      status: () => kv.status(),
    };
    const other = cluster.failure<KvError>(kv.set('other', 'v'));
    await cluster.pass(3);
    const isWrite = ask === 'set' || ask === 'delete';
    const error = await cluster.failure<KvError>(asks[ask]());
    t.match(error, { code: 'PROTOCOL', definite: !isWrite }, name);
    t.match(error.message, /n1 \(10\.0\.0\.1:7400\) .*makes no sense/, name);
    t.match(await other, { code: 'PROTOCOL', definite: false }, `${name}: a write beside it`);
    await cluster.pass(2);
    t.equal(node.openLinks.length, 0, name);
    node.script = undefined;
    await cluster.run(kv.set('k', 'v'));
  }
});

t.test('a read goes on at another node after a reply that makes no sense', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  await cluster.warm(kv);
  cluster.stored.set('k', Buffer.from('v'));
  const [primary] = await cluster.ownersOf('k');
  primary!.script = (request) => {
    request.raw(VALUE, bytes(3));
    return true;
  };
  t.equal(await cluster.run(kv.get('k')), 'v');
  t.equal(primary!.openLinks.length, 0);
});

t.test('replies to nobody are ignored', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect();
  const node = cluster.nodes[0]!;
  const link = node.openLinks[0]!;
  for (const id of [1, 0xffff, 0x10000, 0xffffffff]) link.send(frame(VALUE, bytes(2), id));
  link.send(frame(PONG, NONE));
  link.send(frame(PONG, NONE, 5));
  await cluster.pass(3);
  t.equal(await cluster.run(kv.get('k')), null);
  t.equal(node.attempts, 1, 'on the same connection');
});

t.test('a second reply to an attempt is not taken for one to the next', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect();
  const node = cluster.nodes[0]!;
  node.script = (request) => {
    if (node.received.length === 1) request.error('BUSY', true);
    return true;
  };
  const asked = kv.get('k');
  while (node.received.length < 2) await cluster.pass(1);
  node.received[0]!.value('of the first attempt');
  await cluster.pass(3);
  node.received[1]!.value('of the second');
  t.equal(await cluster.run(asked), 'of the second');
});

t.test('one node cannot answer for another', async (t) => {
  const cluster = new ScriptedCluster();
  const kv = await cluster.connect();
  await cluster.warm(kv);
  const [primary, other] = await cluster.ownersOf('k');
  primary!.script = () => true;
  const asked = kv.get('k');
  await cluster.pass(3);
  const request = primary!.received[0]!;
  other!.openLinks[0]!.send(frame(ABSENT, NONE, request.frame.id));
  await cluster.pass(3);
  request.value('mine');
  t.equal(await cluster.run(asked), 'mine');
});

t.test('a stream that is none of frames ends the connection', async (t) => {
  for (const garbage of [
    Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'),
    bytes(16, { 3: 2 }),
    bytes(16, { 0: 127 }),
    bytes(16, { 3: 8, 7: 9 }),
  ]) {
    const cluster = new ScriptedCluster({ nodes: 1 });
    const kv = await cluster.connect({ retries: 0 });
    const node = cluster.nodes[0]!;
    node.script = () => {
      node.openLinks[0]!.send(garbage);
      return true;
    };
    const error = await cluster.failure<KvError>(kv.set('k', 'v'));
    t.equal(error.definite, false);
    t.match(error.code, /PROTOCOL|CONNECTION_LOST/);
  }
});

t.test('greetings that are none', async (t) => {
  const map = { protocol: 1, software: 'x', node: 'n1', clusterId: 'c', epoch: 1, features: [], limits: {} };
  const greetings: [string, Uint8Array, RegExp][] = [
    ['another protocol version', frame(WELCOME, encodeBody({ ...map, protocol: 2 })), /is it a Quoral node/],
    ['no name', frame(WELCOME, encodeBody({ ...map, node: 7 })), /is it a Quoral node/],
    ['no epoch', frame(WELCOME, encodeBody({ ...map, epoch: -1 })), /is it a Quoral node/],
    ['no map', frame(WELCOME, NONE), /is it a Quoral node/],
    ['another type', frame(VALUE, bytes(13), 1), /sent a VALUE/],
    ['Redis', Buffer.from('-ERR unknown command\r\n'), /does not speak this protocol/],
    [
      'an ERROR about the connection',
      frame(ERROR, encodeBody({ code: 'BUSY', message: 'too many connections', definite: true })),
      /too many connections/,
    ],
  ];
  for (const [name, greeting, message] of greetings) {
    const cluster = new ScriptedCluster({ nodes: 1 });
    cluster.nodes[0]!.greeting = greeting;
    const error = await cluster.failure<KvError>(cluster.open());
    t.match(error, { code: 'CONNECT_FAILED', definite: true }, name);
    t.match(error.message, message, name);
    await cluster.pass(2);
    t.equal(cluster.nodes[0]!.openLinks.length, 0, name);
  }
});

t.test('an ERROR about the connection fails what is on it', async (t) => {
  const cluster = new ScriptedCluster({ nodes: 1 });
  const kv = await cluster.connect();
  const node = cluster.nodes[0]!;
  node.script = () => {
    const body = encodeBody({ code: 'BUSY', message: 'shutting down', definite: true });
    node.openLinks[0]!.send(frame(ERROR, body));
    return true;
  };
  const error = await cluster.failure<KvError>(kv.set('k', 'v'));
  t.match(error, { code: 'CONNECTION_LOST', definite: false });
  t.match(error.message, /shutting down/);
});

t.test('a ring that is none is a malformed reply', async (t) => {
  const member = { name: 'a', address: 'a:1', weight: 1, zone: 'z' };
  const ring = { clusterId: 'c', epoch: 2, replicas: 3, readQuorum: 0, writeQuorum: 0, members: [member] };
  const many = Array.from({ length: 1025 }, (_, i) => ({ ...member, name: `n${i}` }));
  for (const body of [
    {},
    ring,
    { ...ring, live: ['a'] },
    { ...ring, live: [], self: 'a', members: [] },
    { ...ring, live: [], self: 'a', members: [member, member] },
    { ...ring, live: [], self: 'a', members: many },
    { ...ring, live: [], self: 'a', replicas: 0 },
  ]) {
    const cluster = new ScriptedCluster({ nodes: 1 });
    cluster.nodes[0]!.ringScript = (request) => {
      request.result(body);
      return true;
    };
    const error = await cluster.failure<KvError>(cluster.open({ retries: 0 }));
    t.match(error, { code: 'PROTOCOL', definite: true });
  }
});

t.test('random bytes never do more than end a connection', async (t) => {
  for (let seed = 1; seed <= 60; seed++) {
    const cluster = new ScriptedCluster({ nodes: 2, seed });
    const kv = await cluster.connect({ timeoutMs: 400 });
    for (const node of cluster.nodes) {
      node.script = (request) => {
        const body = new Uint8Array(cluster.random.below(30)).map(() => cluster.random.below(256));
        const types = [VALUE, ABSENT, DONE, ERROR, RESULT, SCAN, OWNERS, cluster.random.below(256)];
        request.raw(types[cluster.random.below(types.length)]!, body, cluster.random.below(4));
        return true;
      };
    }
    const asked: Promise<unknown>[] = [];
    for (let i = 0; i < 20; i++) {
      asked.push(kv.get(`${i}`), kv.set(`${i}`, 'v'), kv.getEntry(`${i}`), kv.status(), kv.scan().next());
    }
    const ends = await cluster.run(Promise.allSettled(asked));
    for (const end of ends) {
      if (end.status === 'rejected' && end.reason.name !== 'KvError')
        t.fail(`seed ${seed}: ${end.reason.stack}`);
    }
    for (const node of cluster.nodes) node.script = undefined;
    await cluster.pass(3000);
    await cluster.run(kv.set('k', 'v'));
    t.equal(await cluster.run(kv.get('k')), 'v', `seed ${seed}`);
  }
});
