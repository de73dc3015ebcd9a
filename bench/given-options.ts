/** Command lines of the load generator: one table of options serves parsing and help. */
import { parseArgs } from 'node:util';
import { definite, messageOf } from '../src/base/errors.js';
import { addressProblem } from '../src/membership/cluster-config.js';
import type { Address } from '../src/ports/network.js';

export interface OptionSpec {
  /** Under which title of the help. */
  readonly group: string;
  /** Name of its value in the help; none for a switch. */
  readonly value?: string;
  readonly fallback?: string;
  readonly help: string;
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>;

/** The lines of the help: each group under its title, after an empty line. */
export function groupLines(specs: OptionSpecs, titles: Readonly<Record<string, string>>): string[] {
  const lines: string[] = [];
  for (const [group, title] of Object.entries(titles)) {
    lines.push('', `${title}:`);
    for (const [name, spec] of Object.entries(specs)) {
      if (spec.group === group) lines.push(optionLine(name, spec));
    }
  }
  return lines;
}

function optionLine(name: string, spec: OptionSpec): string {
  const usage = `--${name}${spec.value === undefined ? '' : ` ${spec.value}`}`;
  const fallback = spec.fallback === undefined ? '' : ` (${spec.fallback})`;
  return `  ${usage.padEnd(22)} ${spec.help}${fallback}`;
}

/** The options as text, with their fallbacks, and readers that check them: each throws `BAD_REQUEST`. */
export class GivenOptions {
  readonly #specs: OptionSpecs;
  readonly #values: Readonly<Record<string, string | boolean | undefined>>;

  /** @throws KvError `BAD_REQUEST` for an option that is none. */
  constructor(specs: OptionSpecs, args: readonly string[]) {
    this.#specs = specs;
    const options: Record<string, { type: 'string' | 'boolean' }> = {};
    for (const [name, spec] of Object.entries(specs)) {
      options[name] = { type: spec.value === undefined ? 'boolean' : 'string' };
    }
    try {
      this.#values = parseArgs({ args: [...args], options, strict: true }).values as Record<
        string,
        string | boolean
      >;
    } catch (error) {
      throw definite('BAD_REQUEST', messageOf(error), error);
    }
  }

  isSet(name: string): boolean {
    return this.#values[name] === true;
  }

  isExplicit(name: string): boolean {
    return this.#values[name] !== undefined;
  }

  text(name: string): string | undefined {
    return (this.#values[name] as string | undefined) ?? this.#specs[name]?.fallback;
  }

  number(name: string, min: number, max = Number.POSITIVE_INFINITY): number {
    const text = this.text(name)!;
    const value = Number(text);
    if (text.trim() !== '' && Number.isFinite(value) && value >= min && value <= max) return value;
    const range = max === Number.POSITIVE_INFINITY ? `from ${min} on` : `from ${min} to ${max}`;
    throw definite('BAD_REQUEST', `--${name} is a number ${range}, not "${text}"`);
  }

  integer(name: string, min: number, max: number): number {
    const text = this.text(name)!;
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= min && value <= max) return value;
    throw definite('BAD_REQUEST', `--${name} is a whole number from ${min} to ${max}, not "${text}"`);
  }

  oneOf<T extends string>(name: string, choices: readonly T[]): T {
    const text = this.text(name)!;
    const choice = choices.find((candidate) => candidate === text);
    if (choice !== undefined) return choice;
    throw definite('BAD_REQUEST', `--${name} is one of ${choices.join(', ')}, not "${text}"`);
  }

  addresses(name: string): Address[] | undefined {
    const addresses = this.text(name)?.split(',');
    for (const address of addresses ?? []) {
      const problem = addressProblem(address);
      if (problem !== undefined) throw definite('BAD_REQUEST', `--${name}: ${problem}`);
    }
    return addresses;
  }
}
