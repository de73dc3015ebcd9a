/**
 * The commands of kvcli and their options: what `--help` shows. Each action calls one function of `commands/`; the same
 * program serves the shell and the prompt.
 */
import { REQUEST_TIMEOUT_MS_MAX } from '../src/base/limits.js';
import { REPLICAS_MAX } from '../src/membership/cluster-config.js';
import { SLOT_COUNT } from '../src/ring/slot.js';
import {
  argument,
  type Command,
  createProgram,
  Option,
  packageVersion,
  wholeNumber,
} from './command-line.js';
import { owners, ring } from './commands/cluster.js';
import { get, set, ttl } from './commands/data.js';
import { exportRecords } from './commands/export.js';
import { importRecords } from './commands/import.js';
import { logLevel } from './commands/log-level.js';
import { exists, getMany, remove, setMany } from './commands/many.js';
import { members } from './commands/members.js';
import { redis, redisHelp } from './commands/redis.js';
import { repair } from './commands/repair.js';
import { scan } from './commands/scan.js';
import { status } from './commands/status.js';
import type { Effect } from './output/error-view.js';
import type { ExitCode, Session, Settings } from './session.js';
import { parseDurationMs } from './text/duration.js';
import { UsageError } from './usage-error.js';

/** Runs the chosen command. `settings` are the global options, `host` is what -h gave. */
export type RunCommand = (chosen: {
  readonly settings: Settings;
  readonly host: string | undefined;
  readonly effect: Effect;
  readonly command: (session: Session) => Promise<ExitCode>;
}) => Promise<void>;

export interface ProgramOptions {
  readonly write: (text: string) => void;
  readonly run: RunCommand;
  /** At the prompt there is no -h: it stays with its node. */
  readonly place: 'shell' | 'prompt';
}

const WATCH_MS_DEFAULT = 1000;
const WATCH_MS_MIN = 100;

interface GlobalOptions {
  readonly host?: string;
  readonly json?: true;
  readonly r?: number;
  readonly w?: number;
  readonly timeout?: number;
  readonly hex?: true;
  readonly base64?: true;
  readonly hexKeys?: true;
}

const EPILOGUE = `
Without a command, kvcli is a prompt with history and completion; piped commands are run line by line.

Exit codes: 0 found or done, 1 absent, 2 error. Errors go to standard error and say whether a write
(did not happen) or (may have happened). Put -- before keys and values that begin with a dash.

Examples:
  kvcli set greeting hello --ttl 10m
  kvcli get greeting
  kvcli -h 10.0.0.5:7400,10.0.0.6:7400 status --all
  kvcli set photo - < photo.jpg && kvcli get photo > copy.jpg
  kvcli export backup.ndjson && kvcli import backup.ndjson`;

export function buildProgram(options: ProgramOptions): Command {
  const description = 'Reads, writes and inspects a Quoral cluster.';
  const program = createProgram('kvcli', description, options.write);
  addGlobalOptions(program, options.place);
  const action = actionMaker(options.run);
  addDataCommands(program, action);
  addTransferCommands(program, action);
  addClusterCommands(program, action);
  addRedisCommand(program, action);
  if (options.place === 'shell') program.addHelpText('after', EPILOGUE);
  return program;
}

/** What comes after the name of a command of Redis goes to the node, whatever it looks like. */
export const VERBATIM_COMMAND = 'redis';

/** The words with a `--` before those that are no options of kvcli, also when they look like some: `redis -- SET k -r`. */
export function withVerbatimWords(program: Command, words: readonly string[]): string[] {
  const options = program.options.filter((option) => option.required);
  const withValue = new Set(options.flatMap(({ short, long }) => [short, long]));
  let isVerbatim = false;
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]!;
    if (word === '--') break;
    if (withValue.has(word)) i += 1;
    else if (isVerbatim && !word.startsWith('-')) return [...words.slice(0, i), '--', ...words.slice(i)];
    else if (!word.startsWith('-') && word !== VERBATIM_COMMAND) break;
    else if (!word.startsWith('-')) isVerbatim = true;
  }
  return [...words];
}

/** The global options of a parsed program. */
export function settingsOf(options: GlobalOptions): Settings {
  if (options.hex && options.base64) throw new UsageError('--hex and --base64 exclude each other');
  return {
    json: options.json ?? false,
    r: options.r,
    w: options.w,
    timeoutMs: options.timeout,
    values: options.hex ? 'hex' : options.base64 ? 'base64' : 'text',
    keys: options.hexKeys ? 'hex' : 'text',
  };
}

function addGlobalOptions(program: Command, place: 'shell' | 'prompt'): void {
  if (place === 'shell') {
    const hosts = 'nodes to talk to; any one is enough (default: $QUORAL_HOSTS or 127.0.0.1:7400)';
    program.option('-h, --host <host:port,…>', hosts);
    program.version(packageVersion(), '--version', 'show the version');
  }
  const timeoutMs = argument((text) => {
    const durationMs = parseDurationMs(text, 'ms', 'It');
    if (durationMs <= REQUEST_TIMEOUT_MS_MAX) return durationMs;
    throw new UsageError(`It is at most ${REQUEST_TIMEOUT_MS_MAX} ms.`);
  });
  program
    .option(
      '-r <n>',
      "replicas that must agree on a read (default: the cluster's)",
      wholeNumber(1, REPLICAS_MAX),
    )
    .option(
      '-w <n>',
      "replicas that must accept a write (default: the cluster's)",
      wholeNumber(1, REPLICAS_MAX),
    )
    .option('--timeout <ms>', 'time budget of a request, as 1500 or 2s', timeoutMs)
    .option('--json', 'one JSON value per line, for programs')
    .option('--hex', 'values are given and shown in hexadecimal')
    .option('--base64', 'values are given and shown in base64')
    .option('--hex-keys', 'keys are given and shown in hexadecimal');
}

/** An action of commander that gives the parsed arguments and options to a command. */
type ActionMaker = <O>(
  effect: Effect,
  command: (session: Session, words: string[], options: O) => Promise<ExitCode>,
) => (...parsed: unknown[]) => Promise<void>;

function actionMaker(run: RunCommand): ActionMaker {
  return (effect, command) =>
    async (...parsed) => {
      // commander gives the arguments, then the command's options, then the command.
      const chosen = parsed.pop() as Command;
      const options = parsed.pop() as never;
      const words = parsed.flat().filter((word): word is string => typeof word === 'string');
      const global = chosen.optsWithGlobals<GlobalOptions>();
      await run({
        settings: settingsOf(global),
        host: global.host,
        effect,
        command: (session) => command(session, words, options),
      });
    };
}

function ttlOption(): Option {
  const parse = argument((text: string) => parseDurationMs(text, 's', 'It'));
  return new Option('--ttl <time>', 'expire after this time: seconds, or 500ms, 10s, 5m, 2h, 1d').argParser(
    parse,
  );
}

function addDataCommands(program: Command, action: ActionMaker): void {
  type Ttl = { ttl?: number };
  program
    .command('get <key>')
    .description('show the value of a key; redirected, exactly its bytes')
    .action(action('reads', (session, [key]) => get(session, key!)));
  program
    .command('set <key> <value>')
    .description('store a value; - reads it from standard input')
    .addOption(ttlOption())
    .action(
      action<Ttl>('writes', (session, [key, value], { ttl: ttlMs }) => set(session, key!, value!, ttlMs)),
    );
  program
    .command('del <key...>')
    .description('delete keys; exit code 1 when one of them was absent')
    .action(action('writes', remove));
  program
    .command('exists <key...>')
    .description('say whether keys exist; exit code 1 when one of them does not')
    .action(action('reads', exists));
  program
    .command('mget <key...>')
    .description('show several keys and their values; exit code 1 when one of them is absent')
    .action(action('reads', getMany));
  program
    .command('mset <key-value...>')
    .description('store several values, KEY VALUE KEY VALUE …; each is a write of its own')
    .addOption(ttlOption())
    .action(action<Ttl>('writes', (session, words, { ttl: ttlMs }) => setMany(session, words, ttlMs)));
  program
    .command('ttl <key>')
    .description('say when a key expires')
    .action(action('reads', (session, [key]) => ttl(session, key!)));
  program
    .command('scan [prefix]')
    .description('show the keys that begin with a prefix, in no useful order')
    .option('--values', 'show the values as well')
    .option('--limit <n>', 'stop after so many keys', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .action(
      action<{ values?: true; limit?: number }>('reads', (session, [prefix], { values, limit }) =>
        scan(session, prefix, { values: values ?? false, limit }),
      ),
    );
}

function addTransferCommands(program: Command, action: ActionMaker): void {
  program
    .command('import <file>')
    .description('store the records of a file of JSON lines, or of standard input for -')
    .option('--concurrency <n>', 'most records under way at once', wholeNumber(1, 1000), 256)
    .option('--attempts <n>', 'how often a record is sent before it counts as failed', wholeNumber(1, 100), 5)
    .option('--strict', 'stop at the first line that cannot be stored')
    .option('--rejects <file>', 'keep the lines that were not stored in this file')
    .option('--quiet', 'show no progress')
    .addHelpText('after', IMPORT_HELP)
    .action(action<ImportFlags>('writes', (session, [file], flags) => runImport(session, file!, flags)));
  program
    .command('export [file]')
    .description('write all records as JSON lines to a file, or to standard output')
    .option('--prefix <prefix>', 'only keys that begin with this')
    .option('--quiet', 'show no progress')
    .action(
      action<{ prefix?: string; quiet?: true }>('reads', (session, [file], { prefix, quiet }) =>
        exportRecords(session, file ?? '-', { prefix, quiet: quiet ?? false }),
      ),
    );
}

interface ImportFlags {
  readonly concurrency: number;
  readonly attempts: number;
  readonly strict?: true;
  readonly rejects?: string;
  readonly quiet?: true;
}

function runImport(session: Session, file: string, flags: ImportFlags): Promise<ExitCode> {
  const { concurrency, attempts, strict = false, rejects, quiet = false } = flags;
  return importRecords(session, file, { concurrency, attempts, strict, rejects, quiet });
}

const IMPORT_HELP = `
One record per line: {"key":"…","value":"…"}, with keyBase64 and valueBase64 for bytes that are not UTF-8,
and "expiresAt" in milliseconds since 1970 when it expires. Records that have expired already are passed over.

A record that fails is sent again, up to --attempts times, also when the failed attempt may have happened:
value and expiry are absolute, so storing them twice is storing them once. Only if another program writes the
same key in between can its value be overwritten. Lines with the same key are stored in their order.
A line that cannot be stored is reported and does not stop the others; the exit code is then 2.`;

function addClusterCommands(program: Command, action: ActionMaker): void {
  program
    .command('status')
    .description('show how the node and its cluster are, or with --all what every member does')
    .option('--all', 'one line for every member; exit code 2 when one does not answer')
    .option('--verbose', 'show everything, also while all is well')
    .action(
      action<{ all?: true; verbose?: true }>('reads', (session, _, { all, verbose }) =>
        status(session, { all: all ?? false, verbose: verbose ?? false }),
      ),
    );
  program
    .command('members')
    .description('show the members as the node sees them')
    .addOption(watchOption())
    .action(
      action<{ watch?: number | true }>('reads', (session, _, { watch }) =>
        members(session, watch === true ? WATCH_MS_DEFAULT : watch),
      ),
    );
  program
    .command('ring')
    .description('show the cluster configuration and what each member carries')
    .action(action('reads', ring));
  program
    .command('owners <key>')
    .description('show which nodes keep a key')
    .action(action('reads', (session, [key]) => owners(session, key!)));
  program
    .command('repair')
    .description('have the node compare what it keeps with its live peers now; exit code 2 if in part only')
    .option(
      '--slot <n>',
      'only this slot; "owners KEY" says which one a key is in',
      wholeNumber(0, SLOT_COUNT - 1),
    )
    .option('--all', 'every member in turn')
    .option('--quiet', 'show no progress')
    .action(
      action<{ slot?: number; all?: true; quiet?: true }>('reads', (session, _, { slot, all, quiet }) =>
        repair(session, { slot, all: all ?? false, quiet: quiet ?? false }),
      ),
    );
  program
    .command('log-level [level]')
    .description('show how much the node logs, or set it: debug, info, warn or error')
    .option('--all', 'every member; exit code 2 when one does not answer')
    .action(
      action<{ all?: true }>('reads', (session, [level], { all }) =>
        logLevel(session, level, { all: all ?? false }),
      ),
    );
}

function addRedisCommand(program: Command, action: ActionMaker): void {
  const command = program.command(`${VERBATIM_COMMAND} [command] [args...]`);
  command
    .description('send a command in the Redis protocol to the node, and show its reply')
    .option('--resp3', 'use version 3 of the protocol: maps, sets, doubles')
    // It may be followed by a command, which this option of ours can tell about.
    .helpOption(false)
    .option('--help', 'show this help, or what COMMAND takes')
    .addHelpText('after', REDIS_HELP)
    .action(
      action<{ resp3?: true; help?: true }>('unknown', (session, words, { resp3, help }) =>
        help
          ? redisHelp(session, words, () => command.outputHelp())
          : redis(session, words, { resp3: resp3 ?? false }),
      ),
    );
}

const REDIS_HELP = `
Options stand before COMMAND: what comes after it goes to the node as it is. Which commands there are and what they
mean, the node decides; --help COMMAND shows what this version knows of one. Replies look as in redis-cli, and are
plain when they are redirected. Each command has a connection of its own: what it sets for it ends with it.
-r and -w are told to the node before the command.

Exit codes: 0 a reply, 1 nil, 2 an error, or no reply.

Examples:
  kvcli redis GET user:7
  kvcli redis --resp3 CONFIG GET '*'
  kvcli redis --help SET`;

function watchOption(): Option {
  const parse = argument((text: string) => {
    const everyMs = parseDurationMs(text, 's', 'It');
    if (everyMs >= WATCH_MS_MIN) return everyMs;
    throw new UsageError(`It is at least ${WATCH_MS_MIN} ms.`);
  });
  return new Option('--watch [time]', 'look again and again, each second or as told').argParser(parse);
}
