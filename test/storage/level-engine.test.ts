import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import t from 'tap';
import { KvError } from '../../src/base/errors.js';
import { LevelEngine } from '../../src/storage/level-engine.js';
import { storageEngineContract } from '../contract/storage-engine.js';

storageEngineContract(t, (t) => {
  const path = join(t.testdir(), 'data');
  return { engine: new LevelEngine({ path }), restarted: () => new LevelEngine({ path }) };
});

t.test('a directory that is open already is refused: which one, and what to do', async (t) => {
  const path = join(t.testdir(), 'data');
  const first = new LevelEngine({ path });
  const second = new LevelEngine({ path });
  await first.open();
  await t.rejects(second.open(), {
    code: 'STORAGE_FAILED',
    definite: true,
    message: /another process has it open/,
  });
  await t.rejects(second.open(), { message: new RegExp(path) });
  await first.close();
  await second.open();
  await second.close();
});

t.test('a path that cannot be a directory is refused with the cause', async (t) => {
  const path = join(t.testdir({ file: 'text' }), 'file', 'data');
  const error = await new LevelEngine({ path }).open().catch((error: unknown) => error);
  t.ok(error instanceof KvError);
  t.match(error, { code: 'STORAGE_FAILED', definite: true });
  t.ok((error as KvError).cause instanceof Error);
});

t.test('a damaged log is noticed, a record that kill -9 has cut off is none', async (t) => {
  for (const [what, damage, expected] of [
    ['a flipped byte', (bytes: Buffer) => bytes.fill(bytes[5000]! ^ 0xff, 5000, 5001), true],
    ['a record cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length - 57), false],
    ['nothing', (bytes: Buffer) => bytes, false],
  ] as const) {
    const path = join(t.testdir(), 'data');
    const engine = new LevelEngine({ path, readText: (file) => readFileSync(file, 'utf8') });
    await engine.open();
    for (let i = 0; i < 100; i++) {
      const batch = engine.batch();
      batch.put(new TextEncoder().encode(`key-${i}`), new Uint8Array(100));
      await new Promise<void>((resolve) => batch.write(true, () => resolve()));
    }
    await engine.close();
    const log = join(path, readdirSync(path).find((name) => name.endsWith('.log'))!);
    writeFileSync(log, damage(readFileSync(log)) as Buffer);
    await engine.open();
    t.equal(engine.hasDroppedWrites, expected, what);
    await engine.close();
  }
});

t.test('a damaged directory is refused with advice, and does not crash', async (t) => {
  const path = join(t.testdir(), 'data');
  const engine = new LevelEngine({ path });
  await engine.open();
  await engine.close();
  for (const name of readdirSync(path))
    if (name.startsWith('MANIFEST')) writeFileSync(join(path, name), 'garbage');
  await t.rejects(engine.open(), { code: 'STORAGE_FAILED', message: /cannot open .*data: .*/ });
});
