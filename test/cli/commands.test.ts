import { test } from 'tap';
import { definite, indefinite } from '../../src/base/errors.js';
import { VALUE_BYTES_MAX } from '../../src/base/limits.js';
import { AutoClock } from './auto-clock.js';
import { FakeClient } from './fake-client.js';
import { kvcli } from './kvcli-run.js';
import { MemoryOutput } from './memory-output.js';

function withKeys(keys: Record<string, string | Uint8Array>): FakeClient {
  const client = new FakeClient(new AutoClock());
  for (const [key, value] of Object.entries(keys)) client.put(key, value);
  return client;
}

test('exit codes: 0 found or done, 1 absent, 2 error', async (t) => {
  const cases: [string[], number][] = [
    [['get', 'a'], 0],
    [['get', 'none'], 1],
    [['set', 'b', 'v'], 0],
    [['del', 'a'], 0],
    [['del', 'a', 'none'], 1],
    [['exists', 'a', 'a2'], 0],
    [['exists', 'a', 'none'], 1],
    [['mget', 'a', 'a2'], 0],
    [['mget', 'a', 'none'], 1],
    [['mset', 'b', '1', 'c', '2'], 0],
    [['mset', 'b', '1', 'c'], 2],
    [['ttl', 'a'], 0],
    [['ttl', 'none'], 1],
    [['scan'], 0],
    [['scan', 'zzz'], 0],
    [['get', ''], 2],
    [['get'], 2],
    [['get', 'a', 'b'], 2],
    [['gte', 'a'], 2],
    [['get', 'a', '--nope'], 2],
    [['get', 'a', '-r', '0'], 2],
    [['get', 'a', '-r', '8'], 2],
    [['get', 'a', '--timeout', '31s'], 2],
    [['get', 'a', '--hex', '--base64'], 2],
    [['scan', '--limit', '0'], 2],
    [['-h', 'a:b:c', 'get', 'a'], 2],
    [['--help'], 0],
    [['help', 'get'], 0],
    [['get', '--help'], 0],
    [['--version'], 0],
  ];
  for (const [args, expected] of cases) {
    const { exitCode, output } = await kvcli(args, { client: withKeys({ a: '1', a2: '2' }) });
    t.equal(exitCode, expected, args.join(' '));
    t.equal(output.notes.length, expected === 2 ? 1 : 0, `notes of ${args.join(' ')}: ${output.notes}`);
  }
});

test('get: exactly the bytes when redirected; one newline on a terminal', async (t) => {
  const bytes = Uint8Array.of(0, 255, 10);
  const client = withKeys({ text: 'héllo', line: 'x\n', raw: bytes, empty: '' });
  t.same([...(await kvcli(['get', 'raw'], { client })).output.bytes], [0, 255, 10]);
  t.equal((await kvcli(['get', 'text'], { client })).output.text, 'héllo');
  t.equal((await kvcli(['get', 'empty'], { client })).output.text, '');
  t.equal((await kvcli(['get', 'text'], { client, isTerminal: true })).output.text, 'héllo\n');
  t.equal((await kvcli(['get', 'line'], { client, isTerminal: true })).output.text, 'x\n');
  const shown = await kvcli(['get', 'raw'], { client, isTerminal: true });
  t.equal(shown.output.text, '\\x00\\xff\\x0a\n');
  t.match(shown.output.notes, [/shown escaped/]);
});

test('get: hex, base64, JSON', async (t) => {
  const client = withKeys({ k: Uint8Array.of(0, 255), t: 'text' });
  client.put('e', 'v', Date.UTC(2031, 0, 1));
  t.equal((await kvcli(['get', 'k', '--hex'], { client })).output.text, '00ff\n');
  t.equal((await kvcli(['--base64', 'get', 'k'], { client })).output.text, 'AP8=\n');
  t.equal((await kvcli(['get', '--hex-keys', '74'], { client })).output.text, 'text');
  t.same((await kvcli(['get', 'k', '--json'], { client })).output.json, [{ key: 'k', valueBase64: 'AP8=' }]);
  t.same((await kvcli(['get', 'none', '--json'], { client })).output.json, [{ key: 'none', value: null }]);
  const expiring = (await kvcli(['get', 'e', '--json'], { client })).output.json;
  t.same(expiring, [{ key: 'e', value: 'v', expiresAt: Date.UTC(2031, 0, 1) }]);
});

test('an absent key prints nothing when redirected, and says so on a terminal', async (t) => {
  const piped = await kvcli(['get', 'none']);
  t.same([piped.output.text, piped.output.notes], ['', []]);
  const shown = await kvcli(['get', 'none'], { isTerminal: true });
  t.same([shown.output.text, shown.output.notes], ['', ['("none" is absent)']]);
});

test('set: value, ttl, quorum, standard input', async (t) => {
  const client = new FakeClient(new AutoClock());
  await kvcli(['set', 'k', 'v', '--ttl', '10m', '-w', '3', '--timeout', '500'], { client });
  const { ttlMs, w, timeoutMs } = client.calls[0]!.options;
  t.same({ ttlMs, w, timeoutMs }, { ttlMs: 600_000, w: 3, timeoutMs: 500 });
  await kvcli(['set', 'k', '-'], { client, input: Uint8Array.of(1, 255, 10) });
  t.same([...client.peek('k')!.value], [1, 255, 10]);
  await kvcli(['set', 'k', '-', '--hex'], { client, input: '00ff\n' });
  t.same([...client.peek('k')!.value], [0, 255]);
  await kvcli(['set', 'n', '-5'], { client });
  t.equal(Buffer.from(client.peek('n')!.value).toString(), '-5', 'a negative number is no option');
  await kvcli(['set', 'n', '--', '-x'], { client });
  t.equal(Buffer.from(client.peek('n')!.value).toString(), '-x');
  t.equal((await kvcli(['set', 'k', 'v'], { client })).output.text, '', 'silent in scripts');
  t.equal((await kvcli(['set', 'k', 'v'], { client, isTerminal: true })).output.text, 'OK\n');
  t.same((await kvcli(['set', 'k', 'v', '--json'], { client })).output.json, [{ key: 'k', done: true }]);
});

test('too large values and keys are refused with the limit, before they are sent', async (t) => {
  const client = new FakeClient(new AutoClock());
  const value = await kvcli(['set', 'k', '-'], { client, input: Buffer.alloc(VALUE_BYTES_MAX + 1) });
  t.equal(value.exitCode, 2);
  t.match(value.output.notes, [
    /^kvcli: TOO_LARGE: the value has .*16,711,680 bytes \(did not happen\); a key has at most 8,192 bytes, a value 16,711,680$/,
  ]);
  t.equal((await kvcli(['set', 'k', '-'], { client, input: Buffer.alloc(VALUE_BYTES_MAX) })).exitCode, 0);
  const key = await kvcli(['get', 'k'.repeat(8193)], { client });
  t.match(key.output.notes, [/^kvcli: TOO_LARGE: the key has 8,193 bytes; /]);
  t.equal(client.calls.length, 1);
});

test('several keys', async (t) => {
  const client = withKeys({ a: '1', b: 'two\nlines' });
  const lines = await kvcli(['mget', 'a', 'b', 'c'], { client });
  t.equal(lines.output.text, 'a\t1\nb\ttwo\\nlines\nc\n');
  const table = await kvcli(['mget', 'a', 'b', 'c'], { client, isTerminal: true });
  t.equal(table.output.text, 'KEY  VALUE\na    1\nb    two\\nlines\nc    (absent)\n');
  t.equal((await kvcli(['exists', 'a'], { client })).output.text, 'exists\n');
  t.equal((await kvcli(['exists', 'a', 'c'], { client })).output.text, 'exists  a\nabsent  c\n');
  t.equal((await kvcli(['del', 'a', 'c'], { client })).output.text, 'deleted  a\nabsent  c\n');
  t.same((await kvcli(['del', 'b', '--json'], { client })).output.json, [{ key: 'b', deleted: true }]);
  t.equal(client.size, 0);
  await kvcli(['mset', 'a', '1', 'b', '2', 'a', '3', '--ttl', '60'], { client });
  t.equal(Buffer.from(client.peek('a')!.value).toString(), '3', 'the last value of a key');
  t.equal(client.peek('b')!.expiresAtMs, client.clock.wallMs() + 60_000);
});

test('one key that fails does not hide the others', async (t) => {
  const client = new FakeClient(new AutoClock());
  client.writeFault = (key) =>
    key === 'b' ? { error: indefinite('QUORUM_TIMEOUT', '1 of 2 acks'), isApplied: false } : undefined;
  const { exitCode, output } = await kvcli(['mset', 'a', '1', 'b', '2'], { client, isTerminal: true });
  t.equal(exitCode, 2);
  t.equal(output.text, 'stored 1 of 2\n');
  t.match(output.notes, [/^kvcli: QUORUM_TIMEOUT: "b": 1 of 2 acks \(may have happened\); read the key/]);
});

test('ttl', async (t) => {
  const client = withKeys({ forever: 'v' });
  client.put('soon', 'v', client.clock.wallMs() + 125_000);
  t.equal((await kvcli(['ttl', 'forever'], { client })).output.text, 'does not expire\n');
  t.equal(
    (await kvcli(['ttl', 'soon'], { client })).output.text,
    'expires in 2m 5s, at 2030-01-01T00:02:05.000Z\n',
  );
  t.same((await kvcli(['ttl', 'soon', '--json'], { client })).output.json, [
    { key: 'soon', exists: true, ttlMs: 125_000 },
  ]);
  t.same((await kvcli(['ttl', 'forever', '--json'], { client })).output.json, [
    { key: 'forever', exists: true, ttlMs: null },
  ]);
});

test('scan: prefix, values, limit', async (t) => {
  const client = withKeys({ 'a:1': 'one', 'a:2': 'tw\to', 'b:1': 'x'.repeat(500) });
  const lines = (text: string) => text.split('\n').filter(Boolean).sort();
  t.same(lines((await kvcli(['scan', 'a:'], { client })).output.text), ['a:1', 'a:2']);
  t.same(lines((await kvcli(['scan', 'a:', '--values'], { client })).output.text), [
    'a:1\tone',
    'a:2\ttw\\to',
  ]);
  t.equal(lines((await kvcli(['scan', '--limit', '2'], { client })).output.text).length, 2);
  const shown = await kvcli(['scan', 'b', '--values'], { client, isTerminal: true });
  t.equal(shown.output.text, `b:1  ${'x'.repeat(73)}…\n`, 'a line of the terminal');
  t.same(shown.output.notes, ['(1 key)']);
  t.same((await kvcli(['scan', 'a:1', '--json', '--values'], { client })).output.json, [
    { key: 'a:1', value: 'one' },
  ]);
  t.equal(client.calls.at(-1)?.options.pageSize, 1000);
});

test('scan ends quietly when nobody reads any more', async (t) => {
  const output = new MemoryOutput();
  output.writesMax = 1;
  const { exitCode } = await kvcli(['scan'], { client: withKeys({ a: '1', b: '2', c: '3' }), output });
  t.same([exitCode, output.notes], [0, []]);
});

test('errors say what happened, whether it did, and what to do', async (t) => {
  const reading = new FakeClient(new AutoClock());
  reading.readError = definite('QUORUM_UNAVAILABLE', '1 of 2 replicas of "k" live');
  const read = await kvcli(['get', 'k'], { client: reading });
  t.same(read.output.notes, [
    'kvcli: QUORUM_UNAVAILABLE: 1 of 2 replicas of "k" live; see "kvcli status" for the nodes that are missing; start them, or lower -r or -w',
  ]);
  const writing = new FakeClient(new AutoClock());
  writing.writeFault = () => ({ error: definite('QUORUM_UNAVAILABLE', '1 of 2 live'), isApplied: false });
  t.match((await kvcli(['set', 'k', 'v'], { client: writing })).output.notes, [
    /: 1 of 2 live \(did not happen\); see/,
  ]);
  const json = await kvcli(['set', 'k', 'v', '--json'], { client: writing });
  t.equal(json.output.text, '');
  t.match(JSON.parse(json.output.notes[0]!), {
    error: {
      code: 'QUORUM_UNAVAILABLE',
      message: '1 of 2 live',
      definite: true,
      advice: /^see "kvcli status"/,
    },
  });
});

test('no node there', async (t) => {
  const cause = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:7400'), { code: 'ECONNREFUSED' });
  const connectError = definite('CONNECT_FAILED', 'cannot connect', cause);
  const { exitCode, output, hosts } = await kvcli(['get', 'k'], { connectError });
  t.equal(exitCode, 2);
  t.same(hosts, ['127.0.0.1:7400']);
  t.same(output.notes, [
    'kvcli: CONNECT_FAILED: no node answers at 127.0.0.1:7400: connection refused; start one with "npm start" or name one with -h',
  ]);
  const json = await kvcli(['--json', 'get', 'k'], { connectError });
  t.match(JSON.parse(json.output.notes[0]!), { error: { code: 'CONNECT_FAILED', definite: true } });
});

test('hosts come from -h wherever it stands, else from the environment', async (t) => {
  const env = { QUORAL_HOSTS: 'e:1' };
  t.same((await kvcli(['get', 'k'], { env })).hosts, ['e:1']);
  t.same((await kvcli(['-h', 'a:1,b', 'get', 'k'], { env })).hosts, ['a:1', 'b:7400']);
  t.same((await kvcli(['get', 'k', '--host', 'c:3'], { env })).hosts, ['c:3']);
});

test('wrong commands and options are answered with suggestions', async (t) => {
  const cases: [string[], RegExp][] = [
    [['gte', 'k'], /^kvcli: unknown command 'gte' \(Did you mean get\?\); see "kvcli --help"$/],
    [
      ['get', 'k', '--jsno'],
      /^kvcli: unknown option '--jsno' \(Did you mean --json\?\); see "kvcli --help"; put -- before/,
    ],
    [['get'], /^kvcli: missing required argument 'key'; see/],
    [['get', 'a', 'b'], /^kvcli: too many arguments for 'get'\. Expected 1 argument but got 2/],
    [
      ['set', 'k', 'v', '--ttl', 'soon'],
      /^kvcli: option '--ttl <time>' argument 'soon' is invalid\. It is seconds above zero/,
    ],
    [
      ['get', 'k', '-r', 'x'],
      /^kvcli: option '-r <n>' argument 'x' is invalid\. It is a whole number from 1 to 7\./,
    ],
    [['mset', 'a', '1', 'b'], /^kvcli: mset takes keys and values in turn; "b" has no value$/],
    [['get', '--hex-keys', 'zz'], /^kvcli: the key is not hexadecimal/],
  ];
  for (const [args, message] of cases) {
    const { output, client } = await kvcli(args);
    t.match(output.notes, [message], args.join(' '));
    t.equal(client.calls.length, 0);
  }
});

test('the connection is closed at the end, also after an error', async (t) => {
  const client = withKeys({ k: 'v' });
  await kvcli(['get', 'k'], { client });
  t.equal(client.isClosed, true);
  client.readError = definite('BUSY', 'busy');
  await kvcli(['get', 'k'], { client });
  t.equal(client.isClosed, true);
});

test('help shows commands, global options and exit codes', async (t) => {
  const { output } = await kvcli(['--help']);
  for (const word of [
    'import',
    'owners <key>',
    '-h, --host <host:port,…>',
    'Exit codes: 0 found or done, 1 absent',
  ]) {
    t.ok(output.text.includes(word), word);
  }
  t.match(
    (await kvcli(['import', '--help'])).output.text,
    /may have happened:\nvalue and expiry are absolute/,
  );
});
