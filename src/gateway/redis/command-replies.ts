/** Commands as COMMAND and COMMAND DOCS describe them: in the shapes of Redis 7. */
import type { ReplyWriter } from '../../wire/resp/reply-writer.js';
import { categoriesOf } from './acl-categories.js';
import { type ArgumentDoc, type Command, fullName, type KeyPositions } from './command.js';

const INFO_FIELDS = 10;
/** Redis' word for keys of which all are looked at. */
const NO_LIMIT = 0;
const FIRST_KEY_SPEC = 0;

/** Name, arity, flags, first key, last key, step, categories, tips, key specifications, subcommands. */
export function replyInfo(reply: ReplyWriter, command: Command, container?: Command): void {
  const { arity, flags, keys, subcommands = [] } = command;
  reply.array(INFO_FIELDS);
  reply.text(fullName(command, container));
  reply.integer(arity);
  replyStatuses(reply, flags);
  reply.integer(keys?.first ?? 0);
  reply.integer(keys?.last ?? 0);
  reply.integer(keys?.step ?? 0);
  replyStatuses(
    reply,
    categoriesOf(command).map((category) => `@${category}`),
  );
  reply.set(0);
  replyKeySpecs(reply, keys, flags.includes('write'));
  if (subcommands.length === 0) return reply.set(0);
  reply.array(subcommands.length);
  for (const subcommand of subcommands) replyInfo(reply, subcommand, command);
}

function replyStatuses(reply: ReplyWriter, words: readonly string[]): void {
  reply.set(words.length);
  for (const word of words) reply.status(word);
}

function replyKeySpecs(reply: ReplyWriter, keys: KeyPositions | undefined, isWrite: boolean): void {
  if (keys === undefined) return reply.set(0);
  reply.set(1);
  reply.map(3);
  reply.text('flags');
  replyStatuses(reply, isWrite ? ['OW', 'update'] : ['RO', 'access']);
  reply.text('begin_search');
  reply.value({ type: 'index', spec: { index: keys.first } });
  reply.text('find_keys');
  // The last key is told from the first one on, or from the end.
  const lastkey = keys.last < 0 ? keys.last : keys.last - keys.first;
  reply.value({ type: 'range', spec: { lastkey, keystep: keys.step, limit: NO_LIMIT } });
}

/** What a command is for: a map. */
export function replyDocs(reply: ReplyWriter, command: Command): void {
  const { summary, since, group, complexity, subcommands, arguments: args } = command;
  reply.map(4 + (args === undefined ? 0 : 1) + (subcommands === undefined ? 0 : 1));
  for (const [name, value] of Object.entries({ summary, since, group, complexity })) {
    reply.text(name);
    reply.text(value);
  }
  if (args !== undefined) {
    reply.text('arguments');
    replyArguments(reply, args);
  }
  if (subcommands !== undefined) {
    reply.text('subcommands');
    reply.map(subcommands.length);
    for (const subcommand of subcommands) {
      reply.text(fullName(subcommand, command));
      replyDocs(reply, subcommand);
    }
  }
}

function replyArguments(reply: ReplyWriter, args: readonly ArgumentDoc[]): void {
  reply.array(args.length);
  for (const arg of args) replyArgument(reply, arg);
}

function replyArgument(
  reply: ReplyWriter,
  { name, type, token, optional, multiple, ...rest }: ArgumentDoc,
): void {
  const flags = [...(optional ? ['optional'] : []), ...(multiple ? ['multiple'] : [])];
  const isKey = type === 'key';
  const parts = [isKey, token !== undefined, flags.length > 0, rest.arguments !== undefined];
  reply.map(2 + parts.filter(Boolean).length);
  reply.text('name');
  reply.text(name);
  reply.text('type');
  reply.text(type);
  if (isKey) {
    reply.text('key_spec_index');
    reply.integer(FIRST_KEY_SPEC);
  }
  if (token !== undefined) {
    reply.text('token');
    reply.text(token);
  }
  if (flags.length > 0) {
    reply.text('flags');
    replyStatuses(reply, flags);
  }
  if (rest.arguments !== undefined) {
    reply.text('arguments');
    replyArguments(reply, rest.arguments);
  }
}
