import t from 'tap';
import { compareBytes } from '../../src/base/bytes.js';
import { KEY_BYTES_MAX } from '../../src/base/limits.js';
import type { Slot } from '../../src/ring/slot.js';
import {
  CLOCK_KEY,
  CLUSTER_KEY,
  EngineKey,
  engineKey,
  IDENTITY_KEY,
  keyOfEngineKey,
  SYNC_KEY,
  slotOfEngineKey,
  slotRange,
} from '../../src/storage/keyspace.js';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const bytes = (text: string) => new TextEncoder().encode(text);

t.test('an engine key is the slot, the top 12 bits of the hash, then the key', async (t) => {
  const keys = new EngineKey();
  const table: [number, string, string][] = [
    [0x00000000, '', '0000'],
    [0x000fffff, 'a', '000061'],
    [0x00100000, 'a', '000161'],
    [0x7ffabcde, 'user:7', '07ff757365723a37'],
    [0xffffffff, 'a', '0fff61'],
  ];
  for (const [hashHi, key, expected] of table) {
    t.equal(hex(keys.of(hashHi, bytes(`<<${key}>>`), 2, key.length)), expected);
    t.equal(hex(engineKey((hashHi >>> 20) as Slot, bytes(key))), expected);
  }
});

t.test('the scratch buffer serves keys of every length, one after the other', async (t) => {
  const keys = new EngineKey();
  const key = Uint8Array.from({ length: KEY_BYTES_MAX }, (_, i) => i * 7);
  for (const length of [KEY_BYTES_MAX, 0, 3, KEY_BYTES_MAX, 3, 17]) {
    const built = keys.of(0x12345678, key, 0, length);
    t.equal(slotOfEngineKey(built), 0x123);
    t.equal(compareBytes(keyOfEngineKey(built), key.subarray(0, length)), 0);
  }
  t.throws(() => keys.of(0, new Uint8Array(KEY_BYTES_MAX + 1), 0, KEY_BYTES_MAX + 1), /assertion failed/);
});

t.test('the range of a slot holds its keys and no others; that of all slots, no metadata', async (t) => {
  const inside = (key: Uint8Array, range: { from: Uint8Array; to: Uint8Array }) =>
    compareBytes(key, range.from) >= 0 && compareBytes(key, range.to) < 0;
  const longest = new Uint8Array(KEY_BYTES_MAX).fill(0xff);
  for (const slot of [0, 1, 255, 256, 4094, 4095] as Slot[]) {
    for (const key of [new Uint8Array(0), bytes('a'), longest]) {
      t.ok(inside(engineKey(slot, key), slotRange(slot)));
      t.ok(inside(engineKey(slot, key), slotRange()));
      t.notOk(inside(engineKey(slot, key), slotRange(((slot + 1) % 4096) as Slot)));
      t.notOk(inside(engineKey(slot, key), slotRange(((slot + 4095) % 4096) as Slot)));
    }
  }
  for (const key of [IDENTITY_KEY, CLUSTER_KEY, CLOCK_KEY, SYNC_KEY]) t.notOk(inside(key, slotRange()));
});

t.test('the metadata keys are what FORMAT.md says', async (t) => {
  t.same([IDENTITY_KEY, CLUSTER_KEY, CLOCK_KEY, SYNC_KEY].map(hex), [
    'ffff6964656e74697479',
    'ffff636c7573746572',
    'ffff636c6f636b',
    'ffff73796e63',
  ]);
});
