import t from 'tap';
import { faultsHelp, parseFaultsOptions } from '../../bench/faults/options.js';

t.test('without options: five nodes, 100,000 keys, half gets', async (t) => {
  const { help, settings, json } = parseFaultsOptions([]);
  t.match(settings, { nodes: 5, keys: 100_000, getShare: 0.5, durationS: 15, fsync: 'everysec' });
  t.same([help, json], [false, undefined]);
});

t.test('every option arrives', async (t) => {
  const args = '--nodes 3 --keys 10 --rate 7.5 --gets 95 --duration 4 --value-size 8 --fsync always --seed 2';
  const options = parseFaultsOptions(`${args} --json - --data /somewhere`.split(' '));
  t.same(options, {
    help: false,
    settings: {
      nodes: 3,
      keys: 10,
      rate: 7.5,
      getShare: 0.95,
      durationS: 4,
      valueBytes: 8,
      fsync: 'always',
      seed: 2,
    },
    dataParent: '/somewhere',
    json: '-',
  });
});

t.test('what cannot be is refused, with what may be', async (t) => {
  const wrong: [args: string[], message: RegExp][] = [
    [['--nodes', '2'], /--nodes is a whole number from 3 to 20, not "2"/],
    [['--duration', '61'], /--duration is a number from 3 to 60, not "61"/],
    [['--gets', '-1'], /--gets/],
    [['--rate', '0'], /--rate/],
    [['--fsync', 'often'], /--fsync is one of always, everysec, never/],
    [['--workload', 'a'], /workload/],
  ];
  for (const [args, message] of wrong) {
    t.throws(() => parseFaultsOptions(args), { code: 'BAD_REQUEST', message }, args.join(' '));
  }
});

t.test('the help names every option', async (t) => {
  const help = faultsHelp();
  for (const name of ['nodes', 'rate', 'gets', 'keys', 'duration', 'json']) t.match(help, `--${name} `);
});
