/**
 * Command-line parsing, by commander. The only file that imports it. Parsing never ends the process and never writes an
 * error by itself: whoever parses decides how to tell it.
 */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { UsageError } from './usage-error.js';

export { Command, Option };

/** A program whose help goes to `write` and whose errors are thrown. */
export function createProgram(name: string, description: string, write: (text: string) => void): Command {
  return new Command(name)
    .description(description)
    .helpOption('--help', 'show this help')
    .helpCommand('help [command]', 'show the help of a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: write, writeErr: write, outputError: () => {} })
    .showSuggestionAfterError(true)
    .exitOverride();
}

/**
 * What came of parsing: whether help or the version was shown instead of running, or what is wrong. `help` is what shows
 * the help.
 */
export function usageOf(error: unknown, help: string): UsageError | 'shown' | undefined {
  if (!(error instanceof CommanderError)) return undefined;
  if (error.exitCode === 0) return 'shown';
  // commander's own messages: "error: unknown command 'gte'\n(Did you mean get?)".
  const message = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  const advice =
    error.code === 'commander.unknownOption' ? '; put -- before words that begin with a dash' : '';
  return new UsageError(message, { advice: `see "${help}"${advice}` });
}

/** Makes the error of a bad option value one of commander's, so that it names the option. */
export function argument<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };
}

/** A whole number of an option. @throws UsageError */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return argument((text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (number >= min && number <= max) return number;
    const upTo = max === Number.MAX_SAFE_INTEGER ? `from ${min}` : `from ${min} to ${max}`;
    throw new UsageError(`It is a whole number ${upTo}.`);
  });
}

/** The version of the package that this program is part of. */
export function packageVersion(): string {
  try {
    const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
    return String((JSON.parse(text) as { version?: unknown }).version);
  } catch {
    return 'unknown';
  }
}
