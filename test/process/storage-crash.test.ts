/**
 * A process that is killed with kill −9 at a random moment has lost nothing that it acknowledged, although nothing was
 * synced: what is in the log is the operating system's. The same directory goes through all rounds.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { LevelEngine } from '../../src/storage/level-engine.js';
import { crashCounter, crashKey } from './fixtures/storage-crash-data.js';

const ROUNDS = 20;
const LIFE_MS_MAX = 400;
const writer = fileURLToPath(new URL('./fixtures/storage-writer.js', import.meta.url));
const seed = Number(process.env.SEED ?? Date.now());

t.test('every acknowledged write is there after kill −9', { timeout: 120_000 }, async (t) => {
  t.comment(`SEED=${seed}`);
  const random = new SeededRandom(seed);
  const path = join(t.testdir(), 'data');
  const acknowledged = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const lines = await runAndKill(path, round, random.below(LIFE_MS_MAX));
    for (const [name, counter] of lines) acknowledged.set(name, counter);
    const lost = await findLost(path, lines);
    t.same(lost, [], `round ${round}: ${lines.size} keys acknowledged (SEED=${seed})`);
  }
  t.same(await findLost(path, acknowledged), [], `all rounds: ${acknowledged.size} keys (SEED=${seed})`);
  t.ok(acknowledged.size > 100 * ROUNDS, 'the test had something to lose');
});

/** Lets a writer live for `lifeMs` after its first acknowledgement. Gives the last acknowledged counter of each key. */
async function runAndKill(path: string, round: number, lifeMs: number): Promise<Map<string, number>> {
  const child = spawn(process.execPath, [writer, path, `${round}`], { stdio: ['ignore', 'pipe', 'inherit'] });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = once(child, 'close');
  await Promise.race([once(child.stdout, 'data'), closed]);
  await delay(lifeMs);
  child.kill('SIGKILL');
  await closed;
  if (child.signalCode !== 'SIGKILL') throw new Error(`the writer ended by itself, with ${child.exitCode}`);
  return parse(Buffer.concat(chunks).toString());
}

/** A line cut off by the kill is not an acknowledgement. */
function parse(output: string): Map<string, number> {
  const complete = output.slice(0, output.lastIndexOf('\n') + 1);
  const last = new Map<string, number>();
  for (const line of complete.split('\n')) {
    const [name = '', counter] = line.split(' ');
    if (name !== '') last.set(name, Number(counter));
  }
  return last;
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
