/** One question over a connection of its own: answered, refused, unanswered, and connected too late. */
import t from 'tap';
import type { KvError } from '../../src/base/errors.js';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { askOnce } from '../../src/node/ask-once.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import { JOIN } from '../../src/wire/message-type.js';
import { Flusher } from '../../src/wire/outbox.js';
import { VirtualClock } from '../support/virtual-clock.js';
import { VirtualNetwork } from '../support/virtual-network.js';
import { FrameLog } from '../support/wire.js';

function setUp() {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, random: new SeededRandom(1) });
  const ports = { clock, network: network.host('asker'), flusher: new Flusher(clock) };
  const heard = new FrameLog();
  const listen = () =>
    network.host('node').listen('node:1', () => {
      const decoder = new FrameDecoder(heard);
      return { onData: (bytes) => decoder.push(bytes), onDrain() {}, onClose() {} };
    });
  return { clock, network, ports, heard, listen };
}

function outcome(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'answered',
    (error: KvError) => `${error.code}${error.definite ? '!' : '?'}`,
  );
}

t.test('nobody listens', async (t) => {
  const { clock, ports } = setUp();
  const asked = outcome(askOnce(ports, 'node:1', {}, 1000));
  await clock.advanceAsync(50);
  t.equal(await asked, 'CONNECT_FAILED!');
});

t.test(
  'no answer in time: the question is out, so it is indefinite, and the connection is gone',
  async (t) => {
    const { clock, network, ports, heard, listen } = setUp();
    await listen();
    const asked = outcome(askOnce(ports, 'node:1', {}, 1000));
    await clock.advanceAsync(1050);
    t.equal(await asked, 'TIMEOUT?');
    t.equal(heard.frames[0]?.type, JOIN);
    t.equal(network.socketCount('asker'), 0);
  },
);

t.test('a connection that comes too late asks nothing and does not stay', async (t) => {
  const { clock, network, ports, heard, listen } = setUp();
  await listen();
  network.cut('asker', 'node');
  const asked = outcome(askOnce(ports, 'node:1', {}, 1000));
  await clock.advanceAsync(2000);
  t.equal(await asked, 'TIMEOUT?');
  network.heal();
  await clock.advanceAsync(100);
  t.same(heard.frames, []);
  t.equal(network.socketCount('asker') + network.socketCount('node'), 0);
});
