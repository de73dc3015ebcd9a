import t from 'tap';
import { Statistics } from '../../../src/gateway/redis/statistics.js';

t.test('commands are counted by how they ended', async (t) => {
  const statistics = new Statistics();
  statistics.onCommand('get', 2, 'done');
  statistics.onCommand('get', 3, 'failed');
  statistics.onCommand('get', 0, 'rejected');
  statistics.onCommand('set', 1, 'done');
  const { latency, ...counts } = statistics.commands.get('get')!;
  t.same(counts, { calls: 2, elapsedMs: 5, failed: 1, rejected: 1 });
  t.equal(latency.total, 2, 'what was refused took no time');
  t.equal(statistics.commandsProcessed, 4);
});

t.test('errors are counted by their code, and not without end', async (t) => {
  const statistics = new Statistics();
  for (const text of ['ERR syntax error', 'ERR other', 'NOPROTO', 'BUSY full']) statistics.onError(text);
  t.same(Object.fromEntries(statistics.errors), { ERR: 2, NOPROTO: 1, BUSY: 1 });
  for (let i = 0; i < 1000; i++) statistics.onError(`X${i} text`);
  statistics.onError('ERR again');
  t.equal(statistics.errors.size, 128);
  t.equal(statistics.errors.get('ERR'), 3);
  t.equal(statistics.errorReplies, 1005);
});

t.test('the rate is that since it was last asked for', async (t) => {
  const statistics = new Statistics();
  const run = (count: number) => {
    for (let i = 0; i < count; i++) statistics.onCommand('get', 0, 'done');
  };
  run(500);
  t.equal(statistics.commandsPerSecond(1000), 500);
  run(100);
  t.equal(statistics.commandsPerSecond(1050), 500, 'too soon to tell');
  t.equal(statistics.commandsPerSecond(3000), 50);
  t.equal(statistics.commandsPerSecond(4000), 0);
});

t.test('after a reset everything begins at 0, the rate too', async (t) => {
  const statistics = new Statistics();
  for (let i = 0; i < 100; i++) statistics.onCommand('get', 1, 'done');
  statistics.onError('ERR no');
  statistics.inputBytes = 5;
  statistics.commandsPerSecond(1000);
  statistics.reset();
  t.match(statistics, { commandsProcessed: 0, inputBytes: 0, errorReplies: 0 });
  t.same([statistics.commands.size, statistics.errors.size], [0, 0]);
  t.equal(statistics.commandsPerSecond(2000), 0);
});
