import { keysOf, type Scenario } from '../scenario.js';

export const tornBatch: Scenario = {
  name: 'torn-batch',
  story:
    'A node alone is killed thirty times with batches on their way to its log (etcd #13766: index and data apart). Every time it is the same member again, all that was acknowledged is there, and what a scan lists is what can be read.',
  async run(world) {
    const cluster = await world.formed({ nodes: ['a'] });
    const { identity } = (await cluster.status('a')) as { identity?: string };
    cluster.disk('a').writeMs = [0.2, 2];
    let [missing, apart, unacknowledged] = [0, 0, 0];
    const acknowledged = new Set<string>();
    for (let round = 0; round < 30; round++) {
      const keys = keysOf(20, `round-${round}`);
      for (const [i, key] of keys.entries()) {
        void world
          .client('a')
          .set(key, 'v')
          .then((answer) => answer.kind === 'done' && acknowledged.add(key));
        if (i % 5 === 0) await cluster.run(0.3);
      }
      await cluster.run((round % 10) * 0.6);
      cluster.crash('a');
      await cluster.run(5);
      await world.until(cluster.start('a'));
      unacknowledged += keys.filter((key) => !acknowledged.has(key)).length;
      const listed = (await world.scan('a', 1000)).filter((key) => key.startsWith(`round-${round}-`));
      for (const key of keys) {
        const isRead = (await world.get('a', key)) === 'v';
        if (acknowledged.has(key) && !isRead) missing++;
        if (isRead !== listed.includes(key)) apart++;
      }
    }
    world.ok(
      unacknowledged > 100 && acknowledged.size > 100,
      `${acknowledged.size} acknowledged, ${unacknowledged} not`,
    );
    world.equal(missing, 0, 'acknowledged and gone');
    world.equal(apart, 0, 'listed and not readable, or the other way');
    const status = await cluster.status('a');
    world.equal([status.epoch, status.identity], [1, identity], 'the same member of the same cluster');
    world.equal((status.storage as { corruptRecords: number }).corruptRecords, 0, 'corrupt records');
    world.equal(
      (await world.scan('a', 100)).filter((key) => acknowledged.has(key)).length,
      acknowledged.size,
      'acknowledged keys in a scan',
    );
  },
};
