import { execFileSync } from 'node:child_process';
import {
  closeSync,
  constants,
  lstatSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { test } from 'tap';
import { backoffMs } from '../../cli/commands/import.js';
import { definite, indefinite } from '../../src/base/errors.js';
import { AutoClock } from './auto-clock.js';
import { FakeClient } from './fake-client.js';
import { kvcli } from './kvcli-run.js';
import { MemoryOutput } from './memory-output.js';

const LATER = Date.UTC(2031, 0, 1);

function filled(count: number): FakeClient {
  const client = new FakeClient(new AutoClock());
  for (let i = 0; i < count; i += 1) client.put(`key:${i}`, `value ${i}\n`, i % 3 === 0 ? LATER + i : null);
  client.put(Uint8Array.of(0xff, 0x00, 0x0a), Uint8Array.of(0x00, 0xfe, 0x0a));
  client.put('empty', '');
  client.put('\ufeffmark', '\ufeff');
  client.put('expired', 'x', Date.UTC(2029, 0, 1));
  return client;
}

async function contents(client: FakeClient): Promise<string[]> {
  const found: string[] = [];
  for await (const { key, value, expiresAtMs } of client.scan({ values: true })) {
    found.push(`${Buffer.from(key).toString('hex')} ${Buffer.from(value!).toString('hex')} ${expiresAtMs}`);
  }
  return found.sort();
}

test('export and import bring every byte and every expiry to another cluster', async (t) => {
  const dir = t.testdir({});
  const source = filled(1000);
  const exported = await kvcli(['export', `${dir}/all.ndjson`], { client: source });
  t.equal(exported.exitCode, 0);
  t.match(exported.output.text, /^exported 1,003 records, [\d.]+ KiB, in /);
  t.same(readdirSync(dir), ['all.ndjson'], 'no temporary file is left');
  const imported = await kvcli(['import', `${dir}/all.ndjson`]);
  t.equal(imported.exitCode, 0);
  t.match(imported.output.text, /^stored 1,003 records in .*; none failed\n$/);
  t.same(await contents(imported.client), await contents(source));
  t.equal(imported.client.size, 1003);
});

test('export to standard output carries data only; the count goes to standard error', async (t) => {
  const { output, exitCode } = await kvcli(['export', '--prefix', 'key:1'], { client: filled(20) });
  t.equal(exitCode, 0);
  t.equal(output.json.length, 11);
  t.ok(output.json.every((record) => (record as { key: string }).key.startsWith('key:1')));
  t.match(output.notes, [/^exported 11 records, /]);
});

test('import reads standard input, and its summary as JSON', async (t) => {
  const input = '\ufeff{"key":"a","value":"1"}\r\n\n{"key":"b","value":"2"}';
  const { output, client, exitCode } = await kvcli(['import', '-', '--json'], { input });
  t.equal(exitCode, 0);
  t.match(output.json, [
    { lines: 3, stored: 2, expired: 0, failed: 0, resent: 0, stopped: null, failures: [] },
  ]);
  t.equal(Buffer.from(client.peek('a')!.value).toString(), '1');
});

test('malformed lines are reported by number and do not stop the rest', async (t) => {
  const dir = t.testdir({
    'in.ndjson': '{"key":"a","value":"1"}\nnonsense\n{"key":"b","value":"2"}\n{"key":"c"}\n',
  });
  const args = ['import', `${dir}/in.ndjson`, '--rejects', `${dir}/rejects.ndjson`];
  const { output, client, exitCode } = await kvcli(args);
  t.equal(exitCode, 2);
  t.equal(client.size, 2);
  t.match(output.notes, [/^line 2: not JSON: /, /^line 4: neither "value" and "valueBase64"/]);
  t.match(output.text, /^stored 2 records in .*; 2 failed\n$/);
  t.equal(readFileSync(`${dir}/rejects.ndjson`, 'utf8'), 'nonsense\n{"key":"c"}\n');
});

test('--strict stops at the first line that cannot be stored', async (t) => {
  const input = `${'{"key":"a","value":"1"}\n'}nonsense\n${'{"key":"b","value":"2"}\n'}`;
  const { output, client, exitCode } = await kvcli(['import', '-', '--strict'], { input });
  t.equal(exitCode, 2);
  t.ok(client.peek('a'));
  t.notOk(client.peek('b'));
  t.match(output.notes.at(-1), /^kvcli: import stopped at line 2, because of --strict$/);
});

test('a record is sent again after definite and indefinite errors, with its absolute expiry', async (t) => {
  const client = new FakeClient(new AutoClock());
  client.writeFault = (key, attempt) => {
    if (key === 'lost' && attempt < 3)
      return { error: indefinite('QUORUM_TIMEOUT', '1 of 2'), isApplied: attempt === 2 };
    if (key === 'busy' && attempt < 5) return { error: definite('BUSY', 'busy'), isApplied: false };
    return undefined;
  };
  const input = `{"key":"lost","value":"1","expiresAt":${LATER}}\n{"key":"busy","value":"2"}\n`;
  const { output, exitCode } = await kvcli(['import', '-'], { client, input });
  t.equal(exitCode, 0);
  t.match(output.text, /^stored 2 records in .*; 6 sent again; none failed\n$/);
  const sent = client.calls.filter(({ key }) => key === 'lost').map(({ options }) => options.expiresAtMs);
  t.same(sent, [LATER, LATER, LATER]);
  t.equal(client.peek('lost')?.expiresAtMs, LATER);
});

test('attempts are bounded, and errors that would come again are not tried again', async (t) => {
  const client = new FakeClient(new AutoClock());
  client.writeFault = (key) => {
    if (key === 'never') return { error: indefinite('QUORUM_TIMEOUT', '1 of 2 acks'), isApplied: false };
    if (key === 'bad') return { error: definite('BAD_REQUEST', 'no'), isApplied: false };
    return undefined;
  };
  const input = ['never', 'bad', 'good'].map((key) => `{"key":"${key}","value":"v"}\n`).join('');
  const { output, exitCode } = await kvcli(['import', '-', '--attempts', '3'], { client, input });
  t.equal(exitCode, 2);
  t.equal(client.calls.filter(({ key }) => key === 'never').length, 3);
  t.equal(client.calls.filter(({ key }) => key === 'bad').length, 1);
  t.ok(client.peek('good'));
  t.same([...output.notes].sort(), [
    'line 1: QUORUM_TIMEOUT: 1 of 2 acks (may have happened)',
    'line 2: BAD_REQUEST: no (did not happen)',
  ]);
});

test('what is under way is bounded by --concurrency, and -w and --timeout reach each write', async (t) => {
  const input = Array.from({ length: 300 }, (_, i) => `{"key":"k${i}","value":"v"}\n`).join('');
  const args = ['import', '-', '--concurrency', '7', '-w', '3', '--timeout', '2s'];
  const { client, exitCode } = await kvcli(args, { input });
  t.equal(exitCode, 0);
  t.equal(client.inFlightPeak, 7);
  t.ok(client.calls.every(({ options }) => options.w === 3 && options.timeoutMs === 2000));
});

test('of several lines with one key the last one wins, also when an earlier one is sent again', async (t) => {
  const client = new FakeClient(new AutoClock());
  client.writeFault = (_, attempt) =>
    attempt === 1 ? { error: indefinite('CONNECTION_LOST', 'lost'), isApplied: true } : undefined;
  const input = Array.from({ length: 50 }, (_, i) => `{"key":"k","value":"${i}"}\n`).join('');
  const { exitCode } = await kvcli(['import', '-'], { client, input });
  t.equal(exitCode, 0);
  t.equal(Buffer.from(client.peek('k')!.value).toString(), '49');
});

test('records that have expired are counted, not stored', async (t) => {
  const past = Date.UTC(2020, 0, 1);
  const { output, client, exitCode } = await kvcli(['import', '-'], {
    input: `{"key":"k","value":"v","expiresAt":${past}}`,
  });
  t.equal(exitCode, 0);
  t.equal(client.calls.length, 0);
  t.match(output.text, /^stored 0 records in .*; 1 had expired; none failed\n$/);
});

test('import gives up when the cluster is away', async (t) => {
  const client = new FakeClient(new AutoClock());
  client.writeFault = () => ({ error: definite('QUORUM_UNAVAILABLE', 'down'), isApplied: false });
  const input = Array.from({ length: 5000 }, (_, i) => `{"key":"k${i}","value":"v"}\n`).join('');
  const { output, exitCode } = await kvcli(['import', '-', '--json', '--attempts', '1'], { client, input });
  t.equal(exitCode, 2);
  const [summary] = output.json as { lines: number; failed: number; stopped: string; failures: unknown[] }[];
  t.match(summary?.stopped, /^gave up: 1,000 records in a row/);
  t.ok(summary!.failed >= 1000 && summary!.failed < 1500, `failed: ${summary!.failed}`);
  t.equal(summary!.failures.length, 100);
});

test('import does not give up while some records can be stored', async (t) => {
  const client = new FakeClient(new AutoClock());
  const isRefused = (key: string) => Number(key.slice(1)) % 10 !== 0;
  client.writeFault = (key) =>
    isRefused(key) ? { error: definite('BAD_REQUEST', 'no'), isApplied: false } : undefined;
  const input = Array.from({ length: 2000 }, (_, i) => `{"key":"k${i}","value":"v"}\n`).join('');
  const { output, exitCode } = await kvcli(['import', '-', '--json'], { client, input });
  t.equal(exitCode, 2);
  t.match(output.json, [{ lines: 2000, stored: 200, failed: 1800, stopped: null }]);
});

test('an interrupted import ends in good order and says where', async (t) => {
  const interrupt = new AbortController();
  const client = new FakeClient(new AutoClock());
  client.writeFault = (key) => {
    if (key === 'k10') interrupt.abort();
    return undefined;
  };
  const input = Array.from({ length: 3000 }, (_, i) => `{"key":"k${i}","value":"v"}\n`).join('');
  const { output, exitCode } = await kvcli(['import', '-', '--concurrency', '5'], {
    client,
    input,
    signal: interrupt.signal,
  });
  t.equal(exitCode, 2);
  t.equal(client.inFlight, 0);
  t.ok(client.size > 5 && client.size < 30, `stored ${client.size}`);
  t.match(output.notes.at(-1), /^kvcli: import interrupted before line \d+$/);
});

test('files that cannot be used are named', async (t) => {
  const dir = t.testdir({ 'in.ndjson': '' });
  const missing = await kvcli(['import', `${dir}/none.ndjson`]);
  t.equal(missing.exitCode, 2);
  t.match(missing.output.notes, [/^kvcli: cannot read .*none\.ndjson: there is no such file or directory$/]);
  const directory = await kvcli(['import', dir]);
  t.match(directory.output.notes, [/it is a directory/]);
  const nowhere = await kvcli(['export', `${dir}/no/where.ndjson`]);
  t.equal(nowhere.exitCode, 2);
  t.match(nowhere.output.notes, [
    /^kvcli: cannot write .*where\.ndjson: there is no such file or directory$/,
  ]);
  t.equal((await kvcli(['import', `${dir}/in.ndjson`])).exitCode, 0, 'an empty file is fine');
});

test('a failed export leaves the older file as it was, and nothing beside it', async (t) => {
  const dir = t.testdir({ 'out.ndjson': 'older' });
  const client = filled(10);
  client.readError = indefinite('QUORUM_TIMEOUT', 'no answer');
  const { output, exitCode } = await kvcli(['export', `${dir}/out.ndjson`], { client });
  t.equal(exitCode, 2);
  t.match(output.notes, [/^kvcli: QUORUM_TIMEOUT: no answer; /]);
  t.same(readdirSync(dir), ['out.ndjson']);
  t.equal(readFileSync(`${dir}/out.ndjson`, 'utf8'), 'older');
});

test('export follows a symbolic link', async (t) => {
  const dir = t.testdir({ 'real.ndjson': 'older' });
  symlinkSync('real.ndjson', `${dir}/link.ndjson`);
  await kvcli(['export', `${dir}/link.ndjson`], { client: filled(1) });
  t.ok(lstatSync(`${dir}/link.ndjson`).isSymbolicLink());
  t.match(readFileSync(`${dir}/real.ndjson`, 'utf8'), /"key":"key:0"/);
});

test('export writes into what is no regular file, and does not replace it', async (t) => {
  // A pipe of our own stands for all of them: a failure of this test must not cost the machine a device.
  const path = `${t.testdir({})}/pipe`;
  execFileSync('mkfifo', [path]);
  // Open both ways: so nobody waits for the other end.
  const pipe = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  t.teardown(() => closeSync(pipe));
  t.equal((await kvcli(['export', path], { client: filled(1) })).exitCode, 0);
  t.ok(lstatSync(path).isFIFO());
  const read = Buffer.alloc(4096);
  t.match(read.toString('utf8', 0, readSync(pipe, read)), /"key":"key:0"/);
});

test('an interrupted export leaves no file', async (t) => {
  const dir = t.testdir({});
  const interrupt = new AbortController();
  const client = filled(10);
  const scan = client.scan.bind(client);
  client.scan = async function* (options) {
    for await (const entry of scan(options)) {
      yield entry;
      interrupt.abort();
    }
  };
  const args = ['export', `${dir}/out.ndjson`];
  const { exitCode, output } = await kvcli(args, { client, signal: interrupt.signal });
  t.equal(exitCode, 2);
  t.same(output.notes, ['kvcli: export interrupted after 1 record']);
  t.same(readdirSync(dir), []);
});

test('export ends quietly when nobody reads any more', async (t) => {
  const output = new MemoryOutput();
  output.writesMax = 0;
  const { exitCode } = await kvcli(['export'], { client: filled(3), output });
  t.equal(exitCode, 0);
  t.same(output.notes, []);
});

test('what get --json prints can be imported', async (t) => {
  const dir = t.testdir({});
  const client = filled(1);
  const { output } = await kvcli(['get', 'key:0', '--json'], { client });
  writeFileSync(`${dir}/one.ndjson`, output.text);
  const imported = await kvcli(['import', `${dir}/one.ndjson`]);
  t.same(imported.client.peek('key:0'), client.peek('key:0'));
});

test('the pause between attempts doubles up to two seconds', async (t) => {
  t.same([1, 2, 3, 4, 5, 6, 50].map(backoffMs), [100, 200, 400, 800, 1600, 2000, 2000]);
});
