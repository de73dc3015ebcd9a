import t from 'tap';
import { helpText, matrixSyncRun, parseOptions } from '../../bench/options.js';
import { runName } from '../../bench/result.js';

const OWN = { nodes: 3, fsync: 'everysec', storage: 'level' } as const;
const names = (args: string[]) => parseOptions(args).runs.map((run) => runName(run, OWN));

t.test('without options: gets, then sets, in a closed loop on a new cluster', async (t) => {
  const options = parseOptions([]);
  t.same(names([]), ['get 50×1', 'set 50×1']);
  t.equal(options.nodes, undefined);
  t.match(options.cluster, { size: 3, fsync: 'everysec', storage: 'level' });
  t.match(options.runs[0], {
    keys: 100_000,
    valueBytes: 100,
    distribution: 'uniform',
    rate: null,
    durationS: 10,
  });
});

t.test('the distribution follows the workload unless it is given', async (t) => {
  const distributions = (args: string[]) => parseOptions(args).runs.map((run) => run.distribution);
  t.same(distributions(['--workload', 'get,a,c']), ['uniform', 'zipfian', 'zipfian']);
  t.same(distributions(['--workload', 'get,a', '--distribution', 'zipfian']), ['zipfian', 'zipfian']);
  t.same(distributions(['--workload', 'a', '--distribution', 'uniform']), ['uniform']);
});

t.test('every option arrives', async (t) => {
  const args =
    '--nodes 10.0.0.1:1,[::1]:2 --workload b --keys 5 --value-size 7 --connections 8 --pipeline 9 --rate 2.5';
  const more = '--duration 0.5 --warmup 0 --r 1 --w 3 --seed 4 --json - --compare old.json --no-preload';
  const options = parseOptions(`${args} ${more}`.split(' '));
  t.same(options.nodes, ['10.0.0.1:1', '[::1]:2']);
  t.match(options.runs, [
    {
      workload: 'b',
      keys: 5,
      valueBytes: 7,
      connections: 8,
      pipeline: 9,
      rate: 2.5,
      durationS: 0.5,
      warmupS: 0,
      r: 1,
      w: 3,
      seed: 4,
    },
  ]);
  t.match(options, { preload: false, json: '-', compare: 'old.json' });
});

t.test('the matrix is the standard set', async (t) => {
  t.same(names(['--matrix']), ['get 50×1', 'set 50×1', 'get 16×16', 'set 16×16']);
  const sync = matrixSyncRun(parseOptions(['--matrix']).runs[0]!);
  t.equal(runName(sync, { ...OWN, fsync: 'always' }), 'set 256×1 fsync=always');
});

t.test('a wrong option is refused by name', async (t) => {
  const cases: [string, RegExp][] = [
    ['--keys 0', /--keys is a whole number from 1/],
    ['--keys 1.5', /--keys/],
    ['--value-size x', /--value-size/],
    ['--rate 0', /--rate is a number from/],
    ['--workload get,put', /--workload is one or more of get, set, a, b, c, not "put"/],
    ['--distribution normal', /--distribution is one of uniform, zipfian/],
    ['--fsync yes', /--fsync is one of always, everysec, never/],
    ['--nodes here', /--nodes: an address is HOST:PORT/],
    ['--matrix --pipeline 4', /--matrix sets --pipeline itself/],
    ['--unknown', /unknown/],
    ['get', /get/],
  ];
  for (const [args, message] of cases) {
    t.throws(() => parseOptions(args.split(' ')), { code: 'BAD_REQUEST', message }, args);
  }
});

t.test('the help names every option and fits a terminal', async (t) => {
  const help = helpText();
  for (const name of ['nodes', 'matrix', 'rate', 'json', 'compare', 'fsync', 'warmup', 'data']) {
    t.match(help, `--${name}`);
  }
  t.ok(Math.max(...help.split('\n').map((line) => line.length)) <= 100);
});
