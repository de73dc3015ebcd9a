/** Rounds one after the other, with both servers at once, until there are too many differences to be worth more. */
import { RespClient } from '../resp-client.js';
import { compare, type Difference, render } from './compare.js';
import { type Exchange, exchangeWith } from './exchange.js';
import { makeRound, type Round } from './round.js';

export interface RunOptions {
  readonly seed: number;
  readonly rounds: number;
  readonly redis: readonly string[];
  readonly quoral: readonly string[];
  /** Takes the place of our side, for tests that plant a difference. */
  readonly quoralExchange?: Exchange;
  /** Ends the run after so many differing rounds; 1 unless told. After each, both key spaces are emptied. */
  readonly differencesMax?: number;
}

export interface RunResult {
  readonly rounds: number;
  readonly commands: number;
  readonly differences: readonly Difference[];
  /** Each difference in words, with what repeats it. */
  readonly report: readonly string[];
}

export async function runRounds(options: RunOptions): Promise<RunResult> {
  const { seed, rounds, redis, quoral, differencesMax = 1 } = options;
  const redisExchange = exchangeWith(redis);
  const quoralExchange = options.quoralExchange ?? exchangeWith(quoral);
  const differences: Difference[] = [];
  const report: string[] = [];
  let commands = 0;
  let number = 0;
  while (number < rounds && differences.length < differencesMax) {
    const round = makeRound(seed, number++);
    commands += round.sent.length;
    const difference = await oneRound(round, redisExchange, quoralExchange);
    if (difference === undefined) continue;
    differences.push(difference);
    report.push(`QUORAL_DIFFERENTIAL_SEED=${seed}, ${render(round, difference)}`);
    await Promise.all([empty(redis[0]!), empty(quoral[0]!)]);
  }
  return { rounds: number, commands, differences, report };
}

async function oneRound(round: Round, redis: Exchange, quoral: Exchange): Promise<Difference | undefined> {
  const [theirs, ours] = await Promise.all([redis(round), quoral(round)]);
  return compare(round, theirs, ours);
}

async function empty(address: string): Promise<void> {
  const client = await RespClient.connect(address);
  await client.command('FLUSHALL');
  client.close();
}
