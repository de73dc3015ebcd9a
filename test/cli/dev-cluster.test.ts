import { test } from 'tap';
import type { ChildExit, ChildListeners, ChildNode } from '../../cli/dev/child-node.js';
import { type DevOptions, runDevCluster } from '../../cli/dev/dev-cluster.js';
import { describeExit, shellWord } from '../../cli/dev/dev-node.js';
import { readLogLine } from '../../cli/dev/log-line.js';
import { AutoClock } from './auto-clock.js';
import { FakeProcess } from './fake-process.js';
import { MemoryOutput } from './memory-output.js';

/** A child process as the operating system would have it: it ends only when it is killed or ends by itself. */
class FakeChild implements ChildNode {
  readonly pid: number;
  readonly args: readonly string[];
  readonly exited: Promise<ChildExit>;
  readonly signals: string[] = [];
  /** What it does with a SIGTERM; SIGKILL always ends it. */
  obeys = true;
  readonly #listeners: ChildListeners;
  #resolve: (exit: ChildExit) => void = () => {};

  constructor(pid: number, args: readonly string[], listeners: ChildListeners) {
    this.pid = pid;
    this.args = args;
    this.#listeners = listeners;
    this.exited = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get name(): string {
    return this.args[this.args.indexOf('--name') + 1]!;
  }

  serve(): void {
    this.#listeners.onOutput(`kvd: ${this.name} serves on ${this.args[this.args.indexOf('--listen') + 1]}`);
  }

  log(line: string): void {
    this.#listeners.onLog(line);
  }

  end(exit: Partial<ChildExit>): void {
    this.#resolve({ code: null, signal: null, ...exit });
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    this.signals.push(signal);
    if (signal === 'SIGKILL') this.end({ signal });
    else if (this.obeys) this.end({ code: 0 });
  }
}

interface Dev {
  readonly exitCode: Promise<number>;
  readonly children: FakeChild[];
  readonly output: MemoryOutput;
  readonly process: FakeProcess;
  readonly clock: AutoClock;
}

const OPTIONS: DevOptions = { nodes: 3, basePort: 7400, data: './data', nodeOptions: [], verbose: false };

function dev(
  options: Partial<DevOptions> = {},
  onSpawn: (child: FakeChild) => void = (child) => child.serve(),
  existing: string[] = [],
): Dev {
  const children: FakeChild[] = [];
  const output = new MemoryOutput();
  const process = new FakeProcess();
  const clock = new AutoClock();
  const exitCode = runDevCluster(
    { ...OPTIONS, ...options },
    {
      output,
      clock,
      signals: process,
      isPortFree: async () => true,
      list: async (directory) =>
        directory === './data'
          ? existing
          : existing.includes(directory.slice('data/'.length))
            ? ['CURRENT']
            : [],
      spawn: (args, listeners) => {
        const child = new FakeChild(1000 + children.length, args, listeners);
        children.push(child);
        setImmediate(() => onSpawn(child));
        return child;
      },
    },
  );
  return { exitCode, children, output, process, clock };
}

async function turns(count = 40): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** As `dev`, once all nodes serve. */
async function devUp(options: Partial<DevOptions> = {}): Promise<Dev> {
  const started = dev(options);
  await turns();
  return started;
}

test('a first node without data joins those that have some', async (t) => {
  const { children } = dev({}, (child) => child.serve(), ['n2', 'n3']);
  await turns();
  t.same(
    children.map((child) => [child.name, child.args[child.args.indexOf('--join') + 1]]),
    [
      ['n2', '--name'],
      ['n1', '127.0.0.1:7401'],
      ['n3', '127.0.0.1:7401'],
    ],
  );
});

test('the first node, then the others, which join it; then what to try', async (t) => {
  const { exitCode, children, output, process, clock } = await devUp({ nodeOptions: ['--fsync', 'always'] });
  t.same(
    children.map(({ args }) => args.join(' ')),
    [
      '--name n1 --listen 127.0.0.1:7400 --data data/n1 --fsync always',
      '--name n2 --listen 127.0.0.1:7401 --data data/n2 --join 127.0.0.1:7400 --fsync always',
      '--name n3 --listen 127.0.0.1:7402 --data data/n3 --join 127.0.0.1:7400 --fsync always',
    ],
  );
  t.equal(
    output.text,
    `NODE  ADDRESS          PID  DATA
n1    127.0.0.1:7400  1000  data/n1
n2    127.0.0.1:7401  1001  data/n2
n3    127.0.0.1:7402  1002  data/n3

3 nodes serve. Try in another terminal:

  npx kvcli set greeting hello
  npx kvcli get greeting
  npx kvcli status
  kill -9 1002   (n3 dies; everything goes on)

Ctrl-C stops all nodes; their data stays.
`,
  );
  process.send('SIGINT');
  t.equal(await exitCode, 0);
  t.same(
    children.map(({ signals }) => signals),
    [['SIGTERM'], ['SIGTERM'], ['SIGTERM']],
  );
  t.same(output.notes, []);
  t.equal(clock.pending, 0, 'nothing keeps the process');
});

test('other ports are named in the commands', async (t) => {
  const { exitCode, output, process } = await devUp({ basePort: 7500, nodes: 1 });
  t.match(output.text, /npx kvcli -h 127\.0\.0\.1:7500 status\n\nCtrl-C/);
  process.send('SIGTERM');
  t.equal(await exitCode, 0);
});

test('the others wait for the first one, but not for ever', async (t) => {
  const { exitCode, children, process, clock } = dev({}, (child) => {
    if (child.name !== 'n1') child.serve();
  });
  const startMs = clock.nowMs;
  while (children.length < 2) await turns(1);
  t.equal(clock.nowMs - startMs, 5000);
  children[0]!.serve();
  await turns();
  process.send('SIGINT');
  t.equal(await exitCode, 0);
});

test('children that do not stop are killed after four seconds', async (t) => {
  const { exitCode, children, process, clock } = await devUp();
  children[1]!.obeys = false;
  const startMs = clock.nowMs;
  process.send('SIGTERM');
  t.equal(await exitCode, 0);
  t.equal(clock.nowMs - startMs, 4000);
  t.same(
    children.map(({ signals }) => signals),
    [['SIGTERM'], ['SIGTERM', 'SIGKILL'], ['SIGTERM']],
  );
});

test('a node that dies is told, with the command that starts it again', async (t) => {
  const { exitCode, children, output, process } = await devUp({ data: './my data' });
  children[0]!.end({ signal: 'SIGKILL' });
  await turns();
  t.same(output.notes, [
    'n1 │ (pid 1000) was killed by SIGKILL',
    "start it again with:\n  npx kvd --name n1 --listen 127.0.0.1:7400 --data 'my data/n1' --join 127.0.0.1:7401",
  ]);
  t.equal(children.length, 3, 'it is not started again');
  process.send('SIGINT');
  t.equal(await exitCode, 0);
  t.same(children[0]!.signals, [], 'its pid may belong to somebody else by now');
});

test('when the last node has died, so does the cluster', async (t) => {
  const { exitCode, children, output } = await devUp();
  for (const child of children) child.end({ code: 1 });
  t.equal(await exitCode, 1);
  t.equal(output.notes.at(-1), 'kvd dev: no node is left');
});

test('a node that dies while they start ends it all', async (t) => {
  const { exitCode, children, output, clock } = dev({}, (child) => {
    if (child.name === 'n1') child.serve();
    if (child.name !== 'n2') return;
    child.log('kvd: 127.0.0.1:7401 is taken by another program');
    child.end({ code: 1 });
  });
  const startMs = clock.nowMs;
  t.equal(await exitCode, 1);
  t.ok(clock.nowMs - startMs < 60_000, 'n3 is not waited for');
  t.match(output.notes, [/^n2 │ kvd: 127\.0\.0\.1:7401 is taken/, 'n2 │ (pid 1001) ended with exit code 1']);
  t.equal(output.notes.length, 2);
  t.equal(output.text, '');
  t.same([children[0]!.signals, children[1]!.signals], [['SIGTERM'], []]);
});

test('a node that does not come up is named after a minute', async (t) => {
  const { exitCode, output, clock } = dev({}, (child) => {
    if (child.name !== 'n3') child.serve();
  });
  const startMs = clock.nowMs;
  t.equal(await exitCode, 1);
  t.same(output.notes, ['kvd dev: n3 did not come up within 60 s']);
  t.equal(clock.nowMs - startMs, 60_000);
});

test('Ctrl-C while they start stops what has been started', async (t) => {
  const { exitCode, children, process } = dev({}, () => {});
  await new Promise((resolve) => setImmediate(resolve));
  process.send('SIGINT');
  t.equal(await exitCode, 0);
  t.same(
    children.map(({ signals }) => signals),
    [['SIGTERM']],
  );
});

test('a taken port is named, with ports that are free', async (t) => {
  const output = new MemoryOutput();
  const run = (isPortFree: (host: string, port: number) => Promise<boolean>) =>
    runDevCluster(OPTIONS, {
      output,
      clock: new AutoClock(),
      signals: new FakeProcess(),
      isPortFree,
      list: async () => [],
      spawn: () => {
        throw new Error('nothing may be started');
      },
    });
  t.equal(await run(async (_, port) => port !== 7402 && port !== 7500), 1);
  t.equal(await run(async () => false), 1);
  t.same(output.notes, [
    'kvd dev: port 7402 on 127.0.0.1 is taken by another program; stop that one, or use other ports: --base-port 7600 --data ./data-7600',
    'kvd dev: port 7400 on 127.0.0.1 is taken by another program; stop that one, or use other ports: --base-port PORT --data ./data-PORT',
  ]);
});

test('nodes of an earlier run that are not started are named', async (t) => {
  const { exitCode, output, process } = dev({}, undefined, ['n1', 'n2', 'n10', 'n3.old', 'other']);
  await turns();
  t.match(output.notes, [
    /^kvd dev: \.\/data has nodes up to n10 of an earlier run.*--nodes 10, or use another/,
  ]);
  process.send('SIGINT');
  t.equal(await exitCode, 0);
});

test('log lines: warnings always, changes of state once the cluster is up, all with --verbose', async (t) => {
  const info = '{"level":30,"time":1,"node":"n1","msg":"joined","epoch":4}';
  const warn = '{"level":40,"time":1,"node":"n1","msg":"unreachable","peer":"n2"}';
  const logging = (child: FakeChild) => {
    if (child.name === 'n1') for (const line of [info, warn, 'Error: crash']) child.log(line);
    child.serve();
  };
  const quiet = dev({}, logging);
  await turns();
  t.same(quiet.output.notes, ['n1 │ WARN unreachable peer=n2', 'n1 │ Error: crash']);
  quiet.children[1]!.log(info);
  t.equal(quiet.output.notes.length, 2, 'that they have found each other is no news');
  quiet.clock.nowMs += 2000;
  quiet.children[1]!.log(info);
  t.equal(quiet.output.notes.at(-1), 'n2 │ INFO joined epoch=4');
  quiet.process.send('SIGINT');
  await quiet.exitCode;
  const verbose = dev({ verbose: true }, logging);
  await turns();
  t.equal(verbose.output.notes[0], 'n1 │ INFO joined epoch=4');
  verbose.process.send('SIGINT');
  await verbose.exitCode;
});

test('log lines that are no log lines are shown as they are', async (t) => {
  t.same(readLogLine('{"level":50,"msg":"x","err":{"code":5}}'), {
    text: 'ERROR x err={"code":5}',
    isImportant: true,
  });
  t.same(readLogLine('{broken'), { text: '{broken', isImportant: true });
  t.same(readLogLine('{"msg":"no level"}'), { text: '{"msg":"no level"}', isImportant: true });
  t.equal(readLogLine('{"level":35,"msg":"x"}').text, '35 x');
});

test('words for shells, and ends of processes', async (t) => {
  t.same(['a-b=/c:1', '', "it's", 'a b'].map(shellWord), ['a-b=/c:1', "''", "'it'\\''s'", "'a b'"]);
  t.equal(describeExit({ code: 3, signal: null }), 'ended with exit code 3');
  t.equal(describeExit({ code: null, signal: null, problem: 'ENOENT' }), 'could not be started: ENOENT');
});
