/** A node of three that stops for a while without ending: SIGSTOP is what a suspended machine looks like to the others. */
import t from 'tap';
import { GET, VALUE } from '../../src/wire/message-type.js';
import { RealCluster } from '../support/real-cluster.js';
import { RawClient } from './raw-client.js';
import { Writers } from './writers.js';

/** Longer than any round may take while one of three nodes says nothing: the time of one request and some more. */
const SLOW_MS_MAX = 8000;
const WRITERS = 6;

t.test('one of three nodes pauses for some seconds under light load', async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const client = await cluster.client();
  const writers = new Writers({ client, writers: WRITERS, keysEach: 3, prefix: 'paused' });
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
  const wrong = writers.failures.filter(({ error }) => error.definite).map(({ error }) => `${error}`);
  t.same(wrong, [], 'the writes that fail may have happened');
  const { length } = writers.failures;
  t.ok(
    length <= 2 * WRITERS,
    `${length} did: of each writer those under way when it paused and when it woke up`,
  );
  t.ok(writers.slowestMs < SLOW_MS_MAX, `the slowest operation took ${Math.round(writers.slowestMs)} ms`);
});

t.test('a paused node that wakes up does not answer with what it has missed', async (t) => {
  const cluster = await RealCluster.start(t, 3);
  const keys = Array.from({ length: 300 }, (_, i) => `key:${i}`);
  const write = async (value: string) =>
    (await cluster.client()).setMany(keys.map((key): [string, string] => [key, value]));
  await write('before');
  const paused = cluster.node('n1');
  const raw = await RawClient.open(t, paused.address);
  paused.signal('SIGSTOP');
  t.teardown(() => paused.isRunning && paused.signal('SIGCONT'));
  await cluster.see(['n2', 'n3'], ['n2', 'n3']);
  // By a new client, which has nothing to do with the paused node.
  t.equal(await write('meanwhile'), keys.length, 'every key is written by the two others');
  // They lie there when it wakes up, before any word of its peers.
  keys.forEach((key, i) => {
    raw.frame({ type: GET, id: i + 1, key: Buffer.from(key), body: new Uint8Array(4) });
  });
  paused.signal('SIGCONT');
  await raw.answers(keys.length);
  const answers = raw.frames.filter(({ type }) => type === VALUE).map(({ body }) => valueIn(body));
  t.same([...new Set(answers)], ['meanwhile'], `${answers.length} of ${keys.length} answers are values`);
  await cluster.agree();
  t.same([...new Set(await (await cluster.client()).getMany(keys))], ['meanwhile']);
});

/** The value in the body of a VALUE without an expiry, which begins with time, node and flags. */
function valueIn(body: Uint8Array): string {
  return Buffer.from(body.subarray(8 + 4 + 1)).toString();
}
