import { test } from 'tap';
import { colour } from '../../cli/output/colour.js';
import { renderTable } from '../../cli/output/table.js';
import { AutoClock } from './auto-clock.js';
import { FakeClient } from './fake-client.js';
import { kvcli } from './kvcli-run.js';

const MEMBERS = [
  { name: 'n1', address: '127.0.0.1:7400', weight: 1, zone: 'east' },
  { name: 'n10', address: '127.0.0.1:7402', weight: 1, zone: 'west' },
  { name: 'n2', address: '127.0.0.1:7401', weight: 1, zone: '' },
];

const STATUS = {
  name: 'n1',
  address: '127.0.0.1:7400',
  clusterId: 'c0ffee',
  epoch: 4,
  uptimeMs: 7_260_000,
  software: '0.1.0',
  state: 'serving',
  replicas: 5,
  readQuorum: 0,
  writeQuorum: 2,
  effectiveReplicas: 3,
  underReplicated: true,
  members: [
    { ...MEMBERS[0], state: 'self', rttMs: null, clockOffsetMs: null, share: 0.3333 },
    { ...MEMBERS[2], state: 'alive', rttMs: 0.21, clockOffsetMs: -3.4, share: 0.3334 },
    { ...MEMBERS[1], state: 'unreachable', problem: 'timeout', rttMs: 12, clockOffsetMs: 250, share: 0.3333 },
  ],
  storage: { engine: 'level', fsync: 'everysec', state: 'ok', cacheRecords: 12_345, corruptRecords: 2 },
  requests: { reads: 1000, writes: 200, readRepairs: 3, hedges: 4, resends: 5, failures: 6, inFlight: 7 },
  connections: { clients: 2, peers: 4 },
  cpu: { userUs: 1_500_000, systemUs: 250_000 },
  memory: { rssBytes: 88_187_085 },
};

function cluster(): FakeClient {
  const client = new FakeClient(new AutoClock());
  client.ringInfo = {
    clusterId: 'c0ffee',
    epoch: 4,
    replicas: 3,
    readQuorum: 0,
    writeQuorum: 2,
    members: MEMBERS,
    live: ['n1', 'n2'],
    self: 'n1',
  };
  client.statusOf.set('', STATUS);
  client.statusOf.set('127.0.0.1:7400', STATUS);
  client.statusOf.set('127.0.0.1:7401', {
    ...STATUS,
    name: 'n2',
    state: 'joining',
    members: [],
    requests: 'none',
  });
  return client;
}

test('status: the node that was named, and a word of each other member', async (t) => {
  const { output, exitCode } = await kvcli(['status'], { client: cluster() });
  t.equal(exitCode, 0);
  t.equal(
    output.text,
    `n1 at 127.0.0.1:7400 is serving
! 2 corrupt records found on its disk
! under-replicated: keys have 3 of 5 replicas; add nodes
! n10 is unreachable (timeout)
! n2: it is in no cluster yet, and asks the nodes of its --join; its log says what they answer
! n2: 2 corrupt records found on its disk
cluster   c0ffee, epoch 4, 3 members
replicas  3; a majority to read, 2 to write
up        2h 1m, software 0.1.0

NAME  ADDRESS         STATE        SINCE  INC    CLOCK   SHARE  ITSELF     HINTS  IN SYNC
n1    127.0.0.1:7400  self             -    -        -  33.3 %  serving        -        -
n2    127.0.0.1:7401  alive            -    -    -3 ms  33.3 %  joining        -        -
n10   127.0.0.1:7402  unreachable      -    -  +250 ms  33.3 %  no answer      -        -
`,
  );
  const json = (await kvcli(['status', '--json'], { client: cluster() })).output.json;
  t.match(json, [
    {
      ...STATUS,
      others: [
        { name: 'n2', status: {} },
        { name: 'n10', problem: /refused/ },
      ],
    },
  ]);
});

test('status --verbose shows everything', async (t) => {
  const { output } = await kvcli(['status', '--verbose'], { client: cluster() });
  for (const line of [
    'storage      level, fsync everysec, ok, 12,345 records in the cache',
    'requests     1,000 reads, 200 writes, 6 failures, 7 in flight',
    'repairs      3 read repairs, 4 hedged reads, 5 writes sent again',
    'connections  2 from clients, 4 with peers',
    'cpu          1.5 s user, 250 ms system',
    'memory       84.1 MiB',
    'hints        none',
    'compared     with nobody yet',
  ])
    t.ok(output.text.includes(`\n${line}\n`), line);
});

test('status asks the next of the nodes that were named when the first is away', async (t) => {
  const client = cluster();
  const { output } = await kvcli(['-h', '127.0.0.1:7402,127.0.0.1:7400', 'status'], { client });
  t.match(output.text, /^n1 at/);
  const none = await kvcli(['-h', '127.0.0.1:7402', 'status'], { client });
  t.equal(none.exitCode, 2);
  t.match(none.output.notes, [/CONNECT_FAILED: no node answers at 127.0.0.1:7402/]);
});

test('status --all asks every member, and fails when one does not answer', async (t) => {
  const { output, exitCode } = await kvcli(['status', '--all'], { client: cluster() });
  t.equal(exitCode, 2);
  t.equal(
    output.text,
    `NAME  ADDRESS         STATE         UP  READS  WRITES  REPAIRS  FAILURES  CLIENTS    MEMORY
n1    127.0.0.1:7400  serving    2h 1m  1,000     200        3         6        2  84.1 MiB
n2    127.0.0.1:7401  joining    2h 1m      -       -        -         -        2  84.1 MiB
n10   127.0.0.1:7402  no answer      -      -       -        -         -        -         -
`,
  );
  t.same(output.notes, [
    'n10: cannot connect to 127.0.0.1:7402: connection refused',
    'n1, n2: 2 corrupt records found on its disk',
    'n1, n2: under-replicated: keys have 3 of 5 replicas; add nodes',
    'n1: n10 is unreachable (timeout)',
    'n2: it is in no cluster yet, and asks the nodes of its --join; its log says what they answer',
  ]);
  const json = (await kvcli(['status', '--all', '--json'], { client: cluster() })).output.json;
  t.equal(json.length, 3);
  t.match(json[2], { name: 'n10', state: 'no answer', problem: /refused/ });
});

test('members', async (t) => {
  const { output } = await kvcli(['members'], { client: cluster() });
  t.match(output.text, /^NAME {2}ADDRESS {9}STATE/);
  t.equal(output.text.split('\n').length, 5);
  t.equal((await kvcli(['members', '--json'], { client: cluster() })).output.json.length, 3);
});

test('ring: configuration, and what each member carries', async (t) => {
  const { output, exitCode } = await kvcli(['ring'], { client: cluster() });
  t.equal(exitCode, 0);
  t.equal(
    output.text,
    `cluster      c0ffee
epoch        4
replicas     3; a majority to read, 2 to write
answered by  n1

NAME  ADDRESS         LIVE  ZONE  WEIGHT  SLOTS   SHARE
n1    127.0.0.1:7400  yes   east       1  2,048  16.7 %
n2    127.0.0.1:7401  yes   -          1  6,144  50.0 %
n10   127.0.0.1:7402  no    west       1  4,096  33.3 %
`,
  );
  const json = (await kvcli(['ring', '--json'], { client: cluster() })).output.json;
  t.match(json, [{ epoch: 4, members: [{ name: 'n1', slots: 2048, live: true }, { live: false }, {}] }]);
});

test('owners', async (t) => {
  const { output } = await kvcli(['owners', 'user:7'], { client: cluster() });
  t.equal(
    output.text,
    `key   "user:7"
slot  1234 of 4096
hash  4d2f00ff00ff00ff

NAME  ADDRESS         LIVE
n2    127.0.0.1:7401  yes
n1    127.0.0.1:7400  no
`,
  );
  const json = (await kvcli(['owners', 'user:7', '--json'], { client: cluster() })).output.json;
  t.match(json, [{ key: 'user:7', slot: 1234, owners: [{ name: 'n2', live: true }, { name: 'n1' }] }]);
});

test('colour does not shift columns', async (t) => {
  const { green } = colour(true);
  const columns = [{ title: 'A' }, { title: 'B', align: 'right' }] as const;
  const rows = [
    [green('x'), '1'],
    ['漢字', '22'],
  ];
  const shown = renderTable(columns, rows, colour(true));
  t.ok(shown.includes('\x1b[32mx\x1b[39m'), 'coloured');
  const plain = renderTable(columns, [['x', '1'], rows[1]!], colour(false));
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what colour is made of.
  t.equal(shown.replace(/\x1b\[\d+m/g, ''), plain);
  t.equal(plain, 'A      B\nx      1\n漢字  22\n');
});
