import { keysOf, type Scenario } from '../scenario.js';

interface HintsStatus {
  readonly hints: number;
  readonly dropped: number;
  readonly targets: readonly { readonly unsyncedSlots: number }[];
}

export const hintWindowEnds: Scenario = {
  name: 'hint-window-ends',
  story:
    'A replica is away for so long that there are more hints for it than may be kept. Others end their window without a word; here the rest is counted, the slots are marked, and anti-entropy brings what the hints would have.',
  async run(world) {
    const cluster = await world.formed({ options: { hintsMax: 5 } });
    const keys = keysOf(40);
    world.crash('c');
    await world.quiet();
    const writing = keys.map((key) => world.client('a').set(key, 'v'));
    world.equal(await world.tally(writing), { 'done, new': 40 }, 'writes with c away');
    const hintsOf = async (): Promise<HintsStatus> => (await cluster.status('a')).hints as HintsStatus;
    const marked = (status: HintsStatus): boolean =>
      status.targets.some(({ unsyncedSlots }) => unsyncedSlots > 0);
    const before = await hintsOf();
    world.equal(
      [before.hints, before.dropped, marked(before)],
      [5, 35, true],
      'hints, dropped, and slots marked',
    );
    await world.until(cluster.start('c'));
    await cluster.eventually(() => world.stored(keys).v === 120);
    world.equal(world.stored(keys), { v: 120 }, 'replica successes, without a read');
    await cluster.eventually(async () => !marked(await hintsOf()));
    world.equal((await hintsOf()).hints, 0, 'hints that are left, and no slot is marked');
  },
};
