import { SCAN } from '../../../src/wire/message-type.js';
import { brief } from '../../support/cluster.js';
import { count, FIVE, keysOf, type Scenario } from '../scenario.js';

export const scanOverFailures: Scenario = {
  name: 'scan-over-failures',
  story:
    'A scan of three hundred keys goes page by page while a node crashes and another comes back, records are damaged, and other keys come and go. Every key that lived throughout is seen once, none twice, and none that was deleted before. Where too few replicas are left the scan fails rather than leave out.',
  async run(world) {
    const cluster = await world.formed({ nodes: FIVE });
    const [lasting, deleted] = [keysOf(300), keysOf(50, 'deleted')];
    await world.tally([...lasting, ...deleted].map((key) => world.client('a').set(key, 'v')));
    await world.quiet();
    world.crash('e');
    for (const key of lasting.slice(0, 20))
      if (cluster.stored('e', key) !== undefined) cluster.disk('e').corrupt(cluster.engineKey(key), 19);
    await world.quiet();
    world.equal(
      await world.tally(deleted.map((key) => world.client('b').delete(key))),
      { 'done, replaced': 50 },
      'deletes',
    );
    const seen = await world.scan('a', 20, async (page) => {
      if (page % 3 === 0)
        await world.tally([
          world.client('a').set(`late-${page}`, 'v'),
          world.client('a').delete(`late-${page - 3}`),
        ]);
      if (page === 4) await world.restart('e');
      if (page === 8) {
        world.crash('c');
        await world.quiet();
      }
    });
    const counts = count(seen);
    world.equal(
      lasting.filter((key) => counts[key] !== 1),
      [],
      'lasting keys not seen exactly once',
    );
    world.equal(Object.values(counts).filter((times) => times > 1).length, 0, 'keys seen twice');
    world.equal(
      deleted.filter((key) => counts[key] !== undefined),
      [],
      'deleted keys seen',
    );
    world.crash('d');
    await world.quiet();
    const answer = await world.until(world.client('a').call(SCAN, { limit: 1000 }));
    world.equal(brief(answer), 'QUORUM_UNAVAILABLE!', 'a scan with two of five nodes down');
  },
};
