/** The failure detector alone, on scripted links: what it asks whom and when, and what it makes of the answers. */
import t from 'tap';
import { definite } from '../../src/base/errors.js';
import { SeededRandom } from '../../src/base/seeded-random.js';
import { FailureDetector, type MemberChange } from '../../src/membership/failure-detector.js';
import type { Body } from '../../src/wire/body.js';
import { GOSSIP, PROBE, PROBE_REQUEST, PUSH_PULL, typeName } from '../../src/wire/message-type.js';
import { VirtualClock } from '../support/virtual-clock.js';

type Answer = Body | 'silence' | 'refused';

/** Node `a` with members whose answers the test decides; everybody answers well until told otherwise. */
class Rig {
  readonly clock = new VirtualClock();
  readonly asked: { readonly at: number; readonly what: string; readonly body: Body }[] = [];
  readonly changes: MemberChange[] = [];
  /** This node's health multiplier at each change. */
  readonly healthAtChange: number[] = [];
  readonly stored: number[] = [];
  readonly implausible: string[] = [];
  readonly down = new Set<string>();
  answer: (name: string, type: number, body: Body) => Answer = (_name, type) => wellOf(type);
  readonly detector: FailureDetector;

  constructor(others: readonly string[]) {
    this.detector = new FailureDetector({
      name: 'a',
      identity: 'ia',
      clock: this.clock,
      random: new SeededRandom(1),
      links: {
        call: (name, type, body) => this.#call(name, type, body),
        connection: (name) => (this.down.has(name) ? 'down' : 'live'),
      },
      incarnation: 5,
      onIncarnation: (incarnation) => this.stored.push(incarnation),
      onChange: (change) => {
        this.changes.push(change);
        this.healthAtChange.push(this.detector.health.multiplier);
      },
      onImplausible: (claim, from) => this.implausible.push(`${claim.name} by ${from}`),
    });
    this.detector.update(['a', ...others].map((name) => ({ name, identity: `i${name}` })));
    this.detector.start();
  }

  #call(name: string, type: number, body: Body): Promise<Body> {
    if (this.down.has(name)) return Promise.reject(definite('CONNECT_FAILED', `no link to ${name}`));
    this.asked.push({ at: this.clock.monotonicMs(), what: `${typeName(type)} ${name}`, body });
    const answer = this.answer(name, type, body);
    if (answer === 'refused') return Promise.reject(definite('UNKNOWN_TYPE', 'an older version'));
    return answer === 'silence' ? new Promise(() => {}) : Promise.resolve(answer);
  }

  state(name: string): string | undefined {
    return this.detector.record(name)?.claim.state;
  }

  count(what: string): number {
    return this.asked.filter((each) => each.what.startsWith(what)).length;
  }
}

function wellOf(type: number): Body {
  if (type === PROBE) return { incarnation: 1, claims: [] };
  if (type === PROBE_REQUEST) return { isAnswered: true, incarnation: 1 };
  return type === PUSH_PULL ? { claims: [] } : {};
}

const claim = (name: string, state: string, incarnation: number, by: readonly string[] = []): Body => {
  return { name, identity: `i${name}`, incarnation, state, by };
};

t.test('one member each second, each once in a round; all is well', async (t) => {
  const rig = new Rig(['b', 'c', 'd']);
  await rig.clock.advanceAsync(29_000);
  const probed = rig.asked.filter(({ what }) => what.startsWith('PROBE ')).map(({ what }) => what.slice(6));
  for (let i = 0; i + 3 <= 27; i += 3)
    t.same(probed.slice(i, i + 3).sort(), ['b', 'c', 'd'], `round ${i / 3}`);
  t.same(rig.changes, []);
  t.equal(rig.detector.health.multiplier, 1);
});

t.test('no answer: after 500 ms three others are asked, after 1 s it is suspect, then faulty', async (t) => {
  const rig = new Rig(['b', 'c', 'd', 'e', 'f']);
  rig.answer = (name, type) => {
    if (name === 'b') return 'silence';
    return type === PROBE_REQUEST ? { isAnswered: false } : wellOf(type);
  };
  await rig.clock.advanceAsync(6500);
  const first = rig.asked.find(({ what }) => what === 'PROBE b')!.at;
  const helpers = rig.asked.filter(({ what }) => what.startsWith('PROBE_REQUEST'));
  t.same(
    helpers.slice(0, 3).map(({ at }) => Math.round(at - first)),
    [500, 500, 500],
  );
  t.match(helpers[0]?.body, { target: 'b', timeoutMs: 400 });
  t.equal(new Set(helpers.slice(0, 3).map(({ what }) => what)).size, 3);
  t.match(rig.changes[0], { name: 'b', state: 'suspect', before: 'alive', by: ['a'] });
  await rig.clock.advanceAsync(6500);
  t.match(rig.changes[1], { name: 'b', state: 'faulty', before: 'suspect' });
  t.equal(rig.changes.length, 2);
  t.same(rig.healthAtChange, [1, 1], 'the helpers have said that it is not us');
});

t.test('an answer through any helper is enough, and so is an error of the member', async (t) => {
  const rig = new Rig(['b', 'c', 'd']);
  rig.answer = (name, type) => {
    if (type === PROBE && name === 'b') return 'silence';
    if (type === PROBE && name === 'c') return 'refused';
    return type === PROBE_REQUEST ? { isAnswered: name === 'd', incarnation: 1 } : wellOf(type);
  };
  await rig.clock.advanceAsync(20_000);
  t.ok(rig.count('PROBE_REQUEST d') >= 3);
  t.equal(rig.count('PROBE_REQUEST') % 2, 0, 'never for c');
  t.same(rig.changes, []);
});

t.test('silent helpers say that the fault may be ours', async (t) => {
  const rig = new Rig(['b', 'c', 'd', 'e']);
  rig.answer = () => 'silence';
  await rig.clock.advanceAsync(3000);
  t.ok(rig.detector.health.multiplier >= 4, `${rig.detector.health.multiplier}`);
  rig.answer = (_name, type) => wellOf(type);
  await rig.clock.advanceAsync(60_000);
  t.equal(rig.detector.health.multiplier, 1);
});

t.test(
  'a link that breaks: the member is probed at once, and a link that comes back in time is used',
  async (t) => {
    const rig = new Rig(['b', 'c', 'd']);
    await rig.clock.advanceAsync(100);
    rig.answer = (_name, type) => (type === PROBE_REQUEST ? { isAnswered: false } : wellOf(type));
    rig.down.add('b');
    rig.detector.onLinkDown('b');
    await rig.clock.advanceAsync(1);
    t.equal(rig.count('PROBE_REQUEST'), 2);
    await rig.clock.advanceAsync(300);
    rig.down.delete('b');
    rig.detector.onLinkUp('b', true);
    await rig.clock.advanceAsync(5000);
    t.ok(rig.count('PUSH_PULL b') > 0);
    t.same(rig.changes, []);
    rig.down.add('b');
    rig.detector.onLinkDown('b');
    await rig.clock.advanceAsync(499);
    t.equal(rig.state('b'), 'alive');
    await rig.clock.advanceAsync(2);
    t.equal(rig.state('b'), 'suspect');
  },
);

t.test('confirmations shorten a suspicion; whoever hears of one looks for himself', async (t) => {
  const rig = new Rig(['b', 'c', 'd', 'e']);
  rig.answer = (name, type) => {
    if (name === 'b') return 'silence';
    return type === PROBE_REQUEST ? { isAnswered: false } : wellOf(type);
  };
  await rig.clock.advanceAsync(10);
  const before = rig.count('PROBE b');
  await rig.detector.onGossip('c', { claims: [claim('b', 'suspect', 0, ['c'])] });
  t.equal(rig.count('PROBE b'), before + 1);
  t.match(
    rig.asked.find(({ what }) => what === 'PROBE b')?.body,
    { claims: [{ name: 'b', state: 'suspect' }] },
    'b is told',
  );
  await rig.detector.onGossip('d', { claims: [claim('b', 'suspect', 0, ['d'])] });
  await rig.clock.advanceAsync(501);
  t.same(rig.detector.record('b')?.claim.by, ['a', 'c', 'd']);
  t.equal(rig.count('GOSSIP') > 0, true);
  await rig.clock.advanceAsync(1000);
  t.equal(rig.state('b'), 'suspect', 'after 1.5 s');
  await rig.clock.advanceAsync(200);
  t.equal(rig.state('b'), 'faulty', 'after 1.7 s rather than 4');
});

t.test('an accusation is refuted with a higher incarnation, at once, and stored', async (t) => {
  const rig = new Rig(['b', 'c']);
  await rig.clock.advanceAsync(10);
  const answer = await rig.detector.onPushPull('b', { claims: [claim('a', 'faulty', 7)] });
  t.same(rig.stored, [8]);
  t.match((answer.claims as Body[])[0], { name: 'a', incarnation: 8, state: 'alive' });
  t.equal(rig.detector.health.multiplier, 2, 'somebody did not hear us');
  await rig.clock.advanceAsync(1);
  t.match(rig.asked.filter(({ what }) => what.startsWith('GOSSIP')).length, 2);
  await rig.detector.onGossip('b', { claims: [claim('a', 'suspect', 7, ['c'])] });
  t.same(rig.stored, [8], 'an older accusation has been answered');
  await rig.detector.onGossip('b', { claims: [claim('a', 'suspect', 2 ** 30, ['c'])] });
  t.same([rig.stored, rig.implausible], [[8], ['a by b']]);
  await rig.detector.onGossip('b', { claims: [{ ...claim('a', 'faulty', 9), identity: 'another' }] });
  t.same(rig.stored, [8], 'that was somebody else');
});

t.test('refuted in time, a suspicion is over; what a probe finds of before does not count', async (t) => {
  const rig = new Rig(['b', 'c', 'd', 'e']);
  rig.answer = (name, type) =>
    name === 'b' ? 'silence' : type === PROBE_REQUEST ? { isAnswered: false } : wellOf(type);
  await rig.detector.onGossip('c', { claims: [claim('b', 'suspect', 0, ['c'])] });
  await rig.clock.advanceAsync(300);
  await rig.detector.onGossip('b', { claims: [claim('b', 'alive', 1)] });
  t.equal(rig.state('b'), 'alive');
  await rig.clock.advanceAsync(210);
  t.equal(rig.state('b'), 'alive');
  await rig.detector.onGossip('c', { claims: [claim('b', 'faulty', 0)] });
  t.equal(rig.state('b'), 'alive', 'it has objected to that');
});

t.test(
  'that a member is faulty is believed of one that is not heard, and looked into otherwise',
  async (t) => {
    const rig = new Rig(['b', 'c', 'd']);
    rig.answer = () => 'silence';
    rig.down.add('c');
    await rig.detector.onGossip('d', { claims: [claim('b', 'faulty', 0), claim('c', 'faulty', 0)] });
    t.same([rig.state('b'), rig.state('c')], ['suspect', 'faulty']);
    await rig.detector.onGossip('d', { claims: [claim('b', 'faulty', 0)] });
    t.equal(rig.state('b'), 'suspect', 'said twice too');
    const other = new Rig(['b', 'c', 'd']);
    other.answer = () => 'silence';
    other.down.add('c');
    await other.detector.onPushPull('d', { claims: [claim('c', 'faulty', 0)] });
    t.equal(other.state('c'), 'suspect', 'a table may be old');
  },
);

t.test('a late timer voids what is under way, and the clocks of suspicions stand still', async (t) => {
  const rig = new Rig(['b', 'c', 'd', 'e']);
  rig.answer = (name, type) =>
    name === 'b' ? 'silence' : type === PROBE_REQUEST ? { isAnswered: false } : wellOf(type);
  await rig.detector.onGossip('c', { claims: [claim('b', 'suspect', 0, ['c'])] });
  await rig.clock.advanceAsync(100);
  rig.detector.onLag(100);
  t.equal(rig.detector.health.multiplier, 1, 'so much may be');
  const lateMs = 20_000;
  const { monotonicMs } = rig.clock;
  rig.clock.monotonicMs = () => monotonicMs.call(rig.clock) + lateMs;
  rig.detector.onLag(lateMs);
  t.equal(rig.detector.health.multiplier, 2);
  await rig.clock.advanceAsync(1050);
  t.same(
    rig.detector.record('b')?.claim,
    claim('b', 'suspect', 0, ['c']),
    'the probe that was running says nothing',
  );
  t.equal(rig.changes.length, 1);
});

t.test('a relay answers for the member, or says in time that it could not', async (t) => {
  const rig = new Rig(['b', 'c', 'd']);
  rig.answer = (name, type) => (name === 'c' ? 'silence' : wellOf(type));
  rig.down.add('d');
  const ask = (target: string) => rig.detector.onProbeRequest('b', { target, timeoutMs: 400, claims: [] });
  t.same(await ask('b'), { isAnswered: true, incarnation: 1 });
  t.same(await ask('d'), { isAnswered: false });
  const waiting = ask('c');
  await rig.clock.advanceAsync(401);
  t.same(await waiting, { isAnswered: false });
  await t.rejects(ask('x'), { code: 'BAD_REQUEST' });
  const open = ask('c');
  rig.detector.stop();
  t.same(await open, { isAnswered: false }, 'stopping ends it');
  t.equal(rig.clock.pendingTimers, 0);
});

t.test('faulty members are asked again as soon as there is a link; news goes to everybody', async (t) => {
  const rig = new Rig(['b', 'c', 'd', 'e']);
  rig.down.add('b');
  await rig.detector.onGossip('c', { claims: [claim('b', 'faulty', 0)] });
  await rig.clock.advanceAsync(1000);
  const isOfB = ({ claims }: Body) => (claims as Body[]).some(({ name }) => name === 'b');
  const told = rig.asked.filter(({ what, body }) => what.startsWith('GOSSIP') && isOfB(body));
  t.same([...new Set(told.map(({ what }) => what))].sort(), ['GOSSIP c', 'GOSSIP d', 'GOSSIP e']);
  t.ok(told.length <= 4, `${told.length} times`);
  rig.down.delete('b');
  const before = rig.asked.length;
  await rig.clock.advanceAsync(8000);
  const probes = rig.asked.slice(before).filter(({ what }) => what === 'PROBE b');
  t.ok(probes.length >= 1);
  t.match(probes[0]?.body, { claims: [{ name: 'b', state: 'faulty' }] }, 'and told, so that it can object');
  t.equal(rig.state('b'), 'alive', 'it answered with a higher incarnation');
  t.equal(rig.count(typeName(GOSSIP)) < 40, true);
});
