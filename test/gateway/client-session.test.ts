/** What one client connection may do to a node: hostile bytes, too many requests, answers that it does not read. */
import fc from 'fast-check';
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { HELLO, JOIN, PING, SCAN, STATUS } from '../../src/wire/message-type.js';
import { brief, Cluster } from '../support/cluster.js';
import { rawFrame } from '../support/wire.js';

const NOTHING = new Uint8Array(0);

t.test('malformed requests are answered one by one, and the connection goes on', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a'] });
  const client = cluster.client('a');
  const long = 'x'.repeat(8193);
  t.equal(brief(await cluster.until(client.get(''))), 'BAD_REQUEST!');
  t.equal(brief(await cluster.until(client.get(long))), 'TOO_LARGE!');
  t.equal(brief(await cluster.until(client.call(0x7f, {}))), 'UNKNOWN_TYPE!');
  t.equal(brief(await cluster.until(client.call(SCAN, { cursor: new Uint8Array(1) }))), 'BAD_REQUEST!');
  t.equal(brief(await cluster.until(client.call(SCAN, { cursor: new Uint8Array(9000) }))), 'BAD_REQUEST!');
  t.equal(brief(await cluster.until(client.call(SCAN, { prefix: new Uint8Array(9000) }))), 'TOO_LARGE!');
  t.equal(brief(await cluster.until(client.call(SCAN, { r: 99 }))), 'BAD_REQUEST!');
  t.equal(brief(await cluster.until(client.call(JOIN, { member: 7 }))), 'BAD_REQUEST!');
  t.equal(brief(await cluster.until(client.call(HELLO, { protocol: 9 }))), 'PROTOCOL!');
  t.equal(brief(await cluster.until(client.set('k', 'v', { expiryMs: 2 ** 50 }))), 'BAD_REQUEST!');
  t.equal(brief(await cluster.until(client.set('k', 'v'))), 'done');
});

t.test('a stranger who says HELLO as a peer is refused', async (t) => {
  const cluster = await Cluster.formed();
  const { clusterId } = await cluster.status('a');
  const hello = { protocol: 1, role: 'peer', name: 'b', identity: 'x', clusterId, epoch: 3 };
  const cases = [
    [hello, /another identity/],
    [{ ...hello, name: 'z' }, /z is not a member/],
    [{ ...hello, clusterId: 'other' }, /another cluster/],
    [{ ...hello, name: 7 }, /not a member/],
    [{ protocol: 1, role: 'peer' }, /another cluster/],
  ] as const;
  for (const [body, reason] of cases) {
    const answer = await cluster.until(cluster.client('a').call(HELLO, body));
    t.match(answer, { kind: 'error', code: 'NOT_A_MEMBER', message: reason });
  }
  await cluster.linked();
});

for (const [what, type, body] of [
  ['PING', PING, NOTHING],
  ['STATUS', STATUS, Uint8Array.of(0x80)],
  ['an unknown type', 0x7f, NOTHING],
] as const) {
  t.test(`a client that sends ${what} without end and reads nothing is paused`, async (t) => {
    const cluster = await Cluster.formed({ nodes: ['a'] });
    cluster.network.windowBytes = 64 * 1024;
    const client = cluster.client('a');
    const channel = await cluster.until(client.connect());
    const { connection } = channel!;
    connection.pause();
    const frames = rawFrame({ type, flags: 0, id: 0xffff, key: NOTHING, body });
    const many = Buffer.concat(Array.from({ length: 4000 }, () => frames));
    let sent = 0;
    for (let i = 0; i < 3000 && connection.bufferedBytes < 256 * 1024; i++) {
      connection.write(many);
      sent += many.length;
      await cluster.run(5);
    }
    t.ok(connection.bufferedBytes >= 256 * 1024, `the node still took everything after ${sent} bytes`);
    connection.resume();
    await cluster.eventually(() => connection.bufferedBytes === 0, 600_000);
    t.equal(brief(await cluster.until(client.set('k', 'v'))), 'done', 'it goes on when the client reads');
  });
}

t.test('random frames, as a client: the node lives, and no request is left', async (t) => {
  const cluster = await Cluster.formed();
  const random = new SeededRandom(5);
  const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(256));
  for (let round = 0; round < 60; round++) {
    const client = cluster.client(cluster.names[round % 3]!);
    for (let i = 0; i < 30; i++) {
      const type = random.below(3) === 0 ? random.below(256) : 0x10 + random.below(7);
      const key = bytes(random.below(12));
      const body = bytes([0, 4, 12, 13, random.below(60)][random.below(5)]!);
      await cluster.until(
        client.sendRaw(rawFrame({ type, flags: random.below(4), id: random.u32(), key, body })),
      );
    }
    if (random.below(2) === 0) await cluster.until(client.sendRaw(bytes(1 + random.below(40))));
    await cluster.run(20);
    client.close();
  }
  await cluster.run(12_000);
  for (const name of cluster.names) t.equal((await cluster.requests(name)).inFlight, 0);
  t.equal(brief(await cluster.until(cluster.client('a').set('k', 'v'))), 'done');
});

t.test('any bytes at all', async (t) => {
  const cluster = await Cluster.formed({ nodes: ['a'] });
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const client = cluster.client('a');
      await cluster.until(client.sendRaw(Uint8Array.from([0, ...bytes])));
      await cluster.run(5);
      client.close();
    }),
    { numRuns: 300 },
  );
  await cluster.run(12_000);
  t.equal((await cluster.requests('a')).inFlight, 0);
});
