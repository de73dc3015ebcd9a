import t from 'tap';
import { healingHelp, parseHealingOptions } from '../../bench/healing/options.js';

const settings = (args: string) =>
  parseHealingOptions(args.split(' ').filter((word) => word !== '')).settings;

t.test('without options: a million keys, of which 1 % will differ', async (t) => {
  t.match(settings(''), { keys: 1_000_000, hints: 100_000, differing: 10_000, valueBytes: 100 });
});

t.test(
  'what differs is a share of the keys, one at least, and hints are no more than the keys',
  async (t) => {
    t.equal(settings('--keys 2000 --differ 2.5').differing, 50);
    t.equal(settings('--keys 2000 --differ 0').differing, 1);
    t.equal(settings('--keys 2000').hints, 2000);
    t.equal(settings('--hints 5').hints, 5);
  },
);

t.test('what cannot be is refused, with what may be', async (t) => {
  t.throws(() => settings('--differ 101'), {
    code: 'BAD_REQUEST',
    message: /--differ is a number from 0 to 100/,
  });
  t.throws(() => settings('--keys 1'), { code: 'BAD_REQUEST', message: /--keys/ });
  t.throws(() => settings('--rate 1'), { code: 'BAD_REQUEST' });
});

t.test('the help names every option', async (t) => {
  const help = healingHelp();
  for (const name of ['keys', 'hints', 'differ', 'quiet', 'json']) t.match(help, `--${name} `);
});
