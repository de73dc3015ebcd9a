/** The command line of `npm run bench -- faults`. */
import { tmpdir } from 'node:os';
import { VALUE_BYTES_MAX } from '../../src/base/limits.js';
import type { Fsync } from '../cluster.js';
import { GivenOptions, groupLines, type OptionSpecs } from '../given-options.js';

export interface FaultsSettings {
  readonly nodes: number;
  readonly keys: number;
  readonly valueBytes: number;
  /** Operations per second. */
  readonly rate: number;
  /** Share of gets, 0 to 1; the rest are sets. */
  readonly getShare: number;
  /** Length of each phase. */
  readonly durationS: number;
  readonly fsync: Fsync;
  readonly seed: number;
}

export interface FaultsOptions {
  readonly help: boolean;
  readonly settings: FaultsSettings;
  readonly dataParent: string;
  readonly json: string | undefined;
}

const SPECS: OptionSpecs = {
  nodes: { group: 'cluster', value: 'N', fallback: '5', help: 'nodes to start, from 3 on' },
  fsync: { group: 'cluster', value: 'MODE', fallback: 'everysec', help: 'always, everysec or never' },
  data: {
    group: 'cluster',
    value: 'DIR',
    help: 'where to keep the data while it runs; the temporary directory',
  },
  rate: { group: 'load', value: 'N', fallback: '3000', help: 'operations per second, all phases alike' },
  gets: { group: 'load', value: 'PERCENT', fallback: '50', help: 'share of gets; the rest are sets' },
  keys: { group: 'load', value: 'N', fallback: '100000', help: 'number of keys' },
  'value-size': { group: 'load', value: 'BYTES', fallback: '100', help: 'bytes of each value' },
  duration: { group: 'load', value: 'SECONDS', fallback: '15', help: 'length of each phase, from 3 to 60' },
  seed: { group: 'load', value: 'N', fallback: '1', help: 'equal seeds draw equal operations' },
  json: { group: 'report', value: 'FILE', help: 'save the result; - for standard output' },
  help: { group: 'report', help: 'this page' },
};

export function faultsHelp(): string {
  const lines = [
    'Usage: npm run bench -- faults [options]',
    '',
    'What clients notice while nodes fail: a cluster of its own, the client library (which retries what is safe and',
    'goes round dead nodes), and a constant rate of operations that does not wait for answers, so that a stall shows',
    'in the latency of all that were due. Phases: quiet; one node killed; that one back; one stopped (SIGSTOP) and',
    'continued; one without its data; a rolling restart; a full disk, where a file system can be mounted; quiet.',
    ...groupLines(SPECS, { cluster: 'Cluster', load: 'Load', report: 'Report' }),
  ];
  return `${lines.join('\n')}\n`;
}

/** @throws KvError `BAD_REQUEST` saying which option is wrong, and what it may be. */
export function parseFaultsOptions(args: readonly string[]): FaultsOptions {
  const given = new GivenOptions(SPECS, args);
  return {
    help: given.isSet('help'),
    settings: {
      nodes: given.integer('nodes', 3, 20),
      keys: given.integer('keys', 1, 10_000_000),
      valueBytes: given.integer('value-size', 0, VALUE_BYTES_MAX),
      rate: given.number('rate', 1, 200_000),
      getShare: given.number('gets', 0, 100) / 100,
      durationS: given.number('duration', 3, 60),
      fsync: given.oneOf<Fsync>('fsync', ['always', 'everysec', 'never']),
      seed: given.integer('seed', 0, Number.MAX_SAFE_INTEGER - 1),
    },
    dataParent: given.text('data') ?? tmpdir(),
    json: given.text('json'),
  };
}
