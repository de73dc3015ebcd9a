/**
 * `redis COMMAND [ARG...]`: sends one command in the Redis protocol to a node, and shows its reply. Nothing is known here
 * of what commands mean: what the node does not know, the node says. Each command has a connection of its own, so nothing
 * that it sets for its connection stays.
 */
import { REQUEST_TIMEOUT_MS_DEFAULT } from '../../src/base/limits.js';
import type { Reply } from '../../src/wire/resp/reply-reader.js';
import { type ErrorView, writeError } from '../output/error-view.js';
import { writeJson, writeLine } from '../output/output.js';
import { type CommandHint, hintOf, namesText, redisCommands } from '../redis/command-docs.js';
import { openRedis } from '../redis/connection.js';
import { replyBytes, replyJson, replyText } from '../redis/reply-text.js';
import { ABSENT, DONE, type ExitCode, FAILED, type Session, type Settings } from '../session.js';
import { showBytes } from '../text/byte-encoding.js';
import { UsageError } from '../usage-error.js';

/** Time for a host to answer at all, unless --timeout says otherwise: as the library's for connecting. */
const CONNECT_TIMEOUT_MS = 3000;

type ErrorReply = Extract<Reply, { bytes: Uint8Array }>;

const SEE_HELP = 'see "kvcli redis --help"';

/**
 * Commands whose answer is text in lines: at a terminal it is shown so, as redis-cli does. Version 3 of the protocol says
 * it itself.
 */
const ANSWERED_BY_LINES = new Set([
  'INFO',
  'LOLWUT',
  'CLIENT LIST',
  'CLIENT INFO',
  'CLUSTER INFO',
  'CLUSTER NODES',
  'LATENCY DOCTOR',
  'LATENCY GRAPH',
  'MEMORY DOCTOR',
  'MEMORY MALLOC-STATS',
]);
/** How the node ends an error of which it cannot say that nothing happened. */
const INDEFINITE = /; it may have happened$/;
const WRONG_ARGUMENTS = /^ERR wrong number of arguments/;

/**
 * Sends the command that `words` are. Version 3 of the protocol is asked for with `resp3`.
 * @throws KvError when no reply comes; indefinite once the command was sent.
 */
export async function redis(
  session: Session,
  words: readonly string[],
  options: { resp3: boolean },
): Promise<ExitCode> {
  checkSettings(session.settings);
  if (words.length === 0) throw new UsageError('a command of Redis is missing', { advice: SEE_HELP });
  const reply = await answerTo(session, words, options);
  if (reply.type === 'error') return tellError(session, words, reply);
  await show(session, reply, isAnsweredByLines(words));
  return reply.type === 'nil' ? ABSENT : DONE;
}

/** `redis --help [COMMAND]`: all commands, after the `usage` of this one, or what one of them takes. */
export async function redisHelp(
  { output }: Session,
  words: readonly string[],
  usage: () => void,
): Promise<ExitCode> {
  const commands = await redisCommands();
  if (words.length === 0) {
    usage();
    await writeLine(output, `\nCommands of Redis:\n${namesText(commands)}`);
    return DONE;
  }
  const hint = hintOf(words, commands);
  if (hint === undefined) {
    const message = `this kvcli knows no command ${words.join(' ')} of Redis; the node may`;
    throw new UsageError(message, { advice: SEE_HELP });
  }
  await writeLine(output, hintText(hint));
  return DONE;
}

function checkSettings({ values, keys }: Settings): void {
  if (values === 'text' && keys === 'text') return;
  throw new UsageError('redis takes no --hex, --base64 or --hex-keys', {
    advice: 'which words are keys and values, only the node knows',
  });
}

async function answerTo(
  session: Session,
  words: readonly string[],
  { resp3 }: { resp3: boolean },
): Promise<Reply> {
  const { network, clock, signal, settings } = session;
  const { r, w, timeoutMs = REQUEST_TIMEOUT_MS_DEFAULT } = settings;
  const greeting = {
    greeting: resp3 ? ['HELLO', '3'] : ['PING'],
    timeoutMs: settings.timeoutMs ?? CONNECT_TIMEOUT_MS,
  };
  // They are shown one after the other, and before the reply.
  let shown = Promise.resolve();
  const onPush = (push: Reply) => {
    shown = shown.then(() => show(session, push, false));
  };
  const opened = await openRedis(session.hosts, greeting, { network, clock, signal, onPush });
  const { connection } = opened;
  try {
    if (resp3 && opened.reply.type === 'error') return opened.reply;
    if (r !== undefined || w !== undefined) {
      const set = await connection.ask(['QUORAL', 'LEVEL', String(r ?? 0), String(w ?? 0)], timeoutMs);
      if (set.type === 'error') return set;
    }
    const reply = await connection.ask(words, timeoutMs);
    if (connection.hasExtra) session.output.note('kvcli: the node went on sending; that is not shown');
    return reply;
  } finally {
    connection.close();
    await shown;
  }
}

function show({ output, settings }: Session, reply: Reply, isPlain: boolean): Promise<void> {
  if (settings.json) return writeJson(output, replyJson(reply));
  if (output.isTerminal) return writeLine(output, replyText(reply, { isPlain }));
  return output.write(replyBytes(reply));
}

function isAnsweredByLines(words: readonly string[]): boolean {
  const [first = '', second = ''] = words.map((word) => word.toUpperCase());
  return ANSWERED_BY_LINES.has(first) || ANSWERED_BY_LINES.has(`${first} ${second}`);
}

/** An error goes to standard error, with how the command is written when that is what was wrong. */
async function tellError(session: Session, words: readonly string[], reply: ErrorReply): Promise<ExitCode> {
  const { output, settings } = session;
  const text = showBytes(reply.bytes, 'text');
  const hint = WRONG_ARGUMENTS.test(text) ? hintOf(words, await redisCommands()) : undefined;
  if (settings.json) {
    writeError(output, errorView(text, hint), { program: 'kvcli', effect: 'unknown', json: true });
    return FAILED;
  }
  output.note(`${output.errorColour.red('(error)')} ${text}`);
  if (hint !== undefined) output.note(hintText(hint));
  return FAILED;
}

/** The code is the first word, as Redis has it. */
function errorView(text: string, hint: CommandHint | undefined): ErrorView {
  const [, code = 'ERR', message = text] = /^([A-Z_]+) (.*)$/s.exec(text) ?? [];
  const advice = hint === undefined ? undefined : `${hint.syntax}: ${hint.summary}`;
  return { code, message, definite: !INDEFINITE.test(text), advice };
}

function hintText({ syntax, summary }: CommandHint): string {
  return `${syntax}\n    ${summary}`;
}
