/**
 * One seed, one transcript, byte for byte: within a process that has run other seeds before, and in processes of their
 * own. The hash covers every byte that arrived anywhere.
 */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import t from 'tap';
import { FAULT_NAMES } from './faults.js';
import { simulate } from './simulator.js';

const SECONDS = 10;
const SEEDS = [3, 17];
const MAIN = fileURLToPath(new URL('./main.js', import.meta.url));

async function traceOf(seed: number, messages = false): Promise<{ hash: string; lines: string[] }> {
  const lines: string[] = [];
  const result = await simulate(
    seed,
    { virtualSeconds: SECONDS, faults: FAULT_NAMES },
    { onLine: (line) => lines.push(line), messages },
  );
  if (!result.ok) throw new Error(result.failures.join('\n'));
  return { hash: result.transcriptHash, lines };
}

async function traceOfProcess(seed: number): Promise<string[]> {
  const args = [MAIN, '--seed', String(seed), '--virtual-seconds', String(SECONDS), '--faults', 'all'];
  const maxBuffer = 256 * 1024 * 1024;
  const { stdout } = await promisify(execFile)(process.execPath, [...args, '--trace'], { maxBuffer });
  return stdout.split('\n');
}

for (const seed of SEEDS) {
  t.test(`seed ${seed} gives one transcript`, async (t) => {
    const [first, second] = [await traceOf(seed), await traceOf(seed)];
    t.ok(first.lines.length > 100, 'a story worth telling');
    t.same(second, first, 'again in this process');
    for (const stdout of await Promise.all([traceOfProcess(seed), traceOfProcess(seed)])) {
      t.same(stdout.slice(0, first.lines.length), first.lines, 'in a process of its own');
      t.match(stdout[first.lines.length], first.hash.slice(0, 16));
    }
  });
}

t.test('looking closer changes nothing', async (t) => {
  const [plain, close] = [await traceOf(5), await traceOf(5, true)];
  t.equal(close.hash, plain.hash);
  t.ok(close.lines.length > plain.lines.length * 2);
});

t.test('another seed gives another transcript', async (t) => {
  const [one, other] = [await traceOf(1), await traceOf(2)];
  t.not(one.hash, other.hash);
});
