import fc from 'fast-check';
import t from 'tap';
import { HybridClock } from '../../src/version/hybrid-clock.js';
import { packTime, timeToWallMs, VERSION_TIME_MAX } from '../../src/version/version.js';
import { VIRTUAL_START_MS, VirtualClock } from '../support/virtual-clock.js';

/** A store for the bound that answers when told to: what it was asked for waits in `asked`. */
class BoundStore {
  stored = 0;
  readonly asked: { bound: number; done: (error: Error | undefined) => void }[] = [];

  readonly persist = (bound: number, done: (error: Error | undefined) => void): void => {
    this.asked.push({ bound, done });
  };

  /** Answers the oldest request: stored durably, or not at all. */
  answer(error?: Error): void {
    const request = this.asked.shift();
    if (request === undefined) throw new Error('nothing was asked for');
    if (error === undefined) this.stored = request.bound;
    request.done(error);
  }

  answerAll(): void {
    while (this.asked.length > 0) this.answer();
  }
}

function startClock(): { wall: VirtualClock; store: BoundStore; clock: HybridClock } {
  const wall = new VirtualClock();
  const store = new BoundStore();
  const clock = new HybridClock({ clock: wall, storedBound: 0, persist: store.persist });
  store.answerAll();
  return { wall, store, clock };
}

t.test('a new clock issues nothing before its bound is durable', async (t) => {
  const store = new BoundStore();
  const clock = new HybridClock({ clock: new VirtualClock(), storedBound: 0, persist: store.persist });
  t.notOk(clock.ready);
  t.equal(clock.issue(0), 0);
  t.equal(store.asked.length, 1, 'and asks only once');
  store.answerAll();
  t.ok(clock.ready);
  t.ok(clock.issue(0) > 0);
});

t.test('times follow the wall clock and grow within a millisecond', async (t) => {
  const { wall, clock } = startClock();
  const first = clock.issue(0);
  t.equal(first, packTime(VIRTUAL_START_MS) + 1);
  t.equal(clock.issue(0), first + 1);
  wall.advance(5);
  t.equal(clock.issue(0), packTime(VIRTUAL_START_MS + 5) + 1);
});

t.test('the wall clock may jump back: times still grow', async (t) => {
  const { wall, clock } = startClock();
  const before = clock.issue(0);
  wall.jumpWall(-3_600_000);
  t.equal(clock.issue(0), before + 1);
  t.equal(clock.current(), before + 1);
});

t.test('a time is above what the caller names', async (t) => {
  const { clock } = startClock();
  const seen = clock.current() + 1000;
  t.equal(clock.issue(seen), seen + 1);
  t.equal(clock.issue(0), seen + 2);
});

t.test('what other nodes speak of is passed', async (t) => {
  const { wall, clock } = startClock();
  const theirs = packTime(wall.wallMs() + 2000, 9);
  clock.observe(theirs);
  t.equal(clock.current(), theirs);
  t.equal(clock.issue(0), theirs + 1);
  clock.observe(theirs - 5);
  t.equal(clock.current(), theirs + 1, 'an earlier one changes nothing');
});

t.test('a time beyond the durable bound waits for a new bound', async (t) => {
  const { wall, store, clock } = startClock();
  wall.jumpWall(60_000);
  t.equal(clock.issue(0), 0);
  t.notOk(clock.ready);
  t.equal(clock.issue(0), 0);
  t.equal(store.asked.length, 1);
  store.answerAll();
  t.ok(clock.ready);
  t.equal(clock.issue(0), packTime(VIRTUAL_START_MS + 60_000) + 1);
});

t.test('a new bound is asked for well before the old one is reached', async (t) => {
  const { wall, store, clock } = startClock();
  wall.advance(9_000);
  clock.tick();
  t.equal(store.asked.length, 0, 'eleven seconds are left');
  wall.advance(2_000);
  clock.tick();
  t.equal(store.asked.length, 1, 'nine seconds are left');
  t.ok(clock.issue(0) > 0, 'and the old bound serves meanwhile');
  store.answerAll();
  wall.advance(25_000);
  t.ok(clock.issue(0) > 0);
});

t.test('a clock that is ticked is always ready', async (t) => {
  const { wall, store, clock } = startClock();
  let isReady = true;
  for (let second = 0; second < 600; second++) {
    wall.advance(1000);
    clock.tick();
    isReady &&= clock.ready;
    store.answerAll();
  }
  t.ok(isReady);
  const ahead = timeToWallMs(store.stored) - wall.wallMs();
  t.ok(ahead > 9_000 && ahead <= 40_000, `the bound is ${ahead} ms ahead`);
});

t.test('a bound that could not be stored is not used, and asked for again', async (t) => {
  const wall = new VirtualClock();
  const store = new BoundStore();
  const clock = new HybridClock({ clock: wall, storedBound: 0, persist: store.persist });
  store.answer(new Error('disk full'));
  t.equal(clock.issue(0), 0);
  t.equal(store.asked.length, 1, 'asked again');
  store.answer(new Error('disk full'));
  clock.tick();
  t.equal(store.asked.length, 1, 'and by the timer');
  store.answerAll();
  t.ok(clock.issue(0) > 0);
});

t.test('a restart begins at the stored bound, whatever the wall clock says', async (t) => {
  const { wall, store, clock } = startClock();
  const last = clock.issue(0);
  wall.jumpWall(-86_400_000);
  const again = new HybridClock({ clock: wall, storedBound: store.stored, persist: store.persist });
  t.equal(again.issue(0), 0, 'nothing before a new bound is durable');
  store.answerAll();
  const next = again.issue(0);
  t.ok(next > last + 10_000 * 4096, 'above all that the first run may have used');
});

t.test('times that cannot be real are ignored', async (t) => {
  const { store, clock } = startClock();
  const before = clock.current();
  for (const time of [VERSION_TIME_MAX, 2 ** 53, 2 ** 64, Infinity, NaN, -1, 0]) {
    clock.observe(time);
    t.equal(clock.current(), before, String(time));
  }
  t.equal(store.asked.length, 0);
});

t.test('nothing is issued past 2089, so no time is issued twice for want of digits', async (t) => {
  const { store, clock } = startClock();
  for (const atLeast of [VERSION_TIME_MAX - 1000, VERSION_TIME_MAX - 1, VERSION_TIME_MAX, 2 ** 53, 2 ** 60]) {
    t.equal(clock.issue(atLeast), 0, String(atLeast));
    store.answerAll();
    t.equal(clock.issue(atLeast), 0, `${atLeast} again`);
  }
  t.ok(clock.issue(0) > 0, 'the clock itself was not moved');
});

t.test('a stored bound close to the end is followed by a safe integer', async (t) => {
  const store = new BoundStore();
  const clock = new HybridClock({
    clock: new VirtualClock(),
    storedBound: VERSION_TIME_MAX - 5,
    persist: store.persist,
  });
  t.same(
    store.asked.map((request) => request.bound),
    [VERSION_TIME_MAX],
  );
  store.answerAll();
  t.equal(clock.issue(0), 0);
});

t.test('the last believable time leaves every bound a safe integer', async (t) => {
  const { store, clock } = startClock();
  let last = VERSION_TIME_MAX - 20_000 * 4096 - 2;
  clock.observe(last);
  t.equal(clock.current(), last);
  for (let i = 0; i < 5; i++) {
    t.ok(store.asked.every((request) => Number.isSafeInteger(request.bound)));
    store.answerAll();
    const time = clock.issue(0);
    t.ok(time === 0 || time > last);
    last = Math.max(last, time);
  }
});

type Step =
  | { readonly kind: 'issue'; readonly atLeast: number }
  | { readonly kind: 'observe'; readonly aheadMs: number }
  | { readonly kind: 'advance' | 'jump'; readonly ms: number }
  | {
      readonly kind: 'answer';
      readonly outcome: 'stored' | 'failed' | 'stored, said to have failed' | 'no answer';
    }
  | { readonly kind: 'tick' | 'crash' };

const step = (): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant('issue'), atLeast: fc.integer({ min: 0, max: 100_000 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('observe'),
        aheadMs: fc.integer({ min: -60_000, max: 60_000 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant('advance'), ms: fc.integer({ min: 0, max: 15_000 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('jump'), ms: fc.integer({ min: -90_000, max: 90_000 }) }),
    },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('answer'),
        outcome: fc.constantFrom('stored', 'stored', 'failed', 'stored, said to have failed', 'no answer'),
      }),
    },
    { weight: 2, arbitrary: fc.constant<Step>({ kind: 'tick' }) },
    { weight: 2, arbitrary: fc.constant<Step>({ kind: 'crash' }) },
  ) as fc.Arbitrary<Step>;

/** One node over all its runs: what it issued, on a disk that fails, lies about failing, or never answers. */
class ClockModel {
  readonly wall = new VirtualClock();
  #stored = 0;
  #asked: { bound: number; done: (error: Error | undefined) => void }[] = [];
  #clock = this.#start();
  issuedMax = 0;
  issuedCount = 0;
  observedMax = 0;

  #start(): HybridClock {
    this.#asked = [];
    const persist = (bound: number, done: (error: Error | undefined) => void) =>
      void this.#asked.push({ bound, done });
    return new HybridClock({ clock: this.wall, storedBound: this.#stored, persist });
  }

  run(step: Step): void {
    if (step.kind === 'issue') this.#issue(this.#clock.current() + step.atLeast - 50_000);
    else if (step.kind === 'observe') this.#observe(packTime(this.wall.wallMs() + step.aheadMs));
    else if (step.kind === 'advance') this.wall.advance(step.ms);
    else if (step.kind === 'jump') this.wall.jumpWall(step.ms);
    else if (step.kind === 'answer') this.#answer(step.outcome);
    else if (step.kind === 'tick') this.#clock.tick();
    else this.#crash();
  }

  #issue(atLeast: number): void {
    const time = this.#clock.issue(atLeast);
    if (time === 0) return;
    const floor = Math.max(this.issuedMax, this.observedMax, atLeast);
    if (time <= floor) throw new Error(`${time} was issued, not above ${floor}`);
    if (time >= this.#stored) throw new Error(`${time} was issued with only ${this.#stored} on the disk`);
    if (time !== this.#clock.current()) throw new Error('what was issued is not the current time');
    this.issuedMax = time;
    this.issuedCount++;
  }

  #observe(time: number): void {
    this.#clock.observe(time);
    this.observedMax = Math.max(this.observedMax, time);
  }

  #answer(outcome: string): void {
    const request = this.#asked.shift();
    if (request === undefined) return;
    if (outcome !== 'failed') this.#stored = request.bound;
    if (outcome === 'stored') request.done(undefined);
    else if (outcome !== 'no answer') request.done(new Error('disk'));
  }

  /** The next run knows only what is on the disk; what it observed is forgotten. */
  #crash(): void {
    this.observedMax = 0;
    this.#clock = this.#start();
  }
}

t.test(
  'no time is issued twice or in the wrong order, across crashes, jumps and a failing disk',
  async (t) => {
    let issued = 0;
    fc.assert(
      fc.property(fc.array(step(), { maxLength: 120, size: 'max' }), (steps) => {
        const model = new ClockModel();
        for (const step of steps) model.run(step);
        issued += model.issuedCount;
      }),
      { numRuns: 500 },
    );
    t.ok(issued > 1000, `${issued} times were issued`);
  },
);
