import { codeOf } from '../../support/cluster.js';
import { keysOf, type Scenario } from '../scenario.js';

export const lostDiskKeptName: Scenario = {
  name: 'lost-disk-kept-name',
  story:
    'A member loses its disk and comes back under its name, empty (riak_kv #1643). It is not let in: it forgot what it has promised, so its word must not make a majority. Nothing acknowledged is ever read as absent.',
  async run(world) {
    const cluster = await world.formed();
    const keys = keysOf(30);
    // Only a and c hold them: with a down, an empty c and a b that never had them would agree on “absent”.
    cluster.pause('b');
    const writing = keys.map((key) => world.client('a').set(key, 'v'));
    world.equal(await world.tally(writing), { 'done, new': 30 }, 'writes that a and c acknowledge');
    world.crash('c');
    cluster.disk('c').content.clear();
    cluster.crash('b');
    await world.until(cluster.start('b'));
    world.equal(world.stored(keys), { v: 30 }, 'replica successes that are left');
    world.equal(await world.until(codeOf(cluster.start('c'))), 'JOIN_REFUSED', 'c asks to be let in');
    cluster.crash('c');
    await cluster.linked();
    world.equal(await world.tally(keys.map((key) => world.client('b').get(key))), { v: 30 }, 'reads at b');
    world.crash('a');
    void codeOf(cluster.start('c'));
    await cluster.run(3000);
    const blind = keys.map((key) => world.client('b').get(key));
    world.equal(await world.tally(blind), { 'QUORUM_UNAVAILABLE!': 30 }, 'reads at b with a down: no guess');
    const atC = await world.tally(keys.map((key) => world.client('c').get(key)));
    world.equal(
      Object.keys(atC).filter((answer) => !answer.endsWith('!')),
      [],
      'answers at c other than refusals',
    );
  },
};
