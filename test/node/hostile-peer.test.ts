/** A member that sends nonsense over its link: nobody crashes, nothing is left in flight, and the others go on. */
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { decodeBody, encodeBody } from '../../src/wire/body.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import { HELLO, REPLICA_APPLY, REPLICA_READ, WELCOME } from '../../src/wire/message-type.js';
import { brief, Cluster } from '../support/cluster.js';
import type { FrameClient } from '../support/frame-client.js';
import { FrameLog, rawFrame } from '../support/wire.js';

const NOTHING = new Uint8Array(0);

/** Takes the place of member `c`, which is down: says HELLO to `a` with its identity. */
async function impostor(cluster: Cluster): Promise<FrameClient> {
  const identityKey = [...cluster.disk('c').content].find(([key]) => key.endsWith('identity'))!;
  const { id } = decodeBody(identityKey[1])!;
  const { clusterId } = await cluster.status('a');
  const client = cluster.client('a');
  const hello = { protocol: 1, role: 'peer', name: 'c', identity: id, clusterId, epoch: 3 };
  await cluster.until(
    client.sendRaw(rawFrame({ type: HELLO, flags: 0, id: 1, key: NOTHING, body: encodeBody(hello) })),
  );
  await cluster.run(20);
  return client;
}

t.test('random frames over a link', async (t) => {
  for (let seed = 0; seed < 15; seed++) {
    const cluster = await Cluster.formed({ seed });
    await cluster.until(cluster.client('a').set('k', 'v'));
    cluster.crash('c');
    await cluster.run(50);
    const random = new SeededRandom(seed);
    const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, () => random.below(256));
    const peer = await impostor(cluster);
    const client = cluster.client('a');
    const asked: Promise<unknown>[] = [];
    for (let i = 0; i < 150; i++) {
      if (i % 5 === 0)
        asked.push(client.set(`k${i}`, 'v', { budgetMs: 300 }), client.get('k', { budgetMs: 300 }));
      const type = [0x40 + random.below(0x30), 0x03 + random.below(3), random.below(256)][random.below(3)]!;
      const key = bytes(random.below(10));
      const lengths = [0, 8, 20, 32, 37, 20 + 17, random.below(80)];
      const body = bytes(lengths[random.below(lengths.length)]!);
      const id = random.below(3) === 0 ? random.u32() : random.below(5000);
      await cluster.until(peer.sendRaw(rawFrame({ type, flags: random.below(4), id, key, body })));
      await cluster.run(1);
    }
    await cluster.until(Promise.all(asked));
    peer.close();
    await cluster.run(12_000);
    t.equal((await cluster.requests('a')).inFlight, 0, `seed ${seed}`);
    t.equal(brief(await cluster.until(cluster.client('b').get('k'))), 'v', `seed ${seed}`);
  }
});

t.test(
  'malformed requests of a peer are answered with an error, well-formed ones under another epoch too',
  async (t) => {
    const cluster = await Cluster.formed();
    cluster.crash('c');
    await cluster.run(50);
    const peer = await impostor(cluster);
    const seen = new FrameLog();
    const decoder = new FrameDecoder(seen);
    const connection = (await cluster.until(peer.connect()))!;
    connection.onData = (bytes) => decoder.push(bytes);
    const key = new TextEncoder().encode('k');
    const send = (type: number, id: number, body: Uint8Array): Promise<void> =>
      cluster.until(peer.sendRaw(rawFrame({ type, flags: 0, id, key, body })));
    await send(REPLICA_READ, 11, new Uint8Array(31));
    await send(REPLICA_READ, 12, new Uint8Array(32));
    await send(REPLICA_APPLY, 13, new Uint8Array(20));
    await send(WELCOME, 14, NOTHING);
    await cluster.run(20);
    const errors = new Map(
      seen.frames.filter(({ type }) => type === 3).map(({ id, body }) => [id, decodeBody(body)!.code]),
    );
    t.same(
      [...errors],
      [
        [11, 'BAD_REQUEST'],
        [12, 'EPOCH_MISMATCH'],
        [13, 'BAD_REQUEST'],
        [14, 'UNKNOWN_TYPE'],
      ],
    );
  },
);
