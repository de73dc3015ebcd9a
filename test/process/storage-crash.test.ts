/**
 * A process that is killed with kill −9 at a random moment has lost nothing that it acknowledged: what is in the log is
 * the operating system's. Nor has one whose disk refused writes for a while and then took them again, which is where
 * LevelDB by itself loses what it says it has written.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { LevelEngine } from '../../src/storage/level-engine.js';
import { crashCounter, crashKey } from './fixtures/storage-crash-data.js';

const ROUNDS = 20;
const writer = fileURLToPath(new URL('./fixtures/storage-writer.js', import.meta.url));
const seed = Number(process.env.SEED ?? Date.now());
t.comment(`SEED=${seed}`);

t.test('every acknowledged write is there after kill −9', { timeout: 120_000 }, async (t) => {
  const random = new SeededRandom(seed);
  const path = join(t.testdir(), 'data');
  const acknowledged = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    // Small buffers, so that logs become tables many times in a short life. A few lives see a sync.
    const child = start(process.execPath, [writer, path, `${round}`, `${256 * 1024}`]);
    const { last } = await killAfter(child, random.below(round % 5 === 0 ? 1500 : 400));
    for (const [name, counter] of last) acknowledged.set(name, counter);
    t.same(await findLost(path, last), [], `round ${round}: ${last.size} keys acknowledged (SEED=${seed})`);
  }
  t.same(await findLost(path, acknowledged), [], `all rounds: ${acknowledged.size} keys (SEED=${seed})`);
  t.ok(acknowledged.size > 100 * ROUNDS, 'the test had something to lose');
});

t.test('every acknowledged write is there after the disk refused some', { timeout: 120_000 }, async (t) => {
  if (process.platform === 'win32') return void t.pass('needs a shell with ulimit');
  const path = join(t.testdir(), 'data');
  // No file may grow past 1 MiB: the log fails there again and again, and a new one is accepted.
  const command = 'trap \'\' XFSZ; ulimit -f 2048; exec "$@"';
  const child = start('/bin/sh', [
    '-c',
    command,
    'sh',
    process.execPath,
    writer,
    path,
    '0',
    `${16 * 1024 * 1024}`,
  ]);
  const { last, failures } = await killAfter(child, 3000);
  t.ok(failures >= 2, `the storage failed ${failures} times`);
  t.same(await findLost(path, last), [], `${last.size} keys acknowledged`);
});

interface Outcome {
  /** The last acknowledged counter of each key. */
  readonly last: Map<string, number>;
  /** How often the storage failed. */
  readonly failures: number;
}

function start(program: string, args: string[]): ChildProcess {
  return spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** Lets a writer live for `lifeMs` after its first acknowledgement, and reads what it printed. */
async function killAfter(child: ChildProcess, lifeMs: number): Promise<Outcome> {
  const chunks: Buffer[] = [];
  child.stdout!.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout!, 'data'), closed]);
  await delay(lifeMs);
  child.kill('SIGKILL');
  await closed;
  if (child.signalCode !== 'SIGKILL') throw new Error(`the writer ended by itself, with ${child.exitCode}`);
  return parse(Buffer.concat(chunks).toString());
}

/** A line cut off by the kill is not an acknowledgement. */
function parse(output: string): Outcome {
  const complete = output.slice(0, output.lastIndexOf('\n') + 1);
  const last = new Map<string, number>();
  let failures = 0;
  for (const line of complete.split('\n')) {
    const [name = '', counter] = line.split(' ');
    if (name === 'failed') failures++;
    else if (name !== '') last.set(name, Number(counter));
  }
  return { last, failures };
}

/** Keys whose stored value is older than the acknowledged one, damaged, or absent. */
async function findLost(path: string, acknowledged: ReadonlyMap<string, number>): Promise<string[]> {
  const engine = new LevelEngine({ path });
  await engine.open();
  const names = [...acknowledged.keys()];
  const values = await engine.getMany(names.map(crashKey));
  await engine.close();
  return names.filter((name, i) => {
    const value = values[i];
    return value === undefined || crashCounter(name, value) < acknowledged.get(name)!;
  });
}
