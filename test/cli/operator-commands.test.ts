/** What an operator does: watching the members, repairs, log levels. */
import { test } from 'tap';
import type { RepairSummary, StatusMap } from '../../cli/client.js';
import { definite } from '../../src/base/errors.js';
import { AutoClock } from './auto-clock.js';
import { FakeClient } from './fake-client.js';
import { kvcli } from './kvcli-run.js';

const NAMES = ['n1', 'n2', 'n3'];
const addressOf = (name: string) => `127.0.0.1:740${Number(name.slice(1)) - 1}`;

const summary = (more: Partial<RepairSummary> = {}): RepairSummary => ({
  slots: 4096,
  peers: ['n2', 'n3'],
  missing: [],
  slotsDiffering: 12,
  slotsFailed: 0,
  keysFetched: 30,
  keysSent: 10,
  bytesMoved: 20_480,
  tookMs: 1500,
  problems: [],
  ...more,
});

/** Three nodes; `states` is how each node sees each member. */
class Nodes {
  readonly client = new FakeClient(new AutoClock());
  readonly states: Record<string, Record<string, string>> = {};

  constructor() {
    const members = NAMES.map((name) => ({ name, address: addressOf(name), weight: 1, zone: '' }));
    this.client.ringInfo = {
      clusterId: 'c0ffee',
      epoch: 3,
      replicas: 3,
      readQuorum: 0,
      writeQuorum: 0,
      members,
      live: NAMES,
      self: 'n1',
    };
    for (const name of NAMES) {
      this.states[name] = Object.fromEntries(NAMES.map((other) => [other, 'alive']));
      this.client.levelOf.set(addressOf(name), 'info');
      this.client.repairOf.set(addressOf(name), summary());
      this.update(name);
    }
  }

  see(by: string, name: string, state: string): void {
    this.states[by]![name] = state;
    this.update(by);
  }

  down(name: string): void {
    this.client.statusOf.delete(addressOf(name));
    this.client.levelOf.delete(addressOf(name));
    this.client.repairOf.delete(addressOf(name));
  }

  update(by: string): void {
    const members = NAMES.map((name): StatusMap => {
      const state = name === by ? 'self' : this.states[by]![name];
      return { name, address: addressOf(name), state, incarnation: 1 };
    });
    this.client.statusOf.set(addressOf(by), { name: by, address: addressOf(by), state: 'serving', members });
  }
}

/** Runs `members --watch`, with one of these steps before each look, and Ctrl-C after the last. */
async function watch(nodes: Nodes, steps: readonly (() => void)[], args: readonly string[] = []) {
  const ended = new AbortController();
  let looks = 0;
  nodes.client.onStatus = () => {
    if (looks === steps.length) ended.abort();
    steps[looks++]?.();
  };
  return kvcli(['members', '--watch', ...args], { client: nodes.client, signal: ended.signal });
}

const nothing = (): void => {};

test('members --watch: a line for each change, until Ctrl-C', async (t) => {
  const nodes = new Nodes();
  const { output, exitCode } = await watch(nodes, [
    nothing,
    nothing,
    () => nodes.see('n1', 'n3', 'suspect'),
    () => nodes.see('n1', 'n3', 'faulty'),
    nothing,
    () => nodes.see('n1', 'n3', 'alive'),
    nothing,
  ]);
  t.equal(exitCode, 0);
  t.same(output.text.split('\n').filter(Boolean), [
    '2030-01-01T00:00:00.000Z  n1 is alive, says n1',
    '2030-01-01T00:00:00.000Z  n2 is alive, says n1',
    '2030-01-01T00:00:00.000Z  n3 is alive, says n1',
    '2030-01-01T00:00:02.000Z  n3 is suspect (was alive), says n1',
    '2030-01-01T00:00:03.000Z  n3 is faulty (was suspect), says n1',
    '2030-01-01T00:00:05.000Z  n3 is alive (was faulty), says n1',
  ]);
});

test('members --watch goes on with another node when the one it asks goes away', async (t) => {
  const nodes = new Nodes();
  // One step for each question: the node that answered last is asked first, then the others by name.
  const steps = [
    nothing,
    () => nodes.down('n1'),
    () => nodes.see('n2', 'n1', 'faulty'),
    () => nodes.down('n2'),
    nothing,
    nothing,
    () => nodes.down('n3'),
    ...Array(5).fill(nothing),
    () => nodes.update('n2'),
    nothing,
    nothing,
  ];
  const { output, exitCode } = await watch(nodes, steps, ['0.5']);
  t.equal(exitCode, 0);
  const lines = output.text.split('\n').filter(Boolean);
  t.same(
    lines.slice(3).map((line) => line.slice(26)),
    [
      'n1 is faulty (was alive), says n2',
      'n1 is alive (was faulty), says n3',
      'n1 is faulty (was alive), says n2',
    ],
  );
  t.match(output.notes, [
    /^127\.0\.0\.1:7400 does not answer any more: .*refused/,
    '127.0.0.1:7401 is asked from now on',
    /^127\.0\.0\.1:7401 does not answer any more/,
    '127.0.0.1:7402 is asked from now on',
    /^127\.0\.0\.1:7402 does not answer any more/,
    /^no node answers; asking /,
  ]);
});

test('members --watch --json: one object for each change', async (t) => {
  const nodes = new Nodes();
  const { output } = await watch(
    nodes,
    [nothing, () => nodes.see('n1', 'n2', 'suspect'), nothing],
    ['--json'],
  );
  t.equal(output.json.length, 4);
  t.same(output.json[3], {
    at: '2030-01-01T00:00:01.000Z',
    name: 'n2',
    state: 'suspect',
    before: 'alive',
    incarnation: 1,
    by: 'n1',
  });
});

test('members --watch on a terminal is painted again in its place', async (t) => {
  const nodes = new Nodes();
  const ended = new AbortController();
  let looks = 0;
  nodes.client.onStatus = () => {
    if (++looks === 3) ended.abort();
  };
  const { client } = nodes;
  const { output } = await kvcli(['members', '--watch'], { client, signal: ended.signal, isTerminal: true });
  const [first, second] = output.text.split('\u001b[5A\r\u001b[J');
  t.match(first, /^as n1 sees them at 00:00:00 UTC; Ctrl-C ends\nNAME .*\nn1 .*\nn2 .*\nn3 .*\n$/);
  t.match(second, /^as n1 sees them at 00:00:01 UTC/);
});

test('members --watch: what is no time', async (t) => {
  for (const time of ['0', 'soon', '10ms']) {
    const { exitCode, output } = await kvcli(['members', '--watch', time]);
    t.equal(exitCode, 2, time);
    t.match(output.notes, [/--watch/]);
  }
});

test('repair: a summary, and 0 only when everything was compared', async (t) => {
  const nodes = new Nodes();
  const { client } = nodes;
  const done = await kvcli(['repair'], { client });
  t.equal(done.exitCode, 0);
  t.equal(
    done.output.text,
    `n1: repaired: 4,096 slots compared with n2, n3 in 1.5 s
  12 differing, 30 keys fetched, 10 sent, 20.0 KiB moved (512 B for each key)
`,
  );
  const partly = { missing: ['n3'], peers: ['n2'], problems: ['n2: no answer'], slotsFailed: 2 };
  client.repairOf.set(addressOf('n1'), summary(partly));
  const part = await kvcli(['repair', '--slot', '7'], { client });
  t.equal(part.exitCode, 2);
  t.match(part.output.text, /^n1: repaired in part: /);
  t.match(part.output.text, /! n3 is down, and was not compared with: start it, then repair again\n/);
  t.match(part.output.text, /! n2: no answer\n {2}! 2 slots could not be brought in step: repair again\n$/);
  t.same(client.repairs.at(-1), { node: addressOf('n1'), slot: 7 });
  const json = await kvcli(['repair', '--json'], { client });
  t.match(json.output.json, [{ node: 'n1', ...partly }]);
  t.equal(json.exitCode, 2);
});

test('repair: whatever is missing makes it partial', async (t) => {
  const nodes = new Nodes();
  const { client } = nodes;
  for (const what of [{ missing: ['n3'] }, { problems: ['n2: no answer'] }, { slotsFailed: 1 }]) {
    client.repairOf.set(addressOf('n1'), summary(what));
    t.equal((await kvcli(['repair', '--quiet'], { client })).exitCode, 2, Object.keys(what).join());
  }
});

test('repair: errors', async (t) => {
  const nodes = new Nodes();
  const { client } = nodes;
  client.repairOf.set(addressOf('n1'), definite('BUSY', 'n1 repairs already'));
  const busy = await kvcli(['repair'], { client });
  t.equal(busy.exitCode, 2);
  t.match(busy.output.notes, [/BUSY: n1 repairs already/]);
  t.equal((await kvcli(['repair', '--slot', '4096'], { client })).exitCode, 2);
});

test('repair --all: every member in turn, and those that keep the slot', async (t) => {
  const nodes = new Nodes();
  const { client } = nodes;
  nodes.down('n2');
  const { output, exitCode } = await kvcli(['repair', '--all'], { client });
  t.equal(exitCode, 2);
  t.same(
    client.repairs.map(({ node }) => node),
    NAMES.map(addressOf),
  );
  t.match(output.text, /^n1: repaired: .*\n.*\nn3: repaired: /);
  t.same(output.notes, ['n2: cannot connect to 127.0.0.1:7401']);
  client.repairOf.set(addressOf('n2'), definite('BAD_REQUEST', 'n2 keeps no replica of slot 7'));
  const slot = await kvcli(['repair', '--all', '--slot', '7'], { client });
  t.equal(slot.exitCode, 0);
  t.same(slot.output.notes, []);
});

test('log-level: of one node, or of all', async (t) => {
  const nodes = new Nodes();
  const { client } = nodes;
  t.equal((await kvcli(['log-level'], { client })).output.text, 'n1  info\n');
  t.equal((await kvcli(['log-level', 'debug'], { client })).output.text, 'n1  debug\n');
  t.equal((await kvcli(['log-level', '--all'], { client })).output.text, 'n1  debug\nn2  info\nn3  info\n');
  nodes.down('n2');
  const all = await kvcli(['log-level', 'warn', '--all', '--json'], { client });
  t.equal(all.exitCode, 2);
  t.same(all.output.json, [
    { node: 'n1', level: 'warn' },
    { node: 'n3', level: 'warn' },
  ]);
  t.match(JSON.parse(all.output.notes[0]!), { node: 'n2', error: { code: 'CONNECT_FAILED' } });
  const wrong = await kvcli(['log-level', 'loud'], { client });
  t.equal(wrong.exitCode, 2);
  t.match(wrong.output.notes, [/a log level is one of debug, info, warn, error, not "loud"/]);
});
