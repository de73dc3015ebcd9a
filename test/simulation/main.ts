/**
 * `npm run sim`: runs seeds, prints what came of them, and for each that fails how to repeat it. Ends with 1 when one
 * failed, with 2 when it was told nonsense.
 */
import { type CommandLine, commandOf, freshSeed, parseCommandLine, USAGE } from './command-line.js';
import { failureText, line, listText, Report } from './report.js';
import { runScenario, SCENARIOS } from './scenarios/index.js';
import { simulate } from './simulator.js';

const FAILURES_MAX = 5;

function commandLine(): CommandLine {
  try {
    return parseCommandLine(process.argv.slice(2));
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
    process.exit(2);
  }
}

function* seedsToRun(seeds: CommandLine['seeds'], report: Report): Generator<number> {
  if ('minutes' in seeds) while (report.elapsedMs < seeds.minutes * 60_000) yield freshSeed();
  else for (let seed = seeds.from; seed <= seeds.to; seed++) yield seed;
}

/** Tells a scenario's story, or every one's. */
async function playScenarios(name: string, seed: number): Promise<void> {
  const known = [...SCENARIOS.keys()];
  for (const each of name === 'all' ? known : [name]) {
    const outcome = await runScenario(each, seed);
    if (outcome === undefined) {
      console.error(`no scenario is called ${each}; known: ${known.join(', ')}`);
      process.exit(2);
    }
    const { story, lines, checks, virtualMs, failure } = outcome;
    console.log(`${each}: ${story}\n${lines.map((text) => `  ${text}\n`).join('')}`);
    console.log(
      `${failure === undefined ? 'ok  ' : 'FAIL'} ${each}: ${failure ?? `${checks} expectations`} in ${(virtualMs / 1000).toFixed(1)} virtual s`,
    );
    if (failure !== undefined) process.exitCode = 1;
  }
}

async function main(): Promise<void> {
  const { given, seeds, scenario, list, trace, messages } = commandLine();
  if (list) return console.log(listText());
  if (scenario !== undefined) return playScenarios(scenario, 'from' in seeds ? seeds.from : freshSeed());
  const report = new Report(() => performance.now());
  let running = 0;
  process.on('unhandledRejection', (error) => {
    console.error(`seed ${running}: nobody handles`, error, `\nrepeat it with: ${commandOf(running, given)}`);
    process.exit(1);
  });
  for (const seed of seedsToRun(seeds, report)) {
    running = seed;
    const onLine = trace ? (text: string) => console.log(text) : undefined;
    const result = await simulate(seed, given, { messages, ...(onLine === undefined ? {} : { onLine }) });
    report.add(result);
    console.log(line(result));
    if (!result.ok) console.log(failureText(result, given));
    if (report.failed.length >= FAILURES_MAX) break;
  }
  console.log(report.summary());
  process.exitCode = report.failed.length === 0 ? 0 : 1;
}

// Whoever reads the transcript may have seen enough.
process.stdout.on('error', () => process.exit());
await main();
