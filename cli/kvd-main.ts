/** One run of kvd: from its arguments to its exit code. `kvd` runs a node, `kvd dev` a cluster of them. */
import type { Clock } from '../src/ports/clock.js';
import { type Command, createProgram, Option, packageVersion, usageOf, wholeNumber } from './command-line.js';
import { EXIT_WITH_PARENT_FLAG, type SpawnNode } from './dev/child-node.js';
import { type DevOptions, type DevWorld, runDevCluster } from './dev/dev-cluster.js';
import { type IsPortFree, PORT_MAX } from './dev/ports.js';
import { readConfigFile } from './node/config-file.js';
import { OPTION_SPECS, type OptionKey, resolveNodeOptions } from './node/node-options.js';
import { type NodeProcess, runNode } from './node/run-node.js';
import type { NodeOptions, Serve } from './node/server.js';
import { viewError, writeError } from './output/error-view.js';
import type { Output } from './output/output.js';
import { UsageError } from './usage-error.js';

export interface DaemonWorld {
  readonly serve: Serve;
  readonly output: Output;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly process: NodeProcess;
  readonly spawn: SpawnNode;
  readonly isPortFree: IsPortFree;
  /** The names in a directory; none when it is not there. */
  readonly list: (directory: string) => Promise<string[]>;
}

type NodeFlags = Partial<Record<OptionKey, string>> & {
  readonly config?: string;
  readonly exitWithParent?: true;
};

interface DevFlags {
  readonly nodes: number;
  readonly basePort: number;
  readonly data: string;
  readonly verbose?: true;
  readonly fsync?: string;
  readonly storage?: string;
  readonly replicas?: string;
}

const EXIT_FAILED = 1;
/** Options of a node that `kvd dev` passes on. */
const PASSED_ON = ['replicas', 'fsync', 'storage'] as const;

const EPILOGUE = `
Each option can also be given as an environment variable (--read-quorum as QUORAL_READ_QUORUM) and in the
JSON file of --config or QUORAL_CONFIG ({"readQuorum":2}). The command line comes before the environment,
the environment before the file.

Examples:
  kvd dev                                                    five nodes on this machine
  kvd --name n1 --listen 10.0.0.5:7400 --data /var/lib/kv     the first node of a cluster
  kvd --name n2 --listen 10.0.0.6:7400 --data /var/lib/kv --join 10.0.0.5:7400`;

/** Runs kvd with these arguments; tells errors itself. */
export async function runKvd(args: readonly string[], world: DaemonWorld): Promise<number> {
  let exitCode = 0;
  const program = createProgram(
    'kvd',
    'Runs a node of a Quoral cluster.',
    (text) => void world.output.write(text),
  )
    .enablePositionalOptions()
    .version(packageVersion(), '--version', 'show the version')
    .addHelpText('after', EPILOGUE)
    .allowExcessArguments();
  addNodeCommand(program, async (flags) => {
    exitCode = await startNode(flags, world);
  });
  addDevCommand(program, async (options) => {
    exitCode = await runDevCluster(options, devWorld(world));
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    const usage = usageOf(error, 'kvd --help');
    if (usage === 'shown') return 0;
    const options = { program: 'kvd', effect: 'reads', json: false } as const;
    writeError(world.output, viewError(usage ?? error, 'reads'), options);
    return EXIT_FAILED;
  }
}

function addNodeCommand(program: Command, start: (flags: NodeFlags) => Promise<void>): void {
  for (const { flag, placeholder, description, fallback } of OPTION_SPECS) {
    const isSaid = fallback === undefined || fallback === '' || Array.isArray(fallback);
    const suffix = isSaid ? '' : ` (default: ${fallback})`;
    program.option(`${flag} <${placeholder}>`, `${description}${suffix}`);
  }
  program.option('--config <file>', 'JSON file with any of these options');
  program.addOption(new Option(EXIT_WITH_PARENT_FLAG).hideHelp());
  program.action(async (flags: NodeFlags, command: Command) => {
    const [word] = command.args;
    if (word !== undefined) {
      throw new UsageError(`unknown command '${word}'`, {
        advice: 'kvd runs a node, "kvd dev" a cluster; see "kvd --help"',
      });
    }
    await start(flags);
  });
}

function addDevCommand(program: Command, start: (options: DevOptions) => Promise<void>): void {
  const dev = program
    .command('dev')
    .description('run a cluster on this machine, to try things out')
    .option('--nodes <n>', 'how many nodes', wholeNumber(1, 50), 5)
    .option('--base-port <port>', 'port of the first node; the others follow', wholeNumber(1, PORT_MAX), 7400)
    .option('--data <dir>', 'directory of their data', './data')
    .option('--verbose', 'show everything that nodes log');
  for (const key of PASSED_ON) {
    const { flag, placeholder, description } = specOf(key);
    dev.option(`${flag} <${placeholder}>`, description);
  }
  dev.action(async (flags: DevFlags) => start(devOptions(flags)));
}

function devOptions(flags: DevFlags): DevOptions {
  const { nodes, basePort, data, verbose = false } = flags;
  if (basePort + nodes - 1 > PORT_MAX) throw new UsageError(`there are no ${nodes} ports from ${basePort}`);
  const given = PASSED_ON.flatMap((key) => {
    const value = flags[key];
    return value === undefined ? [] : [{ key, value, flag: specOf(key).flag }];
  });
  // Here, and not in five children at once, is the place to say what is wrong with them.
  const commandLine = { name: 'n1', ...Object.fromEntries(given.map(({ key, value }) => [key, value])) };
  resolveNodeOptions({ commandLine, environment: {} });
  return { nodes, basePort, data, verbose, nodeOptions: given.flatMap(({ flag, value }) => [flag, value]) };
}

async function startNode(flags: NodeFlags, world: DaemonWorld): Promise<number> {
  const options = await nodeOptions(flags, world.env);
  const { onParentGone, ...alone } = methodsOf(world.process);
  const process = flags.exitWithParent && onParentGone !== undefined ? { ...alone, onParentGone } : alone;
  return runNode(options, { serve: world.serve, output: world.output, clock: world.clock, process });
}

async function nodeOptions(flags: NodeFlags, env: DaemonWorld['env']): Promise<NodeOptions> {
  const { config, exitWithParent: _, ...commandLine } = flags;
  const path = config ?? (env.QUORAL_CONFIG || undefined);
  const file = path === undefined ? undefined : await readConfigFile(path);
  return resolveNodeOptions({ commandLine, environment: env, file });
}

/** Bound, so that a part of them can be given on. */
function methodsOf(process: NodeProcess): NodeProcess {
  return {
    on: (signal, listener) => process.on(signal, listener),
    removeListener: (signal, listener) => process.removeListener(signal, listener),
    exit: (code) => process.exit(code),
    ...(process.onParentGone === undefined
      ? {}
      : { onParentGone: (listener: () => void) => process.onParentGone?.(listener) }),
  };
}

function devWorld({ process, ...world }: DaemonWorld): DevWorld {
  return { ...world, signals: process };
}

function specOf(key: OptionKey): (typeof OPTION_SPECS)[number] {
  return OPTION_SPECS.find((spec) => spec.key === key)!;
}
