/**
 * What the node's table of Redis commands says, for completion and hints. The table brings half of the node with it: it is
 * loaded when it is first needed, so that the other commands of kvcli begin as fast as without it.
 */
import type { Command } from '../../src/gateway/redis/command.js';
import type { WordTree } from '../prompt/completer.js';
import { syntaxOf } from './syntax.js';

export async function redisCommands(): Promise<readonly Command[]> {
  const { COMMANDS } = await import('../../src/gateway/redis/commands/all.js');
  return COMMANDS.commands;
}

/** The names of all commands, and behind containers those of their subcommands; in upper case. */
export function namesTree(commands: readonly Command[]): WordTree {
  const entries = commands.map(
    ({ name, subcommands = [] }) => [name.toUpperCase(), namesTree(subcommands)] as const,
  );
  return new Map(entries);
}

const LINE_CHARACTERS = 78;

/** The names of all commands in alphabetical order, in lines. */
export function namesText(commands: readonly Command[]): string {
  const lines: string[] = [];
  for (const name of commands.map((command) => command.name.toUpperCase()).sort()) {
    const longer = `${lines.at(-1) ?? ''} ${name}`;
    if (lines.length > 0 && longer.length <= LINE_CHARACTERS) lines[lines.length - 1] = longer;
    else lines.push(`  ${name}`);
  }
  return lines.join('\n');
}

/** What a command is for, and how it is written. */
export interface CommandHint {
  readonly syntax: string;
  readonly summary: string;
}

/** Of the command, or subcommand, that `words` begin with; undefined when the table has none of that name. */
export function hintOf(words: readonly string[], commands: readonly Command[]): CommandHint | undefined {
  const container = named(commands, words[0]);
  if (container === undefined) return undefined;
  const subcommand = named(container.subcommands ?? [], words[1]);
  if (subcommand === undefined) return { syntax: syntaxOf(container), summary: container.summary };
  return { syntax: syntaxOf(subcommand, container), summary: subcommand.summary };
}

function named(commands: readonly Command[], word: string | undefined): Command | undefined {
  return commands.find(({ name }) => name === word?.toLowerCase());
}
