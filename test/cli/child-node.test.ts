/** Real processes and ports: what the fakes of the other tests stand for. */
import { spawn } from 'node:child_process';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { type ChildNode, nodeSpawner } from '../../cli/dev/child-node.js';
import { isPortFree } from '../../cli/dev/ports.js';

const entry = fileURLToPath(new URL('fixtures/stub-node.js', import.meta.url));

interface Started {
  readonly child: ChildNode;
  readonly output: string[];
  readonly logs: string[];
}

/** Resolves when the stub has written its line. */
async function start(name: string, env: NodeJS.ProcessEnv = process.env): Promise<Started> {
  const output: string[] = [];
  const logs: string[] = [];
  const child = await new Promise<ChildNode>((resolve) => {
    const spawned = nodeSpawner(entry, env)(['--name', name], {
      onOutput: (line) => {
        output.push(line);
        resolve(spawned);
      },
      onLog: (line) => logs.push(line),
    });
  });
  return { child, output, logs };
}

test('a child: its lines, its environment, its end at SIGTERM', async (t) => {
  const env = { ...process.env, QUORAL_JOIN: 'x:1', QUORAL_CACHE_MB: '5' };
  const { child, output, logs } = await start('plain', env);
  t.same(output, ['kvd: plain serves on nowhere']);
  child.kill('SIGTERM');
  t.same(await child.exited, { code: 0, signal: null });
  t.same(logs, ['no join 5'], 'whom it joins is ours to say, its cache is not');
});

test('a child that does not obey is killed', async (t) => {
  const { child } = await start('stubborn');
  child.kill('SIGTERM');
  child.kill('SIGKILL');
  t.same(await child.exited, { code: null, signal: 'SIGKILL' });
  child.kill('SIGKILL');
});

test('the last words of a child come before its end', async (t) => {
  const { child, logs } = await start('dying');
  t.same(await child.exited, { code: 3, signal: null });
  t.equal(logs.at(-1), 'the very last');
});

test('a child ends when its parent is killed', async (t) => {
  const parent = spawn(process.execPath, [
    fileURLToPath(new URL('fixtures/stub-parent.js', import.meta.url)),
  ]);
  const pid = await new Promise<number>((resolve) =>
    parent.stdout.once('data', (data) => resolve(Number(data))),
  );
  t.equal(isAlive(pid), true);
  parent.kill('SIGKILL');
  for (let i = 0; i < 500 && isAlive(pid); i += 1) await new Promise((resolve) => setTimeout(resolve, 10));
  t.equal(isAlive(pid), false);
});

test('ports that are free, and one that is not', async (t) => {
  const server = createServer();
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
  t.equal(await isPortFree('127.0.0.1', port), false);
  await new Promise((resolve) => server.close(resolve));
  t.equal(await isPortFree('127.0.0.1', port), true);
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
