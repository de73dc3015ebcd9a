import t from 'tap';
import { type CommitListener, type FsyncPolicy, GroupCommitter } from '../../src/storage/group-committer.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { RecordedLog } from './fixtures/recorded-log.js';
import { ScriptedEngine } from './fixtures/scripted-engine.js';

function setUp(fsync: FsyncPolicy = 'never', batchOpsMax = 1000) {
  const clock = new VirtualClock();
  const engine = new ScriptedEngine();
  const log = new RecordedLog();
  /** What happened, in order: `a b ok` of each waiter, and the changes of state. */
  const events: string[] = [];
  const onStateChange = (state: string) => void events.push(state);
  const committer = new GroupCommitter({ engine, clock, fsync, log, batchOpsMax, onStateChange });
  const listener: CommitListener = { onCommit: (a, b, ok) => void events.push(`${a} ${b} ${ok}`) };
  const put = (key: string) => committer.put(bytes(key), bytes('v'));
  return { clock, engine, log, events, committer, listener, put };
}

t.test('grouping', async (t) => {
  t.test('writes of one turn leave together at its end, and nothing leaves before', async (t) => {
    const { clock, engine, put, committer } = setUp();
    t.same([put('a'), put('b'), committer.delete(bytes('c'))], [1, 1, 1]);
    t.equal(engine.written.length, 0);
    clock.runDeferred();
    t.same(engine.last.operations, ['a=v', 'b=v', '-c']);
    t.equal(committer.committedSeq, 0);
    engine.last.complete();
    t.equal(committer.committedSeq, 1);
  });

  t.test('writes that arrive during a batch, or while it is told of, leave in the next one', async (t) => {
    const { clock, engine, put } = setUp();
    put('a');
    clock.runDeferred();
    t.same([put('b'), put('c')], [2, 2]);
    clock.runDeferred();
    t.equal(engine.written.length, 1, 'one batch is in flight at a time');
    engine.last.complete();
    put('d');
    clock.runDeferred();
    t.same(engine.last.operations, ['b=v', 'c=v', 'd=v']);
  });

  t.test('a batch holds no more than batchOpsMax, and the rest follows in order', async (t) => {
    const { clock, engine, put, committer, listener, events } = setUp('never', 2);
    t.same(['a', 'b', 'c', 'd', 'e'].map(put), [1, 1, 2, 2, 3]);
    for (const seq of [3, 1, 2]) committer.wait(seq, listener, seq, 0);
    clock.runDeferred();
    for (let i = 0; i < 3; i++) {
      engine.last.complete();
      clock.runDeferred();
    }
    t.same(
      engine.written.map((batch) => batch.operations.join(' ')),
      ['a=v b=v', 'c=v d=v', 'e=v'],
    );
    t.same(events, ['1 0 true', '2 0 true', '3 0 true']);
  });

  t.test('a batch also ends when its bytes are many', async (t) => {
    const { committer, engine } = setUp();
    const large = new Uint8Array(3 * 1024 * 1024);
    t.same([committer.put(bytes('a'), large), committer.put(bytes('b'), large)], [1, 1]);
    t.equal(committer.put(bytes('c'), bytes('v')), 2);
    t.equal(engine.made.length, 2);
  });

  t.test('nothing is written when there is nothing to write', async (t) => {
    const { clock, engine, put } = setUp('everysec');
    put('a');
    clock.runDeferred();
    engine.last.complete();
    clock.runDeferred();
    t.equal(engine.written.length, 1);
  });
});

t.test('waiting', async (t) => {
  t.test('every waiter is called once, after its batch, in order, with what it gave', async (t) => {
    const { clock, engine, put, committer, listener, events } = setUp();
    committer.wait(put('a'), listener, 1, 2 ** 50);
    committer.wait(put('b'), listener, 2, -1);
    clock.runDeferred();
    committer.wait(put('c'), listener, 3, 0.5);
    committer.wait(1, listener, 4, 4);
    t.same(events, []);
    engine.last.complete();
    t.same(events, [`1 ${2 ** 50} true`, '2 -1 true', '4 4 true']);
    clock.runDeferred();
    engine.last.complete();
    t.same(events.slice(3), ['3 0.5 true']);
  });

  t.test('a waiter may put and wait again: it joins the open batch', async (t) => {
    const { clock, engine, put, committer, events } = setUp();
    const again: CommitListener = {
      onCommit(a, b, ok) {
        events.push(`${a} ${b} ${ok} at ${committer.committedSeq}`);
        if (a < 3) committer.wait(put(`next-${a}`), again, a + 1, b);
      },
    };
    committer.wait(put('a'), again, 0, 7);
    clock.runDeferred();
    put('b');
    for (let i = 0; i < 4; i++) {
      engine.last.complete();
      clock.runDeferred();
    }
    t.same(events, ['0 7 true at 1', '1 7 true at 2', '2 7 true at 3', '3 7 true at 4']);
    t.same(
      engine.written.map((batch) => batch.operations.join(' ')),
      ['a=v', 'b=v next-0=v', 'next-1=v', 'next-2=v'],
    );
  });

  t.test('the objects that are reused from batch to batch do not mix up their waiters', async (t) => {
    const { clock, engine, put, committer, listener, events } = setUp();
    const expected: string[] = [];
    for (let round = 0; round < 50; round++) {
      for (let i = 0; i <= round % 7; i++) {
        committer.wait(put('a'), listener, round, i);
        expected.push(`${round} ${i} true`);
      }
      clock.runDeferred();
      if (round % 3 === 0) engine.last.complete();
    }
    for (let i = 0; i < 50 && committer.committedSeq < engine.made.length; i++) {
      engine.last.complete();
      clock.runDeferred();
    }
    t.same(events, expected);
  });

  t.test('waiting for what has committed, or was never given out, is a bug of the caller', async (t) => {
    const { clock, engine, put, committer, listener } = setUp();
    put('a');
    clock.runDeferred();
    engine.last.complete();
    t.throws(() => committer.wait(1, listener, 0, 0), /assertion failed/);
    t.throws(() => committer.wait(2, listener, 0, 0), /assertion failed/);
  });
});

t.test('syncing', async (t) => {
  const table: [FsyncPolicy, boolean[]][] = [
    ['always', [true, true]],
    ['everysec', [false, false, true]],
    ['never', [false, false]],
  ];
  for (const [fsync, syncs] of table) {
    t.test(
      `${fsync}: batches written with sync ${syncs}, one and a half seconds after the first`,
      async (t) => {
        const { clock, engine, put } = setUp(fsync);
        for (const ms of [600, 900]) {
          put('a');
          clock.runDeferred();
          engine.last.complete();
          clock.advance(ms);
        }
        t.same(
          engine.written.map((batch) => batch.sync),
          syncs,
        );
      },
    );
  }

  t.test('everysec: the sync writes a marker, then rests until something else is written', async (t) => {
    const { clock, engine, put } = setUp('everysec');
    put('a');
    clock.runDeferred();
    engine.last.complete();
    clock.advance(1000);
    t.same(engine.last.operations, ['!sync=']);
    engine.last.complete();
    clock.advance(60_000);
    t.equal(engine.written.length, 2);
    t.equal(clock.pendingTimers, 0, 'an idle node does not wake up');
  });

  t.test('everysec: what is queued when a sync is due rides with it', async (t) => {
    const { clock, engine, put } = setUp('everysec');
    put('a');
    clock.runDeferred();
    engine.last.complete();
    put('b');
    clock.runDeferred();
    put('c');
    clock.advance(1000);
    t.equal(engine.last.sync, false, 'b was on its way already');
    engine.last.complete();
    clock.runDeferred();
    t.same([engine.last.sync, engine.last.operations], [true, ['c=v', '!sync=']]);
  });

  t.test('everysec: writes after the sync began are synced a second later', async (t) => {
    const { clock, engine, put } = setUp('everysec');
    put('a');
    clock.runDeferred();
    engine.last.complete();
    clock.advance(1000);
    put('b');
    engine.last.complete();
    clock.runDeferred();
    engine.last.complete();
    t.equal(engine.last.sync, false);
    clock.advance(999);
    t.equal(engine.written.length, 3);
    clock.advance(1);
    t.same([engine.written.length, engine.last.sync], [4, true]);
  });

  t.test('putDurable syncs its batch under every policy, and says when it is on disk', async (t) => {
    for (const fsync of ['always', 'everysec', 'never'] as const) {
      const { clock, engine, put, committer } = setUp(fsync);
      const results: (Error | undefined)[] = [];
      put('a');
      committer.putDurable(bytes('bound'), bytes('9'), (error) => results.push(error));
      clock.runDeferred();
      t.same([engine.last.sync, engine.last.operations], [true, ['a=v', 'bound=9']]);
      t.same(results, []);
      engine.last.complete();
      t.same(results, [undefined]);
      put('b');
      clock.runDeferred();
      t.equal(engine.last.sync, fsync === 'always', 'the next batch is as the policy says');
    }
  });
});

t.test('failing', async (t) => {
  t.test(
    'the waiters of the failed batch and of all behind it hear of it, after the state change',
    async (t) => {
      const { clock, engine, put, committer, listener, events, log } = setUp('never', 1);
      for (const [i, key] of ['a', 'b', 'c'].entries()) committer.wait(put(key), listener, i, 0);
      clock.runDeferred();
      engine.last.complete(new Error('no space'));
      t.same(events, ['failed', '0 0 false', '1 0 false', '2 0 false']);
      t.equal(committer.committedSeq, 0);
      t.ok(committer.isFailed);
      t.same(
        engine.made.map((batch) => batch.isAbandoned),
        [false, true, true],
      );
      t.same(log.lines, ['error storage failed: nothing is acknowledged until it has been reopened']);
    },
  );

  t.test('while failed nothing is taken, and late waits and durable puts are refused later', async (t) => {
    const { clock, engine, put, committer, listener, events } = setUp();
    put('a');
    clock.runDeferred();
    engine.last.complete(new Error('no space'));
    t.same([put('b'), committer.delete(bytes('b'))], [0, 0]);
    committer.wait(1, listener, 5, 5);
    committer.putDurable(bytes('bound'), bytes('9'), (error) =>
      events.push(`${error?.name} ${error?.message}`),
    );
    t.same(events, ['failed']);
    clock.runDeferred();
    t.match(events, ['failed', '5 5 false', /^KvError the storage takes no writes/]);
    t.equal(engine.made.length, 1);
  });

  t.test(
    'waiters that are called back may put and wait; they are refused until it is reopened',
    async (t) => {
      const { clock, engine, put, committer, events } = setUp('never', 1);
      const retry: CommitListener = {
        onCommit(a, _b, ok) {
          events.push(`${a} ${ok} ${put('again')}`);
          if (a === 0) committer.wait(2, retry, 9, 0);
        },
      };
      committer.wait(put('a'), retry, 0, 0);
      committer.wait(put('b'), retry, 1, 0);
      clock.runDeferred();
      engine.last.complete(new Error('no space'));
      clock.runDeferred();
      t.same(events, ['failed', '0 false 0', '1 false 0', '9 false 0']);
    },
  );

  t.test('it closes, reopens and probes to disk; then it goes on with the next number', async (t) => {
    const { clock, engine, put, committer, listener, events, log } = setUp();
    committer.wait(put('a'), listener, 1, 0);
    put('a');
    clock.runDeferred();
    engine.last.complete(new Error('no space'));
    engine.calls.length = 0;
    await clock.advanceAsync(249);
    t.same(engine.calls, []);
    await clock.advanceAsync(1);
    t.same(engine.calls, ['close', 'open', 'write']);
    t.same([engine.last.sync, engine.last.operations], [true, ['!sync=']]);
    t.ok(committer.isFailed, 'not before the probe is on disk');
    t.equal(put('b'), 0);
    engine.last.complete();
    await clock.settle();
    t.notOk(committer.isFailed);
    const seq = put('c');
    t.equal(seq, 2);
    committer.wait(seq, listener, 2, 0);
    clock.runDeferred();
    engine.last.complete();
    t.equal(committer.committedSeq, 2);
    t.same(events, ['failed', '1 0 false', 'open', '2 0 true']);
    t.same(log.lines.slice(1), ['info storage reopened']);
  });

  t.test(
    'attempts back off from 250 ms to 10 s, whatever fails, and one line tells of the end',
    async (t) => {
      const { clock, engine, put, committer, log } = setUp();
      put('a');
      clock.runDeferred();
      engine.last.complete(new Error('no space'));
      Object.assign(engine, { completeAlone: true, failCloses: 2, failOpens: 3, failWrites: 3 });
      const attempts: number[] = [];
      const startedMs = clock.monotonicMs();
      while (committer.isFailed && attempts.length < 20) {
        await clock.advanceAsync(clock.nextTimerMs! - clock.monotonicMs());
        attempts.push(clock.monotonicMs() - startedMs);
      }
      const delays = attempts.map((ms, i) => ms - (attempts[i - 1] ?? 0));
      t.same(delays, [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000]);
      t.same(
        log.lines.filter((line) => !line.startsWith('debug')),
        ['error storage failed: nothing is acknowledged until it has been reopened', 'info storage reopened'],
      );
    },
  );

  t.test(
    'an engine that fails again soon backs off further; one that worked for a while starts anew',
    async (t) => {
      const { clock, engine, put, committer } = setUp();
      const delays: number[] = [];
      for (const workedMs of [0, 100, 9000, 10_000, 0]) {
        clock.advance(workedMs);
        put('a');
        engine.completeAlone = false;
        clock.runDeferred();
        engine.last.complete(new Error('no space'));
        engine.completeAlone = true;
        const delayMs = clock.nextTimerMs! - clock.monotonicMs();
        delays.push(delayMs);
        await clock.advanceAsync(delayMs);
        t.notOk(committer.isFailed);
      }
      t.same(delays, [250, 500, 1000, 250, 500]);
    },
  );

  t.test('a failed sync fails as a failed write does, and no sync is attempted while failed', async (t) => {
    const { clock, engine, put, committer } = setUp('everysec');
    put('a');
    clock.runDeferred();
    engine.last.complete();
    clock.advance(1000);
    engine.last.complete(new Error('fdatasync: input/output error'));
    t.ok(committer.isFailed);
    t.equal(clock.pendingTimers, 1, 'only the one that reopens');
  });
});

t.test('closing', async (t) => {
  t.test('commits what is queued, syncs it, and takes nothing more', async (t) => {
    const { clock, engine, put, committer, listener, events } = setUp('everysec');
    put('a');
    clock.runDeferred();
    committer.wait(put('b'), listener, 1, 0);
    const closed = committer.close().then(() => events.push('closed'));
    t.equal(put('c'), 0);
    committer.putDurable(bytes('bound'), bytes('9'), (error) => events.push(`${error?.name}`));
    await clock.settle();
    engine.last.complete();
    clock.runDeferred();
    t.same([engine.last.sync, engine.last.operations], [true, ['b=v', '!sync=']]);
    await clock.settle();
    t.same(events, ['KvError']);
    engine.last.complete();
    await closed;
    t.same(events, ['KvError', '1 0 true', 'closed']);
    t.equal(clock.pendingTimers, 0);
    await committer.close();
  });

  t.test('syncs what had committed without a sync', async (t) => {
    const { clock, engine, put, committer } = setUp('everysec');
    put('a');
    clock.runDeferred();
    engine.last.complete();
    engine.completeAlone = true;
    const closed = committer.close();
    await clock.settle();
    await closed;
    t.same([engine.last.sync, engine.last.operations], [true, ['!sync=']]);
  });

  t.test('is immediate when there is nothing to do', async (t) => {
    for (const fsync of ['always', 'everysec', 'never'] as const) {
      const { engine, committer } = setUp(fsync);
      await committer.close();
      t.equal(engine.written.length, 0);
    }
  });

  t.test('under never it commits without a sync', async (t) => {
    const { clock, engine, put, committer } = setUp('never');
    engine.completeAlone = true;
    put('a');
    const closed = committer.close();
    await clock.settle();
    await closed;
    t.same(
      engine.written.map((batch) => batch.sync),
      [false],
    );
  });

  t.test('ends when the last batch fails, and reopens no more', async (t) => {
    const { clock, engine, put, committer, listener, events } = setUp();
    committer.wait(put('a'), listener, 1, 0);
    const closed = committer.close();
    await clock.settle();
    engine.last.complete(new Error('no space'));
    await closed;
    t.same(events, ['failed', '1 0 false']);
    t.equal(clock.pendingTimers, 0);
  });

  t.test('while failed it waits for an attempt that is under way, and stops', async (t) => {
    const { clock, engine, put, committer, events } = setUp();
    put('a');
    clock.runDeferred();
    engine.last.complete(new Error('no space'));
    await clock.advanceAsync(250);
    const closed = committer.close().then(() => events.push('closed'));
    await clock.settle();
    t.same(events, ['failed'], 'the probe is on its way');
    engine.last.complete();
    await closed;
    t.same(events, ['failed', 'closed']);
    t.equal(clock.pendingTimers, 0);
  });
});

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
