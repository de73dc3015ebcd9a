/**
 * A key's hash and slot may never change: data on disk and in other nodes is found by them. The vectors were computed
 * once with the C library (xxHash 0.8.4, through the Python package xxhash 4.1.0), not with the code under test.
 */

import fc from 'fast-check';
import { test } from 'tap';
import { loadKeyHasher } from '../../src/ring/hash.js';
import { slotOf } from '../../src/ring/slot.js';

const utf8 = (text: string) => new TextEncoder().encode(text);
const bytes = (length: number, step: number) => Uint8Array.from({ length }, (_, i) => i * step);

const vectors: readonly [name: string, key: Uint8Array, hash: string, slot: number][] = [
  ['the empty key', utf8(''), 'ef46db3751d8e999', 3828],
  ['one letter', utf8('a'), 'd24ec4f1a98c6e5b', 3364],
  ['one zero byte', bytes(1, 0), 'e934a84adb052768', 3731],
  ['three letters', utf8('abc'), '44bc2cf5ad770999', 1099],
  ['user:1', utf8('user:1'), 'd9c7c4609e6080f3', 3484],
  ['user:2', utf8('user:2'), '337be5a0c611350a', 823],
  ['user:0000007', utf8('user:0000007'), 'c20cc3ccab8590f2', 3104],
  ['braces', utf8('{user:1}.cart'), 'b73b6967f6c801af', 2931],
  ['two-byte UTF-8', utf8('Zürich'), '85f1debcbb1a8279', 2143],
  ['three-byte UTF-8', utf8('鍵'), 'a5c0eebc74448999', 2652],
  ['four-byte UTF-8', utf8('🔑:1'), 'cb88127808387478', 3256],
  ['bytes that are no UTF-8', Uint8Array.of(0xff, 0x00, 0xfe, 0x80), '0c8b961c7923600b', 200],
  ['8 bytes', utf8('12345678'), 'd2d02f08cf7cfd4a', 3373],
  ['31 bytes, just short of a block', bytes(31, 1), 'c346d2b59b4d8ee1', 3124],
  ['32 bytes, one block', bytes(32, 1), 'cbf59c5116ff32b4', 3263],
  ['33 bytes, just over a block', bytes(33, 1), '0c535d1acafb8ead', 197],
  ['every byte', bytes(256, 1), '1facbe8406cd904b', 506],
  ['1 KB', bytes(1024, 7), 'f065d3da7e82ebf1', 3846],
  ['1 KB of zeros', bytes(1024, 0), '27742888f085accd', 631],
  ['8 KB, the longest key', bytes(8192, 31), '3ae9485049735e16', 942],
];

test('hash and slot of a key are what they have always been', async (t) => {
  const hasher = await loadKeyHasher();
  for (const [name, key, hash, slot] of vectors) {
    hasher.hash(key);
    const hex = [hasher.hi, hasher.lo].map((half) => half.toString(16).padStart(8, '0')).join('');
    t.equal(hex, hash, `hash of ${name}`);
    t.equal(slotOf(hasher.hi), slot, `slot of ${name}`);
  }
});

test('a name hashes to the low half of the hash of its UTF-8', async (t) => {
  const hasher = await loadKeyHasher();
  for (const [name, hash] of [
    ['n1', 4105176231],
    ['node-ü', 85532484],
    ['', 1373170073],
  ] as const) {
    t.equal(hasher.hash32(name), hash, JSON.stringify(name));
    t.equal(hasher.lo, hash);
  }
});

test('hashers do not disturb each other, nor does where the bytes lie', async (t) => {
  const [one, two] = await Promise.all([loadKeyHasher(), loadKeyHasher()]);
  t.not(one, two);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(20), fc.uint8Array(), (key, offset, other) => {
      one.hash(key);
      const { hi, lo } = one;
      two.hash(other);
      t.same([one.hi, one.lo], [hi, lo]);
      const surrounded = new Uint8Array(offset + key.length + 9).fill(0xee);
      surrounded.set(key, offset);
      two.hash(surrounded.subarray(offset, offset + key.length));
      t.same([two.hi, two.lo], [hi, lo]);
      t.ok(hi >= 0 && lo >= 0, 'unsigned');
    }),
  );
});
