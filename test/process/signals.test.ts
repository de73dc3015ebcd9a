/** A node of three that stops for a while without ending: SIGSTOP is what a suspended machine looks like to the others. */
import t from 'tap';
import { RealCluster } from '../support/real-cluster.js';
import { until } from './program.js';
import { Writers } from './writers.js';

/** Longer than any round may take while one of three nodes says nothing: the time of one request and some more. */
const SLOW_MS_MAX = 8000;

t.test('one of three nodes pauses for some seconds under light load', async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const client = await cluster.client();
  const writers = new Writers({ client, writers: 6, keysEach: 3, prefix: 'paused' });
  await writers.progress(20);
  t.same(writers.failures, [], 'all is well before');

  const paused = cluster.node('n2');
  paused.signal('SIGSTOP');
  // Also should the test fail meanwhile: a stopped process cannot be asked to end.
  t.teardown(() => paused.isRunning && paused.signal('SIGCONT'));
  await cluster.see(['n1', 'n3'], ['n1', 'n3']);
  await writers.progress(100);
  t.pass('the others notice, and reads and writes go on');

  paused.signal('SIGCONT');
  await cluster.agree();
  t.pass('it comes back');
  const failuresAtReturn = writers.failures.length;
  await writers.progress(100);
  t.same(writers.failures.slice(failuresAtReturn), [], 'all is well after');
  await writers.stop();

  t.same(writers.wrong, [], `${writers.rounds} rounds of write and read, each read the value it should`);
  t.same(writers.failedReads, [], 'no read failed');
  const errors = writers.failures.map(({ error }) => `${error.code} ${error.definite}`);
  t.same(
    errors.filter((error) => error !== 'TIMEOUT false'),
    [],
    'writes that were at the paused node may have happened',
  );
  t.ok(errors.length <= 6, `${errors.length} writes were: at most one of each writer`);
  t.ok(writers.slowestMs < SLOW_MS_MAX, `the slowest operation took ${Math.round(writers.slowestMs)} ms`);
});

t.test('a paused node that wakes up does not serve what it has missed', async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const client = await cluster.client();
  const keys = Array.from({ length: 300 }, (_, i) => `key:${i}`);
  const write = (value: string) => client.setMany(keys.map((key): [string, string] => [key, value]));
  await write('before');
  const paused = cluster.node('n1');
  paused.signal('SIGSTOP');
  t.teardown(() => paused.isRunning && paused.signal('SIGCONT'));
  await cluster.see(['n2', 'n3'], ['n2', 'n3']);
  await until('every key is written', async () => (await write('meanwhile')) === keys.length);
  paused.signal('SIGCONT');
  await until('the paused node answers', () => cluster.status('n1'));
  const values = await client.getMany(keys);
  t.same([...new Set(values)], ['meanwhile']);
});
