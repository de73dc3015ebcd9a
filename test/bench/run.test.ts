import t from 'tap';
import type { RunResult, RunSettings } from '../../bench/result.js';
import { loadKeys, runLoad } from '../../bench/run.js';
import type { Shell } from '../../bench/shell.js';
import { GET } from '../../src/wire/message-type.js';
import { ScriptedNetwork, type ScriptedNode, TurningClock } from './scripted-network.js';

const SETTINGS: RunSettings = {
  workload: 'a',
  distribution: 'zipfian',
  keys: 50,
  valueBytes: 20,
  connections: 6,
  pipeline: 1,
  rate: null,
  durationS: 1,
  warmupS: 0.5,
  r: 0,
  w: 0,
  seed: 1,
};

interface Outcome {
  readonly result: RunResult;
  readonly said: string[];
}

async function runOver(settings: RunSettings, prepare: (nodes: ScriptedNode[], clock: TurningClock) => void) {
  const clock = new TurningClock();
  const network = new ScriptedNetwork(clock, 5);
  const nodes = network.addNodes(3);
  const said: string[] = [];
  const shell: Shell = {
    clock,
    network,
    // A third of a core, all in user code.
    ownCpu: () => ({ userUs: (clock.monotonicMs() * 1000) / 3, systemUs: 0 }),
    say: (line) => said.push(line),
  };
  const cluster = { nodes: 3, fsync: 'always', storage: 'level' } as const;
  const target = { addresses: [...network.nodes.keys()], cluster };
  let outcome: Outcome | undefined;
  const run = async () => {
    await loadKeys(target, settings, shell);
    prepare(nodes, clock);
    outcome = { result: await runLoad(target, settings, shell), said };
  };
  const running = run();
  await clock.advanceAsync(60_000);
  await running;
  return outcome!;
}

t.test('a run reports throughput, latencies and the CPU of all nodes', async (t) => {
  const { result } = await runOver(SETTINGS, (nodes, clock) => {
    nodes.forEach((node, i) => {
      node.status = () => {
        const us = clock.monotonicMs() * 1000;
        return {
          cpu: { userUs: us * 0.2 * (i + 1), systemUs: us * 0.1 },
          memory: { rssBytes: (i + 1) * 1000 },
        };
      };
      // A busy node answers late: that must not change the figures.
      if (i === 2) node.answerMs = 7;
    });
  });
  t.equal(result.name, 'a 6×1 fsync=always');
  t.equal(result.seconds, 1);
  t.same(result.errors, {});
  t.equal(result.operations, result.operationsPerSecond);
  t.equal(result.latencyUs.count, result.readLatencyUs!.count + result.writeLatencyUs!.count);
  const busyUs = (0.2 * (1 + 2 + 3) + 0.1 * 3) * 1e6;
  const expected = busyUs / result.operationsPerSecond;
  t.ok(
    Math.abs(result.serverCpu!.us - expected) < expected * 0.001,
    `${result.serverCpu!.us} for ${expected}`,
  );
  t.ok(Math.abs(result.serverCpu!.systemUs - 3e5 / result.operationsPerSecond) < 0.1);
  t.same(
    result.nodes.map(({ name, cores, rssBytes }) => [name, cores?.toFixed(2), rssBytes]),
    [
      ['n1', '0.30', 1000],
      ['n2', '0.50', 2000],
      ['n3', '0.70', 3000],
    ],
  );
  t.equal(result.generatorCores.toFixed(3), '0.333');
  t.equal(result.openLoop, null);
});

t.test('a node that gives no CPU time makes the total unknown, not wrong', async (t) => {
  const { result } = await runOver({ ...SETTINGS, workload: 'get' }, (nodes) => {
    nodes[0]!.status = () => ({ cpu: { userUs: 1, systemUs: 1 } });
  });
  t.equal(result.serverCpu, null);
  t.same(
    result.nodes.map((node) => node.rssBytes),
    [null, null, null],
  );
  t.equal(result.readLatencyUs, null, 'one kind needs no line of its own');
});

t.test(
  'errors of the warm-up and of the window are told apart, and requests without an answer are errors',
  async (t) => {
    let fromMs = 0;
    const { result } = await runOver({ ...SETTINGS, workload: 'get' }, (nodes, clock) => {
      fromMs = clock.monotonicMs();
      nodes[0]!.store.delete('key:000000000007');
      // From the middle of the window on, one node is silent.
      nodes[1]!.script = (frame) => frame.type === GET && clock.monotonicMs() > fromMs + 1000;
    });
    t.ok(result.warmupErrors > 0 && result.errors.ABSENT! > 0);
    t.equal(result.errors.TIMEOUT, 2, 'two of the six connections go there');
  },
);

t.test('an open loop says how far it fell behind', async (t) => {
  const { result } = await runOver({ ...SETTINGS, rate: 50_000 }, () => {});
  // Six connections, one request each, a little over a millisecond.
  t.ok(result.openLoop!.overdue > 50_000, `${result.openLoop!.overdue}`);
  t.ok(result.openLoop!.sendDelayP50Us > 100_000);
  t.ok(result.latencyUs.p50 > 500_000, 'and its latencies are those of what it did serve');
  const kept = await runOver({ ...SETTINGS, rate: 500 }, () => {});
  t.ok(kept.result.openLoop!.overdue <= 1);
  t.ok(Math.abs(kept.result.operations - 500) <= 2, `${kept.result.operations}`);
});
