/**
 * What a real node does with clients that send nonsense, ask for more than they read, or never finish: it tells them
 * where the protocol allows, lets them go, and serves everybody else as before, without their cost in memory.
 */
import t, { type Test } from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import type { KvClient } from '../../src/client/index.js';
import { encodeBody } from '../../src/wire/body.js';
import {
  CONFIG_PUSH,
  ERROR,
  FREEZE,
  GET,
  HELLO,
  JOIN,
  PING,
  PONG,
  RELEASE,
  REPLICA_APPLY,
  REPLICA_READ,
  REPLICA_SCAN,
  VALUE,
} from '../../src/wire/message-type.js';
import { RealCluster } from '../support/real-cluster.js';
import { until } from './program.js';
import { RawClient } from './raw-client.js';

const MIB = 1024 * 1024;
const FRAME_BYTES_MAX = 16 * MIB;
const GET_BODY = new Uint8Array(4);
/** What one hostile test may cost the node in memory: little against what the clients ask for, much against noise. */
const HELD_BYTES_MAX = 256 * MIB;
const UNREAD_VALUE_BYTES = 256 * 1024;
const UNREAD_REQUESTS = 32_768;
const seed = Number(process.env.SEED ?? Date.now());
t.comment(`SEED=${seed}`);

t.test('hostile clients', async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const { address } = cluster.node('n1');
  const client = await cluster.client({ timeoutMs: 10_000 });
  await client.set('key', 'value');
  const lives = cluster.nodes.map(({ program }) => program.pid);
  const open = (t: Test) => RawClient.open(t, address);

  /** Does what `attack` does, and looks whether anybody else notices. */
  const attacked = (name: string, attack: (t: Test) => Promise<void>) =>
    t.test(name, async (t) => {
      await attack(t);
      await servesOthers(t, client);
      const now = cluster.nodes.map(({ program, isRunning }) => isRunning && program.pid);
      t.same(now, lives, 'no node has ended');
    });

  await attacked('who speaks another protocol is sent away, and nothing runs', async (t) => {
    const body = 'SET victim owned\r\n'.repeat(5000);
    const cases: [name: string, bytes: Uint8Array | string, answer: RegExp][] = [
      ['garbage', Buffer.from([0x05, 0x01, 0x02, 0xff, 0xfe]), /^-ERR .*Quoral.*\r\n$/],
      ['tls', Buffer.from('16030100c8010000c40303', 'hex'), /^-ERR .*TLS.*\r\n$/],
      ['http', `GET / HTTP/1.1\r\nHost: localhost\r\n\r\n${body}`, /^$/],
      ['http put', `PUT /key HTTP/1.1\r\nContent-Length: 100000\r\n\r\n${body}`, /^$/],
      ['an endless line', Buffer.alloc(MIB, 'a'), /^-ERR Protocol error: too big inline request\r\n$/],
    ];
    for (const [name, bytes, answer] of cases) {
      const raw = await open(t);
      raw.send(bytes);
      await raw.closed();
      t.match(raw.received.toString(), answer, name);
    }
    t.equal(await client.get('victim'), null);
  });

  await attacked('a Redis client gets an error in its own protocol', async (t) => {
    const raw = await open(t);
    raw.send('*1\r\n$7\r\nNOTHING\r\n');
    await until('an answer comes', () => raw.received.includes('\r\n'));
    t.match(raw.received.toString(), /^-ERR /);
  });

  await attacked('frames that cannot be are refused by name, and the connection is closed', async (t) => {
    const cases: [name: string, bytes: Uint8Array, refusal: object][] = [
      ['a length of nothing', header(0, GET, 0, 7), { id: 0, code: 'PROTOCOL', definite: true }],
      ['a length below the header', header(7, GET, 0, 7), { id: 0, code: 'PROTOCOL', definite: true }],
      ['a frame over the limit', header(FRAME_BYTES_MAX + 1, GET, 0, 7), { id: 7, code: 'TOO_LARGE' }],
      ['a frame of 32 MiB', header(0x01ffffff, GET, 0, 8), { id: 8, code: 'TOO_LARGE', definite: true }],
      ['a key longer than its frame', header(8, GET, 100, 9), { id: 9, code: 'PROTOCOL' }],
    ];
    for (const [name, bytes, refusal] of cases) {
      const raw = await open(t);
      raw.send(bytes);
      await raw.closed();
      t.match(raw.refusals, [refusal], name);
      t.equal(raw.frames.length, 1);
    }
  });

  await attacked('nothing is read after a refusal', async (t) => {
    const raw = await open(t);
    raw.send(Buffer.concat([header(7, GET, 0, 7), header(8, PING, 0, 8)]));
    await raw.closed();
    t.same(
      raw.frames.map(({ type, id }) => [type, id]),
      [[ERROR, 0]],
    );
  });

  await attacked('requests that make no sense are refused one by one', async (t) => {
    const raw = await open(t);
    raw.frame({ type: 0xee, id: 1 });
    raw.frame({ type: GET, id: 2, body: GET_BODY });
    raw.frame({ type: GET, id: 3, key: Buffer.from('key'), body: Buffer.alloc(3) });
    raw.frame({ type: GET, id: 4, key: Buffer.alloc(9000, 'k'), body: GET_BODY });
    raw.frame({ type: HELLO, id: 5, body: Buffer.from('no map') });
    raw.frame({ type: HELLO, id: 6, body: encodeBody({ protocol: 99, role: 'client' }) });
    raw.frame({ type: JOIN, id: 7, body: encodeBody({ member: { name: '../..' } }) });
    raw.frame({ type: GET, id: 8, key: Buffer.from('key'), body: GET_BODY });
    await raw.answers(8);
    const refusals = new Map(raw.refusals.map(({ id, code }) => [id, code]));
    t.same(
      [1, 2, 3, 4, 5, 6, 7].map((id) => refusals.get(id)),
      ['UNKNOWN_TYPE', 'BAD_REQUEST', 'BAD_REQUEST', 'TOO_LARGE', 'BAD_REQUEST', 'PROTOCOL', 'BAD_REQUEST'],
    );
    t.equal(raw.frames.find(({ id }) => id === 8)?.type, VALUE, 'and the connection serves on');
  });

  await attacked('what only members may say is not taken from others', async (t) => {
    const raw = await open(t);
    const types = [REPLICA_APPLY, REPLICA_READ, REPLICA_SCAN, CONFIG_PUSH, FREEZE, RELEASE];
    types.forEach((type, i) => {
      raw.frame({ type, id: i + 1, key: Buffer.from('key'), body: encodeBody({ epoch: 3 }) });
    });
    await raw.answers(types.length);
    t.same(
      raw.refusals.map(({ code }) => code),
      types.map(() => 'UNKNOWN_TYPE'),
    );
    const peer = await open(t);
    const { clusterId } = await cluster.status('n1');
    const hello = { protocol: 1, role: 'peer', name: 'n2', identity: 'made up', clusterId, epoch: 3 };
    peer.frame({ type: HELLO, id: 1, body: encodeBody({ ...hello, software: 'stranger/1' }) });
    await peer.closed();
    t.match(peer.refusals, [{ id: 1, code: 'NOT_A_MEMBER', definite: true }], 'nor who says to be a member');
    await cluster.agree();
  });

  await attacked('frames that are never finished cost little, and are ended', async (t) => {
    const before = await rssOf(cluster);
    const raws: RawClient[] = [];
    for (let i = 0; i < 100; i++) {
      const raw = await open(t);
      raws.push(raw);
      // Each claims 16 MiB, and brings a kilobyte.
      raw.send(Buffer.concat([header(FRAME_BYTES_MAX, GET, 3, i), Buffer.alloc(1000)]));
    }
    for (const raw of raws.slice(0, 30)) raw.socket.resetAndDestroy();
    const held = (await rssOf(cluster)) - before;
    t.ok(held < HELD_BYTES_MAX, `100 half frames of 16 MiB hold ${Math.round(held / MIB)} MiB`);
    await servesOthers(t, client);
    for (const raw of raws.slice(30)) await raw.closed();
    const last = raws.at(-1)!;
    t.match(
      last.refusals,
      [{ id: 0, code: 'PROTOCOL', definite: true }],
      'they are told that nobody waits any more',
    );
  });

  await attacked('a frame that comes byte by byte is a frame', async (t) => {
    const raw = await open(t);
    raw.socket.setNoDelay(true);
    const bytes = Buffer.concat([header(8 + 3 + 4, GET, 3, 1), Buffer.from('key'), GET_BODY]);
    for (const byte of bytes) {
      raw.send(Uint8Array.of(byte));
      await new Promise(setImmediate);
    }
    await raw.answers(1);
    t.equal(raw.frames[0]?.type, VALUE);
  });

  await attacked('a client that asks and does not read is not buffered for', async (t) => {
    await client.set('large', Buffer.alloc(UNREAD_VALUE_BYTES, 'x'));
    const before = await rssOf(cluster);
    const { reads } = await requestsOf(cluster);
    const raw = await open(t);
    raw.socket.pause();
    const request = Buffer.concat([header(8 + 5 + 4, GET, 5, 1), Buffer.from('large'), GET_BODY]);
    raw.send(Buffer.concat(Array.from({ length: UNREAD_REQUESTS }, () => request)));
    await until('the node has begun to answer, and stopped', async () => {
      const first = await requestsOf(cluster);
      const second = await requestsOf(cluster);
      return first.reads > reads && first.reads === second.reads && second.inFlight === 0;
    });
    await servesOthers(t, client);
    const held = (await rssOf(cluster)) - before;
    const asked = UNREAD_VALUE_BYTES * UNREAD_REQUESTS;
    t.ok(
      held < HELD_BYTES_MAX,
      `${Math.round(asked / MIB)} MiB of unread answers hold ${Math.round(held / MIB)} MiB`,
    );
    raw.socket.destroy();
  });

  await attacked('random frames do no harm', async (t) => {
    const random = new SeededRandom(seed);
    for (let round = 0; round < 60; round++) {
      const raw = await open(t);
      const frames = Array.from({ length: 40 }, (_, i) => randomFrame(random, i + 1));
      const stream = Buffer.concat(frames);
      raw.send(round % 2 === 0 ? stream : stream.subarray(0, random.below(stream.length)));
      raw.frame({ type: PING, id: 1000 });
      if (round % 2 === 0) {
        // Its frames are well cut, so each is answered, up to one that asks for what takes its connection from it.
        await until(
          'PONG comes, or the end',
          () => raw.isClosed || raw.frames.some(({ type }) => type === PONG),
        );
      }
      raw.socket.resetAndDestroy();
    }
    t.pass(`60 streams of random frames (SEED=${seed})`);
  });
});

/** The start of a frame, with any length field. */
function header(length: number, type: number, keyLength: number, id: number): Uint8Array {
  const bytes = Buffer.alloc(12);
  bytes.writeUInt32BE(length, 0);
  bytes.writeUInt8(type, 4);
  bytes.writeUInt16BE(keyLength, 6);
  bytes.writeUInt32BE(id, 8);
  return bytes;
}

/** A well cut frame of any type with anything in it. */
function randomFrame(random: SeededRandom, id: number): Uint8Array {
  const key = randomBytes(random, random.below(3) === 0 ? 0 : random.below(40));
  const body = random.below(2) === 0 ? randomBytes(random, random.below(60)) : encodeBody(randomBody(random));
  const head = header(8 + key.length + body.length, random.below(0x70), key.length, id);
  head[5] = random.below(256);
  return Buffer.concat([head, key, body]);
}

function randomBytes(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.below(256));
}

/** A map that looks like those of the protocol. */
function randomBody(random: SeededRandom): Record<string, unknown> {
  const names = [
    'protocol',
    'role',
    'epoch',
    'limit',
    'cursor',
    'prefix',
    'from',
    'member',
    'config',
    'r',
    'name',
  ];
  const values = [0, -1, 1, 2 ** 40, '', 'peer', randomBytes(random, 3), null, true, [], {}, 1.5];
  const count = random.below(6);
  return Object.fromEntries(
    Array.from({ length: count }, () => [
      names[random.below(names.length)]!,
      values[random.below(values.length)]!,
    ]),
  );
}

async function servesOthers(t: Test, client: KvClient): Promise<void> {
  t.equal(await client.get('key'), 'value', 'others are served');
  await client.set('other', 'value');
}

async function requestsOf(cluster: RealCluster): Promise<{ reads: number; inFlight: number }> {
  return (await cluster.status('n1')).requests as { reads: number; inFlight: number };
}

/** The memory of the attacked node. */
async function rssOf(cluster: RealCluster): Promise<number> {
  return ((await cluster.status('n1')).memory as { rssBytes: number }).rssBytes;
}
