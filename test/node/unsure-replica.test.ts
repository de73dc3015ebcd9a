/**
 * A replica that has restarted cannot say, for a while, whether it had accepted a version that was overtaken. Writes that
 * contend with others must not be left unknown by it again and again. Found with simulator seed 5 (crashes, pauses, halves).
 */
import t from 'tap';
import { brief, Cluster } from '../support/cluster.js';

t.test('who has heard UNSURE asks that replica for versions first, until it must know again', async (t) => {
  const cluster = await Cluster.formed({ seed: 5, delayMs: [1, 30] });
  await cluster.until(cluster.client('a').set('k', 'first'));
  cluster.crash('c');
  await cluster.restart('c');
  await cluster.linked();
  const before = await carefulWrites(cluster);
  const contended = await contend(cluster, 40);
  t.ok(contended.contested > 0, `${contended.contested} plain writes were left unknown by UNSURE`);
  t.ok((await carefulWrites(cluster)) > before, 'then versions were asked for first');
  const careful = await contend(cluster, 40);
  t.equal(careful.contested, 0, 'and no write was left unknown any more');
  await cluster.run(12_000);
  const after = await carefulWrites(cluster);
  t.equal(brief(await cluster.until(cluster.client('a').set('other', 'plain'))), 'done');
  t.equal(await carefulWrites(cluster), after, 'in the end writes are plain again');
});

/** Writes of both coordinators that asked for versions first. */
async function carefulWrites(cluster: Cluster): Promise<number> {
  const counts = await Promise.all(['a', 'b'].map((name) => cluster.until(cluster.requests(name))));
  return counts.reduce((sum, { carefulWrites = 0 }) => sum + carefulWrites, 0);
}

/** Writes to one key through two coordinators at once, and counts those whose outcome is unknown. */
async function contend(cluster: Cluster, rounds: number): Promise<{ contested: number }> {
  const [a, b] = [cluster.client('a'), cluster.client('b')];
  let contested = 0;
  for (let round = 0; round < rounds; round++) {
    const answers = [a.set('k', `a${round}`), b.set('k', `b${round}`)];
    for (const answer of answers) {
      if (brief(await cluster.until(answer)).includes('QUORUM_CONTESTED')) contested++;
    }
  }
  a.close();
  b.close();
  return { contested };
}
