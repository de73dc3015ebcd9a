/** `kvd dev` as one uses it: five nodes that come up, serve `kvcli`, stop at Ctrl-C and find their data again. */
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { close, freeBasePort, freePorts, HOST, isFree, listen } from './ports.js';
import { isRunning, type Program, run, startProgram, until } from './program.js';

const NODES = 5;
const STOP_MS_MAX = 5000;
const BYTES = Uint8Array.from({ length: 100_000 }, (_, i) => (i * 7 + (i >> 8)) & 0xff);

interface Place {
  readonly basePort: number;
  readonly data: string;
}

t.test('five nodes serve, stop at Ctrl-C, and find their data again, even when one has none', async (t) => {
  const place = await makePlace(t);
  const host = `${HOST}:${place.basePort}`;
  const kvcli = (args: string[], input?: Uint8Array) =>
    run(t, 'kvcli', ['-h', host, ...args], input === undefined ? {} : { input });
  const dev = await startDev(t, place);
  const pids = pidsOf(dev, place, t);
  for (const words of commandsToTry(dev)) {
    const { code, stderr } = await run(t, 'kvcli', words);
    t.same([code, stderr], [0, ''], `as printed: kvcli ${words.join(' ')}`);
  }
  t.same(outcome(await kvcli(['set', 'foo', 'bar'])), [0, '', ''], 'set is silent');
  t.same(outcome(await kvcli(['get', 'foo'])), [0, 'bar', ''], 'get writes the bytes and nothing else');
  t.same(outcome(await kvcli(['get', 'nobody'])), [1, '', ''], 'an absent key is exit code 1');
  t.equal((await kvcli(['set', 'bytes', '-'], BYTES)).code, 0);
  t.ok((await kvcli(['get', 'bytes'])).stdout.equals(BYTES), 'any bytes come back as they went');
  const refused = await kvcli(['-w', '4', 'set', 'foo', 'never']);
  t.same([refused.code, refused.stdout.length], [2, 0], 'an error is exit code 2');
  t.match(refused.stderr, /QUORUM_UNAVAILABLE.*did not happen/);
  const [elsewhere] = await freePorts(1);
  const unreachable = await run(t, 'kvcli', ['-h', `${HOST}:${elsewhere}`, 'get', 'foo']);
  t.same([unreachable.code, unreachable.stdout.length], [2, 0], 'so is a node that is not there');
  t.match(unreachable.stderr, new RegExp(`${HOST}:${elsewhere}`));
  await stopWith(t, dev, [dev.pid]);
  await nothingIsLeft(t, place, pids);

  const again = await startDev(t, place);
  const newPids = pidsOf(again, place, t);
  t.same(outcome(await kvcli(['get', 'foo'])), [0, 'bar', ''], 'the data is there');
  t.ok((await kvcli(['get', 'bytes'])).stdout.equals(BYTES));
  // A terminal sends Ctrl-C to everything that runs in it.
  await stopWith(t, again, [again.pid, ...newPids]);
  await nothingIsLeft(t, place, newPids);

  // The first node is the one that founds when there is nothing; here there is a cluster, which it has to join.
  await rm(join(place.data, 'n1'), { recursive: true });
  const third = await startDev(t, place);
  const lastPids = pidsOf(third, place, t);
  t.same(outcome(await kvcli(['get', 'foo'])), [0, 'bar', ''], 'without the data of n1 everything is there');
  t.ok((await kvcli(['get', 'bytes'])).stdout.equals(BYTES));
  await until('n1 has got its data back', async () => {
    const { stdout } = await kvcli(['--json', 'status']);
    return JSON.parse(stdout.toString()).state === 'serving';
  });
  t.same(outcome(await kvcli(['set', 'foo', 'new'])), [0, '', '']);
  t.same(outcome(await kvcli(['get', 'foo'])), [0, 'new', '']);
  await stopWith(t, third, [third.pid]);
  await nothingIsLeft(t, place, lastPids);
});

t.test('a taken port is named, with what to do, and no node is left', async (t) => {
  const place = await makePlace(t);
  const taken = place.basePort + 2;
  const server = await listen(taken);
  t.teardown(() => close(server));
  const dev = startProgram(t, 'kvd', devArgs(place));
  t.same(await dev.ended(), { code: 1, signal: null });
  t.equal(dev.stdout.length, 0);
  t.equal(dev.said.length, 1, 'one line');
  t.match(dev.said[0], new RegExp(`port ${taken} .*is taken.*--base-port \\d+ --data \\S`));
  t.same(await readdir(place.data).catch(() => []), [], 'no node was started');
});

t.test('when the parent is killed with kill −9, the nodes end by themselves', async (t) => {
  const place = await makePlace(t);
  const dev = await startDev(t, place);
  const pids = pidsOf(dev, place, t);
  dev.kill('SIGKILL');
  t.same(await dev.ended(), { code: null, signal: 'SIGKILL' });
  await nothingIsLeft(t, place, pids);
});

async function makePlace(t: Test): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'quoral-dev-'));
  t.teardown(() => rm(directory, { recursive: true, force: true }));
  return { basePort: await freeBasePort(NODES), data: join(directory, 'data') };
}

function devArgs({ basePort, data }: Place): string[] {
  return ['dev', '--nodes', `${NODES}`, '--base-port', `${basePort}`, '--data', data];
}

async function startDev(t: Test, place: Place): Promise<Program> {
  const dev = startProgram(t, 'kvd', devArgs(place));
  await dev.says(/^Ctrl-C stops all nodes/m);
  return dev;
}

/** The processes of the table that was printed, each of which ends with the test. */
function pidsOf(dev: Program, { basePort, data }: Place, t: Test): number[] {
  const text = dev.stdout.toString();
  const pids = Array.from({ length: NODES }, (_, i) => {
    const row = new RegExp(`^n${i + 1} +${HOST}:${basePort + i} +(\\d+) +${join(data, `n${i + 1}`)}$`, 'm');
    return Number(row.exec(text)?.[1] ?? Number.NaN);
  });
  t.ok(pids.every(isRunning), `the table names five processes that run:\n${text}`);
  t.equal(new Set([dev.pid, ...pids]).size, NODES + 1, 'each node is a process of its own');
  t.teardown(() => {
    for (const pid of pids) if (isRunning(pid)) process.kill(pid, 'SIGKILL');
  });
  return pids;
}

/** The words after `npx kvcli` of the lines that one is told to try. */
function commandsToTry(dev: Program): string[][] {
  const commands = [...dev.stdout.toString().matchAll(/^ +npx kvcli (.+)$/gm)].map(([, words]) => words!);
  if (commands.length === 0) throw new Error('no commands to try were printed');
  return commands.map((words) => words.split(' '));
}

/** Sends SIGINT, and measures from outside how long the cluster takes to end. */
async function stopWith(t: Test, dev: Program, pids: readonly number[]): Promise<void> {
  const startMs = performance.now();
  for (const pid of pids) process.kill(pid, 'SIGINT');
  const exit = await dev.exited;
  const stoppedMs = performance.now() - startMs;
  t.same(exit, { code: 0, signal: null }, 'Ctrl-C is a good end');
  t.ok(stoppedMs < STOP_MS_MAX, `it took ${Math.round(stoppedMs)} ms`);
}

async function nothingIsLeft(t: Test, { basePort }: Place, pids: readonly number[]): Promise<void> {
  await until(`processes ${pids.join(', ')} are gone`, () => !pids.some(isRunning));
  const ports = pids.map((_, i) => basePort + i);
  await until(`ports ${ports.join(', ')} are free`, async () =>
    (await Promise.all(ports.map(isFree))).every(Boolean),
  );
  t.pass('no process is left, and the ports are free');
}

function outcome({ code, stdout, stderr }: Awaited<ReturnType<typeof run>>): [number | null, string, string] {
  return [code, stdout.toString('latin1'), stderr];
}
