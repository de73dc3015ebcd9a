/**
 * The library node-redis against a cluster, over RESP2 and RESP3: what applications do with it, and that it comes back,
 * without an acknowledged write lost, when the node that it talks to dies.
 */
import { randomBytes } from 'node:crypto';
import { createClient, RESP_TYPES } from 'redis';
import t, { type Test } from 'tap';
import { until } from '../process/program.js';
import { AcknowledgedWrites } from './acknowledged.js';
import { IS_AGAINST_REDIS, startServers } from './servers.js';

const MIB = 1024 * 1024;
const RECONNECT_MS = 50;

t.test('node-redis', async (t) => {
  const servers = await startServers(t);
  const { addresses } = servers;

  /** A connected client of one server, with an empty key space. */
  const open = async (t: Test, RESP: 2 | 3, name = 'tests') => {
    // Where a URL is given too, the library prefers it to the socket's address, in copies as well.
    const socket = { ...hostAndPort(addresses[0]!), reconnectStrategy: RECONNECT_MS };
    const client = createClient({ socket, name, RESP });
    // While a server is away, this is how the library says so.
    client.on('error', () => {});
    await client.connect();
    t.teardown(() => client.destroy());
    await client.flushAll();
    return client;
  };

  for (const resp of [2, 3] as const) {
    await t.test(`RESP${resp}`, async (t) => {
      await t.test('strings', async (t) => {
        const client = await open(t, resp);
        t.equal(await client.set('a', '1'), 'OK');
        t.equal(await client.get('a'), '1');
        t.equal(await client.get('nothing'), null);
        t.equal(await client.mSet({ b: '2', c: '3' }), 'OK');
        t.same(await client.mGet(['a', 'nothing', 'b', 'a']), ['1', null, '2', '1']);
        t.equal(await client.exists(['a', 'a', 'nothing', 'b']), 3);
        t.equal(await client.strLen('a'), 1);
        t.equal(await client.set('text', 'Hello World'), 'OK');
        t.equal(await client.getRange('text', -5, -1), 'World');
        t.equal(await client.type('text'), 'string');
        t.equal(await client.type('nothing'), 'none');
        t.equal(await client.touch(['a', 'nothing']), 1);
        t.same((await client.keys('?')).sort(), ['a', 'b', 'c']);
        t.equal(await client.dbSize(), 4);
        t.equal(await client.del(['a', 'nothing']), 1);
        t.equal(await client.unlink(['b', 'c']), 2);
        t.equal(await client.randomKey(), 'text');
        t.equal(await client.ping(), 'PONG');
        t.equal(await client.echo('you'), 'you');
      });

      await t.test('keys and values of any bytes', async (t) => {
        const client = await open(t, resp);
        const binary = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
        const key = Buffer.from([0, 13, 10, 255, 254, 36]);
        for (const length of [0, 1, 255, 70_000, MIB]) {
          const value = randomBytes(length);
          await binary.set(key, value);
          t.ok((await binary.get(key))?.equals(value), `${length} bytes`);
        }
        t.same(await binary.keys('*'), [key]);
        t.same(
          (await binary.mGet([key, 'nothing'])).map((value) => value?.length),
          [MIB, undefined],
        );
      });

      await t.test('expiry', async (t) => {
        const client = await open(t, resp);
        await client.set('ex', 'x', { expiration: { type: 'EX', value: 1000 } });
        const ttl = await client.ttl('ex');
        t.ok(ttl > 900 && ttl <= 1000, `${ttl}`);
        await client.set('pxat', 'x', { expiration: { type: 'PXAT', value: 4_000_000_000_000 } });
        t.equal(await client.pExpireTime('pxat'), 4_000_000_000_000);
        t.equal(await client.expireTime('pxat'), 4_000_000_000);
        await client.set('ex', 'x');
        t.equal(await client.ttl('ex'), -1, 'a plain write takes the expiry away');
        t.equal(await client.ttl('nothing'), -2);
        await client.set('px', 'x', { expiration: { type: 'PX', value: 50 } });
        await until('it has expired', async () => (await client.get('px')) === null);
        t.equal(await client.pTTL('px'), -2);
      });

      await t.test('concurrent commands go in one pipeline', async (t) => {
        const client = await open(t, resp);
        const ids = Array.from({ length: 1000 }, (_, i) => i);
        const both = ids.map(async (i) => [await client.set(`auto:${i}`, i), await client.get(`auto:${i}`)]);
        t.same(
          await Promise.all(both),
          ids.map((i) => ['OK', `${i}`]),
        );
        const mixed = await Promise.allSettled([
          client.get('auto:1'),
          client.sendCommand(['NOTHING']),
          client.get('auto:2'),
        ]);
        t.same(
          mixed.map(({ status }) => status),
          ['fulfilled', 'rejected', 'fulfilled'],
        );
      });

      await t.test('scan iterators', async (t) => {
        const client = await open(t, resp);
        const names = Array.from({ length: 400 }, (_, i) => `${i % 2 === 0 ? 'even' : 'odd'}:${i}`);
        await client.mSet(names.map((name) => [name, 'x'] as [string, string]));
        for (const COUNT of [1, 10, 1000]) {
          const found = new Set<string>();
          for await (const keys of client.scanIterator({ MATCH: 'even:*', COUNT, TYPE: 'string' }))
            for (const key of keys) found.add(key);
          t.same([...found].sort(), names.filter((name) => name.startsWith('even')).sort(), `COUNT ${COUNT}`);
        }
      });

      await t.test('errors', async (t) => {
        const client = await open(t, resp);
        await t.rejects(client.sendCommand(['NOTHING', 'a']), /ERR unknown command 'NOTHING', with args beg/);
        await t.rejects(client.sendCommand(['GET']), /ERR wrong number of arguments for 'get' command/);
        await t.rejects(
          client.set('k', 'v', { expiration: { type: 'EX', value: 0 } }),
          /ERR invalid expire time/,
        );
        await t.rejects(client.select(1), /ERR DB index is out of range/);
        t.equal(await client.ping(), 'PONG', 'and the connection serves on');
      });

      await t.test('names, and what the server says of itself', async (t) => {
        const client = await open(t, resp, 'someone');
        t.equal(await client.clientGetName(), 'someone');
        t.type(await client.clientId(), 'number');
        t.match(await client.clientInfo(), { name: 'someone' });
        t.match(await client.info(), /redis_version:\d+\.\d+/);
        t.equal((await client.hello(resp)).proto, resp);
        t.type(await client.commandCount(), 'number');
        t.match(await client.configGet('maxmemory'), { maxmemory: /^\d+$/ });
        t.match(await client.commandInfo(['get']), [{ name: 'get', arity: 2 }]);
        const time = await client.time();
        t.ok(time.length === 2);
      });

      await t.test('it comes back when its server does', async (t) => {
        const client = await open(t, resp);
        const writes = new AcknowledgedWrites(client, 'back');
        await writes.progress(20);
        await servers.kill(0);
        await servers.restart(0);
        await writes.progress(20);
        await writes.stop();
        t.same(await writes.wrong(), [], 'nothing that was acknowledged is lost');
      });
    });
  }

  if (!IS_AGAINST_REDIS) await t.test('an application can go on with another node', (t) => goesOn(t));

  async function goesOn(t: Test): Promise<void> {
    const client = await open(t, 3);
    const writes = new AcknowledgedWrites(client, 'over');
    await writes.progress(20);
    await servers.kill(0);
    const other = client.duplicate({ socket: hostAndPort(addresses[1]!) });
    other.on('error', () => {});
    await other.connect();
    t.teardown(() => other.destroy());
    client.destroy();
    writes.useStore(other);
    await writes.progress(20);
    await writes.stop();
    t.same(await writes.wrong(), [], 'nothing that was acknowledged is lost');
    await servers.restart(0);
    const first = createClient({ url: `redis://${addresses[0]}` });
    first.on('error', () => {});
    await first.connect();
    t.teardown(() => first.destroy());
    t.same(await writes.wrong(first), [], 'nor for who asks the node that came back');
  }
});

function hostAndPort(address: string): { host: string; port: number } {
  const [host, port] = address.split(':');
  return { host: host!, port: Number(port) };
}
