import * as fc from 'fast-check';
import { test } from 'tap';
import { hostsFrom } from '../../cli/hosts.js';
import { wantsColour } from '../../cli/output/colour.js';
import { pace } from '../../cli/output/progress.js';
import {
  decodeArgument,
  fromBase64,
  isSafeOnTerminal,
  jsonBytes,
  shortKey,
  showBytes,
  textOf,
  utf8Of,
} from '../../cli/text/byte-encoding.js';
import { formatDuration, parseDurationMs } from '../../cli/text/duration.js';
import { formatBytes, formatCount, formatShare, plural } from '../../cli/text/quantity.js';
import { UsageError } from '../../cli/usage-error.js';

test('durations take a unit, or count what the option counts', async (t) => {
  const cases: [string, 'ms' | 's', number][] = [
    ['10', 's', 10_000],
    ['10', 'ms', 10],
    ['250ms', 's', 250],
    ['10s', 'ms', 10_000],
    ['5m', 's', 300_000],
    ['2h', 's', 7_200_000],
    ['1.5h', 's', 5_400_000],
    ['1d', 's', 86_400_000],
  ];
  for (const [text, unit, ms] of cases) t.equal(parseDurationMs(text, unit, 'it'), ms, text);
});

test('durations that are none are refused with what is allowed', async (t) => {
  for (const text of ['', '0', '-5', '5x', 's', '1h30m', '1e3', 'NaN', '0.0001ms', '99999999999999d']) {
    t.throws(() => parseDurationMs(text, 's', '--ttl'), /^--ttl is seconds above zero/, text);
  }
});

test('durations are shown in the units that matter', async (t) => {
  const cases: [number, string][] = [
    [0, '0 ms'],
    [999, '999 ms'],
    [1000, '1.0 s'],
    [9999, '9.9 s'],
    [59_999, '59 s'],
    [60_000, '1m 0s'],
    [3_599_999, '59m 59s'],
    [7_260_000, '2h 1m'],
    [90_000_000, '1d 1h'],
  ];
  for (const [ms, text] of cases) t.equal(formatDuration(ms), text, String(ms));
});

test('quantities', async (t) => {
  t.same([0, 999, 1000, 1234567].map(formatCount), ['0', '999', '1,000', '1,234,567']);
  t.same([512, 2048, 88_187_085].map(formatBytes), ['512 B', '2.0 KiB', '84.1 MiB']);
  t.equal(formatShare(0.2037), '20.4 %');
  t.same([plural(1, 'node'), plural(2, 'node')], ['1 node', '2 nodes']);
});

test('bytes shown as text: different bytes never look the same, and nothing moves the cursor', async (t) => {
  const cases: [string | number[], string][] = [
    ['plain ü 漢', 'plain ü 漢'],
    ['a\tb\nc\\', 'a\\tb\\nc\\\\'],
    ['\x1b[2J', '\\x1b[2J'],
    ['\u202eabc', '\\u{202e}abc'],
    [[0x61, 0xff, 0x00, 0x5c], 'a\\xff\\x00\\x5c'],
    ['\ufeffx', '\ufeffx'],
  ];
  for (const [bytes, shown] of cases) t.equal(showBytes(Buffer.from(bytes as string), 'text'), shown, shown);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 6 }), fc.uint8Array({ maxLength: 6 }), (a, b) => {
      const isSame = Buffer.from(a).equals(b);
      return isSame === (showBytes(a, 'text') === showBytes(b, 'text'));
    }),
  );
});

test('what is safe on a terminal', async (t) => {
  t.equal(isSafeOnTerminal(Buffer.from('two\nlines\tü')), true);
  for (const text of ['\x1b]0;title\x07', 'a\rb', '\u009b2J', '\u202e']) {
    t.equal(isSafeOnTerminal(Buffer.from(text)), false, JSON.stringify(text));
  }
  t.equal(isSafeOnTerminal(Uint8Array.of(0xff)), false);
});

test('arguments in hex and base64', async (t) => {
  t.same([...decodeArgument('00ff', 'hex', 'value')], [0, 255]);
  t.same([...decodeArgument('/wA=', 'base64', 'value')], [255, 0]);
  t.same([...decodeArgument('ü', 'text', 'value')], [0xc3, 0xbc]);
  t.throws(() => decodeArgument('0', 'hex', 'value'), /the value is not hexadecimal/);
  t.throws(() => decodeArgument('zz', 'hex', 'key'), /the key is not hexadecimal/);
  t.throws(() => decodeArgument('/w', 'base64', 'value'), /the value is not base64: \/w/);
});

test('text and base64 that cannot be bytes are told from those that can', async (t) => {
  t.equal(utf8Of('\ud800'), undefined);
  t.same(utf8Of('😀'), Uint8Array.of(0xf0, 0x9f, 0x98, 0x80));
  t.equal(textOf(Uint8Array.of(0xc3)), undefined);
  t.same(fromBase64('aGk='), Buffer.from('hi'));
  for (const wrong of ['aGk', 'aGl=', 'a Gk=', '-_==', '=']) t.equal(fromBase64(wrong), undefined, wrong);
  t.same(jsonBytes('key', Buffer.from('k')), { key: 'k' });
  t.same(jsonBytes('key', Uint8Array.of(255)), { keyBase64: '/w==' });
  t.equal(shortKey(Buffer.alloc(500, 'x')).length, 62);
});

test('hosts: -h, else the environment, else this machine; port 7400 unless given', async (t) => {
  t.same(hostsFrom(undefined, undefined), ['127.0.0.1:7400']);
  t.same(hostsFrom(undefined, ''), ['127.0.0.1:7400']);
  t.same(hostsFrom(undefined, 'a:1, b:2'), ['a:1', 'b:2']);
  t.same(hostsFrom('c', 'a:1'), ['c:7400']);
  t.same(hostsFrom('[::1],[::1]:7401', undefined), ['[::1]:7400', '[::1]:7401']);
  t.throws(
    () => hostsFrom('a:b', undefined),
    new UsageError('-h: an address is HOST:PORT, as in 127.0.0.1:7400, not "a:b"'),
  );
  t.throws(() => hostsFrom(undefined, '::1'), /^\$QUORAL_HOSTS: an address is HOST:PORT/);
  t.throws(() => hostsFrom(',', undefined), /-h names no node/);
});

test('colour: terminals only, NO_COLOR above all', async (t) => {
  t.equal(wantsColour(true, {}), true);
  t.equal(wantsColour(false, {}), false);
  t.equal(wantsColour(true, { NO_COLOR: '1' }), false);
  t.equal(wantsColour(true, { NO_COLOR: '' }), true);
  t.equal(wantsColour(true, { TERM: 'dumb' }), false);
  t.equal(wantsColour(false, { FORCE_COLOR: '1' }), true);
  t.equal(wantsColour(false, { FORCE_COLOR: '1', NO_COLOR: '1' }), false);
});

test('pace: rate and ETA are averages from the start', async (t) => {
  const half = { elapsedMs: 10_000, doneBytes: 500, totalBytes: 1000, records: 50 };
  t.same(pace(half), { perSecond: 5, percent: 50, etaMs: 10_000 });
  t.same(pace({ ...half, totalBytes: undefined }), { perSecond: 5, percent: undefined, etaMs: undefined });
  t.same(pace({ ...half, elapsedMs: 0, doneBytes: 0, records: 0 }), {
    perSecond: 0,
    percent: 0,
    etaMs: undefined,
  });
  t.same(pace({ ...half, doneBytes: 2000 }), { perSecond: 5, percent: 100, etaMs: 0 });
});
