import t from 'tap';
import { type ConnectionSettings, type LoadConnection, openConnections } from '../../bench/connection.js';
import { LoadDriver } from '../../bench/driver.js';
import { Measurement } from '../../bench/measurement.js';
import { Payload } from '../../bench/payload.js';
import { RateSchedule } from '../../bench/rate-schedule.js';
import { Workload, type WorkloadName, WriteEach } from '../../bench/workload.js';
import { writeBody } from '../../src/wire/body.js';
import { writeAbsent, writeDone } from '../../src/wire/client-messages.js';
import type { Frame } from '../../src/wire/frame.js';
import { ERROR, GET, HELLO } from '../../src/wire/message-type.js';
import { Flusher, type Outbox } from '../../src/wire/outbox.js';
import { ScriptedNetwork, type ScriptedNode, TurningClock, writeRecord } from './scripted-network.js';

const KEYS = 20;
const VALUE_BYTES = 64;
const SEED = 11;

interface Setup {
  readonly workload?: WorkloadName;
  readonly connections?: number;
  readonly pipeline?: number;
  readonly rate?: number;
  readonly nodes?: number;
}

/** A driver on connections to scripted nodes that hold every key, not started yet. */
class Bench {
  readonly clock = new TurningClock();
  readonly network = new ScriptedNetwork(this.clock, SEED);
  readonly measurement = new Measurement();
  readonly nodes: ScriptedNode[];
  connections: LoadConnection[] = [];
  driver: LoadDriver | undefined;

  private constructor(nodes: number) {
    this.nodes = this.network.addNodes(nodes);
  }

  static async start(setup: Setup, prepare: (bench: Bench) => void = () => {}): Promise<Bench> {
    const bench = new Bench(setup.nodes ?? 1);
    const payload = new Payload(VALUE_BYTES, SEED);
    for (let key = 0; key < KEYS; key++) {
      bench.nodes[0]!.store.set(Buffer.from(payload.key(key)).toString('latin1'), payload.value(key).slice());
    }
    prepare(bench);
    const settings: ConnectionSettings = {
      network: bench.network,
      clock: bench.clock,
      flusher: new Flusher(bench.clock),
      payload,
      pipeline: setup.pipeline ?? 1,
      r: 0,
      w: 0,
    };
    const opening = openConnections([...bench.network.nodes.keys()], setup.connections ?? 1, settings);
    opening.catch(() => {}); // Whoever awaits it sees the error.
    await bench.clock.advanceAsync(5);
    bench.connections = await opening;
    const { rate } = setup;
    bench.driver = new LoadDriver({
      clock: bench.clock,
      connections: bench.connections,
      source: new Workload({
        workload: setup.workload ?? 'get',
        distribution: 'uniform',
        keys: KEYS,
        seed: SEED,
      }),
      tally: bench.measurement,
      ...(rate === undefined ? {} : { schedule: new RateSchedule(rate, bench.clock.monotonicMs()) }),
    });
    bench.measurement.begin(bench.clock.monotonicMs());
    bench.driver.start();
    return bench;
  }

  /** Lets it run, then stops and drains it. */
  async runFor(ms: number): Promise<void> {
    await this.clock.advanceAsync(ms);
    this.measurement.end(this.clock.monotonicMs());
    this.driver!.stop();
    await this.clock.advanceAsync(10_000);
  }

  get errors(): Record<string, number> {
    return Object.fromEntries(this.measurement.errors);
  }
}

t.test('a closed loop reads what was written, whatever the pieces', async (t) => {
  const bench = await Bench.start({ workload: 'a', connections: 6, pipeline: 8, nodes: 3 });
  await bench.runFor(200);
  t.same(bench.errors, {});
  const { operations, reads, writes } = bench.measurement;
  // Forty-eight in flight, about 1.1 ms each.
  t.ok(operations > 6000 && operations < 10_000, `${operations} operations`);
  t.ok(
    reads.count > operations * 0.4 && writes.count > operations * 0.4,
    `${reads.count} and ${writes.count}`,
  );
  t.equal(bench.driver!.inFlight, 0);
});

t.test('connections are spread evenly, and none has more in flight than its pipeline', async (t) => {
  const bench = await Bench.start({ connections: 7, pipeline: 5, nodes: 3 });
  await bench.runFor(50);
  t.same(
    bench.nodes.map((node) => node.links.length),
    [3, 2, 2],
  );
  const most = bench.nodes.flatMap((node) => node.links.map((link) => link.waitingMost));
  t.same(new Set(most), new Set([5]));
});

t.test('a source that ends is sent completely', async (t) => {
  const bench = await Bench.start({ connections: 2, pipeline: 3 });
  await bench.runFor(0);
  const before = bench.nodes[0]!.requests;
  const driver = new LoadDriver({
    clock: bench.clock,
    connections: bench.connections,
    source: new WriteEach(100, (position) => position),
    tally: bench.measurement,
  });
  driver.start();
  const idle = driver.idle(60_000);
  await bench.clock.advanceAsync(1000);
  t.equal(await idle, true);
  t.equal(bench.clock.pendingTimers, 0, 'nothing is left that would keep a process from ending');
  t.equal(bench.nodes[0]!.requests - before, 100);
});

t.test('an open loop keeps its rate', async (t) => {
  const bench = await Bench.start({ connections: 10, rate: 2000 });
  await bench.runFor(1000);
  const { operations, reads, sendDelays } = bench.measurement;
  t.ok(operations > 1980 && operations <= 2000, `${operations} operations`);
  t.ok(reads.summary().max < 1500, 'answers take a millisecond and some turns');
  t.ok(sendDelays.summary().max < 100, 'polling is never later than a few turns');
});

t.test('a stall counts in the open loop for all requests that were due in it', async (t) => {
  const stalled = async (setup: Setup) => {
    const bench = await Bench.start(setup);
    await bench.clock.advanceAsync(200);
    bench.nodes[0]!.stallUntilMs = bench.clock.monotonicMs() + 500;
    await bench.runFor(800);
    t.same(bench.errors, {});
    return bench.measurement.reads;
  };
  // 1000 a second for a second, half of it stalled. The backlog grows to 500 in 500 ms and shrinks in about 185 ms
  // (four at a time, 1.08 ms each): by Little's law that is 500 × 0.685 s / 2 of waiting, 171 ms for each of 1000.
  const open = (await stalled({ connections: 4, rate: 1000 })).summary();
  t.ok(open.count >= 995, `${open.count} of 1000`);
  t.ok(open.max > 490_000 && open.max < 510_000, `max ${open.max}`);
  t.ok(open.p95 > 400_000, `p95 ${open.p95}`);
  t.ok(open.mean > 160_000 && open.mean < 185_000, `mean ${open.mean}`);
  // The closed loop had four requests in flight, and says that all was well.
  const closed = (await stalled({ connections: 4 })).summary();
  t.ok(closed.max > 490_000, `max ${closed.max}`);
  t.ok(closed.p99 < 2000, `p99 ${closed.p99}`);
});

t.test('a rate above what the nodes serve leaves operations overdue', async (t) => {
  const bench = await Bench.start({}); // About 900 a second, one at a time.
  await bench.runFor(0);
  const schedule = new RateSchedule(3000, bench.clock.monotonicMs());
  const source = new Workload({ workload: 'get', distribution: 'uniform', keys: KEYS, seed: SEED });
  const { clock, connections } = bench;
  const measurement = new Measurement();
  measurement.begin(clock.monotonicMs());
  const driver = new LoadDriver({ clock, connections, source, tally: measurement, schedule });
  driver.start();
  await clock.advanceAsync(1000);
  driver.stop();
  t.ok(schedule.overdue(clock.monotonicMs()) > 2000, `${schedule.overdue(clock.monotonicMs())} overdue`);
  t.ok(measurement.reads.summary().max > 500_000, 'the latency is that from the intended start');
});

t.test('whatever is not the right answer is an error and not an operation', async (t) => {
  const wrong = new Uint8Array(VALUE_BYTES).fill(0xff);
  const refusal = { code: 'QUORUM_TIMEOUT', message: '…', definite: false };
  const cases: [string, (frame: Frame, outbox: Outbox) => void][] = [
    ['ABSENT', (frame, outbox) => writeAbsent(outbox, frame.id)],
    ['WRONG_SIZE', (frame, outbox) => writeRecord(outbox, frame.id, wrong.subarray(1))],
    ['WRONG_VALUE', (frame, outbox) => writeRecord(outbox, frame.id, wrong)],
    ['PROTOCOL', (frame, outbox) => writeDone(outbox, frame.id, 1, 2, 0)],
    ['QUORUM_TIMEOUT', (frame, outbox) => writeBody(outbox, ERROR, frame.id, refusal)],
  ];
  for (const [code, answer] of cases) {
    let gets = 0;
    const bench = await Bench.start({ pipeline: 4 }, ({ nodes }) => {
      // Every fourth get goes wrong.
      nodes[0]!.script = (frame, outbox) => {
        if (frame.type !== GET || ++gets % 4 !== 0) return false;
        answer(frame, outbox);
        return true;
      };
    });
    await bench.runFor(100);
    const failures = Math.floor(gets / 4);
    t.same(bench.errors, { [code]: failures }, code);
    t.equal(bench.measurement.reads.count, gets - failures, `${code}: latencies`);
    t.ok(failures > 10);
  }
});

t.test('a lost connection fails what was in flight, and the others go on', async (t) => {
  const bench = await Bench.start({ connections: 2, pipeline: 4, nodes: 2 });
  await bench.clock.advanceAsync(20);
  bench.nodes[0]!.links[0]!.hangUp();
  await bench.clock.advanceAsync(1);
  const before = bench.measurement.operations;
  await bench.runFor(20);
  t.same(bench.errors, { CONNECTION_LOST: 4 });
  t.ok(bench.measurement.operations > before + 50);
  t.same(
    bench.connections.map((connection) => connection.isOpen),
    [false, true],
  );
});

t.test('what is never answered keeps the driver from being idle', async (t) => {
  const bench = await Bench.start({ pipeline: 3 }, ({ nodes }) => {
    nodes[0]!.script = (frame) => frame.type === GET;
  });
  bench.driver!.stop();
  const idle = bench.driver!.idle(5000);
  await bench.clock.advanceAsync(6000);
  t.equal(await idle, false);
  bench.measurement.unanswered(bench.driver!.inFlight);
  t.same(bench.errors, { TIMEOUT: 3 });
});

t.test('an open loop passes by connections that are full', async (t) => {
  const bench = await Bench.start({ connections: 4, pipeline: 4, nodes: 2, rate: 2000 });
  bench.nodes[0]!.stallUntilMs = bench.clock.monotonicMs() + 300;
  await bench.runFor(200);
  const { sendDelays, operations } = bench.measurement;
  t.ok(operations >= 400 - 16, `${operations} of 400, without those that hang`);
  t.ok(sendDelays.summary().max < 100, `${sendDelays.summary().max} µs late`);
});

t.test('a second answer to a request ends the connection', async (t) => {
  let gets = 0;
  const bench = await Bench.start({ pipeline: 4 }, ({ nodes }) => {
    nodes[0]!.script = (frame, outbox) => {
      // Stopped, the driver leaves the slot free, so that the second answer finds it so.
      if (frame.type === GET && ++gets === 3) {
        bench.driver?.stop();
        writeAbsent(outbox, frame.id);
      }
      return false;
    };
  });
  await bench.runFor(50);
  t.equal(bench.connections[0]!.isOpen, false);
});

t.test('an answer that nobody asked for ends the connection', async (t) => {
  let gets = 0;
  const bench = await Bench.start({ pipeline: 2 }, ({ nodes }) => {
    nodes[0]!.script = (frame, outbox) => {
      if (frame.type === GET && ++gets === 10) writeAbsent(outbox, 77);
      return false;
    };
  });
  await bench.runFor(50);
  t.equal(bench.connections[0]!.isOpen, false);
  t.same(bench.errors, { CONNECTION_LOST: 2 });
});

t.test('a node that cannot be reached or does not welcome us is named', async (t) => {
  const refusing = Bench.start({}, ({ nodes }) => {
    nodes[0]!.script = (frame, outbox) => {
      if (frame.type !== HELLO) return false;
      writeBody(outbox, ERROR, frame.id, { code: 'BUSY', message: 'come back later', definite: true });
      return true;
    };
  });
  await t.rejects(refusing, { code: 'CONNECT_FAILED', message: /node:1.*come back later/ });
  const missing = Bench.start({ connections: 2 }, ({ network }) => {
    const [node] = network.nodes.values();
    network.nodes.clear();
    network.nodes.set('node:1', node!);
    network.connect = (_address, handler) => handler.onClose(new Error('connection refused'));
  });
  await t.rejects(missing, { code: 'CONNECT_FAILED', message: /node:1: connection refused/ });
});
