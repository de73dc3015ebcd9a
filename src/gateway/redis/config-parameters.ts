/**
 * The parameters of CONFIG: what is true of this node, under the names of Redis that clients and tools ask for. A few can be
 * set while it runs ({@link RuntimeConfig}, and the level of the log); the others are told on the command line of `kvd`.
 */
import type { LogLevel } from '../../ports/log.js';
import { REQUEST_LIMITS } from '../../wire/resp/limits.js';
import { parseInteger } from './arguments.js';
import type { RedisHost } from './host.js';
import { isOnDisk } from './info.js';
import type { RuntimeConfig } from './runtime-config.js';

const INT64_MAX_TEXT = '9223372036854775807';

export interface Parameter {
  /** Lower case. */
  readonly name: string;
  readonly read: (host: RedisHost) => string;
  /** Absent: it cannot change while the node runs. */
  readonly change?: {
    /** What is wrong with a value; undefined: nothing. */
    readonly problem: (value: Uint8Array) => string | undefined;
    /** Only for values that nothing is wrong with. */
    readonly apply: (host: RedisHost, value: Uint8Array) => void;
  };
}

export const PARAMETERS: readonly Parameter[] = [
  fixed('bind', (host) => splitAt(host.address()).host),
  fixed('port', (host) => splitAt(host.address()).port),
  fixed('databases', () => '1'),
  // No limit; nor is there one on memory.
  fixed('maxclients', () => '0'),
  fixed('maxmemory', () => '0'),
  fixed('maxmemory-policy', () => 'noeviction'),
  fixed('timeout', () => '0'),
  fixed('save', () => ''),
  fixed('appendonly', (host) => (isOnDisk(host) ? 'yes' : 'no')),
  fixed('appendfsync', ({ fsync }) => (fsync === 'never' ? 'no' : fsync)),
  fixed('proto-max-bulk-len', () => String(REQUEST_LIMITS.bulkBytesMax)),
  fixed('requirepass', () => ''),
  fixed('notify-keyspace-events', () => ''),
  fixed('cluster-enabled', () => 'no'),
  number('slowlog-log-slower-than', -1, 'slowLogSlowerThanUs'),
  number('slowlog-max-len', 0, 'slowLogEntriesMax'),
  number('latency-monitor-threshold', 0, 'latencyThresholdMs'),
  {
    name: 'loglevel',
    read: ({ log }) => LEVEL_NAMES[log.level],
    change: {
      problem: (value) =>
        LEVELS.has(textOf(value))
          ? undefined
          : `argument(s) must be one of the following: ${[...LEVELS.keys()].join(', ')}`,
      apply: ({ log }, value) => {
        log.level = LEVELS.get(textOf(value))!;
      },
    },
  },
];

const BY_NAME: ReadonlyMap<string, Parameter> = new Map(PARAMETERS.map((one) => [one.name, one]));

/** @param name in any case. */
export function parameterNamed(name: string): Parameter | undefined {
  return BY_NAME.get(name.toLowerCase());
}

/** The levels of Redis, from the most to the least talkative, and ours. */
const LEVELS: ReadonlyMap<string, LogLevel> = new Map([
  ['debug', 'debug'],
  ['verbose', 'debug'],
  ['notice', 'info'],
  ['warning', 'warn'],
]);

/** Redis has none for errors alone. */
const LEVEL_NAMES: Readonly<Record<LogLevel, string>> = {
  debug: 'debug',
  info: 'notice',
  warn: 'warning',
  error: 'warning',
};

function fixed(name: string, read: (host: RedisHost) => string): Parameter {
  return { name, read };
}

type NumberField = {
  [K in keyof RuntimeConfig]: RuntimeConfig[K] extends number ? K : never;
}[keyof RuntimeConfig];

function number(name: string, min: number, field: NumberField): Parameter {
  return {
    name,
    read: ({ runtimeConfig }) => String(runtimeConfig[field]),
    change: {
      problem: (value) => {
        const parsed = parseInteger(value, 0, value.length);
        if (parsed === undefined) return "argument couldn't be parsed into an integer";
        return parsed < min ? `argument must be between ${min} and ${INT64_MAX_TEXT} inclusive` : undefined;
      },
      apply: ({ runtimeConfig }, value) => {
        runtimeConfig[field] = parseInteger(value, 0, value.length)!;
      },
    },
  };
}

/** Redis writes addresses of IPv6 without brackets. */
function splitAt(address: string): { host: string; port: string } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon).replace(/[[\]]/g, ''), port: address.slice(colon + 1) };
}

function textOf(value: Uint8Array): string {
  return String.fromCharCode(...value.subarray(0, 32)).toLowerCase();
}
