/**
 * The same random streams of commands to Redis and to a cluster of three nodes: every reply must be the same, byte for byte,
 * but for what `differential/intended-differences.ts` names. A seed repeats a run: QUORAL_DIFFERENTIAL_SEED;
 * QUORAL_DIFFERENTIAL_ROUNDS says how many rounds, QUORAL_DIFFERENTIAL_FINDINGS how many differing ones are shown.
 */
import { randomInt } from 'node:crypto';
import t from 'tap';
import { runRounds } from './differential/run.js';
import { startRedis, startServers } from './servers.js';
import { testWith } from './tools.js';

const ROUNDS = Number(process.env.QUORAL_DIFFERENTIAL_ROUNDS ?? 150);
const SEED = Number(process.env.QUORAL_DIFFERENTIAL_SEED ?? randomInt(2 ** 32));
const FINDINGS = Number(process.env.QUORAL_DIFFERENTIAL_FINDINGS ?? 3);
t.comment(`QUORAL_DIFFERENTIAL_SEED=${SEED}`);

testWith(t, ['redis-server'], `${ROUNDS} random rounds are answered as Redis answers them`, async (t) => {
  const [redis, quoral] = await Promise.all([startRedis(t), startServers(t)]);
  const result = await runRounds({
    seed: SEED,
    rounds: ROUNDS,
    redis: redis.addresses,
    quoral: quoral.addresses,
    differencesMax: FINDINGS,
  });
  t.comment(`${result.commands} commands in ${result.rounds} rounds`);
  for (const difference of result.report) t.fail('answered otherwise', { diff: difference });
  t.equal(result.rounds, ROUNDS, `all rounds were run (QUORAL_DIFFERENTIAL_SEED=${SEED})`);
});
