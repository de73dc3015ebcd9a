/** The options of `npm run sim`, and the shortest command that repeats a run. */
import { randomInt } from 'node:crypto';
import { parseArgs } from 'node:util';
import { FAULT_NAMES } from './faults.js';
import { type GivenOptions, VIRTUAL_SECONDS_DEFAULT } from './options.js';

export const USAGE = `npm run sim -- [options]
  --seed 42               one run (the default: seed 1)
  --seeds 1..200          many
  --minutes 10            fresh seeds for so long
  --nodes 5               machines, 3 to 7
  --clients 8             clients
  --faults crash,cut      only these; 'none' or 'all'; known: ${FAULT_NAMES.join(', ')}
  --virtual-seconds 60    how long clients work and faults strike
  --scenario NAME         a scenario of scenarios/, with --seed; 'all' for all of them
  --list                  the scenarios with their stories, and the faults
  --trace                 the transcript: time, who, what
  --messages              with every message in it`;

export interface CommandLine {
  readonly given: GivenOptions;
  /** A number each, or as many as the time allows. */
  readonly seeds: { readonly from: number; readonly to: number } | { readonly minutes: number };
  readonly scenario: string | undefined;
  readonly list: boolean;
  readonly trace: boolean;
  readonly messages: boolean;
}

/** Seeds that people type are small; fresh ones come from all of these. */
const SEED_LIMIT = 2 ** 31;

/** @throws Error with what is wrong. */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const { values } = parseArgs({
    args: [...args],
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string' },
      minutes: { type: 'string' },
      nodes: { type: 'string' },
      clients: { type: 'string' },
      faults: { type: 'string' },
      'virtual-seconds': { type: 'string' },
      scenario: { type: 'string' },
      list: { type: 'boolean', default: false },
      trace: { type: 'boolean', default: false },
      messages: { type: 'boolean', default: false },
    },
  });
  const nodes = numberIn(values.nodes, 'nodes', 3, 7);
  const clients = numberIn(values.clients, 'clients', 1, 100);
  const virtualSeconds = numberIn(values['virtual-seconds'], 'virtual-seconds', 1, 86_400);
  const given: GivenOptions = {
    ...(nodes === undefined ? {} : { nodes }),
    ...(clients === undefined ? {} : { clients }),
    ...(virtualSeconds === undefined ? {} : { virtualSeconds }),
    ...(values.faults === undefined ? {} : { faults: faultsOf(values.faults) }),
  };
  const { scenario, list, messages } = values;
  return { given, seeds: seedsOf(values), scenario, list, trace: values.trace || messages, messages };
}

/** The shortest command that repeats a run. */
export function commandOf(seed: number, given: GivenOptions): string {
  const { nodes, clients, faults, virtualSeconds } = given;
  const parts = [
    `npm run sim -- --seed ${seed}`,
    ...(nodes === undefined ? [] : [`--nodes ${nodes}`]),
    ...(clients === undefined ? [] : [`--clients ${clients}`]),
    ...(faults === undefined ? [] : [`--faults ${faultsText(faults)}`]),
    ...(virtualSeconds === undefined || virtualSeconds === VIRTUAL_SECONDS_DEFAULT
      ? []
      : [`--virtual-seconds ${virtualSeconds}`]),
  ];
  return parts.join(' ');
}

export function freshSeed(): number {
  return randomInt(SEED_LIMIT);
}

function seedsOf(values: { seed?: string; seeds?: string; minutes?: string }): CommandLine['seeds'] {
  const minutes = numberIn(values.minutes, 'minutes', 0, 100_000);
  if (minutes !== undefined) return { minutes };
  if (values.seeds !== undefined) {
    const [, from, to] = /^(\d+)\.\.(\d+)$/.exec(values.seeds) ?? [];
    if (from === undefined || Number(from) > Number(to)) throw new Error('--seeds is a range such as 1..200');
    return { from: Number(from), to: Number(to) };
  }
  const seed = numberIn(values.seed, 'seed', 0, Number.MAX_SAFE_INTEGER) ?? 1;
  return { from: seed, to: seed };
}

function faultsText(faults: readonly string[]): string {
  if (faults.length === 0) return 'none';
  return faults.length === FAULT_NAMES.length ? 'all' : faults.join(',');
}

function faultsOf(text: string): string[] {
  if (text === 'none') return [];
  if (text === 'all') return [...FAULT_NAMES];
  const faults = text.split(',');
  const unknown = faults.find((name) => !FAULT_NAMES.includes(name));
  if (unknown !== undefined)
    throw new Error(`no fault is called ${unknown}; known: ${FAULT_NAMES.join(', ')}`);
  return faults;
}

function numberIn(text: string | undefined, name: string, min: number, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text === '' || !(value >= min && value <= max)) throw new Error(`--${name} is ${min} to ${max}`);
  return value;
}
