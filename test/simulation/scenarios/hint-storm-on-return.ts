import { HintCredit } from '../../../src/replication/hint-credit.js';
import { FIVE, keysOf, type Scenario } from '../scenario.js';

/** What one message of a holder may bring. */
const MESSAGE_MAX = 256;
const CREDIT_MAX = 1024;

export const hintStormOnReturn: Scenario = {
  name: 'hint-storm-on-return',
  story:
    'Four nodes hold thousands of hints for one that comes back. They do not storm it: it grants them a bounded credit, which they share, and it answers reads and writes meanwhile.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE });
    world.crash('e');
    await world.quiet();
    for (const name of ['a', 'b', 'c', 'd']) {
      const writes = keysOf(1500, name).map((key) => world.client(name).set(key, 'v'));
      world.equal(Object.values(await world.tally(writes)), [1500], `writes at ${name}`);
    }
    let [most, holders] = [0, 0];
    const { use } = HintCredit.prototype;
    HintCredit.prototype.use = function (this: HintCredit, holder: string, count: number): boolean {
      most = Math.max(most, this.granted);
      holders = Math.max(holders, this.holders);
      if (count > MESSAGE_MAX) most = Number.POSITIVE_INFINITY;
      return use.call(this, holder, count);
    };
    try {
      await world.restart('e');
      let answered = 0;
      while ((await left()) > 0) {
        if ((await world.get('e', `a-${answered}`)) === 'v') answered++;
        await world.quiet(20);
      }
      world.ok(answered > 10, 'it answers reads meanwhile');
    } finally {
      HintCredit.prototype.use = use;
    }
    world.equal(holders >= 3, true, 'several holders at the same time');
    world.equal(most > 0 && most <= CREDIT_MAX, true, `never more than ${CREDIT_MAX} hints on their way`);
    const stored = world.stored(['a', 'b', 'c', 'd'].flatMap((name) => keysOf(1500, name)));
    world.equal(stored, { v: 18_000 }, 'stored, on three replicas each');

    async function left(): Promise<number> {
      let sum = 0;
      for (const name of ['a', 'b', 'c', 'd']) {
        sum += ((await cluster.status(name)).hints as { hints: number }).hints;
      }
      return sum;
    }
  },
};
