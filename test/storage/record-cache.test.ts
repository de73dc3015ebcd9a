import fc from 'fast-check';
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { RecordCache } from '../../src/storage/record-cache.js';

/** A key with the hash it is given: tests choose which keys collide. */
interface Key {
  readonly bytes: Uint8Array;
  readonly hi: number;
  readonly lo: number;
}

function keyOf(name: string, hi = 0x80000001, lo = fnv(name)): Key {
  return { bytes: bytesOf(name), hi, lo };
}

function put(cache: RecordCache, key: Key, record: Uint8Array, seq = 0, committedSeq = 0): boolean {
  // Both lie within larger arrays, as in a frame.
  const keyFrame = Uint8Array.of(1, 2, ...key.bytes, 3);
  const recordFrame = Uint8Array.of(9, ...record, 9, 9);
  const keyLength = key.bytes.length;
  return cache.put(key.hi, key.lo, keyFrame, 2, keyLength, recordFrame, 1, record.length, seq, committedSeq);
}

function find(cache: RecordCache, key: Key): number {
  return cache.find(key.hi, key.lo, key.bytes, 0, key.bytes.length);
}

function remove(cache: RecordCache, key: Key): void {
  cache.remove(key.hi, key.lo, key.bytes, 0, key.bytes.length);
}

function recordAt(cache: RecordCache, handle: number): Uint8Array {
  const start = cache.recordStart(handle);
  return cache.bytes.slice(start, start + cache.recordLength(handle));
}

function shown(cache: RecordCache, key: Key): string | undefined {
  const handle = find(cache, key);
  return handle < 0 ? undefined : Buffer.from(recordAt(cache, handle)).toString();
}

t.test('finds what was put: record, place, length, sequence number', async (t) => {
  const cache = new RecordCache({ bytes: 4096, recordBytesMax: 1000 });
  t.equal(find(cache, keyOf('a')), -1);
  t.ok(put(cache, keyOf('a'), bytesOf('one'), 2 ** 53 - 1, 0));
  t.ok(put(cache, keyOf('b'), bytesOf(''), 7, 0));
  t.same(
    [shown(cache, keyOf('a')), shown(cache, keyOf('b')), shown(cache, keyOf('c'))],
    ['one', '', undefined],
  );
  t.equal(cache.seq(find(cache, keyOf('a'))), 2 ** 53 - 1);
  t.equal(cache.view.getUint8(cache.recordStart(find(cache, keyOf('a')))), 'o'.charCodeAt(0));
  t.equal(cache.count, 2);
});

t.test('keys whose hashes are equal, in half or whole, are told apart', async (t) => {
  const cache = new RecordCache({ bytes: 4096, recordBytesMax: 1000 });
  const keys = [keyOf('a', 1, 5), keyOf('b', 1, 5), keyOf('a', 2, 5), keyOf('a', 1, 6), keyOf('ab', 1, 5)];
  for (const [i, key] of keys.entries()) t.ok(put(cache, key, bytesOf(`${i}`)));
  t.same(
    keys.map((key) => shown(cache, key)),
    ['0', '1', '2', '3', '4'],
  );
  remove(cache, keys[1]!);
  remove(cache, keys[1]!);
  t.same(
    keys.map((key) => shown(cache, key)),
    ['0', undefined, '2', '3', '4'],
  );
});

t.test('a record is replaced, in place when its size is the same', async (t) => {
  const cache = new RecordCache({ bytes: 4096, recordBytesMax: 1000 });
  put(cache, keyOf('a'), bytesOf('one'), 1);
  const handle = find(cache, keyOf('a'));
  put(cache, keyOf('a'), bytesOf('two'), 2);
  t.same([shown(cache, keyOf('a')), find(cache, keyOf('a')), cache.seq(handle)], ['two', handle, 2]);
  put(cache, keyOf('a'), bytesOf('much longer than before'), 3);
  t.not(find(cache, keyOf('a')), handle);
  t.same([shown(cache, keyOf('a')), cache.count], ['much longer than before', 1]);
});

t.test('a record that is too long is refused, and what the key had before is gone', async (t) => {
  const cache = new RecordCache({ bytes: 4096, recordBytesMax: 10 });
  put(cache, keyOf('a'), new Uint8Array(10), 1, 0);
  t.equal(put(cache, keyOf('a'), new Uint8Array(30), 2, 0), false);
  t.equal(find(cache, keyOf('a')), -1);
  t.equal(cache.count, 0);
  t.equal(put(new RecordCache({ bytes: 64, recordBytesMax: 1000 }), keyOf('a'), new Uint8Array(64)), false);
});

t.test('unless told, a record may have 1/64 of the arena and at most 64 KiB', async (t) => {
  const small = new RecordCache({ bytes: 6400 });
  t.same(
    [put(small, keyOf('a'), new Uint8Array(100)), put(small, keyOf('b'), new Uint8Array(101))],
    [true, false],
  );
  const large = new RecordCache({ bytes: 64 * 1024 * 1024 });
  t.ok(put(large, keyOf('a'), new Uint8Array(65536)));
  t.notOk(put(large, keyOf('b'), new Uint8Array(65537)));
});

t.test('without bytes it holds nothing', async (t) => {
  const cache = new RecordCache({ bytes: 0 });
  t.same([put(cache, keyOf('a'), bytesOf('')), find(cache, keyOf('a')), cache.count], [false, -1, 0]);
  remove(cache, keyOf('a'));
  cache.clear();
});

t.test('the oldest entries are evicted first, but not those found since they were written', async (t) => {
  const cache = new RecordCache({ bytes: 640, recordBytesMax: 100 }); // Room for ten of 64 bytes.
  const key = (i: number) => keyOf(`k${String(i).padStart(3, '0')}`);
  const fill = (from: number, to: number) => {
    for (let i = from; i < to; i++) put(cache, key(i), new Uint8Array(32).fill(i));
  };
  const held = () => [...Array(30).keys()].filter((i) => peekHandle(cache, key(i)) >= 0);
  fill(0, 10);
  find(cache, key(0));
  find(cache, key(2));
  fill(10, 13);
  t.same(held(), [0, 2, 5, 6, 7, 8, 9, 10, 11, 12]);
  fill(13, 30);
  t.same(held(), [20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
});

t.test('one finding gives one second chance', async (t) => {
  const cache = new RecordCache({ bytes: 2000, recordBytesMax: 100 });
  const lifeOf = (isFound: boolean) => {
    put(cache, keyOf('hot'), bytesOf('hot'));
    if (isFound) find(cache, keyOf('hot'));
    let puts = 0;
    while (peekHandle(cache, keyOf('hot')) >= 0 && puts < 1000) {
      put(cache, keyOf(`k${isFound}${puts++}`), new Uint8Array((puts * 37) % 100));
    }
    return puts;
  };
  const ratio = lifeOf(true) / lifeOf(false);
  t.ok(ratio > 1.5 && ratio < 2.5, `it lived ${ratio} times as long`);
});

t.test('entries that are queued for the log are never evicted; put refuses instead', async (t) => {
  const cache = new RecordCache({ bytes: 640, recordBytesMax: 100 });
  const key = (i: number) => keyOf(`k${String(i).padStart(3, '0')}`);
  for (let i = 0; i < 10; i++) t.ok(put(cache, key(i), new Uint8Array(32).fill(i), i + 1, 0));
  t.notOk(put(cache, key(10), new Uint8Array(32), 11, 0));
  t.equal(find(cache, key(10)), -1);
  for (let i = 0; i < 10; i++) t.equal(cache.seq(find(cache, key(i))), i + 1);
  t.ok(put(cache, key(10), new Uint8Array(32), 11, 1), 'the first has committed');
  for (let i = 1; i < 11; i++) t.ok(find(cache, key(i)) >= 0);
});

t.test(
  'a queued entry between evictable ones is carried round the ring for as long as it waits',
  async (t) => {
    const cache = new RecordCache({ bytes: 1000, recordBytesMax: 200 });
    t.ok(put(cache, keyOf('queued'), bytesOf('precious'), 1_000_000, 0));
    const random = new SeededRandom(3);
    for (let i = 1; i < 20_000; i++) {
      if (!put(cache, keyOf(`k${i}`), new Uint8Array(random.below(200)), 0, i))
        t.fail(`put ${i} was refused`);
    }
    t.equal(shown(cache, keyOf('queued')), 'precious');
  },
);

t.test('clear forgets everything, queued or not', async (t) => {
  const cache = new RecordCache({ bytes: 640, recordBytesMax: 100 });
  for (let i = 0; i < 10; i++) put(cache, keyOf(`k${i}`), new Uint8Array(32), i, 0);
  cache.clear();
  t.same([cache.count, find(cache, keyOf('k3'))], [0, -1]);
  for (let i = 0; i < 10; i++) t.ok(put(cache, keyOf(`k${i}`), new Uint8Array(32), i, 0));
});

t.test('the arena takes no memory before it is used', async (t) => {
  const before = process.memoryUsage().rss;
  const caches = Array.from({ length: 8 }, () => new RecordCache({ bytes: 64 * 1024 * 1024 }));
  const grown = process.memoryUsage().rss - before;
  t.ok(grown < 64 * 1024 * 1024, `${caches.length} caches of 64 MiB took ${grown} bytes`);
});

type Command =
  | { readonly op: 'put'; readonly key: number; readonly length: number }
  | { readonly op: 'load'; readonly key: number; readonly length: number }
  | { readonly op: 'find' | 'remove'; readonly key: number }
  | { readonly op: 'commit'; readonly behind: number }
  | { readonly op: 'clear' };

const KEYS = 40;
const key = fc.nat({ max: KEYS - 1 });
const length = fc.nat({ max: 90 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 160, arbitrary: fc.record({ op: fc.constant('put' as const), key, length }) },
  { weight: 60, arbitrary: fc.record({ op: fc.constant('load' as const), key, length }) },
  { weight: 100, arbitrary: fc.record({ op: fc.constant('find' as const), key }) },
  { weight: 20, arbitrary: fc.record({ op: fc.constant('remove' as const), key }) },
  { weight: 40, arbitrary: fc.record({ op: fc.constant('commit' as const), behind: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('clear' as const) }) },
);

/** A map beside the cache: what is held must be the newest, and what is queued must be held. */
class Model {
  readonly #cache: RecordCache;
  readonly #keys: Key[];
  readonly #held = new Map<number, { record: string; seq: number }>();
  #committedSeq = 0;
  #lastSeq = 0;
  evictions = 0;
  refusals = 0;

  constructor(cache: RecordCache, keys: Key[]) {
    this.#cache = cache;
    this.#keys = keys;
  }

  run(command: Command): void {
    if (command.op === 'put') this.#put(command.key, command.length, ++this.#lastSeq);
    // What is loaded from the log has committed; a queued entry would have been found instead.
    else if (command.op === 'load' && !this.#isQueued(command.key)) this.#put(command.key, command.length, 0);
    else if (command.op === 'find') this.#check(command.key, true);
    else if (command.op === 'remove') this.#remove(command.key);
    else if (command.op === 'commit')
      this.#committedSeq = Math.max(this.#committedSeq, this.#lastSeq - command.behind);
    else if (command.op === 'clear') this.#clear();
    this.checkAll();
  }

  checkAll(): void {
    for (let i = 0; i < this.#keys.length; i++) this.#check(i, false);
    if (this.#cache.count !== this.#held.size)
      throw new Error(`${this.#cache.count} held, not ${this.#held.size}`);
  }

  #put(key: number, length: number, seq: number): void {
    const record = `${seq}/${key}/`.padEnd(length, 'abcdefghijklmnopqrstuvwxyz').slice(0, length);
    const isHeld = put(this.#cache, this.#keys[key]!, bytesOf(record), seq, this.#committedSeq);
    if (isHeld) this.#held.set(key, { record, seq });
    else this.#held.delete(key);
    if (!isHeld) this.refusals++;
  }

  #remove(key: number): void {
    remove(this.#cache, this.#keys[key]!);
    this.#held.delete(key);
  }

  #clear(): void {
    this.#cache.clear();
    this.#held.clear();
  }

  #isQueued(key: number): boolean {
    return (this.#held.get(key)?.seq ?? 0) > this.#committedSeq;
  }

  /** `find` marks the entry as found; checking must not, or nothing would ever be evicted. */
  #check(key: number, isFinding: boolean): void {
    const cacheKey = this.#keys[key]!;
    const handle = isFinding ? find(this.#cache, cacheKey) : peekHandle(this.#cache, cacheKey);
    const expected = this.#held.get(key);
    if (handle < 0 && expected === undefined) return;
    if (handle < 0 && this.#isQueued(key)) throw new Error(`queued key ${key} was lost`);
    if (handle < 0) {
      this.evictions++;
      this.#held.delete(key);
      return;
    }
    const record = Buffer.from(recordAt(this.#cache, handle)).toString();
    const seq = this.#cache.seq(handle);
    if (record !== expected?.record || seq !== expected.seq) {
      throw new Error(`key ${key} holds ${record} of ${seq}, not ${expected?.record} of ${expected?.seq}`);
    }
  }
}

/** Finds without leaving a mark: puts the arena back as it was. */
function peekHandle(cache: RecordCache, key: Key): number {
  const before = cache.bytes.slice();
  const handle = find(cache, key);
  if (handle >= 0) cache.bytes.set(before);
  return handle;
}

t.test('against a map, in arenas so small that everything wraps and is evicted', async (t) => {
  const total = { evictions: 0, refusals: 0 };
  const arenas = fc.integer({ min: 40, max: 1500 });
  const hashes = fc.constantFrom(1, 4, 2 ** 32);
  fc.assert(
    fc.property(
      arenas,
      hashes,
      fc.array(command, { maxLength: 300, size: 'max' }),
      (bytes, distinct, commands) => {
        const cache = new RecordCache({ bytes, recordBytesMax: 80 });
        const keys = Array.from({ length: KEYS }, (_, i) => {
          const name = `key${'-'.repeat(i % 11)}${i}`;
          return keyOf(name, fnv(`hi${name}`) % distinct, fnv(name) % distinct);
        });
        const model = new Model(cache, keys);
        for (const each of commands) model.run(each);
        total.evictions += model.evictions;
        total.refusals += model.refusals;
      },
    ),
    { numRuns: 150 },
  );
  t.ok(total.evictions > 1000 && total.refusals > 1000, JSON.stringify(total));
});

t.test('a long run with few queued entries, as in service', async (t) => {
  const seed = Number(process.env.SEED ?? 20260101);
  const random = new SeededRandom(seed);
  const cache = new RecordCache({ bytes: 30_000, recordBytesMax: 300 });
  const keys = Array.from({ length: 2000 }, (_, i) => keyOf(`key-${i}`));
  const model = new Model(cache, keys.slice(0, 60));
  const others = keys.slice(60);
  for (let i = 0; i < 30_000; i++) {
    const key = others[random.below(others.length)]!;
    if (find(cache, key) < 0) put(cache, key, new Uint8Array(random.below(300)), 0, i);
  }
  t.ok(cache.count > 50 && cache.count < 1000, `${cache.count} held, seed ${seed}`);
  for (const each of others) remove(cache, each);
  t.equal(cache.count, 0);
  for (let i = 0; i < 3000; i++) {
    const op = (['put', 'put', 'find', 'load'] as const)[random.below(4)]!;
    model.run({ op, key: random.below(60), length: random.below(300) });
    if (i % 3 === 0) model.run({ op: 'commit', behind: random.below(20) });
  }
  t.pass(`${model.evictions} evictions, ${model.refusals} refusals`);
});

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** FNV-1a: any spread of 32 bits will do here. */
function fnv(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of bytesOf(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
