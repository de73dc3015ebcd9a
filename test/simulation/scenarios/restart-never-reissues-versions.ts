import type { Scenario } from '../scenario.js';

const HOUR_MS = 3_600_000;

export const restartNeverReissuesVersions: Scenario = {
  name: 'restart-never-reissues-versions',
  story:
    'A node is killed again and again right after a write, and each time its clock is an hour further back: every version it issues is above all before, also those that only a dead run has seen.',
  async run(world) {
    const cluster = await world.formed({ nodes: ['a'] });
    const times: number[] = [];
    for (let run = 0; run < 8; run++) {
      for (let i = 0; i < 20; i++) {
        const answer = await world.until(world.client('a').set(`k${i % 3}`, `${run}.${i}`));
        if (answer.kind === 'done') times.push(answer.version.time);
      }
      void world.client('a').set('unseen', `${run}`);
      await cluster.run(0.5 + run / 4);
      cluster.crash('a');
      cluster.skew('a', -(run + 1) * HOUR_MS);
      await world.until(cluster.start('a'));
    }
    world.equal(times.length, 160, 'versions issued by eight runs');
    world.equal(
      times.filter((time, i) => i > 0 && time <= times[i - 1]!).length,
      0,
      'not above the one before',
    );
    world.equal(await world.get('a', 'k1'), '7.19', 'the last write');
  },
};
