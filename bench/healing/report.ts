/** The report of `healing` as text. */
import { environmentLine } from '../report.js';
import { grouped, textTable } from '../text-table.js';
import type {
  AntiEntropyResult,
  CpuResult,
  HealingResult,
  HintsResult,
  QuietResult,
  TreesResult,
} from './result.js';

type Fact = readonly [name: string, value: string, note?: string];

export function formatHealing(result: HealingResult): string {
  const { settings, hints, antiEntropy, trees, loading } = result;
  const lines = [
    environmentLine(result.environment),
    `three nodes, storage level, fsync ${settings.fsync}; ${grouped(settings.keys)} keys, values of ${settings.valueBytes} B`,
    `written in ${loading === null ? '?' : loading.seconds.toFixed(1)} s, CPU ${perItem(loading, settings.keys, 'write')}`,
    '',
    ...quietTable(result),
    '',
    'Hints:',
    ...facts(hintsFacts(hints)),
    '',
    'Anti-entropy:',
    ...facts(antiEntropyFacts(antiEntropy, settings.keys)),
    '',
    'Hash trees, built while it serves by a node that was killed:',
    ...facts(treesFacts(trees, settings.keys)),
    '',
    'CPU: user + system of all nodes (of the trees: of that node), less what the quiet cluster just before has used in the',
    'same time. Times are known to half a second, and begin when the node that was away gives its first answer.',
  ];
  return `${lines.join('\n')}\n`;
}

function quietTable({ hints, antiEntropy, trees, emptyRssBytes }: HealingResult): string[] {
  const head = [
    'quiet cluster',
    'seconds',
    'cores',
    'rounds',
    'bytes/round',
    'trees',
    'memory of the nodes',
    'load',
  ];
  const row = (name: string, quiet: QuietResult) => [
    name,
    quiet.seconds.toFixed(1),
    quiet.cores === null ? '-' : quiet.cores.toFixed(3),
    grouped(quiet.rounds),
    grouped(quiet.bytesPerRound),
    quiet.treeBytes.map(mebibytes).join(' + '),
    quiet.rssBytes.map(mebibytes).join(' + '),
    quiet.loadAverage.toFixed(1),
  ];
  return textTable([
    head,
    ['without keys', '', '', '', '', '', emptyRssBytes.map(mebibytes).join(' + '), ''],
    row('before hints', hints.quiet),
    row('before anti-entropy', antiEntropy.quiet),
    row('before the trees', trees.quiet),
  ]);
}

function hintsFacts(hints: HintsResult): Fact[] {
  const drained =
    hints.drainedAfterS === null
      ? `! ${grouped(hints.hintsLeft)} left at the limit`
      : `${hints.drainedAfterS.toFixed(1)} s`;
  return [
    ['hints kept', grouped(hints.hints)],
    ['CPU of writing, one node down', perItem(hints.writing, hints.hints, 'write')],
    ['up after its start', `${hints.upAfterS.toFixed(1)} s`],
    ['all sent after', drained, `${grouped(hints.hintsPerSecond)} hints/s`],
    ['CPU', cpu(hints.cpu), perItem(hints.cpu, hints.hints - hints.hintsLeft, 'hint')],
    ['keys by anti-entropy meanwhile', grouped(hints.keysByAntiEntropy)],
  ];
}

function antiEntropyFacts(result: AntiEntropyResult, keys: number): Fact[] {
  const { differing, equalAfterS, firstExchangeAfterS, keysMoved, bytesMoved } = result;
  const first =
    firstExchangeAfterS === null
      ? 'nothing was moved'
      : `first exchange done after ${firstExchangeAfterS.toFixed(1)} s`;
  const perKey = keysMoved === 0 ? '-' : `${grouped(bytesMoved / differing)} B per differing key`;
  const { slotsDifferingAfter: slots } = result;
  const after = slots === null ? 'unknown' : slots === 0 ? 'nothing' : `! ${grouped(slots)} slots`;
  return [
    ['differing keys', grouped(differing), `${((differing / keys) * 100).toFixed(1)} % of ${grouped(keys)}`],
    ['equal after', equalAfterS === null ? '! not at the limit' : `${equalAfterS.toFixed(1)} s`, first],
    ['keys moved', grouped(keysMoved), 'some twice: from both peers that have them'],
    ['bytes moved', grouped(bytesMoved), perKey],
    ['CPU', cpu(result.cpu), perItem(result.cpu, differing, 'differing key')],
    ['CPU per million keys compared', perMillion(result.cpu, keys)],
    ['a full comparison then found', after, result.problems.join('; ')],
  ];
}

function treesFacts(trees: TreesResult, keys: number): Fact[] {
  const built = trees.builtAfterS === null ? '! not at the limit' : `${trees.builtAfterS.toFixed(1)} s`;
  const rate = trees.builtAfterS ? `${grouped(trees.recordsRead / trees.builtAfterS)} records/s` : '';
  return [
    [
      'up after its start',
      `${trees.upAfterS.toFixed(1)} s`,
      trees.upCpuUs === null ? '' : `${seconds(trees.upCpuUs)} of CPU`,
    ],
    ['all built after', built, rate],
    ['records read', grouped(trees.recordsRead)],
    ['CPU', cpu(trees.cpu), perItem(trees.cpu, trees.recordsRead, 'record')],
    ['CPU per million keys', perMillion(trees.cpu, keys)],
    ['memory of the trees', mebibytes(trees.treeBytes), `the node: ${mebibytes(trees.rssBytes)}`],
  ];
}

function facts(list: readonly Fact[]): string[] {
  const names = Math.max(...list.map(([name]) => name.length));
  const values = Math.max(...list.map(([, value]) => value.length));
  return list.map(([name, value, note = '']) =>
    `  ${name.padEnd(names)}   ${value.padEnd(values)}   ${note}`.trimEnd(),
  );
}

function cpu(result: CpuResult | null): string {
  if (result === null) return 'unknown';
  return `${seconds(result.netUs)} (${seconds(result.grossUs)} less ${seconds(result.quietUs)} quiet)`;
}

function perItem(result: CpuResult | null, count: number, item: string): string {
  return result === null || count <= 0 ? '-' : `${(result.netUs / count).toFixed(1)} µs per ${item}`;
}

function perMillion(result: CpuResult | null, keys: number): string {
  return result === null ? 'unknown' : seconds((result.netUs / keys) * 1e6);
}

function seconds(us: number): string {
  return `${(us / 1e6).toFixed(2)} s`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(bytes < 10 * 2 ** 20 ? 1 : 0)} MiB`;
}
