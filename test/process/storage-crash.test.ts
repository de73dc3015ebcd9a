/**
 * A process that is killed with kill −9 at a random moment has lost nothing that it acknowledged: what is in the log is
 * the operating system's. Nor has one whose disk was full and then no longer: there LevelDB by itself loses what it
 * says it has written.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
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

t.test(
  'every acknowledged write is there after the disk was full for a moment',
  { timeout: 120_000 },
  async (t) => {
    if (spawnSync('prlimit', ['--version']).error !== undefined) {
      t.pass('not tried: it takes prlimit, of util-linux');
      return;
    }
    const path = join(t.testdir(), 'data');
    // No file of the child may grow past a size in the middle of a block, so the log fails half way through a record.
    const limited = [
      // The test runner's hooks, which it puts into every child, would end the process on SIGXFSZ; Node ignores it.
      '-u',
      'NODE_OPTIONS',
      'prlimit',
      '--fsize=1000001:unlimited',
      process.execPath,
      writer,
      path,
      '0',
      `${256 * 1024 * 1024}`,
    ];
    const child = start('env', limited);
    child.stdout!.on('data', (chunk: Buffer) => {
      if (chunk.includes('failed')) spawnSync('prlimit', ['--pid', `${child.pid}`, '--fsize=unlimited']);
    });
    const { last, failures, lastAfterFailure } = await killAfter(child, 1500);
    t.ok(failures > 0, `the storage failed ${failures} times`);
    t.ok(lastAfterFailure.size > 1000, `${lastAfterFailure.size} keys were acknowledged after that`);
    t.same(await findLost(path, last), []);
  },
);

interface Outcome {
  /** The last acknowledged counter of each key. */
  readonly last: Map<string, number>;
  /** How often the storage failed. */
  readonly failures: number;
  /** Like `last`, of what was acknowledged after the last failure. */
  readonly lastAfterFailure: Map<string, number>;
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
  if (child.signalCode !== 'SIGKILL') {
    throw new Error(`the writer ended by itself, with ${child.exitCode ?? child.signalCode}`);
  }
  return parse(Buffer.concat(chunks).toString());
}

/** A line cut off by the kill is not an acknowledgement. */
function parse(output: string): Outcome {
  const complete = output.slice(0, output.lastIndexOf('\n') + 1);
  const last = new Map<string, number>();
  const lastAfterFailure = new Map<string, number>();
  let failures = 0;
  for (const line of complete.split('\n')) {
    const [name = '', counter] = line.split(' ');
    if (name === '') continue;
    if (name === 'failed') {
      failures++;
      lastAfterFailure.clear();
    } else {
      last.set(name, Number(counter));
      lastAfterFailure.set(name, Number(counter));
    }
  }
  return { last, failures, lastAfterFailure };
}

/** Keys whose stored value is older than the acknowledged one, damaged, or absent. */
async function findLost(path: string, acknowledged: ReadonlyMap<string, number>): Promise<string[]> {
  const engine = new LevelEngine({ path });
  await engine.open();
  const names = [...acknowledged.keys()];
  const values = await engine.getMany(names.map(crashKey));
  await engine.close();
  const lost = names.filter((name, i) => {
    const value = values[i];
    return value === undefined || crashCounter(name, value) < acknowledged.get(name)!;
  });
  return lost.length > 5 ? [...lost.slice(0, 5), `and ${lost.length - 5} more`] : lost;
}
