/**
 * The options of a node, one table: how each is called, what it may be, and what it is when nobody says. Sources are the
 * command line (`--read-quorum 2`), the environment (`QUORAL_READ_QUORUM=2`) and a JSON file (`"readQuorum": 2`), in this
 * order of precedence. What is wrong is named with its source and with what is allowed.
 */
import {
  addressProblem,
  nameProblem,
  REPLICAS_MAX,
  WEIGHT_MAX,
} from '../../src/membership/cluster-config.js';
import { UsageError } from '../usage-error.js';
import type { NodeOptions } from './server.js';

export type OptionKey = keyof NodeOptions;

export interface OptionSpec<K extends OptionKey = OptionKey> {
  /** Its name in the file. */
  readonly key: K;
  /** Its name on the command line. */
  readonly flag: string;
  readonly variable: string;
  readonly placeholder: string;
  readonly description: string;
  /** What it is when nobody says; undefined when somebody must, or it follows from another one. */
  readonly fallback: NodeOptions[K] | undefined;
  /** What it may be, as in "a whole number from 1 to 7". */
  readonly allowed: string;
  /** The value of a string, or of JSON; undefined when it is not allowed. */
  readonly parse: (given: unknown) => NodeOptions[K] | undefined;
}

const ZONE_PATTERN = /^[A-Za-z0-9._-]{0,64}$/;

const fields: { [K in OptionKey]: Omit<OptionSpec<K>, 'key' | 'flag' | 'variable'> } = {
  name: {
    placeholder: 'name',
    description: 'unique name of the node; it may never change',
    fallback: undefined,
    allowed: '1 to 64 letters, digits, ".", "_" or "-"',
    parse: (given) => (typeof given === 'string' && nameProblem(given) === undefined ? given : undefined),
  },
  listen: {
    placeholder: 'host:port',
    description: 'where peers and clients reach it',
    fallback: '127.0.0.1:7400',
    allowed: 'an address HOST:PORT',
    parse: addressOf,
  },
  data: {
    placeholder: 'dir',
    description: 'directory of its data (default: ./data/NAME)',
    fallback: undefined,
    allowed: 'a directory',
    parse: (given) => (typeof given === 'string' && given !== '' ? given : undefined),
  },
  join: {
    placeholder: 'host:port,…',
    description: 'members to join through; the first node of a cluster has none',
    fallback: [],
    allowed: 'addresses HOST:PORT, separated by commas',
    parse: addressesOf,
  },
  weight: {
    placeholder: 'n',
    description: 'relative capacity; 0 keeps no data and only coordinates',
    fallback: 1,
    allowed: `a number from 0 to ${WEIGHT_MAX}`,
    parse: (given) => numberOf(given, 0, WEIGHT_MAX),
  },
  zone: {
    placeholder: 'zone',
    description: 'failure domain; replicas of a key are put in different zones',
    fallback: '',
    allowed: 'up to 64 letters, digits, ".", "_" or "-"',
    parse: (given) => (typeof given === 'string' && ZONE_PATTERN.test(given) ? given : undefined),
  },
  replicas: {
    placeholder: 'n',
    description: 'replicas of each key (first node only: the others take over its cluster)',
    fallback: 3,
    allowed: `a whole number from 1 to ${REPLICAS_MAX}`,
    parse: (given) => wholeNumberOf(given, 1, REPLICAS_MAX),
  },
  readQuorum: {
    placeholder: 'n',
    description: 'replicas that must agree on a read; 0 for a majority (first node only)',
    fallback: 0,
    allowed: `a whole number from 0 to ${REPLICAS_MAX}, at most --replicas; 0 for a majority`,
    parse: (given) => wholeNumberOf(given, 0, REPLICAS_MAX),
  },
  writeQuorum: {
    placeholder: 'n',
    description: 'replicas that must accept a write; 0 for a majority (first node only)',
    fallback: 0,
    allowed: `a whole number from 0 to ${REPLICAS_MAX}, at most --replicas; 0 for a majority`,
    parse: (given) => wholeNumberOf(given, 0, REPLICAS_MAX),
  },
  fsync: {
    placeholder: 'when',
    description: 'when writes are forced to the disk: always, everysec or never',
    fallback: 'everysec',
    allowed: 'always, everysec or never',
    parse: (given) => oneOf(given, ['always', 'everysec', 'never']),
  },
  storage: {
    placeholder: 'engine',
    description: 'level keeps data on disk, memory forgets it at the end',
    fallback: 'level',
    allowed: 'level or memory',
    parse: (given) => oneOf(given, ['level', 'memory']),
  },
  tombstoneGrace: {
    placeholder: 'seconds',
    description: 'how long a deleted key is remembered at least, after all replicas know of it',
    fallback: 60,
    allowed: 'a whole number from 15 to 31536000',
    parse: (given) => wholeNumberOf(given, 15, 31_536_000),
  },
  cacheMb: {
    placeholder: 'n',
    description: 'memory for hot records, in MiB',
    fallback: 64,
    allowed: 'a whole number from 0 to 65536',
    parse: (given) => wholeNumberOf(given, 0, 65_536),
  },
  logLevel: {
    placeholder: 'level',
    description: 'least level that is logged: debug, info, warn or error',
    fallback: 'info',
    allowed: 'debug, info, warn or error',
    parse: (given) => oneOf(given, ['debug', 'info', 'warn', 'error']),
  },
};

const OPTION_KEYS = Object.keys(fields) as OptionKey[];

/** All options, in the order of the help. */
export const OPTION_SPECS: readonly OptionSpec[] = OPTION_KEYS.map((key) => {
  const words = key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  const variable = `QUORAL_${words.replaceAll('-', '_').toUpperCase()}`;
  return { ...fields[key], key, flag: `--${words}`, variable } as OptionSpec;
});

export interface OptionSources {
  /** By key, as typed; undefined when not given. */
  readonly commandLine: Readonly<Partial<Record<OptionKey, string>>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The parsed file, with its path for messages. */
  readonly file?: { readonly path: string; readonly content: unknown } | undefined;
}

/**
 * The options of a node from all sources.
 * @throws UsageError naming the first thing that is wrong.
 */
export function resolveNodeOptions(sources: OptionSources): NodeOptions {
  const file = fileMap(sources.file);
  const path = sources.file?.path ?? '';
  const resolved: Partial<Record<OptionKey, unknown>> = {};
  for (const spec of OPTION_SPECS) {
    const given = sources.commandLine[spec.key];
    const variable = sources.environment[spec.variable];
    if (given !== undefined) resolved[spec.key] = parse(spec, given, spec.flag);
    else if (variable !== undefined && variable !== '')
      resolved[spec.key] = parse(spec, variable, spec.variable);
    else if (spec.key in file) resolved[spec.key] = parse(spec, file[spec.key], `"${spec.key}" in ${path}`);
    else resolved[spec.key] = spec.fallback;
  }
  if (resolved.name === undefined) {
    throw new UsageError('the node needs a name: give --name, QUORAL_NAME, or "name" in the file');
  }
  resolved.data ??= `./data/${resolved.name}`;
  return checkQuorums(resolved as unknown as NodeOptions);
}

function parse(spec: OptionSpec, given: unknown, source: string): unknown {
  const value = spec.parse(given);
  if (value !== undefined) return value;
  throw new UsageError(`${source} is ${JSON.stringify(given)}, but must be ${spec.allowed}`);
}

function fileMap(file: OptionSources['file']): Readonly<Record<string, unknown>> {
  if (file === undefined) return {};
  const { path, content } = file;
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw new UsageError(`${path} must hold a JSON object such as {"name":"n1"}`);
  }
  for (const key of Object.keys(content)) {
    if ((OPTION_KEYS as string[]).includes(key)) continue;
    throw new UsageError(
      `unknown key ${JSON.stringify(key)} in ${path}; allowed are ${OPTION_KEYS.join(', ')}`,
    );
  }
  return content as Record<string, unknown>;
}

function checkQuorums(options: NodeOptions): NodeOptions {
  for (const key of ['readQuorum', 'writeQuorum'] as const) {
    if (options[key] <= options.replicas) continue;
    const name = key === 'readQuorum' ? 'read' : 'write';
    throw new UsageError(`the ${name} quorum is ${options[key]}, more than the ${options.replicas} replicas`);
  }
  return options;
}

function addressOf(given: unknown): string | undefined {
  return typeof given === 'string' && addressProblem(given) === undefined ? given : undefined;
}

/** A list in JSON, or text with commas; the empty text is the empty list. */
function addressesOf(given: unknown): string[] | undefined {
  const items: readonly unknown[] | undefined =
    typeof given === 'string'
      ? given.split(',').map((item) => item.trim())
      : Array.isArray(given)
        ? given
        : undefined;
  const addresses = items?.filter((item) => item !== '').map(addressOf);
  return addresses?.includes(undefined) ? undefined : (addresses as string[] | undefined);
}

function numberOf(given: unknown, min: number, max: number): number | undefined {
  const number = typeof given === 'string' && /^\d+(\.\d+)?$/.test(given) ? Number(given) : given;
  return typeof number === 'number' && number >= min && number <= max ? number : undefined;
}

function wholeNumberOf(given: unknown, min: number, max: number): number | undefined {
  const number = numberOf(given, min, max);
  return Number.isInteger(number) ? number : undefined;
}

function oneOf<T extends string>(given: unknown, allowed: readonly T[]): T | undefined {
  return allowed.find((value) => value === given);
}
