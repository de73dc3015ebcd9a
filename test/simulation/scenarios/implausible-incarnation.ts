import { encodeBody } from '../../../src/wire/body.js';
import { membersSeenBy, states } from '../../support/member-states.js';
import { FIVE, type Scenario } from '../scenario.js';

export const implausibleIncarnation: Scenario = {
  name: 'implausible-incarnation',
  story:
    'What a node has stored of its incarnation is damaged: first far above what is known, then beyond every count, then gone (memberlist #359: one absurd number evicts a node for ever). Each time it is alive to all within two seconds of its start, and can still object to being taken for failed.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE });
    const damages: readonly [string, number | undefined, number][] = [
      ['a thousand million', 1e9, 1e9 + 1],
      ['2^53 − 1', Number.MAX_SAFE_INTEGER, 1],
      ['nothing', undefined, 1],
    ];
    for (const [what, stored, expected] of damages) {
      world.crash('c');
      await cluster.run(5000);
      const { content } = cluster.disk('c');
      const key = [...content.keys()].find((name) => name.endsWith('incarnation'))!;
      if (stored === undefined) content.delete(key);
      else content.set(key, encodeBody({ incarnation: stored }));
      const sinceMs = world.nowMs;
      await world.restart('c');
      world.ok(world.nowMs - sinceMs < 2000, `seen by all within 2 s, with ${what} stored`);
      await cluster.run(2000);
      const seen = await Promise.all(FIVE.map((name) => membersSeenBy(cluster, name)));
      const known = seen.map((members) => members.find(({ name }) => name === 'c')!.incarnation);
      world.equal(
        [...new Set(known)].filter((incarnation) => incarnation < expected),
        [],
        'too low for c',
      );
      world.equal(new Set(known).size, 1, 'numbers that it is known by');
      cluster.pause('c');
      await cluster.run(8000);
      world.equal((await states(cluster, 'a')).c, 'faulty', 'c, standing still, as a sees it');
      cluster.resume('c');
      // One that has just woken may suspect somebody for a moment, who objects.
      await cluster.run(1000);
      await cluster.eventually(async () => Object.keys(await world.unreachable()).length === 0, 3000);
      const accused = cluster.log.filter(
        (line) => /warn member is faulty/.test(line) && !line.includes('"c"'),
      );
      world.equal(accused, [], 'healthy members that were called faulty, and everybody is seen again');
    }
  },
};
