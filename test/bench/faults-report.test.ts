import t from 'tap';
import { formatFaults } from '../../bench/faults/report.js';
import { FAULTS_FORMAT, type FaultsResult, type PhaseResult } from '../../bench/faults/result.js';
import { RESULT } from './results.js';

const QUIET: PhaseResult = {
  name: 'quiet',
  seconds: 15.01,
  operations: 45_000,
  operationsPerSecond: 2998,
  latencyUs: { count: 45_000, mean: 1500, p50: 1234, p95: 3000, p99: 4567, p99_9: 9876, max: 23_456 },
  sentLateUs: { count: 45_000, mean: 500, p50: 500, p95: 900, p99: 1100, p99_9: 2000, max: 500_000 },
  failed: 0,
  inDoubt: 0,
  failedByCode: {},
  inDoubtByCode: {},
  unanswered: 0,
  serverUsPerOperation: 98.76,
  loadAverage: 1.25,
  notes: [],
};

const KILLED: PhaseResult = {
  ...QUIET,
  name: 'n5 killed',
  failed: 2,
  inDoubt: 1234,
  failedByCode: { QUORUM_UNAVAILABLE: { count: 2, longestMs: 11.5 } },
  inDoubtByCode: { CONNECTION_LOST: { count: 1234, longestMs: 2010 } },
  unanswered: 1,
  sentLateUs: { ...QUIET.sentLateUs, max: 500_001 },
  serverUsPerOperation: null,
  notes: ['n5 was killed at the beginning, and stays away'],
};

const RESULT_OF_FAULTS: FaultsResult = {
  format: FAULTS_FORMAT,
  command: 'faults',
  environment: RESULT.environment,
  settings: {
    nodes: 5,
    keys: 100_000,
    valueBytes: 100,
    rate: 3000,
    getShare: 0.5,
    durationS: 15,
    fsync: 'everysec',
    seed: 1,
  },
  phases: [QUIET, KILLED],
  between: { ...QUIET, name: 'between the phases', seconds: 0 },
  skipped: ['the full disk, because no file system can be mounted here'],
};

t.test('a row for each phase, then what happened in it', async (t) => {
  const lines = formatFaults(RESULT_OF_FAULTS).split('\n');
  t.equal(
    lines[1],
    '5 nodes, fsync everysec; 3,000 operations a second (50 % gets) over 100,000 keys, values of 100 B',
  );
  t.same(lines.slice(3, 14), [
    'phase       seconds   ops/s       p50       p99     p99.9        max   sent late   failed   in doubt   server µs/op   load',
    'quiet          15.0   2,998   1.23 ms   4.57 ms   9.88 ms   23.46 ms     1.10 ms        0          0           98.8    1.3',
    'n5 killed      15.0   2,998   1.23 ms   4.57 ms   9.88 ms   23.46 ms     1.10 ms        3      1,234              -    1.3',
    '',
    'n5 killed:',
    '  n5 was killed at the beginning, and stays away',
    '  failed: QUORUM_UNAVAILABLE 2, the longest after 11.50 ms',
    '  in doubt: CONNECTION_LOST 1,234, the longest after 2010.0 ms',
    '  ! operations left up to 500.0 ms late: the machine was too busy for this rate',
    '  ! 1 operations never had an outcome',
    'left out: the full disk, because no file system can be mounted here',
  ]);
});

t.test('what happened between the phases has a row when there was time', async (t) => {
  const between = { ...RESULT_OF_FAULTS.between, seconds: 4 };
  t.match(formatFaults({ ...RESULT_OF_FAULTS, between }), /\nbetween the phases {2,}4\.0 /);
});

t.test('wrong answers are pointed at', async (t) => {
  const failedByCode = { ABSENT: { count: 2, longestMs: 1 }, WRONG_VALUE: { count: 1, longestMs: 1 } };
  const text = formatFaults({ ...RESULT_OF_FAULTS, phases: [{ ...QUIET, failedByCode }] });
  t.match(text, /! 3 reads brought nothing, or not what was written/);
  t.notMatch(formatFaults(RESULT_OF_FAULTS), /reads brought/);
});
