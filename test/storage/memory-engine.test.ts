import t from 'tap';
import { SystemClock } from '../../src/os/system-clock.js';
import { MemoryEngine } from '../../src/storage/memory-engine.js';
import { storageEngineContract } from '../contract/storage-engine.js';
import { VirtualClock } from '../support/virtual-clock.js';

storageEngineContract(t, () => ({ engine: new MemoryEngine(new SystemClock()) }));

t.test('a batch becomes visible when its callback is called, in the clock’s deferred turn', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  await engine.open();
  const key = Uint8Array.of(1);
  const batch = engine.batch();
  let done = false;
  batch.put(key, Uint8Array.of(2));
  batch.write(true, () => {
    done = true;
  });
  t.equal(engine.getSync(key), undefined);
  clock.runDeferred();
  t.ok(done);
  t.same([...engine.getSync(key)!], [2]);
});

t.test('iterators made before and after each change of one slot all keep their own moment', async (t) => {
  const clock = new VirtualClock();
  const engine = new MemoryEngine(clock);
  await engine.open();
  const iterators = [];
  for (let i = 0; i < 5; i++) {
    const batch = engine.batch();
    if (i > 1) batch.delete(Uint8Array.of(0, 7, i - 2));
    batch.put(Uint8Array.of(0, 7, i), Uint8Array.of(i));
    batch.write(false, () => {});
    clock.runDeferred();
    iterators.push(engine.iterate({ from: Uint8Array.of(0, 7), to: Uint8Array.of(0, 8) }));
  }
  const seen = [];
  for (const iterator of iterators) seen.push((await iterator.next(10)).map(([key]) => key[2]));
  t.same(seen, [[0], [0, 1], [1, 2], [2, 3], [3, 4]]);
});
