import { keysOf, type Scenario } from '../scenario.js';

export const slowMemberBlocksNoWrite: Scenario = {
  name: 'slow-member-blocks-no-write',
  story:
    'One member of three is slow: on the network, then at its disk, then it stands still altogether. A hundred writes through the others take as long as ever, and it catches up with each.',
  async run(world) {
    const cluster = await world.formed();
    const write = async (what: string): Promise<string[]> => {
      const keys = keysOf(100, what);
      const sinceMs = world.nowMs;
      const writing = keys.map((key, i) => world.client(i % 2 === 0 ? 'a' : 'b').set(key, 'v'));
      world.equal(await world.tally(writing), { 'done, new': 100 }, `writes, ${what}`);
      world.ok(world.nowMs - sinceMs < 10, 'all within 10 ms');
      return keys;
    };
    for (const other of ['a', 'b']) cluster.network.setDelay('c', other, [800, 900]);
    const first = await write('slow link');
    for (const other of ['a', 'b']) cluster.network.setDelay('c', other, undefined);
    cluster.disk('c').writeMs = [900, 900];
    const second = await write('slow disk');
    cluster.disk('c').writeMs = [0.05, 0.5];
    await cluster.run(3000);
    world.equal(world.stored([...first, ...second]), { v: 600 }, 'replica successes, late ones among them');
    cluster.pause('c');
    const third = await write('standing still');
    cluster.resume('c');
    await cluster.run(3000);
    world.equal(world.stored(third), { v: 300 }, 'replica successes after it went on');
  },
};
