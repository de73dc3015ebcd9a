/** Completion at the prompt: commands, and the options of the command that is being typed. Keys are not looked up. */
import { tokenize } from './tokenizer.js';

/** What an argument can be, where that is one of a few words, each with what can follow it. Matched in any case. */
export type WordTree = ReadonlyMap<string, WordTree>;

export interface Grammar {
  /** Every command with its options, as `--limit`. */
  readonly commands: ReadonlyMap<string, readonly string[]>;
  /** What the arguments of a command can be. */
  readonly words?: ReadonlyMap<string, WordTree>;
  /** Commands that take no options after their first argument. */
  readonly verbatim?: ReadonlySet<string>;
  /** Options that every command takes. */
  readonly globalOptions: readonly string[];
}

/** What can stand at the end of `line`, and the part of the line that it replaces: what node:readline asks for. */
export function complete(line: string, grammar: Grammar): [string[], string] {
  const { words, unclosed } = tokenize(line);
  const last = words.at(-1);
  const isInWord = last !== undefined && !/\s$/.test(line);
  if (unclosed !== undefined || (isInWord && last.isQuoted)) return [[], line];
  const fragment = isInWord ? line.slice(last.start) : '';
  const wordsBefore = (isInWord ? words.slice(0, -1) : words).map((word) => word.text);
  const hits = candidates(wordsBefore, fragment, grammar);
  // A word that is complete is followed by the next one.
  return [hits.length === 1 ? [`${hits[0]} `] : hits, fragment];
}

function candidates(wordsBefore: readonly string[], fragment: string, grammar: Grammar): string[] {
  const begins = (candidate: string) => candidate.startsWith(fragment);
  const command = wordsBefore[0];
  const names = [...grammar.commands.keys()].sort().filter(begins);
  if (command === undefined) return names;
  if (command === 'help') return wordsBefore.length === 1 ? names : [];
  const options = grammar.commands.get(command);
  if (options === undefined || wordsBefore.includes('--')) return [];
  const args = wordsBefore.slice(1).filter((word) => !word.startsWith('-'));
  if (!fragment.startsWith('-')) return following(grammar.words?.get(command), args, fragment);
  if (args.length > 0 && grammar.verbatim?.has(command)) return [];
  return [...options, ...grammar.globalOptions].sort().filter(begins);
}

/** The words of the tree that can follow `args`. */
function following(tree: WordTree | undefined, args: readonly string[], fragment: string): string[] {
  let at = tree;
  for (const arg of args) at = [...(at ?? [])].find(([word]) => isSameWord(word, arg))?.[1];
  return [...(at?.keys() ?? [])].filter((word) => isSameWord(word.slice(0, fragment.length), fragment));
}

function isSameWord(a: string, b: string): boolean {
  return a.toLowerCase() === b.toLowerCase();
}
