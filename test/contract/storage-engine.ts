/**
 * What every storage engine must do, as tests over a factory: run on the memory engine, on LevelDB, and on the
 * simulator's disk. An engine that passes may stand behind the group committer.
 */
import type { Test } from 'tap';
import { compareBytes } from '../../src/base/bytes.js';
import { KvError } from '../../src/base/errors.js';
import { SeededRandom } from '../../src/base/seeded-random.js';
import type { EngineEntry, EngineRange, StorageEngine } from '../../src/ports/storage-engine.js';

export interface EngineUnderTest {
  /** Not yet open, and empty. The suite opens and closes it. */
  readonly engine: StorageEngine;
  /** Another engine on the same data, as after a restart of the process; absent when the data does not outlive it. */
  readonly restarted?: () => StorageEngine;
}

type Operation = readonly [key: Uint8Array, value: Uint8Array | undefined];

/** Runs the suite; each test asks `make` for an engine of its own. */
export function storageEngineContract(t: Test, make: (t: Test) => EngineUnderTest): void {
  const test = (
    name: string,
    run: (t: Test, engine: StorageEngine, under: EngineUnderTest) => Promise<void>,
  ) =>
    t.test(name, async (t) => {
      const under = make(t);
      await under.engine.open();
      t.teardown(() => under.engine.close());
      await run(t, under.engine, under);
    });
  readsAndWrites(test);
  batches(test);
  iterators(test);
  againstAMap(test);
  lifeCycle(test);
}

type Define = (
  name: string,
  run: (t: Test, engine: StorageEngine, under: EngineUnderTest) => Promise<void>,
) => unknown;

function readsAndWrites(test: Define): void {
  test('what was put is read, and the newest put wins', async (t, engine) => {
    t.equal(engine.getSync(bytes('a')), undefined);
    await write(engine, [[bytes('a'), bytes('1')]]);
    t.same(text(engine.getSync(bytes('a'))), '1');
    await write(engine, [[bytes('a'), bytes('22')]]);
    t.same(text(engine.getSync(bytes('a'))), '22');
  });

  test('what was deleted is absent; deleting what is absent is no error', async (t, engine) => {
    await write(engine, [[bytes('a'), bytes('1')]]);
    await write(engine, [
      [bytes('a'), undefined],
      [bytes('never'), undefined],
    ]);
    t.equal(engine.getSync(bytes('a')), undefined);
    t.same(await engine.getMany([bytes('a'), bytes('never')]), [undefined, undefined]);
    t.same(await scan(engine, { from: bytes('') }), []);
  });

  test('an empty value is a value', async (t, engine) => {
    await write(engine, [[bytes('empty'), bytes('')]]);
    t.equal(engine.getSync(bytes('empty'))?.length, 0);
    t.equal((await engine.getMany([bytes('empty')]))[0]?.length, 0);
    t.same(await scan(engine, { from: bytes('') }), ['empty=']);
  });

  test('getMany answers in the order of the keys, absent ones and repetitions included', async (t, engine) => {
    await write(engine, [
      [bytes('a'), bytes('1')],
      [bytes('b'), bytes('2')],
    ]);
    const values = await engine.getMany(['b', 'x', 'a', 'b'].map(bytes));
    t.same(values.map(text), ['2', undefined, '1', '2']);
    t.same(await engine.getMany([]), []);
  });

  test('keys are any bytes, told apart by every one of them', async (t, engine) => {
    const keys = [[0], [0, 0], [0, 255], [127], [128], [255], [255, 0], [255, 255], [195, 40], [10, 13, 0]];
    await write(
      engine,
      keys.map((key, i) => [Uint8Array.from(key), Uint8Array.of(i, 0, 255)]),
    );
    for (const [i, key] of keys.entries()) {
      t.same([...engine.getSync(Uint8Array.from(key))!], [i, 0, 255], `key ${key}`);
    }
  });

  test('values of a megabyte keep every byte', async (t, engine) => {
    const random = new SeededRandom(7);
    const value = Uint8Array.from({ length: 1024 * 1024 }, () => random.u32());
    await write(engine, [[bytes('large'), value]]);
    t.equal(compareBytes(engine.getSync(bytes('large'))!, value), 0);
    t.equal(compareBytes((await engine.getMany([bytes('large')]))[0]!, value), 0);
  });

  test('what is read is the caller’s to change', async (t, engine) => {
    await write(engine, [[bytes('a'), bytes('1')]]);
    engine.getSync(bytes('a'))!.fill(0);
    (await engine.getMany([bytes('a')]))[0]!.fill(0);
    for (const [key, value] of await entries(engine, { from: bytes('') })) {
      key.fill(0);
      value.fill(0);
    }
    t.same(await scan(engine, { from: bytes('') }), ['a=1']);
  });
}

function batches(test: Define): void {
  test('a batch is applied in the order of its operations', async (t, engine) => {
    await write(engine, [
      [bytes('a'), bytes('1')],
      [bytes('a'), bytes('2')],
      [bytes('b'), bytes('1')],
      [bytes('b'), undefined],
      [bytes('c'), undefined],
      [bytes('c'), bytes('3')],
    ]);
    t.same(await scan(engine, { from: bytes('') }), ['a=2', 'c=3']);
  });

  test('the bytes are taken at put: the caller reuses its arrays', async (t, engine) => {
    const key = bytes('key-1');
    const value = bytes('value-1');
    const batch = engine.batch();
    batch.put(key, value);
    key[4] = '2'.charCodeAt(0);
    value[6] = '2'.charCodeAt(0);
    batch.put(key, value);
    key.fill(0);
    value.fill(0);
    await written(batch, false);
    t.same(await scan(engine, { from: bytes('') }), ['key-1=value-1', 'key-2=value-2']);
  });

  test('views into larger arrays are taken as what they show', async (t, engine) => {
    const whole = bytes('xxkeyyyvaluezz');
    await write(engine, [[whole.subarray(2, 5), whole.subarray(7, 12)]]);
    t.same(text(engine.getSync(whole.subarray(2, 5))), 'value');
    t.same(text((await engine.getMany([whole.subarray(2, 5)]))[0]), 'value');
  });

  test('batches written one after the other are applied in that order', async (t, engine) => {
    const all: Promise<void>[] = [];
    for (let i = 0; i < 20; i++) {
      const batch = engine.batch();
      batch.put(bytes('a'), bytes(`${i}`));
      all.push(written(batch, false));
      if (i % 5 === 4) await Promise.all(all);
    }
    t.same(text(engine.getSync(bytes('a'))), '19');
  });

  test('the callback comes once, later than the call, with and without sync', async (t, engine) => {
    for (const sync of [false, true]) {
      let calls = 0;
      const batch = engine.batch();
      batch.put(bytes('a'), bytes(`${sync}`));
      await new Promise<void>((resolve) => {
        batch.write(sync, (error) => {
          t.equal(error, undefined);
          calls++;
          resolve();
        });
        t.equal(calls, 0, 'not from within write');
      });
      t.same(text(engine.getSync(bytes('a'))), `${sync}`, 'readable by the time of the callback');
      await new Promise((resolve) => setImmediate(resolve));
      t.equal(calls, 1);
    }
  });

  test('an abandoned batch leaves nothing, and a batch without operations is no error', async (t, engine) => {
    const batch = engine.batch();
    batch.put(bytes('a'), bytes('1'));
    batch.abandon();
    await written(engine.batch(), false);
    t.same(await scan(engine, { from: bytes('') }), []);
  });
}

function iterators(test: Define): void {
  test('entries come in the order of unsigned bytes, whatever the order of writing', async (t, engine) => {
    const random = new SeededRandom(1);
    const keys = Array.from({ length: 300 }, () =>
      Uint8Array.from({ length: 1 + random.below(4) }, () => [0, 1, 127, 128, 255][random.below(5)]!),
    );
    for (const key of keys) await write(engine, [[key, key]]);
    const sorted = keys
      .sort(compareBytes)
      .filter((key, i) => i === 0 || compareBytes(key, keys[i - 1]!) !== 0);
    const found = await entries(engine, { from: new Uint8Array(0) });
    t.same(
      found.map(([key]) => hex(key)),
      sorted.map(hex),
    );
    t.ok(found.every(([key, value]) => compareBytes(key, value) === 0));
  });

  test('a range includes its start and not its end', async (t, engine) => {
    await write(
      engine,
      ['a', 'b', 'b1', 'bb', 'c', 'd'].map((key) => [bytes(key), bytes('')]),
    );
    const table: [string, string | undefined, string][] = [
      ['b', 'c', 'b= b1= bb='],
      ['b0', 'c0', 'b1= bb= c='],
      ['', 'b', 'a='],
      ['c', undefined, 'c= d='],
      ['d', 'd', ''],
      ['d', 'a', ''],
      ['e', undefined, ''],
      ['aa', 'az', ''],
    ];
    for (const [from, to, expected] of table) {
      const range = to === undefined ? { from: bytes(from) } : { from: bytes(from), to: bytes(to) };
      t.equal((await scan(engine, range)).join(' '), expected, `from ${from} to ${to}`);
    }
  });

  test('next gives as many as asked for until the end, and then none', async (t, engine) => {
    const value = new Uint8Array(5000);
    for (let i = 0; i < 100; i++) await write(engine, [[bytes(`k${100 + i}`), value]]);
    const iterator = engine.iterate({ from: bytes('k'), to: bytes('k190') });
    const counts: number[] = [];
    for (const count of [1, 7, 70, 50, 5, 1]) counts.push((await iterator.next(count)).length);
    t.same(counts, [1, 7, 70, 12, 0, 0]);
    await iterator.close();
  });

  test('an iterator shows the moment at which it was made', async (t, engine) => {
    await write(engine, [
      [bytes('a'), bytes('1')],
      [bytes('b'), bytes('1')],
      [bytes('c'), bytes('1')],
    ]);
    const iterator = engine.iterate({ from: bytes('') });
    await write(engine, [
      [bytes('a'), bytes('2')],
      [bytes('b'), undefined],
      [bytes('bb'), bytes('2')],
    ]);
    const first = await iterator.next(1);
    await write(engine, [[bytes('c'), bytes('3')]]);
    const rest = await iterator.next(10);
    t.same([...first, ...rest].map(shown), ['a=1', 'b=1', 'c=1']);
    await iterator.close();
    t.same(await scan(engine, { from: bytes('') }), ['a=2', 'bb=2', 'c=3']);
  });

  test('an iterator can be closed early, twice, and then does not read', async (t, engine) => {
    await write(engine, [[bytes('a'), bytes('1')]]);
    const iterator = engine.iterate({ from: bytes('') });
    await iterator.close();
    await iterator.close();
    await t.rejects(iterator.next(1), { code: 'STORAGE_FAILED' });
  });

  test('a range of many keys is read whole, in steps', async (t, engine) => {
    const batch = engine.batch();
    for (let i = 0; i < 5000; i++) batch.put(bytes(`k${10000 + i}`), bytes(`${i}`));
    await written(batch, false);
    const found = await scan(engine, { from: bytes('k10100'), to: bytes('k14900') });
    t.equal(found.length, 4800);
    t.equal(found[0], 'k10100=100');
    t.equal(found.at(-1), 'k14899=4899');
  });
}

function againstAMap(test: Define): void {
  test('random writes, deletes and scans agree with a map', async (t, engine) => {
    const seed = Number(process.env.SEED ?? 20260102);
    const random = new SeededRandom(seed);
    const model = new Map<string, string>();
    const anyKey = () => `${'ab'[random.below(2)]}${'xyz'.slice(random.below(3))}${random.below(9)}`;
    for (let round = 0; round < 200; round++) {
      const operations: Operation[] = [];
      for (let i = random.below(6); i >= 0; i--) {
        const key = anyKey();
        const value = random.below(3) === 0 ? undefined : `${round}.${i}`;
        operations.push([bytes(key), value === undefined ? undefined : bytes(value)]);
        if (value === undefined) model.delete(key);
        else model.set(key, value);
      }
      await write(engine, operations, random.below(50) === 0);
      const [from, to] = [anyKey(), anyKey()].sort() as [string, string];
      const expected = [...model].filter(([key]) => key >= from && key < to).sort();
      const found = await scan(engine, { from: bytes(from), to: bytes(to) });
      t.same(
        found,
        expected.map(([key, value]) => `${key}=${value}`),
        `round ${round}, SEED=${seed}`,
      );
      const key = anyKey();
      t.equal(text(engine.getSync(bytes(key))), model.get(key));
    }
  });
}

function lifeCycle(test: Define): void {
  test('it can be closed and opened again, and keeps its data', async (t, engine) => {
    await write(engine, [[bytes('a'), bytes('1')]]);
    for (let i = 0; i < 3; i++) {
      await engine.close();
      await engine.open();
      t.same(text(engine.getSync(bytes('a'))), '1');
    }
    await write(engine, [[bytes('b'), bytes('2')]], true);
    t.same(await scan(engine, { from: bytes('') }), ['a=1', 'b=2']);
  });

  test('closing twice is no error, nor is closing with an iterator and a batch still open', async (t, engine) => {
    await write(engine, [[bytes('a'), bytes('1')]]);
    const iterator = engine.iterate({ from: bytes('') });
    const batch = engine.batch();
    batch.put(bytes('b'), bytes('2'));
    await engine.close();
    await engine.close();
    await t.rejects(iterator.next(1), { code: 'STORAGE_FAILED' });
  });

  test('while closed it refuses everything, with a stable code', async (t, engine) => {
    await engine.close();
    const refused = { name: 'KvError', code: 'STORAGE_FAILED', definite: true };
    t.throws(() => engine.getSync(bytes('a')), refused);
    await t.rejects(engine.getMany([bytes('a')]), refused);
    t.throws(() => engine.batch(), refused);
    t.throws(() => engine.iterate({ from: bytes('') }), refused);
  });

  test('a batch that is written after closing fails, and is not there later', async (t, engine) => {
    const batch = engine.batch();
    batch.put(bytes('a'), bytes('1'));
    await engine.close();
    await t.rejects(written(batch, false), { code: 'STORAGE_FAILED' });
    await engine.open();
    t.equal(engine.getSync(bytes('a')), undefined);
  });

  test('another engine finds the data after this one is closed', async (t, engine, under) => {
    const restarted = under.restarted?.();
    if (restarted === undefined) {
      t.pass('nothing outlives this engine');
      return;
    }
    await write(engine, [[bytes('a'), bytes('1')]]);
    await write(engine, [[bytes('b'), bytes('2')]], true);
    await engine.close();
    await restarted.open();
    t.same(await scan(restarted, { from: bytes('') }), ['a=1', 'b=2']);
    await restarted.close();
  });
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

function text(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : new TextDecoder().decode(value);
}

function hex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

function shown([key, value]: EngineEntry): string {
  return `${text(key)}=${text(value)}`;
}

async function write(engine: StorageEngine, operations: readonly Operation[], sync = false): Promise<void> {
  const batch = engine.batch();
  for (const [key, value] of operations) {
    if (value === undefined) batch.delete(key);
    else batch.put(key, value);
  }
  await written(batch, sync);
}

function written(batch: ReturnType<StorageEngine['batch']>, sync: boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    batch.write(sync, (error) => {
      if (error === undefined) resolve();
      else reject(error instanceof KvError ? error : new Error('not a KvError', { cause: error }));
    });
  });
}

async function entries(engine: StorageEngine, range: EngineRange): Promise<EngineEntry[]> {
  const iterator = engine.iterate(range);
  const all: EngineEntry[] = [];
  for (;;) {
    const some = await iterator.next(64);
    all.push(...some);
    if (some.length < 64) break;
  }
  await iterator.close();
  return all;
}

async function scan(engine: StorageEngine, range: EngineRange): Promise<string[]> {
  return (await entries(engine, range)).map(shown);
}
