/** The command line of `npm run bench -- healing`. */
import { tmpdir } from 'node:os';
import { VALUE_BYTES_MAX } from '../../src/base/limits.js';
import type { Fsync } from '../cluster.js';
import { GivenOptions, groupLines, type OptionSpecs } from '../given-options.js';

export interface HealingSettings {
  readonly keys: number;
  /** Keys that are overwritten while one node is down. */
  readonly hints: number;
  /** Keys that differ at one replica. */
  readonly differing: number;
  readonly valueBytes: number;
  /** Length of each quiet measurement, with which the repairs are compared. */
  readonly quietS: number;
  readonly fsync: Fsync;
  readonly seed: number;
}

export interface HealingOptions {
  readonly help: boolean;
  readonly settings: HealingSettings;
  readonly dataParent: string;
  readonly json: string | undefined;
}

const SPECS: OptionSpecs = {
  keys: { group: 'load', value: 'N', fallback: '1000000', help: 'number of keys' },
  hints: { group: 'load', value: 'N', fallback: '100000', help: 'keys overwritten while a node is down' },
  differ: { group: 'load', value: 'PERCENT', fallback: '1', help: 'keys that differ at one replica' },
  'value-size': { group: 'load', value: 'BYTES', fallback: '100', help: 'bytes of each value' },
  quiet: { group: 'load', value: 'SECONDS', fallback: '12', help: 'each quiet measurement, from 2 to 120' },
  seed: { group: 'load', value: 'N', fallback: '1', help: 'equal seeds make equal values' },
  fsync: { group: 'cluster', value: 'MODE', fallback: 'everysec', help: 'always, everysec or never' },
  data: {
    group: 'cluster',
    value: 'DIR',
    help: 'where to keep the data while it runs; the temporary directory',
  },
  json: { group: 'report', value: 'FILE', help: 'save the result; - for standard output' },
  help: { group: 'report', help: 'this page' },
};

export function healingHelp(): string {
  const lines = [
    'Usage: npm run bench -- healing [options]',
    '',
    'What repairs in the background cost, on three nodes of its own with data on disk, without any load: hints for a',
    'node that was away; anti-entropy, when a replica differs that has no hints; the building of hash trees after a',
    'kill. Each is measured beside a quiet cluster, whose use of the CPU is shown and taken off.',
    ...groupLines(SPECS, { cluster: 'Cluster', load: 'Data', report: 'Report' }),
  ];
  return `${lines.join('\n')}\n`;
}

/** @throws KvError `BAD_REQUEST` saying which option is wrong, and what it may be. */
export function parseHealingOptions(args: readonly string[]): HealingOptions {
  const given = new GivenOptions(SPECS, args);
  const keys = given.integer('keys', 100, 20_000_000);
  return {
    help: given.isSet('help'),
    settings: {
      keys,
      hints: Math.min(keys, given.integer('hints', 1, 1_000_000)),
      differing: Math.max(1, Math.round((keys * given.number('differ', 0, 100)) / 100)),
      valueBytes: given.integer('value-size', 0, VALUE_BYTES_MAX),
      quietS: given.number('quiet', 2, 120),
      fsync: given.oneOf<Fsync>('fsync', ['always', 'everysec', 'never']),
      seed: given.integer('seed', 0, Number.MAX_SAFE_INTEGER - 1),
    },
    dataParent: given.text('data') ?? tmpdir(),
    json: given.text('json'),
  };
}
