/** What the views make of a status: little while all is well, and a line for whatever is not. */
import { test } from 'tap';
import type { StatusMap } from '../../cli/client.js';
import { colour } from '../../cli/output/colour.js';
import { heightOf, Repaint } from '../../cli/output/repaint.js';
import type { NodeReport } from '../../cli/output/status-fields.js';
import { renderStatus } from '../../cli/output/status-view.js';
import { warningLines } from '../../cli/output/status-warnings.js';
import { MemoryOutput } from './memory-output.js';

const NOW = Date.UTC(2030, 0, 1);
const PLAIN = colour(false);

const member = (name: string, state = 'alive', more: StatusMap = {}): StatusMap => ({
  name,
  address: `10.0.0.${name.slice(1)}:7400`,
  state,
  incarnation: 1,
  sinceMs: state === 'self' ? null : 90_000,
  clockOffsetMs: state === 'self' ? null : 0,
  share: 1 / 3,
  ...more,
});

const SLOTS = { replicated: 4096, inSync: 4096, divergent: 0, unbuilt: 0 };
const ROUND = {
  at: NOW - 4000,
  peer: 'n2',
  slots: 4096,
  keysFetched: 0,
  keysSent: 0,
  bytes: 600,
  tookMs: 3,
  problem: null,
};

/** What a node says that has nothing to complain about. */
const healthy = (name = 'n1', more: StatusMap = {}): StatusMap => ({
  name,
  address: `10.0.0.${name.slice(1)}:7400`,
  clusterId: 'c0ffee',
  epoch: 3,
  state: 'serving',
  health: 1,
  uptimeMs: 60_000,
  software: 'quoral/0.1.0',
  replicas: 3,
  readQuorum: 2,
  writeQuorum: 2,
  effectiveReplicas: 3,
  underReplicated: false,
  members: ['n1', 'n2', 'n3'].map((other) => member(other, other === name ? 'self' : 'alive')),
  storage: { corruptRecords: 0 },
  hints: { hints: 0, targets: [] },
  antiEntropy: { lastRound: ROUND, slots: SLOTS, repair: null },
  tombstones: { waiting: 0, collected: 3, expired: 1, waitsFor: '' },
  ...more,
});

const report = (status: StatusMap): NodeReport => ({
  name: String(status.name),
  address: String(status.address),
  status,
});

const shown = (status: StatusMap, others: readonly NodeReport[] = [], verbose = false) =>
  renderStatus({ status, others, nowMs: NOW, verbose }, PLAIN);

const others = [report(healthy('n2')), report(healthy('n3'))];

test('a healthy cluster has a short status', async (t) => {
  t.equal(
    shown(healthy(), others),
    `n1 at 10.0.0.1:7400 is serving
cluster   c0ffee, epoch 3, 3 members
replicas  3; 2 to read, 2 to write
up        1m 0s, software quoral/0.1.0
slots     4,096 kept here, all in sync
compared  with n2 4.0 s ago, 4,096 slots: nothing to move

NAME  ADDRESS        STATE   SINCE  INC  CLOCK   SHARE  ITSELF   HINTS  IN SYNC
n1    10.0.0.1:7400  self        -    1      -  33.3 %  serving      0  100.0 %
n2    10.0.0.2:7400  alive  1m 30s    1   0 ms  33.3 %  serving      0  100.0 %
n3    10.0.0.3:7400  alive  1m 30s    1   0 ms  33.3 %  serving      0  100.0 %
`,
  );
});

test('one line for whatever there is to say', async (t) => {
  const dead = [
    member('n1', 'self'),
    member('n2'),
    member('n3', 'faulty', { problem: 'connection refused', sinceMs: 5000 }),
  ];
  const hints = { hints: 7, targets: [{ target: 'n3', hints: 7, draining: false, unsyncedSlots: 0 }] };
  const overflowed = [{ target: 'n3', hints: 9, draining: true, unsyncedSlots: 12 }];
  const round = { ...ROUND, keysFetched: 3, keysSent: 2, bytes: 5120, tookMs: 40 };
  const cases: [name: string, status: StatusMap, lines: readonly string[]][] = [
    [
      'a member is dead',
      healthy('n1', { members: dead, hints }),
      [
        '! n3 is faulty (connection refused)',
        'slots     4,096 kept here, all in sync with the replicas that live',
        'hints     7 for n3',
      ],
    ],
    [
      'hints are sent, after more was missed than is kept',
      healthy('n1', { hints: { hints: 9, targets: overflowed } }),
      ['hints     9 for n3, being sent, 12 slots over the limit (compared when it is back)'],
    ],
    [
      'it gets its data back',
      healthy('n1', {
        state: 'syncing',
        sync: { slotsLeft: 1024, slots: 4096, etaMs: 12_000, problem: 'n2 has lost its data too' },
      }),
      [
        'n1 at 10.0.0.1:7400 is syncing',
        '! it lost data, and has no vote on what it has not got back: 3,072 of 4,096 slots done, about 12 s left; it waits: n2 has lost its data too',
      ],
    ],
    [
      'replicas differ',
      healthy('n1', {
        antiEntropy: { lastRound: round, slots: { ...SLOTS, inSync: 4000, divergent: 90, unbuilt: 6 } },
      }),
      [
        'slots     4,096 kept here: 4,000 in sync, 90 divergent, 6 without a hash tree yet',
        'compared  with n2 4.0 s ago, 4,096 slots: 5 keys and 5.0 KiB moved in 40 ms',
      ],
    ],
    [
      'a comparison has ended early',
      healthy('n1', { antiEntropy: { lastRound: { ...ROUND, problem: 'no answer' }, slots: SLOTS } }),
      ['! its last comparison with n2: no answer'],
    ],
    [
      'it repairs',
      healthy('n1', {
        antiEntropy: { slots: SLOTS, repair: { peer: 'n3', done: 1500, comparisons: 8192 } },
      }),
      ['repair    with n3, 1,500 of 8,192 comparisons done'],
    ],
    [
      'tombstones wait',
      healthy('n1', { tombstones: { waiting: 1200, collected: 0, expired: 0, waitsFor: 'n3' } }),
      ['tombstones  1,200 kept, waiting for n3; 0 collected, 0 keys expired'],
    ],
    [
      'its storage has failed',
      healthy('n1', { state: 'storage-failed' }),
      ['! its storage failed: it takes no part until that is repaired; look at its log and its disk'],
    ],
    [
      'it was replaced',
      healthy('n1', { state: 'disowned' }),
      ['! another data directory has taken its name in the cluster: stop it'],
    ],
    [
      'it is slow, its disk damaged, and a clock is off',
      healthy('n1', {
        health: 4,
        storage: { corruptRecords: 1 },
        members: [member('n1', 'self'), member('n2', 'alive', { clockOffsetMs: -7_200_000 })],
      }),
      [
        '! 1 corrupt record found on its disk',
        '! it is slow itself (health 4, 1 is good), and gives the others more time to answer',
        '! the clock of n2 is 2h 0m behind',
      ],
    ],
    [
      'it is still joining',
      { name: 'n4', address: '10.0.0.4:7400', state: 'joining', uptimeMs: 5000, software: 'q' },
      [
        'n4 at 10.0.0.4:7400 is joining',
        '! it is in no cluster yet, and asks the nodes of its --join; its log says what they answer',
        'up  5.0 s, software q',
      ],
    ],
  ];
  for (const [name, status, lines] of cases) {
    const text = shown(status, others);
    for (const line of lines) t.ok(text.split('\n').includes(line), `${name}: ${line}\n${text}`);
  }
});

test('the other members: their own word, and no warning twice', async (t) => {
  const members = [member('n1', 'self'), member('n2'), member('n3', 'faulty', { problem: 'refused' })];
  const n2 = healthy('n2', {
    members: [member('n1'), member('n2', 'self'), member('n3', 'faulty', { problem: 'timeout' })],
    hints: { hints: 4, targets: [] },
    antiEntropy: { slots: { ...SLOTS, inSync: 4095 } },
    storage: { corruptRecords: 3 },
  });
  const n3 = { name: 'n3', address: '10.0.0.3:7400', problem: 'connection refused' };
  const text = shown(healthy('n1', { members }), [report(n2), n3]);
  t.same(
    text.split('\n').filter((line) => line.startsWith('!')),
    ['! n3 is faulty (refused)', '! n2: 3 corrupt records found on its disk'],
  );
  t.match(text, /\nn2 .* serving +4 +99\.9 %\n/, 'rounded down: 100 % means all');
  t.match(text, /\nn3 .* faulty .* no answer +- +-\n/);
  const unsuspected = [report(healthy()), report(healthy('n2')), n3];
  t.same(warningLines(unsuspected), ['n3 does not answer: connection refused']);
  const noticed = [report(healthy()), report(n2), report({ ...n2, name: 'n4' })];
  t.same(warningLines(noticed).slice(-1), ['n2, n4: n3 is faulty (timeout)']);
});

test('everything is shown when asked for', async (t) => {
  const text = shown(healthy(), others, true);
  for (const line of [
    'hints        none',
    'tombstones   0 kept; 3 collected, 1 keys expired',
    'health       1 (1 is good)',
  ])
    t.ok(text.split('\n').includes(line), `${line}\n${text}`);
});

test('a status of another version is shown as far as it goes', async (t) => {
  const odd = {
    name: 5,
    members: [null, { name: 'x', share: 'much' }, 'y'],
    requests: [],
    antiEntropy: { slots: 7, lastRound: [], repair: 'x' },
    hints: { targets: {} },
    tombstones: null,
    uptimeMs: Number.NaN,
  };
  const text = shown(odd, [], true);
  t.match(text, /^5 at - is -\n/);
  t.match(text, /\nup {11}-, software -\n/);
  t.match(text, /\nx {5}- {8}- {6}/);
  t.match(shown({}), /^- at - is -\n/);
});

test('a block is painted again in its place, whatever it takes on the terminal', async (t) => {
  t.equal(heightOf('a\nb\n', 80), 2);
  t.equal(heightOf(`${'x'.repeat(81)}\n\n`, 80), 3, 'a long line takes two, an empty one is one');
  t.equal(heightOf(`\u001b[32m${'x'.repeat(80)}\u001b[39m\n`, 80), 1, 'colour takes no room');
  const output = new MemoryOutput(true);
  const repaint = new Repaint(output);
  await repaint.show('a\nb\n');
  await repaint.show('c\n');
  repaint.leave();
  await repaint.show('d\n');
  t.equal(output.text, 'a\nb\n\u001b[2A\r\u001b[Jc\nd\n');
});
