/**
 * One run of kvcli: from its arguments to its exit code. Everything outside, the cluster included, comes in as a
 * {@link World}.
 */
import { setMaxListeners } from 'node:events';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { definite } from '../src/base/errors.js';
import type { Clock } from '../src/ports/clock.js';
import { LOG_LEVELS } from '../src/ports/log.js';
import type { Network } from '../src/ports/network.js';
import type { CliClient, Connect } from './client.js';
import { type Command, usageOf } from './command-line.js';
import { hostsFrom } from './hosts.js';
import {
  buildProgram,
  type ProgramOptions,
  settingsOf,
  VERBATIM_COMMAND,
  withVerbatimWords,
} from './kvcli-program.js';
import { viewError, writeError } from './output/error-view.js';
import { type Output, OutputClosed } from './output/output.js';
import type { Grammar, WordTree } from './prompt/completer.js';
import { History } from './prompt/history.js';
import { runPrompt } from './prompt/prompt.js';
import { namesTree, redisCommands } from './redis/command-docs.js';
import { DONE, type ExitCode, FAILED, type Session, type Settings } from './session.js';

export interface World {
  readonly connect: Connect;
  readonly network: Network;
  readonly shares: Session['shares'];
  readonly output: Output;
  readonly clock: Clock;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly input: NodeJS.ReadableStream & AsyncIterable<Uint8Array> & { readonly isTTY?: boolean };
  /** Standard output as a stream, for the prompt's line editor. */
  readonly terminal: NodeJS.WritableStream;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

type Chosen = Parameters<ProgramOptions['run']>[0];

/** Runs kvcli with these arguments; tells errors itself. */
export async function runKvcli(args: readonly string[], world: World): Promise<ExitCode> {
  const { output, env } = world;
  try {
    const global = globalOptions(args, output);
    if (global === undefined) return await runOnce(args, world);
    const hosts = hostsFrom(global.host, env.QUORAL_HOSTS);
    return await promptUntilEnd(world, new Link(world.connect, hosts), args);
  } catch (error) {
    return tellUsage(error, output, { json: args.includes('--json'), help: 'kvcli --help' });
  }
}

/** The options when there is no command; undefined when there is one, or anything else that is not an option. */
function globalOptions(args: readonly string[], output: Output): { host?: string } | undefined {
  const program = buildProgram({
    place: 'shell',
    write: (text) => void output.write(text),
    run: async () => {},
  });
  const { operands, unknown } = program.parseOptions(withVerbatimWords(program, args));
  if (operands.length > 0 || unknown.length > 0) return undefined;
  settingsOf(program.opts());
  return program.opts();
}

/** One command of the shell. */
async function runOnce(args: readonly string[], world: World): Promise<ExitCode> {
  let exitCode: ExitCode = DONE;
  const run = async (chosen: Chosen) => {
    const link = new Link(world.connect, hostsFrom(chosen.host, world.env.QUORAL_HOSTS));
    try {
      exitCode = await runCommand(chosen, { world, link, signal: world.signal, input: world.input });
    } finally {
      await link.close();
    }
  };
  const program = buildProgram({ place: 'shell', write: (text) => void world.output.write(text), run });
  await program.parseAsync(withVerbatimWords(program, args), { from: 'user' });
  return exitCode;
}

/** The prompt. The global options of the shell's line hold for every line, unless the line says otherwise. */
async function promptUntilEnd(world: World, link: Link, args: readonly string[]): Promise<ExitCode> {
  const { output, env, input, terminal } = world;
  const isTerminal = input.isTTY === true && output.isTerminal;
  const inherited = withoutHost(args);
  const path = env.QUORAL_HISTORY || join(homedir(), '.quoral_history');
  const history = isTerminal ? new History(path, (problem) => output.note(problem)) : undefined;
  // Only a person asks for completion.
  const redisNames = isTerminal ? namesTree(await redisCommands()) : undefined;
  if (isTerminal) await greet(link, output);
  try {
    return await runPrompt({
      input,
      output: terminal,
      isTerminal,
      grammar: grammar(redisNames),
      history,
      label: () => link.label(),
      run: (words, signal) => runLine([...inherited, ...words], { world, link, signal }),
      note: (line) => output.note(`kvcli: ${line}`),
    });
  } finally {
    await link.close();
  }
}

async function greet(link: Link, output: Output): Promise<void> {
  output.note(output.errorColour.dim('help shows the commands, Tab completes them, Ctrl-D leaves'));
  const error = await link.client(new AbortController().signal).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) return;
  writeError(output, viewError(error, 'reads', link.hosts), {
    program: 'kvcli',
    effect: 'reads',
    json: false,
  });
}

async function runLine(
  words: readonly string[],
  { world, link, signal }: { world: World; link: Link; signal: AbortSignal },
): Promise<ExitCode> {
  let exitCode: ExitCode = DONE;
  const run = async (chosen: Chosen) => {
    exitCode = await runCommand(chosen, { world, link, signal, input: undefined });
  };
  try {
    const program = buildProgram({ place: 'prompt', write: (text) => void world.output.write(text), run });
    await program.parseAsync(withVerbatimWords(program, words), { from: 'user' });
    return exitCode;
  } catch (error) {
    return tellUsage(error, world.output, { json: words.includes('--json'), help: 'help' });
  }
}

async function runCommand(
  { settings, effect, command }: Chosen,
  place: { world: World; link: Link; signal: AbortSignal; input: Session['input'] },
): Promise<ExitCode> {
  const { world, link, signal, input } = place;
  // One listener for each of the keys of an mget is no leak.
  setMaxListeners(0, signal);
  const { output, network, clock, shares } = world;
  const client = () => link.client(signal, settings);
  try {
    const { hosts } = link;
    return await command({ settings, output, network, clock, shares, signal, input, client, hosts });
  } catch (error) {
    if (error instanceof OutputClosed) return DONE;
    writeError(output, viewError(error, effect, link.hosts), {
      program: 'kvcli',
      effect,
      json: settings.json,
    });
    return FAILED;
  }
}

function tellUsage(
  error: unknown,
  output: Output,
  { json, help }: { json: boolean; help: string },
): ExitCode {
  const usage = usageOf(error, help);
  if (usage === 'shown') return DONE;
  // Nothing was sent, so there is nothing that may have happened.
  writeError(output, viewError(usage ?? error, 'reads'), { program: 'kvcli', effect: 'reads', json });
  return FAILED;
}

/** A connection that is made when it is first needed, and tried again when that failed. */
class Link {
  readonly hosts: readonly string[];
  readonly #connect: Connect;
  #client: Promise<CliClient> | undefined;
  #label: string | undefined;

  constructor(connect: Connect, hosts: readonly string[]) {
    this.#connect = connect;
    this.hosts = hosts;
  }

  async client(signal: AbortSignal, settings?: Settings): Promise<CliClient> {
    const timeoutMs = settings?.timeoutMs;
    // A node that is still joining has a status and a log level, at least; it refuses the rest itself.
    const options = { allowJoining: true, ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    this.#client ??= this.#connect([...this.hosts], options);
    const connecting = this.#client;
    try {
      return await untilAborted(connecting, signal);
    } catch (error) {
      this.#client = undefined;
      // A connection that is made after all is of no use any more.
      void connecting.then((client) => client.close()).catch(() => {});
      throw error;
    }
  }

  /** The node that answers, for the prompt. */
  async label(): Promise<string> {
    if (this.#client === undefined) return 'not connected> ';
    this.#label ??= await this.#client.then(nodeLabel).catch(() => undefined);
    return `${this.#label ?? this.hosts[0]}> `;
  }

  async close(): Promise<void> {
    const client = await this.#client?.catch(() => undefined);
    await client?.close();
  }
}

async function nodeLabel(client: CliClient): Promise<string> {
  const { self, members } = await client.ring();
  const address = members.find((member) => member.name === self)?.address;
  return address === undefined ? self : `${self} ${address}`;
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(definite('ABORTED', 'interrupted before a node answered'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

/** The global options but -h, to be put before the words of each line. */
function withoutHost(args: readonly string[]): string[] {
  const kept: string[] = [];
  for (let i = 0; i < args.length; i += 1) {
    const word = args[i]!;
    if (word === '-h' || word === '--host') i += 1;
    else if (!word.startsWith('-h') && !word.startsWith('--host=')) kept.push(word);
  }
  return kept;
}

/** What the prompt can complete; `redisNames` after `redis`. */
export function grammar(redisNames: WordTree = new Map()): Grammar {
  const program = buildProgram({ place: 'prompt', write: () => {}, run: async () => {} });
  const flags = (command: Command) => command.options.map((option) => option.long ?? option.short ?? '');
  const commands = new Map(program.commands.map((command) => [command.name(), flags(command)]));
  for (const name of ['help', 'exit', 'quit']) commands.set(name, []);
  const levels: WordTree = new Map(LOG_LEVELS.map((level) => [level, new Map()]));
  const words = new Map([
    ['log-level', levels],
    [VERBATIM_COMMAND, redisNames],
  ]);
  const verbatim = new Set([VERBATIM_COMMAND]);
  return { commands, words, verbatim, globalOptions: [...flags(program), '--help'] };
}
