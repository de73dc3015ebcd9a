/** Completion at the prompt: commands, and the options of the command that is being typed. Keys are not looked up. */
import { tokenize } from './tokenizer.js';

export interface Grammar {
  /** Every command with its options, as `--limit`. */
  readonly commands: ReadonlyMap<string, readonly string[]>;
  /** What the first argument of a command can be, where that is one of a few words. */
  readonly words?: ReadonlyMap<string, readonly string[]>;
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
  const hits = candidates(wordsBefore, fragment, grammar).filter((candidate) =>
    candidate.startsWith(fragment),
  );
  // A word that is complete is followed by the next one.
  return [hits.length === 1 ? [`${hits[0]} `] : hits, fragment];
}

function candidates(wordsBefore: readonly string[], fragment: string, grammar: Grammar): string[] {
  const command = wordsBefore[0];
  const names = [...grammar.commands.keys()].sort();
  if (command === undefined) return names;
  if (command === 'help') return wordsBefore.length === 1 ? names : [];
  const options = grammar.commands.get(command);
  if (options === undefined || wordsBefore.includes('--')) return [];
  if (!fragment.startsWith('-'))
    return wordsBefore.length === 1 ? [...(grammar.words?.get(command) ?? [])] : [];
  return [...options, ...grammar.globalOptions].sort();
}
