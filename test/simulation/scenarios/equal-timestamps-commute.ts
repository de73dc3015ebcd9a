import { compareVersions } from '../../../src/version/version.js';
import type { Scenario } from '../scenario.js';

const NODES = ['a', 'b', 'c'];
/** Delay of each link, so that the three writes arrive in other orders at every node. */
const LINKS = [
  [1, 1, 1],
  [1, 5, 9],
  [9, 1, 5],
  [5, 9, 1],
] as const;

export const equalTimestampsCommute: Scenario = {
  name: 'equal-timestamps-commute',
  story:
    'At the very same time of three clocks one node puts a key, one deletes it, and one puts it with an expiry (CASSANDRA-21356). In whatever order they arrive, all replicas end with the same record: that of the highest version.',
  async run(world) {
    let equalTimes = 0;
    for (const [ab, bc, ac] of LINKS) {
      for (let turn = 0; turn < 3; turn++) {
        const cluster = await world.formed({ delayMs: [2, 2] });
        await cluster.run(1000);
        for (const name of NODES) await world.get(name, 'k');
        cluster.network.setDelay('a', 'b', [ab, ab]);
        cluster.network.setDelay('b', 'c', [bc, bc]);
        cluster.network.setDelay('a', 'c', [ac, ac]);
        const [putter, deleter, expirer] = NODES.map((_, i) => world.client(NODES[(i + turn) % 3]!));
        const answers = await world.until(
          Promise.all([
            putter!.set('k', 'put'),
            deleter!.delete('k'),
            expirer!.set('k', 'short', { ttlMs: 60_000 }),
          ]),
        );
        const outcomes = ['put', 'absent', 'short'].map((value, i) => ({
          value,
          version: versionOf(answers[i]!),
        }));
        outcomes.sort((x, y) =>
          compareVersions(y.version.time, y.version.node, x.version.time, x.version.node),
        );
        if (new Set(outcomes.map(({ version }) => version.time)).size < 3) equalTimes++;
        await cluster.run(1000);
        const winner = outcomes[0]!.value;
        world.equal(
          await world.everywhere('k', { quorum: 3 }),
          { a: winner, b: winner, c: winner },
          `links ${ab}, ${bc}, ${ac} ms, turn ${turn}`,
        );
        world.equal(world.versions('k'), 1, 'versions on the three disks');
        await cluster.run(61_000);
        const later = winner === 'short' ? 'absent' : winner;
        world.equal(await world.everywhere('k'), { a: later, b: later, c: later }, 'a minute later');
      }
    }
    world.ok(equalTimes > 0, `times were equal in ${equalTimes} of 12 rounds`);
  },
};

function versionOf(answer: { kind: string; version?: { time: number; node: number } }): {
  time: number;
  node: number;
} {
  if (answer.version === undefined) throw new Error(`not done: ${JSON.stringify(answer)}`);
  return answer.version;
}
