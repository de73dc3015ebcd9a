/**
 * The library ioredis against a cluster, over RESP2 and RESP3: what applications do with it, and that it comes back, without
 * an acknowledged write lost, when the node that it talks to dies.
 */
import { randomBytes } from 'node:crypto';
import { Redis } from 'ioredis';
import t, { type Test } from 'tap';
import { until } from '../process/program.js';
import { AcknowledgedWrites } from './acknowledged.js';
import { IS_AGAINST_REDIS, startServers } from './servers.js';

/** The options of the library that are used here. */
interface Options {
  readonly protocol?: 2 | 3;
  readonly enableAutoPipelining?: boolean;
  readonly connectionName?: string;
  readonly keyPrefix?: string;
  /** Null: an operation waits for as long as it takes. */
  readonly maxRetriesPerRequest?: null;
  readonly retryStrategy?: () => number;
}

const MIB = 1024 * 1024;
const RECONNECT_MS = 50;

t.test('ioredis', async (t) => {
  const servers = await startServers(t);
  const { addresses } = servers;

  /** A client of one server, with an empty key space. */
  const open = async (t: Test, options: Options): Promise<Redis> => {
    const client = new Redis({ ...hostAndPort(addresses[0]!), ...options });
    // While a server is away, this is how the library says so.
    client.on('error', () => {});
    t.teardown(() => client.disconnect());
    await client.flushall();
    return client;
  };

  for (const protocol of [2, 3] as const) {
    await t.test(`RESP${protocol}`, async (t) => {
      await t.test('strings', async (t) => {
        const client = await open(t, { protocol });
        t.equal(await client.set('a', '1'), 'OK');
        t.equal(await client.get('a'), '1');
        t.equal(await client.get('nothing'), null);
        t.equal(await client.mset({ b: '2', c: '3' }), 'OK');
        t.same(await client.mget('a', 'nothing', 'b', 'a'), ['1', null, '2', '1']);
        t.equal(await client.exists('a', 'a', 'nothing', 'b'), 3);
        t.equal(await client.strlen('a'), 1);
        t.equal(await client.set('text', 'Hello World'), 'OK');
        t.equal(await client.getrange('text', -5, -1), 'World');
        t.equal(await client.type('text'), 'string');
        t.equal(await client.type('nothing'), 'none');
        t.equal(await client.touch('a', 'nothing'), 1);
        t.same((await client.keys('?')).sort(), ['a', 'b', 'c']);
        t.equal(await client.dbsize(), 4);
        t.equal(await client.del('a', 'nothing'), 1);
        t.equal(await client.unlink('b', 'c'), 2);
        t.equal(await client.randomkey(), 'text');
        t.equal(await client.ping(), 'PONG');
        t.equal(await client.echo('you'), 'you');
      });

      await t.test('keys and values of any bytes', async (t) => {
        const client = await open(t, { protocol });
        const key = Buffer.from([0, 13, 10, 255, 254, 36]);
        for (const length of [0, 1, 255, 70_000, MIB]) {
          const value = randomBytes(length);
          await client.set(key, value);
          t.ok((await client.getBuffer(key))?.equals(value), `${length} bytes`);
        }
        t.same(await client.keysBuffer('*'), [key]);
        t.same(await client.mgetBuffer(key, 'nothing').then((values) => values.map((v) => v?.length)), [
          MIB,
          undefined,
        ]);
      });

      await t.test('expiry', async (t) => {
        const client = await open(t, { protocol });
        await client.set('ex', 'x', 'EX', 1000);
        const ttl = await client.ttl('ex');
        t.ok(ttl > 900 && ttl <= 1000, `${ttl}`);
        await client.set('pxat', 'x', 'PXAT', 4_000_000_000_000);
        t.equal(await client.pexpiretime('pxat'), 4_000_000_000_000);
        t.equal(await client.expiretime('pxat'), 4_000_000_000);
        await client.set('ex', 'x');
        t.equal(await client.ttl('ex'), -1, 'a plain write takes the expiry away');
        t.equal(await client.ttl('nothing'), -2);
        await client.set('px', 'x', 'PX', 50);
        await until('it has expired', async () => (await client.get('px')) === null);
        t.equal(await client.pttl('px'), -2);
      });

      await t.test('a pipeline is answered in its order, errors in their places', async (t) => {
        const client = await open(t, { protocol });
        const pipeline = client.pipeline();
        for (let i = 0; i < 500; i++) pipeline.set(`pipe:${i}`, `${i}`).get(`pipe:${i}`);
        pipeline.call('NOTHING').get('pipe:7');
        const results = (await pipeline.exec())!;
        t.equal(results.length, 1002);
        t.same(
          results.slice(0, 1000).map(([, value]) => value),
          Array.from({ length: 500 }, (_, i) => ['OK', `${i}`]).flat(),
        );
        t.match(results[1000], [{ message: /unknown command 'NOTHING'/ }]);
        t.same(results[1001], [null, '7']);
      });

      await t.test('auto-pipelining', async (t) => {
        const client = await open(t, { protocol, enableAutoPipelining: true });
        const ids = Array.from({ length: 1000 }, (_, i) => i);
        t.ok((await Promise.all(ids.map((i) => client.set(`auto:${i}`, i)))).every((ok) => ok === 'OK'));
        t.same(
          await Promise.all(ids.map((i) => client.get(`auto:${i}`))),
          ids.map((i) => `${i}`),
        );
      });

      await t.test('scan streams', async (t) => {
        const client = await open(t, { protocol });
        const names = Array.from({ length: 400 }, (_, i) => `${i % 2 === 0 ? 'even' : 'odd'}:${i}`);
        await client.mset(...names.flatMap((name) => [name, 'x']));
        for (const count of [1, 10, 1000]) {
          const found = new Set<string>();
          for await (const page of client.scanStream({ match: 'even:*', count, type: 'string' }))
            for (const key of page as string[]) found.add(key);
          t.same([...found].sort(), names.filter((name) => name.startsWith('even')).sort(), `COUNT ${count}`);
        }
      });

      await t.test('errors', async (t) => {
        const client = await open(t, { protocol });
        await t.rejects(client.call('NOTHING', 'a'), /ERR unknown command 'NOTHING', with args beginning/);
        await t.rejects(client.call('GET'), /ERR wrong number of arguments for 'get' command/);
        await t.rejects(client.call('SET', 'k', 'v', 'EX', '0'), /ERR invalid expire time in 'set' command/);
        await t.rejects(client.select(1), /ERR DB index is out of range/);
        t.equal(await client.ping(), 'PONG', 'and the connection serves on');
      });

      await t.test('names, prefixes and what the server says of itself', async (t) => {
        const client = await open(t, { protocol, connectionName: 'tests', keyPrefix: 'mine:' });
        t.equal(await client.client('GETNAME'), 'tests');
        t.type(await client.client('ID'), 'number');
        t.match(await client.info(), /redis_version:\d+\.\d+/);
        await client.set('a', '1');
        t.same(await client.keys('*'), ['mine:a']);
        t.equal(await client.get('a'), '1');
        t.equal((await client.time()).length, 2);
        t.type(await client.command('COUNT'), 'number');
      });

      await t.test('it comes back when its server does', async (t) => {
        const client = await open(t, {
          protocol,
          maxRetriesPerRequest: null,
          retryStrategy: () => RECONNECT_MS,
        });
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

  if (!IS_AGAINST_REDIS) await t.test('it fails over to another node', (t) => failsOver(t));

  async function failsOver(t: Test): Promise<void> {
    let at = 0;
    const client: Redis = await open(t, {
      maxRetriesPerRequest: null,
      retryStrategy: () => {
        at = (at + 1) % addresses.length;
        Object.assign(client.options, hostAndPort(addresses[at]!));
        return RECONNECT_MS;
      },
    });
    const writes = new AcknowledgedWrites(client, 'over');
    await writes.progress(20);
    await servers.kill(0);
    await writes.progress(20);
    t.equal(at > 0, true, 'with the first node gone');
    await writes.stop();
    t.same(await writes.wrong(), [], 'nothing that was acknowledged is lost');
    await servers.restart(0);
    const first = new Redis(hostAndPort(addresses[0]!));
    t.teardown(() => first.disconnect());
    t.same(await writes.wrong(first), [], 'nor for who asks the node that came back');
  }
});

function hostAndPort(address: string): { host: string; port: number } {
  const [host, port] = address.split(':');
  return { host: host!, port: Number(port) };
}
