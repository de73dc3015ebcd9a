import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { VirtualClock } from './virtual-clock.js';
import { VirtualDisk } from './virtual-disk.js';

/** Writes ten batches of one key each, of which the first `synced` ones are synced, and takes the power away. */
async function keysLeft(seed: number, synced: number): Promise<number> {
  const clock = new VirtualClock();
  const disk = new VirtualDisk(new SeededRandom(seed));
  const engine = disk.engine(clock);
  await engine.open();
  for (let i = 0; i < 10; i++) {
    const batch = engine.batch();
    batch.put(Uint8Array.of(i), Uint8Array.of(1));
    batch.write(i < synced, () => {});
    clock.advance(10);
  }
  disk.losePower();
  const left = [...disk.content.keys()].map((key) => key.charCodeAt(0)).sort((a, b) => a - b);
  t.same(
    left,
    left.map((_, i) => i),
    'what is left is a beginning',
  );
  return left.length;
}

t.test('a loss of power leaves what was synced, and of the rest a part', async (t) => {
  const seeds = Array.from({ length: 40 }, (_, i) => i);
  const left = await Promise.all(seeds.map((seed) => keysLeft(seed, 4)));
  t.equal(Math.min(...left), 4);
  t.equal(Math.max(...left), 10);
  t.same(new Set(await Promise.all(seeds.map((seed) => keysLeft(seed, 10)))), new Set([10]));
});

t.test('a crash keeps what was acknowledged, and the batch under way as a whole or not at all', async (t) => {
  const sizes = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const clock = new VirtualClock();
    const disk = new VirtualDisk(new SeededRandom(seed));
    const engine = disk.engine(clock);
    await engine.open();
    for (const keys of [[1], [2, 3]]) {
      const batch = engine.batch();
      for (const key of keys) batch.put(Uint8Array.of(key), Uint8Array.of(1));
      batch.write(false, () => {});
      if (keys.length === 1) clock.advance(10);
    }
    disk.crash();
    sizes.add(disk.content.size);
  }
  t.same([...sizes].sort(), [1, 3]);
});

t.test('a disk that is taken off: read on, no write, then empty, then as it was', async (t) => {
  const clock = new VirtualClock();
  const disk = new VirtualDisk(new SeededRandom(1));
  const engine = disk.engine(clock);
  await engine.open();
  const key = Uint8Array.of(1);
  const write = (): Promise<Error | undefined> =>
    new Promise((resolve) => {
      const batch = engine.batch();
      batch.put(key, Uint8Array.of(2));
      batch.write(true, resolve);
      void clock.advanceAsync(5);
    });
  t.equal(await write(), undefined);
  disk.takeOff('gone');
  t.same(engine.getSync(key), Uint8Array.of(2), 'what is open can be read');
  t.match(await write(), { message: 'gone' });
  disk.failure = undefined;
  await engine.close();
  await engine.open();
  t.equal(engine.getSync(key), undefined, 'opened again it is empty');
  disk.putBack();
  t.same(engine.getSync(key), Uint8Array.of(2), 'and there again');
});
