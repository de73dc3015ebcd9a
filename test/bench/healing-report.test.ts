import t from 'tap';
import { formatHealing } from '../../bench/healing/report.js';
import { HEALING_FORMAT, type HealingResult, type QuietResult } from '../../bench/healing/result.js';
import { RESULT } from './results.js';

const MIB = 2 ** 20;
const QUIET: QuietResult = {
  seconds: 12.04,
  cores: 0.0456,
  loadAverage: 1.25,
  rounds: 7,
  bytesPerRound: 76,
  rssBytes: [200 * MIB, 210 * MIB, 220 * MIB],
  treeBytes: [3 * MIB, 3 * MIB, 3 * MIB],
};
const CPU = { seconds: 10, grossUs: 5_000_000, quietUs: 1_000_000, netUs: 4_000_000 };

const RESULT_OF_HEALING: HealingResult = {
  format: HEALING_FORMAT,
  command: 'healing',
  environment: RESULT.environment,
  settings: {
    keys: 2_000_000,
    hints: 100_000,
    differing: 20_000,
    valueBytes: 100,
    quietS: 12,
    fsync: 'everysec',
    seed: 1,
  },
  emptyRssBytes: [70 * MIB, 70 * MIB, 70 * MIB],
  loading: { ...CPU, seconds: 33.33, netUs: 50_000_000 },
  hints: {
    quiet: QUIET,
    hints: 100_000,
    writing: CPU,
    upAfterS: 0.52,
    drainedAfterS: 12.5,
    hintsLeft: 0,
    hintsPerSecond: 8000,
    cpu: CPU,
    keysByAntiEntropy: 12,
  },
  antiEntropy: {
    quiet: QUIET,
    differing: 20_000,
    equalAfterS: 9,
    firstExchangeAfterS: 2.5,
    keysMoved: 20_100,
    bytesMoved: 8_000_000,
    cpu: CPU,
    slotsDifferingAfter: 0,
    problems: [],
  },
  trees: {
    quiet: QUIET,
    upAfterS: 1.2,
    upCpuUs: 900_000,
    builtAfterS: 40,
    recordsRead: 2_000_000,
    cpu: CPU,
    treeBytes: 3 * MIB,
    rssBytes: 230 * MIB,
  },
};

t.test('the quiet cluster first, then what each repair took beside it', async (t) => {
  const lines = formatHealing(RESULT_OF_HEALING).split('\n');
  t.same(lines.slice(1, -3), [
    'three nodes, storage level, fsync everysec; 2,000,000 keys, values of 100 B',
    'written in 33.3 s, CPU 25.0 µs per write',
    '',
    'quiet cluster         seconds   cores   rounds   bytes/round                         trees           memory of the nodes   load',
    'without keys                                                                                    70 MiB + 70 MiB + 70 MiB',
    'before hints             12.0   0.046        7            76   3.0 MiB + 3.0 MiB + 3.0 MiB   200 MiB + 210 MiB + 220 MiB    1.3',
    'before anti-entropy      12.0   0.046        7            76   3.0 MiB + 3.0 MiB + 3.0 MiB   200 MiB + 210 MiB + 220 MiB    1.3',
    'before the trees         12.0   0.046        7            76   3.0 MiB + 3.0 MiB + 3.0 MiB   200 MiB + 210 MiB + 220 MiB    1.3',
    '',
    'Hints:',
    '  hints kept                       100,000',
    '  CPU of writing, one node down    40.0 µs per write',
    '  up after its start               0.5 s',
    '  all sent after                   12.5 s                              8,000 hints/s',
    '  CPU                              4.00 s (5.00 s less 1.00 s quiet)   40.0 µs per hint',
    '  keys by anti-entropy meanwhile   12',
    '',
    'Anti-entropy:',
    '  differing keys                  20,000                              1.0 % of 2,000,000',
    '  equal after                     9.0 s                               first exchange done after 2.5 s',
    '  keys moved                      20,100                              some twice: from both peers that have them',
    '  bytes moved                     8,000,000                           400 B per differing key',
    '  CPU                             4.00 s (5.00 s less 1.00 s quiet)   200.0 µs per differing key',
    '  CPU per million keys compared   2.00 s',
    '  a full comparison then found    nothing',
    '',
    'Hash trees, built while it serves by a node that was killed:',
    '  up after its start     1.2 s                               0.90 s of CPU',
    '  all built after        40.0 s                              50,000 records/s',
    '  records read           2,000,000',
    '  CPU                    4.00 s (5.00 s less 1.00 s quiet)   2.0 µs per record',
    '  CPU per million keys   2.00 s',
    '  memory of the trees    3.0 MiB                             the node: 230 MiB',
    '',
  ]);
});

t.test('what was not done in time, or is not known, is said', async (t) => {
  const { hints, antiEntropy, trees } = RESULT_OF_HEALING;
  const text = formatHealing({
    ...RESULT_OF_HEALING,
    loading: null,
    hints: { ...hints, drainedAfterS: null, hintsLeft: 500, cpu: null },
    antiEntropy: { ...antiEntropy, equalAfterS: null, firstExchangeAfterS: null, slotsDifferingAfter: 3 },
    trees: { ...trees, builtAfterS: null, upCpuUs: null },
  });
  t.match(text, /all sent after +! 500 left at the limit/);
  t.match(text, /equal after +! not at the limit +nothing was moved/);
  t.match(text, /then found +! 3 slots/);
  t.match(text, /all built after +! not at the limit/);
  t.match(text, /CPU +unknown/);
  const unverified = { ...antiEntropy, slotsDifferingAfter: null, problems: ['the repair failed: gone'] };
  t.match(
    formatHealing({ ...RESULT_OF_HEALING, antiEntropy: unverified }),
    /then found +unknown +the repair failed: gone/,
  );
});
