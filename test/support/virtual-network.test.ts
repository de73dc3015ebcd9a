/** The virtual network: bytes arrive in order or not at all, cuts hold them, ends and resets follow them. */
import t from 'tap';
import { SeededRandom } from '../../src/base/seeded-random.js';
import type { Connection } from '../../src/ports/network.js';
import { VirtualClock } from './virtual-clock.js';
import { VirtualNetwork } from './virtual-network.js';

class End {
  connection: Connection | undefined;
  text = '';
  pieces = 0;
  drains = 0;
  closed: string | undefined;

  onData(bytes: Uint8Array): void {
    this.text += Buffer.from(bytes).toString('latin1');
    this.pieces++;
  }

  onDrain(): void {
    this.drains++;
  }

  onClose(error?: Error): void {
    this.closed = error?.message ?? 'ended';
  }
}

async function pair(seed = 1) {
  const clock = new VirtualClock();
  const network = new VirtualNetwork({ clock, random: new SeededRandom(seed) });
  const near = new End();
  const far = new End();
  const listener = await network.host('b').listen('b:1', (connection) => {
    far.connection = connection;
    return far;
  });
  network.host('a').connect('b:1', near, (connection) => {
    near.connection = connection;
  });
  clock.advance(10);
  return { clock, network, near, far, listener };
}

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1');

t.test('bytes arrive whole and in order, in pieces that follow the seed', async (t) => {
  const pieces = new Set<number>();
  for (let seed = 0; seed < 20; seed++) {
    const { clock, near, far } = await pair(seed);
    let sent = '';
    for (let i = 0; i < 50; i++) {
      const text = `${i},`.repeat(i);
      sent += text;
      near.connection!.write(bytes(text));
      clock.advance(0.3);
    }
    clock.advance(10);
    t.equal(far.text, sent);
    pieces.add(far.pieces);
  }
  t.ok(pieces.size > 5);
});

t.test('a cut holds what is sent until it is healed', async (t) => {
  const { clock, network, near, far } = await pair();
  network.cutOneWay('a', 'b');
  near.connection!.write(bytes('held'));
  far.connection!.write(bytes('free'));
  clock.advance(1000);
  t.match([near.text, far.text], ['free', '']);
  network.heal('a', 'b');
  clock.advance(10);
  t.equal(far.text, 'held');
});

t.test('an end comes after the bytes, a reset tells the other side', async (t) => {
  const one = await pair();
  one.near.connection!.write(bytes('last words'));
  one.near.connection!.end();
  one.clock.advance(10);
  t.match([one.far.text, one.far.closed, one.near.closed], ['last words', 'ended', 'ended']);
  const two = await pair();
  two.near.connection!.destroy();
  two.clock.advance(10);
  t.match([two.near.closed, two.far.closed], ['ended', 'the connection was reset by the other side']);
  const three = await pair();
  three.network.reset('b', 'a');
  three.clock.advance(10);
  t.match([three.near.closed, three.far.closed], ['the connection was reset', 'the connection was reset']);
});

t.test('a host that crashes says nothing more; the others are reset, behind a cut only later', async (t) => {
  const { clock, network, near, far } = await pair();
  network.cut('a', 'b');
  network.crashHost('b');
  clock.advance(1000);
  t.match([near.closed, far.closed], [undefined, undefined]);
  network.heal();
  clock.advance(10);
  t.match([near.closed, far.closed], ['the connection was reset by the other side', undefined]);
});

t.test('a reader that pauses stops the sender, who is told when it may go on', async (t) => {
  const { clock, network, near, far } = await pair();
  network.windowBytes = 1000;
  far.connection!.pause();
  t.notOk(near.connection!.write(new Uint8Array(5000)));
  clock.advance(100);
  t.equal(near.connection!.bufferedBytes, 4000);
  t.equal(far.text.length, 0);
  far.connection!.resume();
  clock.advance(100);
  t.match([near.connection!.bufferedBytes, far.text.length, near.drains], [0, 5000, 1]);
});

t.test('connecting: refused, held up by a cut, and addresses that are taken', async (t) => {
  const { clock, network, listener } = await pair();
  const lost = new End();
  network.host('a').connect('b:2', lost, () => t.fail('nobody is there'));
  clock.advance(10);
  t.equal(lost.closed, 'nobody listens on b:2');
  const late = new End();
  let isUp = false;
  network.cut('a', 'b');
  network.host('a').connect('b:1', late, () => {
    isUp = true;
  });
  clock.advance(5000);
  t.notOk(isUp);
  network.heal();
  clock.advance(10);
  t.ok(isUp);
  const taken = network.host('b').listen('b:1', () => new End());
  await t.rejects(taken, { code: 'CONNECT_FAILED' });
  await t.rejects(network.host('a').listen('b:9', () => new End()));
  await listener.close();
  t.equal((await network.host('b').listen('b:1', () => new End())).address, 'b:1');
});

t.test('a torn stream arrives in part, and then both ends are told', async (t) => {
  const { clock, network, near, far } = await pair();
  network.tear('a', 'b');
  near.connection!.write(bytes('a whole frame'));
  clock.advance(10);
  t.ok(far.text.length > 0 && far.text.length < 13);
  t.ok('a whole frame'.startsWith(far.text));
  t.match(near.closed, /reset/);
  t.match(far.closed, /reset/);
});

t.test('a stream that is torn after its sender has closed ends all the same', async (t) => {
  const { clock, network, near, far } = await pair();
  network.setDelay('a', 'b', [50, 50]);
  near.connection!.write(bytes('the last words'));
  network.setDelay('a', 'b', undefined);
  far.connection!.end();
  clock.advance(10);
  t.equal(near.closed, 'ended');
  network.tear('a', 'b');
  clock.advance(100);
  t.match(far.closed, /reset/);
});

t.test('what arrives at a host that stands still waits, ends as well', async (t) => {
  const { clock, network, near, far } = await pair();
  network.pauseHost('b');
  near.connection!.write(bytes('later'));
  clock.advance(1000);
  t.equal(far.text, '');
  network.reset('a', 'b');
  clock.advance(10);
  t.match(near.closed, /reset/);
  t.equal(far.closed, undefined);
  network.resumeHost('b');
  clock.advance(10);
  t.match(far.closed, /reset/);
});
