/** Redis' own load generator against a cluster: every request is answered without an error, and what it wrote is there. */
import t, { type Test } from 'tap';
import { RespClient } from './resp-client.js';
import { show } from './resp-reply.js';
import { startServers } from './servers.js';
import { runTool, testWith } from './tools.js';

const BOUND_MS = 120_000;
const KEYS = 50;
const TESTS = ['PING_INLINE', 'PING_MBULK', 'SET', 'GET', 'MSET (10 keys)'];

testWith(t, ['redis-benchmark'], 'redis-benchmark', async (t) => {
  const { addresses } = await startServers(t);
  const [host, port] = addresses[0]!.split(':');
  const benchmark = (t: Test, ...args: readonly string[]) =>
    runTool(t, 'redis-benchmark', ['-h', host!, '-p', port!, ...args], { boundMs: BOUND_MS });

  for (const [pipeline, requests] of [
    ['1', '3000'],
    ['16', '16000'],
  ] as const) {
    await t.test(`with ${pipeline} requests in a pipeline`, async (t) => {
      const client = await RespClient.open(t, addresses.at(-1)!);
      await client.command('FLUSHALL');
      const size = ['-n', requests, '-P', pipeline, '-r', `${KEYS}`, '-d', '20', '-c', '10'];
      const run = await benchmark(t, '-t', 'ping,set,get,mset', '--csv', ...size);
      t.equal(run.code, 0);
      t.notMatch(run.stdout + run.stderr, /error|ERR|WARN/i);
      const lines = run.stdout.trimEnd().split('\n').slice(1);
      t.same(
        lines.map((line) => line.split(',')[0]),
        TESTS.map((name) => `"${name}"`),
      );
      for (const line of lines) t.match(line, /^"[^"]+","[\d.]+"(,"[\d.]+"){6}$/);
      for (let i = 0; i < KEYS; i++) {
        const key = `key:${String(i).padStart(12, '0')}`;
        t.equal(show(await client.command('STRLEN', key)), ':20', key);
      }
    });
  }

  await t.test('with several threads, in RESP3, and without --csv', async (t) => {
    for (const words of [['--threads', '2'], ['-3'], ['-q'], ['--dbnum', '0']]) {
      const run = await benchmark(t, '-t', 'set,get', '-n', '2000', '-c', '10', ...words);
      t.equal(run.code, 0, words.join(' '));
      t.notMatch(run.stdout + run.stderr, /error|ERR|WARN/i);
      t.match(run.stdout, /SET: [\d.]+ requests per second|2000 requests completed/);
    }
  });
});
