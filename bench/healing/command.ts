/** `npm run bench -- healing`: what repairs in the background cost. See {@link healingHelp}. */
import { Cluster } from '../cluster.js';
import type { CommandHost, CommandReport } from '../command.js';
import { measureAntiEntropy } from './anti-entropy.js';
import { HealingBench } from './bench.js';
import { measureHints } from './hints.js';
import { healingHelp, parseHealingOptions } from './options.js';
import { formatHealing } from './report.js';
import { HEALING_FORMAT, type HealingResult } from './result.js';
import { measureTrees } from './trees.js';

const NODES = 3;

export async function healing(args: readonly string[], host: CommandHost): Promise<CommandReport> {
  const { help, settings, dataParent, json } = parseHealingOptions(args);
  if (help) return { text: healingHelp(), isComplete: true };
  const { shell } = host;
  shell.say(`starting ${NODES} nodes, fsync ${settings.fsync}`);
  const options = { size: NODES, fsync: settings.fsync, storage: 'level', dataParent } as const;
  const cluster = await Cluster.start(options, shell, (created) => host.track(created));
  try {
    const result = await measure(new HealingBench(settings, cluster, shell), host);
    return { text: formatHealing(result), result, json, isComplete: isComplete(result) };
  } finally {
    if (cluster.problem !== undefined) shell.say(cluster.problem);
    await cluster.stop();
  }
}

async function measure(bench: HealingBench, host: CommandHost): Promise<HealingResult> {
  const { shell, settings, watch, cluster } = bench;
  const empty = await watch.sample();
  shell.say(`writing ${settings.keys} keys`);
  const loading = await watch.measure(undefined, () => bench.write(settings.keys, cluster.addresses, 0));
  shell.say('hints');
  const hints = await measureHints(bench);
  shell.say('anti-entropy');
  const antiEntropy = await measureAntiEntropy(bench);
  shell.say('hash trees');
  const trees = await measureTrees(bench);
  return {
    format: HEALING_FORMAT,
    command: 'healing',
    environment: host.environment(),
    settings,
    emptyRssBytes: empty.states.map((state) => state?.rssBytes ?? 0),
    loading,
    hints,
    antiEntropy,
    trees,
  };
}

function isComplete({ hints, antiEntropy, trees }: HealingResult): boolean {
  return (
    hints.drainedAfterS !== null &&
    antiEntropy.equalAfterS !== null &&
    antiEntropy.slotsDifferingAfter === 0 &&
    antiEntropy.problems.length === 0 &&
    trees.builtAfterS !== null
  );
}
