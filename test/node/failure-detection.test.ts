/** The failure detector as a node runs it: what the status says, what peers may say, and what requests make of it. */
import t from 'tap';
import { FailureDetector } from '../../src/membership/failure-detector.js';
import type { MemberRecord } from '../../src/membership/member-table.js';
import { decodeBody, encodeBody } from '../../src/wire/body.js';
import { FrameDecoder } from '../../src/wire/frame-decoder.js';
import * as type from '../../src/wire/message-type.js';
import { brief, Cluster } from '../support/cluster.js';
import type { FrameClient } from '../support/frame-client.js';
import { accusations, membersSeenBy, states } from '../support/member-states.js';
import { FrameLog, rawFrame } from '../support/wire.js';

const NODES = ['a', 'b', 'c', 'd', 'e'];
const NOTHING = new Uint8Array(0);

t.test('the status says what is held true of each member, and the log every change', async (t) => {
  const cluster = await Cluster.formed({ nodes: NODES });
  await cluster.run(3000);
  const status = await cluster.status('a');
  t.equal(status.health, 1);
  const [self, other] = await membersSeenBy(cluster, 'a');
  t.match(self, { name: 'a', state: 'self', incarnation: 1, sinceMs: null });
  t.match(other, { name: 'b', state: 'alive', incarnation: 1, sinceMs: /^\d{4}$/ });
  cluster.crash('c');
  await cluster.run(20);
  t.equal((await states(cluster, 'a')).c, 'unreachable', 'the link is down, and nobody has judged');
  await cluster.run(700);
  t.equal((await states(cluster, 'a')).c, 'suspect');
  await cluster.run(1500);
  t.equal((await states(cluster, 'a')).c, 'faulty');
  await cluster.restart('c');
  await cluster.linked();
  t.match(await membersSeenBy(cluster, 'a'), [{}, {}, { name: 'c', state: 'alive', incarnation: 2 }]);
  const told = cluster.log.filter((line) => line.startsWith('a ') && line.includes('"member":"c"'));
  t.match(told.map((line) => line.split(' {')[0]).slice(-3), [
    'a info member is suspect',
    'a warn member is faulty',
    'a info member is alive',
  ]);
});

t.test('a coordinator fails at once, definitely, when R or W cannot be met', async (t) => {
  const cluster = await Cluster.formed({ nodes: NODES });
  const client = cluster.client('a');
  await cluster.until(client.set('k', 'v'));
  const owners = NODES.filter((name) => cluster.stored(name, 'k') !== undefined);
  await cluster.run(100);
  const coordinator = NODES.find((name) => !owners.includes(name)) ?? 'a';
  const [first, second, third] = [...new Set([...owners, ...NODES])].filter((name) => name !== coordinator);
  const asking = cluster.client(coordinator);
  const asked = async (promise: ReturnType<FrameClient['get']>) => {
    const sinceMs = cluster.clock.monotonicMs();
    const answer = brief(await cluster.until(promise));
    return [answer, cluster.clock.monotonicMs() - sinceMs < 10];
  };
  cluster.crash(first!);
  cluster.crash(second!);
  for (const whileMs of [20, 1000, 5000]) {
    await cluster.run(whileMs);
    t.same(await asked(asking.get('k')), ['QUORUM_UNAVAILABLE!', true], `a read, after ${whileMs} ms`);
    t.same(await asked(asking.set('k', 'w')), ['QUORUM_UNAVAILABLE!', true], `a write, after ${whileMs} ms`);
    t.same(await asked(asking.get('k', { quorum: 1 })), ['v', true], `${third} alone is enough for R=1`);
  }
  await cluster.restart(first!);
  await cluster.linked();
  t.same(await asked(asking.set('k', 'w')), ['done', true]);
  t.same(await asked(asking.set('k', 'x', { quorum: 3 })), ['QUORUM_UNAVAILABLE!', true], 'W=3');
});

/** Counts the frames of one type that are written to each host. */
function counted(cluster: Cluster, wanted: number): Map<string, number> {
  const counts = new Map<string, number>();
  cluster.network.onWrite = (socket, bytes) => {
    const log = new FrameLog();
    new FrameDecoder(log).push(Uint8Array.from(bytes));
    const frames = log.frames.filter((frame) => frame.type === wanted).length;
    counts.set(socket.peerHost, (counts.get(socket.peerHost) ?? 0) + frames);
  };
  return counts;
}

t.test('a replica under suspicion is read only when there is no other', async (t) => {
  const { record } = FailureDetector.prototype;
  t.teardown(() => {
    FailureDetector.prototype.record = record;
  });
  const reads = async (cluster: Cluster): Promise<number> => {
    const client = cluster.client('a');
    await cluster.until(client.set('k', 'v'));
    const counts = counted(cluster, type.REPLICA_READ);
    for (let i = 0; i < 100; i++) await cluster.until(client.get('k'));
    return counts.get('b') ?? 0;
  };
  t.ok((await reads(await Cluster.formed())) > 5, 'usually it has its share');
  FailureDetector.prototype.record = function (this: FailureDetector, name): MemberRecord | undefined {
    const real = record.call(this, name);
    return name === 'b' && real !== undefined
      ? { ...real, claim: { ...real.claim, state: 'suspect' } }
      : real;
  };
  const cluster = new Cluster();
  for (const name of cluster.names) await cluster.until(cluster.start(name));
  await cluster.run(1000);
  t.equal(await reads(cluster), 0);
  cluster.crash('c');
  await cluster.run(20);
  t.equal(await reads(cluster), 100, 'with c down');
});

/** Takes the place of member `c`, which is down: says HELLO to `a` with its identity. */
async function impostor(cluster: Cluster): Promise<FrameClient> {
  cluster.crash('c');
  await cluster.run(20);
  const identityKey = [...cluster.disk('c').content].find(([key]) => key.endsWith('identity'))!;
  const { id } = decodeBody(identityKey[1])!;
  const { clusterId } = await cluster.status('a');
  const client = cluster.client('a');
  const hello = { protocol: 1, role: 'peer', name: 'c', identity: id, clusterId, epoch: 3 };
  await cluster.until(
    client.sendRaw(rawFrame({ type: type.HELLO, flags: 0, id: 1, key: NOTHING, body: encodeBody(hello) })),
  );
  await cluster.run(20);
  return client;
}

function identityOf(cluster: Cluster, name: string): string {
  const [, stored] = [...cluster.disk(name).content].find(([key]) => key.endsWith('identity'))!;
  return String(decodeBody(stored)!.id);
}

t.test('an implausible incarnation is refused, and said so once (memberlist #359)', async (t) => {
  const cluster = await Cluster.formed();
  await cluster.run(1000);
  const peer = await impostor(cluster);
  for (const incarnation of [2 ** 20 + 100, 0xffffffff, 2 ** 40 + 1, Number.MAX_SAFE_INTEGER]) {
    for (const name of ['a', 'b']) {
      for (const state of ['suspect', 'faulty', 'alive']) {
        const claims = [{ name, identity: identityOf(cluster, name), incarnation, state }];
        await cluster.until(peer.call(type.GOSSIP, { claims }));
        await cluster.until(peer.call(type.PUSH_PULL, { claims }));
      }
    }
  }
  const members = await membersSeenBy(cluster, 'a');
  t.match(members[0], { name: 'a', incarnation: 1 });
  t.match(members[1], { name: 'b', incarnation: 1, state: 'alive' });
  const refused = cluster.log.filter((line) => line.includes('implausible'));
  t.equal(refused.length, 2, 'once for each member');
  t.match(refused[0], /"member":"a","incarnation":1048676,"from":"c"/);
  const claims = [{ name: 'b', identity: identityOf(cluster, 'b'), incarnation: 2 ** 20, state: 'suspect' }];
  await cluster.until(peer.call(type.GOSSIP, { claims }));
  await cluster.run(500);
  t.match(
    (await membersSeenBy(cluster, 'a'))[1],
    { state: 'alive', incarnation: 2 ** 20 + 1 },
    'what is not, is refuted',
  );
  peer.close();
});

t.test('what is said of another identity under a name counts for nothing', async (t) => {
  const cluster = await Cluster.formed();
  await cluster.run(1000);
  const peer = await impostor(cluster);
  const claims = ['a', 'b'].map((name) => ({
    name,
    identity: 'of before',
    incarnation: 900,
    state: 'faulty',
  }));
  await cluster.until(peer.call(type.GOSSIP, { claims }));
  await cluster.until(peer.call(type.PUSH_PULL, { claims }));
  t.match(await membersSeenBy(cluster, 'a'), [{ incarnation: 1 }, { incarnation: 1, state: 'alive' }]);
  peer.close();
});

t.test('malformed messages are answered, and change nothing', async (t) => {
  const cluster = await Cluster.formed();
  await cluster.run(500);
  const peer = await impostor(cluster);
  const wrong: [number, Record<string, unknown>][] = [
    [type.PROBE, {}],
    [type.PROBE, { incarnation: -1, claims: [] }],
    [type.PROBE_REQUEST, { target: 'b', timeoutMs: 1e9, claims: [] }],
    [type.PROBE_REQUEST, { target: 'nobody', timeoutMs: 400, claims: [] }],
    [type.PROBE_REQUEST, { target: 'a', timeoutMs: 400, claims: [] }],
    [type.GOSSIP, { claims: [{ name: 'b' }] }],
    [type.PUSH_PULL, { claims: 'all' }],
  ];
  for (const [number, body] of wrong) {
    t.equal(brief(await cluster.until(peer.call(number, body))), 'BAD_REQUEST!', type.typeName(number));
  }
  const probe = await cluster.until(
    peer.call(type.PROBE_REQUEST, { target: 'b', timeoutMs: 400, claims: [] }),
  );
  t.match(probe, { body: { isAnswered: true, incarnation: 1 } }, 'a well-formed one is');
  t.equal((await states(cluster, 'a')).b, 'alive');
  peer.close();
});

t.test('five idle nodes: messages and bytes of the failure detector', async (t) => {
  const cluster = await Cluster.formed({ nodes: NODES });
  await cluster.run(5000);
  const { PROBE, PROBE_REQUEST, GOSSIP, PUSH_PULL, RESULT } = type;
  const names = new Map(
    [PROBE, PROBE_REQUEST, GOSSIP, PUSH_PULL, RESULT].map((each) => [each, type.typeName(each)]),
  );
  const [messages, bytes] = [new Map<string, number>(), new Map<string, number>()];
  cluster.network.onWrite = (_socket, written) => {
    const log = new FrameLog();
    new FrameDecoder(log).push(Uint8Array.from(written));
    for (const frame of log.frames) {
      const name = names.get(frame.type) ?? 'others';
      messages.set(name, (messages.get(name) ?? 0) + 1);
      bytes.set(name, (bytes.get(name) ?? 0) + 12 + frame.key.length + frame.body.length);
    }
  };
  const seconds = 120;
  await cluster.run(seconds * 1000);
  const perSecond = (counts: ReadonlyMap<string, number>) =>
    [...names.values()].reduce((sum, name) => sum + (counts.get(name) ?? 0), 0) / seconds;
  const rounded = (counts: ReadonlyMap<string, number>) =>
    JSON.stringify(
      Object.fromEntries([...counts].map(([name, count]) => [name, +(count / seconds).toFixed(2)])),
    );
  t.comment(`messages per second: ${perSecond(messages).toFixed(1)} ${rounded(messages)}`);
  t.comment(`bytes per second: ${perSecond(bytes).toFixed(0)} ${rounded(bytes)}`);
  t.ok(perSecond(messages) < 12, 'a probe and its answer for each node, and an exchange now and then');
  t.ok(perSecond(bytes) < 1500);
  t.notOk(messages.has('GOSSIP'), 'there is nothing to tell');
  t.same(await accusations(cluster), []);
});
