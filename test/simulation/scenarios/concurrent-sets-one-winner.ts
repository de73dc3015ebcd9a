import { compareVersions } from '../../../src/version/version.js';
import { FIVE, type Scenario } from '../scenario.js';

export const concurrentSetsOneWinner: Scenario = {
  name: 'concurrent-sets-one-winner',
  story:
    'Fifty clients set one key at the same moment through five nodes (a thread-safe map, over a network). All succeed, and the one with the highest version is what every replica holds and every node reads.',
  async run(world) {
    await world.formed({ nodes: FIVE });
    const values = Array.from({ length: 50 }, (_, i) => `v${i}`);
    const setting = values.map((value, i) => world.client(FIVE[i % 5]!).set('k', value));
    const answers = await world.until(Promise.all(setting));
    const done = answers.flatMap((answer, i) =>
      answer.kind === 'done' ? [{ value: values[i]!, ...answer.version }] : [],
    );
    world.equal(done.length, 50, 'sets that succeeded');
    done.sort((x, y) => compareVersions(x.time, x.node, y.time, y.node));
    const winner = done.at(-1)!.value;
    await world.quiet();
    world.equal(world.stored(['k']), { [winner]: 3 }, 'replica successes of the winner');
    const expected = Object.fromEntries(FIVE.map((name) => [name, winner]));
    world.equal(await world.everywhere('k'), expected, 'read');
  },
};
