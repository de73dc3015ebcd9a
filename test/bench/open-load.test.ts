import t from 'tap';
import { type LoadClient, OpenLoad, settled } from '../../bench/faults/open-load.js';
import { PhaseTally } from '../../bench/faults/phase-tally.js';
import { Payload } from '../../bench/payload.js';
import { Workload } from '../../bench/workload.js';
import { definite, indefinite } from '../../src/base/errors.js';
import type { Clock } from '../../src/ports/clock.js';
import { TurningClock } from './scripted-network.js';

const KEYS = 50;
const RATE = 200;

/** Remembers what was set, and answers after a time, or with an error. */
class ScriptedClient implements LoadClient {
  answerMs = 0;
  error: Error | undefined;
  asked = 0;
  readonly store = new Map<string, Uint8Array>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async getBuffer(key: Uint8Array): Promise<Uint8Array | null> {
    await this.#answer();
    return this.store.get(Buffer.from(key).toString()) ?? null;
  }

  async set(key: Uint8Array, value: Uint8Array): Promise<void> {
    await this.#answer();
    this.store.set(Buffer.from(key).toString(), value);
  }

  async #answer(): Promise<void> {
    this.asked++;
    const { error } = this;
    await new Promise<void>((resolve) => this.#clock.setTimer(this.answerMs, resolve));
    if (error !== undefined) throw error;
  }
}

/** @param tickMs how late the load generator's own timer fires. */
function loadOn(readShare: number, answerMs: number, tickMs = 1) {
  const clock = new TurningClock();
  const client = new ScriptedClient(clock);
  client.answerMs = answerMs;
  const late: Clock = {
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    setTimer: (_delayMs, callback) => clock.setTimer(tickMs, callback),
    clearTimer: (timer) => clock.clearTimer(timer),
    defer: (callback) => clock.defer(callback),
  };
  const payload = new Payload(20, 1);
  for (let key = 0; key < KEYS; key++) {
    client.store.set(Buffer.from(payload.key(key)).toString(), payload.value(key).slice());
  }
  const tally = new PhaseTally();
  const source = new Workload({ workload: 'a', distribution: 'uniform', keys: KEYS, seed: 1, readShare });
  const load = new OpenLoad({ clock: late, client, source, payload, rate: RATE, tally });
  return { clock, client, tally, load };
}

t.test('operations leave at their rate, whatever becomes of those before', async (t) => {
  const { clock, client, tally } = loadOn(0.5, 60_000);
  await clock.advanceAsync(1000);
  t.equal(client.asked, RATE + 1, 'nothing waits for an answer');
  t.same([tally.operations, tally.underWay], [0, RATE + 1]);
});

t.test(
  'a load generator that is late sends all that is due, and its lateness is in the latency',
  async (t) => {
    const { clock, tally, load } = loadOn(1, 5, 100);
    await clock.advanceAsync(1000);
    load.stop();
    await clock.advanceAsync(100);
    t.equal(tally.operations, RATE + 1);
    const { p50, max } = tally.latency;
    t.ok(tally.lateness.max >= 94_000 && tally.lateness.max <= 100_000, `${tally.lateness.max}`);
    t.ok(p50 >= 50_000 && p50 <= 60_000 && max >= 99_000 && max <= 105_000, `${p50} ${max}`);
  },
);

t.test('each phase counts what was meant to start in it, however late it leaves and ends', async (t) => {
  const { clock, client, tally, load } = loadOn(0, 400, 100);
  await clock.advanceAsync(550);
  const second = new PhaseTally();
  load.countWith(second);
  client.answerMs = 1;
  await clock.advanceAsync(460);
  load.stop();
  await clock.advanceAsync(500);
  const meant = RATE * 0.55;
  t.ok(Math.abs(tally.operations - meant) <= 1, `${tally.operations}`);
  t.ok(Math.abs(second.operations - (RATE - meant)) <= 1, `${second.operations}`);
  t.ok(tally.latency.p50 > 400_000 && second.latency.max < 110_000);
});

t.test('errors are failed or in doubt, and wrong answers are failures', async (t) => {
  const { clock, client, tally, load } = loadOn(1, 5);
  const count = (failures: PhaseTally['failed'], code: string) => failures[code]?.count ?? 0;
  client.error = indefinite('CONNECTION_LOST', 'gone');
  await clock.advanceAsync(100);
  const succeeded = tally.operations;
  client.error = definite('QUORUM_UNAVAILABLE', 'too few');
  await clock.advanceAsync(100);
  client.error = new Error('a defect');
  await clock.advanceAsync(100);
  client.error = undefined;
  for (const key of client.store.keys()) client.store.set(key, new Uint8Array(20).fill(255));
  await clock.advanceAsync(100);
  client.store.clear();
  await clock.advanceAsync(100);
  load.stop();
  await clock.advanceAsync(100);
  t.ok(count(tally.inDoubt, 'CONNECTION_LOST') > 15 && count(tally.inDoubt, 'INTERNAL') > 15);
  t.ok(count(tally.failed, 'QUORUM_UNAVAILABLE') > 15);
  t.ok(count(tally.failed, 'WRONG_VALUE') > 15 && count(tally.failed, 'ABSENT') > 15);
  t.ok(succeeded === 1 && tally.operations === 1, 'the first, which left before anything was wrong');
});

t.test('the end waits for what is under way, within its limit', async (t) => {
  const { clock, tally, load } = loadOn(1, 300);
  await clock.advanceAsync(50);
  load.stop();
  let isSettled = false;
  const waiting = settled([tally], clock, 1000).then(() => {
    isSettled = true;
  });
  await clock.advanceAsync(200);
  t.notOk(isSettled);
  await clock.advanceAsync(200);
  await waiting;
  t.equal(tally.underWay, 0);
  tally.begin(0);
  const limited = settled([tally], clock, 1000);
  await clock.advanceAsync(1100);
  await limited;
  t.equal(tally.underWay, 1, 'what never ends is not waited for');
});
