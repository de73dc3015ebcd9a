import { test } from 'tap';
import { runKvd } from '../../cli/kvd-main.js';
import type { NodeOptions, RunningNode, Serve } from '../../cli/node/server.js';
import { definite } from '../../src/base/errors.js';
import { AutoClock } from './auto-clock.js';
import { FakeProcess } from './fake-process.js';
import { MemoryOutput } from './memory-output.js';

/** A node that runs until it is told otherwise. */
class FakeNode implements RunningNode {
  readonly name = 'n1';
  readonly address = '127.0.0.1:7400';
  readonly stopped: Promise<void>;
  stops = 0;
  /** What `stop()` waits for. */
  stopping: Promise<void> = Promise.resolve();
  end: (error?: Error) => void = () => {};

  constructor() {
    this.stopped = new Promise((resolve, reject) => {
      this.end = (error) => (error === undefined ? resolve() : reject(error));
    });
  }

  async stop(): Promise<void> {
    this.stops += 1;
    await this.stopping;
    this.end();
  }
}

interface Run {
  readonly exitCode: Promise<number>;
  readonly output: MemoryOutput;
  readonly process: FakeProcess;
  readonly clock: AutoClock;
  readonly node: FakeNode;
  readonly served: NodeOptions[];
}

function kvd(
  args: string[],
  options: { serve?: Serve; env?: Record<string, string>; process?: FakeProcess } = {},
): Run {
  const node = new FakeNode();
  const served: NodeOptions[] = [];
  const output = new MemoryOutput();
  const process = options.process ?? new FakeProcess();
  const clock = new AutoClock();
  const serve: Serve = async (nodeOptions) => {
    served.push(nodeOptions);
    return options.serve === undefined ? node : options.serve(nodeOptions);
  };
  const exitCode = runKvd(args, {
    serve,
    output,
    clock,
    env: options.env ?? {},
    process,
    spawn: () => {
      throw new Error('no child is expected');
    },
    isPortFree: async () => false,
    list: async () => [],
  });
  return { exitCode, output, process, clock, node, served };
}

async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i += 1) await new Promise((resolve) => setImmediate(resolve));
}

test('a node: one line when it serves, a graceful stop at SIGTERM and SIGINT', async (t) => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { exitCode, output, process, node, served } = kvd(['--name', 'n1', '--fsync', 'always'], {
      env: { QUORAL_FSYNC: 'never', QUORAL_ZONE: 'east' },
    });
    await turns();
    t.equal(output.text, 'kvd: n1 serves on 127.0.0.1:7400\n');
    t.match(served, [{ name: 'n1', fsync: 'always', zone: 'east', storage: 'level' }]);
    process.send(signal);
    t.equal(await exitCode, 0);
    t.equal(node.stops, 1);
    t.same([output.notes, process.exits], [[], []]);
  }
});

test('a second signal ends it at once, but not the echo of the first', async (t) => {
  const { exitCode, process, node, clock } = kvd(['--name', 'n1']);
  await turns();
  let release = () => {};
  node.stopping = new Promise((resolve) => {
    release = resolve;
  });
  process.send('SIGINT');
  clock.nowMs += 400;
  process.send('SIGINT');
  t.same(process.exits, []);
  clock.nowMs += 100;
  process.send('SIGINT');
  t.same(process.exits, [130]);
  release();
  t.equal(await exitCode, 0);
});

test('a signal before it serves ends it at once', async (t) => {
  const { process } = kvd(['--name', 'n1'], { serve: () => new Promise(() => {}) });
  await turns();
  process.send('SIGTERM');
  t.same(process.exits, [143]);
});

test('a node that fails is told, with exit code 1; one that ends by itself is done', async (t) => {
  const failing = kvd(['--name', 'n1']);
  await turns();
  failing.node.end(definite('STORAGE_FAILED', 'no space left on device'));
  t.equal(await failing.exitCode, 1);
  t.same(failing.output.notes, ['kvd: n1 stopped: STORAGE_FAILED: no space left on device']);
  const ending = kvd(['--name', 'n1']);
  await turns();
  ending.node.end();
  t.equal(await ending.exitCode, 0);
});

test('what keeps a node from starting is one clear line', async (t) => {
  const system = (code: string) => Object.assign(new Error(`listen ${code}`), { code });
  const cases: [Error, string][] = [
    [
      definite('CONNECT_FAILED', 'cannot listen', system('EADDRINUSE')),
      'kvd: 127.0.0.1:7400 is taken by another program; stop that one, or choose another address with --listen',
    ],
    [
      system('EADDRNOTAVAIL'),
      'kvd: 127.0.0.1:7400 is not an address of this machine; choose another one with --listen',
    ],
    [system('EACCES'), 'kvd: n1 may not use ./data/n1 or 127.0.0.1:7400: listen EACCES'],
    [
      definite('JOIN_REFUSED', 'the name n1 is taken'),
      'kvd: n1 cannot start: JOIN_REFUSED: the name n1 is taken',
    ],
  ];
  for (const [error, line] of cases) {
    const { exitCode, output } = kvd(['--name', 'n1'], { serve: () => Promise.reject(error) });
    t.equal(await exitCode, 1);
    t.same(output.notes, [line]);
    t.equal(output.text, '');
  }
});

test('a child stops when its parent is gone, and leaves Ctrl-C to the parent', async (t) => {
  const { exitCode, process, node } = kvd(['--name', 'n1', '--exit-with-parent'], {
    process: FakeProcess.child(),
  });
  await turns();
  t.equal(process.send('SIGINT'), true, 'without a listener it would die');
  await turns();
  t.equal(node.stops, 0);
  process.loseParent();
  t.equal(await exitCode, 0);
  t.equal(node.stops, 1);
});

test('a child that does not stop ends anyway, four seconds after its parent', async (t) => {
  const { process, node, clock } = kvd(['--name', 'n1', '--exit-with-parent'], {
    process: FakeProcess.child(),
  });
  await turns();
  node.stopping = new Promise(() => {});
  const startMs = clock.nowMs;
  process.loseParent();
  await turns();
  t.same(process.exits, [1]);
  t.equal(clock.nowMs - startMs, 4000);
});

test('without --exit-with-parent, the parent does not matter', async (t) => {
  const { process, node } = kvd(['--name', 'n1'], { process: FakeProcess.child() });
  await turns();
  process.loseParent();
  await turns();
  t.equal(node.stops, 0);
});

test('the file comes from --config or QUORAL_CONFIG', async (t) => {
  const dir = t.testdir({ 'a.json': '{"name":"a"}', 'b.json': '{"name":"b"}', 'c.json': '{"nmae":"c"}' });
  const run = async (args: string[], env: Record<string, string> = {}) => {
    const started = kvd(args, { env });
    const reading = setTimeout(() => {}, 10_000);
    while (started.served.length === 0 && started.output.notes.length === 0) await turns(1);
    clearTimeout(reading);
    await turns();
    started.process.send('SIGTERM');
    await started.exitCode;
    return started;
  };
  t.equal(
    (await run(['--config', `${dir}/a.json`], { QUORAL_CONFIG: `${dir}/b.json` })).served[0]?.name,
    'a',
  );
  t.equal((await run([], { QUORAL_CONFIG: `${dir}/b.json` })).served[0]?.name, 'b');
  t.match((await run(['--config', `${dir}/c.json`])).output.notes, [
    /^kvd: unknown key "nmae" in .*c\.json; allowed are name/,
  ]);
});

test('usage errors: one line, exit code 1, nothing started', async (t) => {
  const cases: [string[], RegExp][] = [
    [[], /^kvd: the node needs a name/],
    [['--name', 'n1', '--replicas', '9'], /^kvd: --replicas is "9", but must be a whole number from 1 to 7$/],
    [['dve'], /^kvd: unknown command 'dve'; kvd runs a node, "kvd dev" a cluster/],
    [['--nmae', 'x'], /^kvd: unknown option '--nmae' \(Did you mean --name\?\)/],
    [
      ['dev', '--nodes', '0'],
      /^kvd: option '--nodes <n>' argument '0' is invalid\. It is a whole number from 1 to 50/,
    ],
    [['dev', '--fsync', 'often'], /^kvd: --fsync is "often", but must be always, everysec or never/],
    [['dev', '--base-port', '65535'], /^kvd: there are no 5 ports from 65535/],
  ];
  for (const [args, message] of cases) {
    const { exitCode, output, served } = kvd(args);
    t.equal(await exitCode, 1, args.join(' '));
    t.match(output.notes, [message]);
    t.equal(served.length, 0);
  }
});

test('help: every option with its default, and no internal ones', async (t) => {
  const { exitCode, output } = kvd(['--help']);
  t.equal(await exitCode, 0);
  for (const text of ['--read-quorum <n>', '(default: everysec)', '(default: 127.0.0.1:7400)', 'kvd dev']) {
    t.ok(output.text.replace(/\s+/g, ' ').includes(text), text);
  }
  t.notOk(output.text.includes('exit-with-parent'));
});
