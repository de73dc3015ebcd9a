import { brief, codeOf } from '../../support/cluster.js';
import { count, type Scenario } from '../scenario.js';

/** When the first write starts, in milliseconds after the new node asked to join. */
const STARTS_MS = [-50, 0, 3, 6, 9, 12, 20, 200];
/** The indefinite one: some replicas had taken the write before the others froze. */
const HONEST = ['CONFIG_CHANGING!', 'EPOCH_MISMATCH!', 'QUORUM_UNAVAILABLE?', 'done'];

export const joinLosesNoWrite: Scenario = {
  name: 'join-loses-no-write',
  story:
    'Clients write while a fourth node joins (Riak #1754, Voldemort #290). Whoever was first wins: either the join is refused, or the writes are, until it is over. No acknowledged write is missing at any node afterwards.',
  async run(world) {
    const joins: string[] = [];
    const answers: string[] = [];
    for (const startMs of STARTS_MS) {
      const cluster = await world.formed({ delayMs: [0.1, 4] });
      const acknowledged: string[] = [];
      const write = async (name: string): Promise<void> => {
        for (let i = 0; i < 40; i++) {
          const key = `${name}-${i}`;
          const answer = brief(await world.client(name).set(key, 'v'));
          answers.push(answer);
          if (answer === 'done') acknowledged.push(key);
          await new Promise<void>((resolve) => cluster.clock.setTimer(10, resolve));
        }
      };
      if (startMs < 0) await world.until(write('b'));
      cluster.add('d');
      const joining = codeOf(cluster.start('d'));
      await cluster.run(Math.max(0, startMs));
      await world.until(Promise.all(['a', 'b', 'c'].map(write)));
      joins.push((await world.until(joining)) ?? 'joined');
      if (joins.at(-1) !== 'joined') cluster.crash('d');
      await cluster.linked();
      let missing = 0;
      for (const name of world.running()) {
        const read = await world.tally(acknowledged.map((key) => world.client(name).get(key)));
        missing += acknowledged.length - (read.v ?? 0);
      }
      world.equal(
        missing,
        0,
        `of ${acknowledged.length} acknowledged writes missing, first write at ${startMs} ms`,
      );
    }
    world.equal(Object.keys(count(joins)), ['JOIN_REFUSED', 'joined'], 'both ways to end were seen');
    world.equal(
      Object.keys(count(answers)).filter((answer) => !HONEST.includes(answer)),
      [],
      'other answers than done, refused or unknown',
    );
  },
};
