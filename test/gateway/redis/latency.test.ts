import t from 'tap';
import { LatencyHistogram } from '../../../src/gateway/redis/latency-histogram.js';
import { LatencyMonitor } from '../../../src/gateway/redis/latency-monitor.js';
import { RuntimeConfig } from '../../../src/gateway/redis/runtime-config.js';
import { Rig } from './rig.js';

t.test('a bucket holds what is over half its bound, and up to it', async (t) => {
  const cases: readonly (readonly [ms: number, boundUs: number])[] = [
    [0, 1],
    [0.0004, 1],
    [0.001, 1],
    [0.0011, 2],
    [0.002, 2],
    [0.003, 4],
    [0.004, 4],
    [0.005, 8],
    [1, 1024],
    [1.024, 1024],
    [1.025, 2048],
    [1000, 2 ** 20],
    [1e9, 2 ** 31],
  ];
  for (const [ms, boundUs] of cases) {
    const histogram = new LatencyHistogram();
    histogram.record(ms);
    t.same(histogram.cumulative(), [[boundUs, 1]], `${ms} ms`);
  }
});

t.test('counts add up, and percentiles are the bounds of their buckets', async (t) => {
  const histogram = new LatencyHistogram();
  t.equal(histogram.percentileUs(50), 0, 'of nothing');
  for (let i = 0; i < 98; i++) histogram.record(0.01);
  histogram.record(3);
  histogram.record(50);
  t.equal(histogram.total, 100);
  t.same(histogram.cumulative(), [
    [16, 98],
    [4096, 99],
    [65536, 100],
  ]);
  t.same(
    [50, 98, 98.5, 99, 99.9].map((percent) => histogram.percentileUs(percent)),
    [16, 16, 4096, 4096, 65536],
  );
});

t.test('the monitor is off until it has a threshold', async (t) => {
  const config = new RuntimeConfig();
  const monitor = new LatencyMonitor(config);
  t.notOk(monitor.wants(1e9));
  config.latencyThresholdMs = 10;
  t.notOk(monitor.wants(9.9));
  t.ok(monitor.wants(10));
});

t.test('a second has one sample, the longest; the worst is remembered', async (t) => {
  const monitor = new LatencyMonitor(new RuntimeConfig());
  monitor.add('command', 5.9, 1000);
  monitor.add('command', 20.2, 1500);
  monitor.add('command', 7, 1999);
  monitor.add('command', 3, 2000);
  t.same(monitor.find('command'), {
    name: 'command',
    samples: [
      { unixSeconds: 1, ms: 20 },
      { unixSeconds: 2, ms: 3 },
    ],
    worstMs: 20,
  });
  for (let i = 3; i < 300; i++) monitor.add('command', 4, i * 1000);
  const event = monitor.find('command')!;
  t.equal(event.samples.length, 160);
  t.equal(event.samples[0]!.unixSeconds, 140, 'the oldest have gone');
  t.equal(event.worstMs, 20);
});

t.test('LATENCY answers in the shapes of Redis', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  t.equal(await client.line('LATENCY LATEST'), '*0\r\n');
  t.equal(await client.line('LATENCY HISTORY command'), '*0\r\n');
  t.equal(await client.line('LATENCY GRAPH command'), "-ERR No samples available for event 'command'\r\n");
  rig.latency.add('command', 5, 7000);
  rig.latency.add('command', 3, 8000);
  rig.latency.add('fast-command', 2, 8000);
  t.equal(
    await client.line('LATENCY LATEST'),
    '*2\r\n*4\r\n$7\r\ncommand\r\n:8\r\n:3\r\n:5\r\n*4\r\n$12\r\nfast-command\r\n:8\r\n:2\r\n:2\r\n',
  );
  t.equal(await client.line('LATENCY HISTORY command'), '*2\r\n*2\r\n:7\r\n:5\r\n*2\r\n:8\r\n:3\r\n');
  const [title, ...bars] = (await client.text('LATENCY GRAPH command')).trimEnd().split('\n');
  t.equal(title, 'command: the last 2, 5 ms at most ever');
  t.same(
    bars.map((bar) => bar.replace(/^.* ago /, '')),
    [`${'#'.repeat(40)} 5 ms`, `${'#'.repeat(24).padEnd(40)} 3 ms`],
  );
  t.match(await client.text('LATENCY DOCTOR'), /^command: 2 samples, 4\.0 ms on average, 5 ms at most\./);
  t.equal(await client.line('LATENCY RESET command nothing'), ':1\r\n');
  t.equal(await client.line('LATENCY RESET'), ':1\r\n', 'the other one');
  t.equal(await client.line('LATENCY LATEST'), '*0\r\n');
  t.match(await client.text('LATENCY DOCTOR'), /latency-monitor-threshold/);
});

t.test('commands over the threshold are samples, fast ones by themselves', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  await client.line('CONFIG SET latency-monitor-threshold 5');
  client.send('DEBUG', 'SLEEP', '0.005');
  await rig.clock.advanceAsync(5);
  await client.line('PING');
  t.same(
    rig.latency.events().map(({ name }) => name),
    ['command'],
  );
});

t.test('LATENCY HISTOGRAM is of commands that were called, and of all within a container', async (t) => {
  const rig = new Rig();
  const client = rig.connect();
  for (const [name, ms] of [
    ['get', 0.003],
    ['get', 0.1],
    ['client|list', 0.001],
    ['client|id', 0.001],
  ] as const) {
    rig.statistics.onCommand(name, ms, 'done');
  }
  rig.statistics.onCommand('set', 0, 'rejected');
  t.equal(
    await client.line('LATENCY HISTOGRAM GET set nothing'),
    '*2\r\n$3\r\nget\r\n*4\r\n$5\r\ncalls\r\n:2\r\n$14\r\nhistogram_usec\r\n*4\r\n:4\r\n:1\r\n:128\r\n:2\r\n',
  );
  await client.line('HELLO 3');
  t.equal(
    await client.line('LATENCY HISTOGRAM client|id'),
    '%1\r\n$9\r\nclient|id\r\n%2\r\n$5\r\ncalls\r\n:1\r\n$14\r\nhistogram_usec\r\n%1\r\n:1\r\n:1\r\n',
  );
  t.match(await client.line('LATENCY HISTOGRAM client'), /^%2\r\n/);
});
